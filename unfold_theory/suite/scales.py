r"""What is verified by default, at two scales.

``quick`` (100 x 200) trains in minutes on two cores; ``paper`` has the size of the literature (250 x 500). Each has

- *standard*: the set-up of the papers' experiments, with signals that are far less sparse than coherence theory covers;
- *standard, noisy*: the same at 40 dB;
- *sparse*: s-sparse signals with entries $\pm B$, the extreme points of the theorems' class. Beside trained networks it
  has those that the theorems construct, where their bounds must hold and say something;
- *sparse, noisy*: the same with noise, for the theorems that allow it;
- *long*: ISTA and FISTA for more iterations, to compare with rates in the number of iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS
from unfold_theory.problems import BernoulliGaussian, SparseRecovery, WorstCase
from unfold_theory.suite.entry import Entry, resolve_network
from unfold_theory.training import TrainingConfig, quick_recipe
from unfold_theory.training import recipe as known_recipe

CLASSICAL = ("ista", "fista", "oista")
OWN_TRAINING = TrainingConfig(steps=200, learning_rate=1e-2, decays=(0.2,), patience=None)
"""Of a user's own network, of which nothing is known."""


@dataclass(frozen=True)
class Scale:
    """Sizes of a suite.

    Attributes:
        name: Name in ``SCALES``.
        title: One line for ``unfold-theory list``.
        m, n: Shape of the dictionary.
        sparsity: Of the *sparse* regimes: the minimax weight of this size must allow it with room to spare.
        iterations: Depth of the *long* regime.
        training: Training and options of a registered network of a depth at this scale, on a problem.
        depth: Number of layers elsewhere.
        signals: Signals of each setting.
        long_signals: Signals of the *long* regime.
    """

    name: str
    title: str
    m: int
    n: int
    sparsity: int
    iterations: int
    training: Callable[[str, int, Mapping[str, Any]], tuple[TrainingConfig, dict[str, Any]]]
    depth: int = 16
    signals: int = 128
    long_signals: int = 48

    def problems(self) -> dict[str, SparseRecovery]:
        """The problem of each regime."""
        standard = SparseRecovery.gaussian(self.m, self.n, law=BernoulliGaussian(0.1))
        standard_noisy = SparseRecovery.gaussian(self.m, self.n, law=BernoulliGaussian(0.1), snr_db=40.0)
        sparse = SparseRecovery.gaussian(self.m, self.n, law=WorstCase(self.sparsity))
        noisy = SparseRecovery.gaussian(self.m, self.n, law=WorstCase(self.sparsity), snr_db=60.0)
        return {
            "standard": standard,
            "standard, noisy": standard_noisy,
            "sparse": sparse,
            "sparse, noisy": noisy,
            "long": standard,
        }


def _quick_training(network: str, depth: int, problem: Mapping[str, Any]) -> tuple[TrainingConfig, dict[str, Any]]:
    made = quick_recipe(network, depth, problem)
    return made.training, made.options


def _paper_training(network: str, depth: int, problem: Mapping[str, Any]) -> tuple[TrainingConfig, dict[str, Any]]:
    known = {"alista": "alista-snr40", "lista-cpss": "lista-cpss-noisefree"}.get(network)
    if known is not None and problem["law"]["kind"] == BernoulliGaussian.kind:
        return known_recipe(known).training, known_recipe(known).options
    training, options = _quick_training(network, depth, problem)
    return replace(training, steps=400, learning_rate=1e-2), options


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("quick", "100 x 200, minutes on two cores", 100, 200, 2, 100, _quick_training),
        Scale("paper", "250 x 500, the size of the literature", 250, 500, 4, 100, _paper_training),
    )
}


def find_scale(name: str) -> Scale:
    """The scale of a name.

    Raises:
        InputError: There is none.
    """
    if name not in SCALES:
        raise InputError(f"There is no scale {name!r}", f"Choose one of {', '.join(SCALES)}")
    return SCALES[name]


def suite(scale: str | Scale = "quick") -> list[Entry]:
    """The entries of a scale, in the order in which tables show them.

    Raises:
        InputError: There is no such scale.
    """
    made = find_scale(scale) if isinstance(scale, str) else scale
    recipes = {regime: problem.recipe for regime, problem in made.problems().items()}
    entries = [_trained_or_classical(made, name, "standard", recipes["standard"]) for name in NETWORKS]
    for name in ("lista-cpss", "alista"):
        entries.append(_trained_or_classical(made, name, "standard, noisy", recipes["standard, noisy"]))
    entries += [_theory(made, name, "sparse", recipes["sparse"]) for name in ("lista-cp", "lista-cpss", "alista")]
    entries += [
        _trained_or_classical(made, name, "sparse", recipes["sparse"]) for name in ("lista", "lista-cp", "alista")
    ]
    entries += [_theory(made, name, "sparse, noisy", recipes["sparse, noisy"]) for name in ("lista-cp", "lista-cpss")]
    for name in CLASSICAL:
        entry = _trained_or_classical(made, name, "long", recipes["long"])
        entries.append(replace(entry, depth=made.iterations, signals=made.long_signals))
    return entries


def entries_for(network: str, scale: str | Scale = "quick") -> list[Entry]:
    """The entries of one network: those of the suite, or for a user's own file the trained ones of two regimes.

    Raises:
        InputError: There is no such scale or network.
    """
    made = find_scale(scale) if isinstance(scale, str) else scale
    cls = resolve_network(network)
    known = [entry for entry in suite(made) if entry.network == network]
    if known:
        return known
    problems = made.problems()
    return [_own(made, network, cls.title, regime, problems[regime].recipe) for regime in ("standard", "sparse")]


def _trained_or_classical(scale: Scale, network: str, regime: str, recipe: dict[str, Any]) -> Entry:
    title = f"{NETWORKS[network].title}, {regime}"
    if network in CLASSICAL:
        options = {"lam": Entry.lam}
        return Entry(title, regime, network, recipe, scale.depth, "classical", options, signals=scale.signals)
    training, options = scale.training(network, scale.depth, recipe)
    return Entry(title, regime, network, recipe, scale.depth, "trained", options, training, signals=scale.signals)


def _theory(scale: Scale, network: str, regime: str, recipe: dict[str, Any]) -> Entry:
    options = {"selected": [scale.sparsity] * scale.depth} if network == "lista-cpss" else {}
    title = f"{NETWORKS[network].title} of theory, {regime}"
    return Entry(title, regime, network, recipe, scale.depth, "theory", options, signals=scale.signals)


def _own(scale: Scale, network: str, title: str, regime: str, recipe: dict[str, Any]) -> Entry:
    name = f"{title}, {regime}"
    return Entry(name, regime, network, recipe, scale.depth, "trained", {}, OWN_TRAINING, signals=scale.signals)
