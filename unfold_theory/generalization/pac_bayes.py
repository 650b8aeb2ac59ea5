r"""PAC-Bayes bounds of randomised networks: Gaussian posteriors around a prior's centre, certified in three steps.

1. $\mathrm{kl}(\rho\hat R\|\rho R)\le(\mathrm{KL}(\rho\|\pi)+\ln\frac{2\sqrt N}\delta)/N$ for all $\rho$ at once,
   with probability $1-\delta$ (Seeger 2002; Maurer 2004), for losses in [0, 1].
2. The prior's variances are taken from a finite grid, group by group; the union bound adds the logarithm of its size.
3. $\rho\hat R$ is not computable. H independent pairs of a network drawn from $\rho$ and an index drawn from the sample
   have mean loss $\rho\hat R$; an upper limit at $\delta'$ from them takes its place (Langford and Caruana 2001), and
   the bound holds with probability $1-\delta-\delta'$. The posterior is fixed before the pairs are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap

from unfold_theory.enclosure import Enclosure, maximum
from unfold_theory.errors import InputError
from unfold_theory.generalization.binomial import binomial_upper
from unfold_theory.generalization.checks import failure_probability
from unfold_theory.generalization.coordinates import Coordinates
from unfold_theory.generalization.kl import kl_upper
from unfold_theory.generalization.losses import BoundedLoss
from unfold_theory.generalization.occam import sample_digest
from unfold_theory.generalization.priors import Centre
from unfold_theory.problems import Batch
from unfold_theory.problems.checks import Integer, Number, positive_integer, seed_integer

EXPONENTS = tuple(range(0, 33))
"""Prior standard deviations $2^{-j/2}$, from 1 to about 1.5e-5."""
_PAIRS_AT_ONCE = 1_000


class GaussianPrior:
    r"""$\pi=N(0,s_g^2I)$ on the coordinates of each group g, with $s_g$ from the grid $2^{-j/2}$: one prior a choice.

    It is made before and without the sample.

    Args:
        centre: The network at the coordinates 0.
        exponents: j of the standard deviations on the grid.

    Raises:
        InputError: The centre has nothing to perturb, or the grid is empty.
    """

    def __init__(self, centre: Centre, *, exponents: tuple[int, ...] = EXPONENTS):
        if not exponents or len(set(exponents)) < len(exponents):
            raise InputError(f"A grid of prior deviations {exponents!r}", "Pass at least one exponent, each once")
        self.centre = centre
        self.coordinates = Coordinates(centre.network)
        self.exponents = tuple(int(j) for j in exponents)

    @property
    def log_choices(self) -> Enclosure:
        """Logarithm of the number of priors on the grid: what the union bound over them adds."""
        return float(len(self.coordinates.groups)) * Enclosure.exact(float(len(self.exponents))).log()

    def nearest(self, deviations: Mapping[str, float]) -> dict[str, int]:
        """The grid's exponent nearest to a wanted deviation, for each group."""
        grid = np.array(self.exponents)
        return {
            name: int(grid[np.abs(grid + 2 * math.log2(max(value, 1e-300))).argmin()])
            for name, value in deviations.items()
        }


@dataclass(frozen=True, eq=False)
class GaussianPosterior:
    r"""$\rho=N(u,\mathrm{diag}\,\sigma^2)$ on a prior's coordinates.

    Attributes:
        prior: With its grid of deviations.
        means: u for each group, float64.
        deviations: $\sigma>0$ for each group.
        exponents: Of the prior's deviation that each group is compared with.

    Raises:
        InputError: A group is missing or of another size, a deviation is not positive, or an exponent is off the grid.
    """

    prior: GaussianPrior
    means: Mapping[str, Float64[np.ndarray, " size"]]
    deviations: Mapping[str, Float64[np.ndarray, " size"]]
    exponents: Mapping[str, int]

    def __post_init__(self) -> None:
        for group in self.prior.coordinates.groups:
            given = [part.get(group.name, np.array([])) for part in (self.means, self.deviations)]
            if any(part.shape != (group.size,) for part in given):
                raise InputError(f"A posterior without {group.size} numbers for {group.name}", "Pass one a coordinate")
            if not (np.isfinite(self.means[group.name]).all() and (self.deviations[group.name] > 0).all()):
                raise InputError(f"A mean or deviation of {group.name} is no number above 0", "Check the training")
            if self.exponents.get(group.name) not in self.prior.exponents:
                raise InputError(
                    f"A prior deviation for {group.name} off the grid",
                    "Choose one of the prior's exponents: the grid is fixed before the data",
                )

    @property
    def divergence(self) -> Enclosure:
        r"""$\mathrm{KL}(\rho\|\pi)=\frac12\sum_i((u_i^2+\sigma_i^2)/s^2-1+\ln(s^2/\sigma_i^2))$, certified."""
        total = Enclosure.exact(0.0)
        for name, j in self.exponents.items():
            variance = Enclosure.exact(2.0**-j)
            mean, deviation = Enclosure.exact(self.means[name]), Enclosure.exact(self.deviations[name])
            squared = deviation * deviation
            terms = (mean * mean + squared) / variance - 1.0 + (variance / squared).log()
            total = total + 0.5 * terms.sum()
        return maximum(total, 0.0)


@dataclass(frozen=True, eq=False)
class PacBayesCertificate:
    r"""What PAC-Bayes certifies of a randomised network, from its training sample alone.

    Attributes:
        posterior: A fresh draw of it for every signal has the risk that is bounded.
        divergence: Upper end of KL, without the union over the prior's grid.
        complexity: $(\mathrm{KL}+\ln|\text{grid}|+\ln(2\sqrt N/\delta))/N$, rounded up.
        empirical: Mean loss of the pairs.
        empirical_upper: Its upper limit for $\rho\hat R$, at $\delta'$.
        bound: Upper bound on $\rho R$ with probability $1-\delta-\delta'$.
        pairs: H.
        count: N.
        sample: Digest of the sample.
        delta: $\delta+\delta'$.
    """

    posterior: GaussianPosterior
    divergence: float
    complexity: float
    empirical: float
    empirical_upper: float
    bound: float
    pairs: int
    count: int
    sample: str
    delta: float

    @property
    def risk(self) -> Enclosure:
        r"""$0\le\rho R\le$ bound."""
        return Enclosure.confidence(np.array(0.0), np.array(self.bound), delta=self.delta)


def pac_bayes_upper(empirical: Number, divergence: Number, count: Integer, delta: Number, *, log_choices: Number = 0.0):
    r"""$\mathrm{kl}^{-1}(\rho\hat R|(\mathrm{KL}+\ln|\text{grid}|+\ln\frac{2\sqrt N}\delta)/N)$ and the level of kl.

    Args:
        empirical: $\rho\hat R$, or an upper limit of it.
        divergence: KL, or an upper limit of it.
        count: N.
        delta: In (0, 1).
        log_choices: What the union over priors adds.

    Raises:
        InputError: A number is out of its range.
    """
    n, level = positive_integer("sample size", count), failure_probability(delta)
    if not (divergence >= 0 and log_choices >= 0):
        raise InputError(f"A KL of {divergence!r} and a union of {log_choices!r} nats", "Pass numbers of at least 0")
    root = Enclosure.exact(float(4 * n)).sqrt().log() - Enclosure.exact(level).log()
    complexity = (Enclosure.exact(float(divergence)) + Enclosure.exact(float(log_choices)) + root) / float(n)
    return float(kl_upper(float(empirical), float(complexity.hi))), float(complexity.hi)


def pac_bayes_certificate(
    posterior: GaussianPosterior,
    sample: Batch,
    *,
    loss: BoundedLoss,
    delta: Number = 0.005,
    delta_pairs: Number = 0.005,
    pairs: Integer = 100_000,
    seed: Integer = 0,
) -> PacBayesCertificate:
    r"""Certifies a posterior from the sample that it was trained on.

    Args:
        posterior: Fixed before this call: the pairs are drawn now.
        sample: The signals that training saw.
        loss: With values in [0, 1].
        delta: $\delta$ of the PAC-Bayes bound.
        delta_pairs: $\delta'$ of the limit from the pairs.
        pairs: H.
        seed: Of the pairs; not one that training used.

    Raises:
        InputError: The prior's centre has seen the sample, or a number is out of its range.
    """
    posterior.prior.centre.check_unseen(sample)
    level = failure_probability(delta_pairs)
    losses = draw_losses(posterior, sample, loss, pairs=pairs, seed=seed)
    mean = math.fsum(losses.tolist()) / len(losses)
    if loss.binary:
        upper = float(binomial_upper(int(losses.sum()), len(losses), level))
    else:
        budget = -Enclosure.exact(level).log() / float(len(losses))
        upper = float(kl_upper(min(float(np.nextafter(mean, 1.0)), 1.0), float(budget.hi)))
    divergence = float(posterior.divergence.hi)
    choices = float(posterior.prior.log_choices.hi)
    bound, complexity = pac_bayes_upper(upper, divergence, len(sample.y), delta, log_choices=choices)
    return PacBayesCertificate(
        posterior=posterior,
        divergence=divergence,
        complexity=complexity,
        empirical=mean,
        empirical_upper=upper,
        bound=bound,
        pairs=len(losses),
        count=len(sample.y),
        sample=sample_digest(sample),
        delta=float(np.nextafter(float(delta) + level, 1.0)),
    )


def draw_losses(
    posterior: GaussianPosterior, sample: Batch, loss: BoundedLoss, *, pairs: Integer, seed: Integer
) -> NDArray[np.float64]:
    """Losses of H independent pairs of a drawn network and a signal, the signals drawn with replacement; float64.

    Raises:
        InputError: H is not positive, or a loss leaves [0, 1].
    """
    total = positive_integer("number of pairs", pairs)
    drawn, chosen = np.random.SeedSequence(seed_integer(seed)).spawn(2)
    generator = torch.Generator().manual_seed(int(drawn.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    rows = np.random.default_rng(chosen).integers(len(sample.y), size=total)
    coordinates = posterior.prior.coordinates
    means = {name: torch.from_numpy(np.array(u)) for name, u in posterior.means.items()}
    widths = {name: torch.from_numpy(np.array(s)) for name, s in posterior.deviations.items()}

    def code(values: dict[str, Tensor], y: Tensor) -> Tensor:
        return functional_call(coordinates.reference, coordinates.decode(values), (y[None],))[0]

    found = []
    for first in range(0, total, _PAIRS_AT_ONCE):
        now = rows[first : first + _PAIRS_AT_ONCE]
        values = {
            name: mean + widths[name] * torch.randn(len(now), len(mean), generator=generator, dtype=torch.float64)
            for name, mean in means.items()
        }
        with torch.no_grad():
            codes = vmap(code)(values, torch.tensor(sample.y[now])).numpy()
        found.append(loss(codes, sample.x[now]))
    return np.concatenate(found)
