r"""What all bounds on the gap by capacity assume of a trained network, and the project's own of them.

A class is fixed before the data and handed to the setting among its certificates. The network must lie in it, the
loss must be $\frac12\|\sigma(\hat x)-x\|$, measurements must be as short as the class says, and what is held out must
be new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import HalfDistance, coupled_weights, orthogonal_dictionary, scalar_networks
from unfold_theory.generalization.coupled_weights import CoupledClass
from unfold_theory.generalization.covered_risk import single_scale_risk
from unfold_theory.generalization.orthogonal_dictionary import OrthogonalClass
from unfold_theory.generalization.scalar_networks import ScalarClass
from unfold_theory.networks import AffineLayer, OrthogonalDictionary
from unfold_theory.verified import spectral_norm_squared

PROOF = "proofs_checks/check_unfoldtheory2026_capacity.py"


def no_gap_beyond(s: RiskSetting) -> Enclosure:
    r"""$1-\hat R_k$: the largest gap that losses in [0, 1] allow."""
    return 1.0 - s.empirical_risk


def over_depths(s: RiskSetting, bound: Callable[[int], Enclosure]) -> Enclosure:
    """A bound for each depth, shape (depth, 1); each may fail with ``s.delta_each``."""
    return stack([bound(k) for k in range(1, s.shape[0] + 1)])[:, None]


def longest_measurement(s: RiskSetting, order: float | int = 2) -> Enclosure:
    r"""$\max\|y\|$ over both samples, shape ()."""
    return Enclosure.exact(np.concatenate([s.sample.y, s.held_out.y])).norm(order).max()


@hypothesis
def held_out_is_new(s: RiskSetting) -> Inequality:
    r"""No held-out signal is in the training sample (how many are)."""
    return s.signals_seen <= 0.0


@hypothesis
def one_law(s: RiskSetting) -> Inequality:
    r"""Training and held-out signals are drawn from one law (0 if so, 1 if not)."""
    return s.law_changed <= 0.0


@hypothesis
def half_distance(s: RiskSetting) -> Inequality:
    r"""The loss is $\frac12\|\sigma(\hat x)-x\|$, $\sigma$ the projection on the unit ball (0 if so, 1 if not)."""
    return Enclosure.exact(0.0 if isinstance(s.loss, HalfDistance) else 1.0) <= 0.0


DRAWN = [held_out_is_new, one_law, half_distance]


def layers_of(s: RiskSetting) -> list[AffineLayer]:
    """The network's affine layers, none of which selects."""
    layers = s.network.affine_layers()
    if any(a.selected for a in layers):
        raise MissingStructure(s.network.title, "a bound on Lipschitz networks", "layers without support selection")
    return layers


def thresholds_off(s: RiskSetting, fixed: Float64[np.ndarray, " depth"]) -> Enclosure:
    r"""$\max_i|\theta_{l,i}-\theta_l|$ from the thresholds that a class fixes, shape (depth, 1)."""
    pairs = zip(layers_of(s), fixed, strict=True)
    return Enclosure.exact(np.array([[float(np.abs(np.asarray(a.threshold) - theta).max())] for a, theta in pairs]))


# -- a learned orthogonal dictionary -------------------------------------------------------------------------------
def learned_dictionary(s: RiskSetting) -> tuple[OrthogonalDictionary, OrthogonalClass]:
    """The network and its class."""
    if not isinstance(s.network, OrthogonalDictionary):
        raise MissingStructure(s.network.title, "a bound for learned dictionaries", "an orthogonal dictionary")
    return s.network, s.certificate(OrthogonalClass)


@hypothesis
def dictionary_measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= learned_dictionary(s)[1].measurement


@hypothesis
def operator_in_class(s: RiskSetting) -> Inequality:
    r"""$\|A\|_2$ is at most the class's."""
    norm = spectral_norm_squared(s.problem.dictionary).sqrt()
    return Enclosure.exact(norm.hi) <= Enclosure.exact(learned_dictionary(s)[1].norm.hi)


@hypothesis
def step_in_class(s: RiskSetting) -> Inequality:
    r"""$\tau\|A\|^2\le1$, and $\tau$ is at most the class's (what is in excess, at most 0)."""
    network, c = learned_dictionary(s)
    tau = Enclosure.exact(network.step_size)
    allowed = (c.gain / c.norm).hi if c.step is None else c.step.hi
    within = 0.0 if network.step_size <= allowed else network.step_size - allowed
    return Enclosure.exact(max(float((tau * c.norm**2).lo) - 1.0, within)) <= 0.0


@hypothesis
def weight_in_class(s: RiskSetting) -> Inequality:
    r"""$\lambda$ is at least the class's."""
    network, c = learned_dictionary(s)
    return c.weight <= Enclosure.exact(network.lam)


@hypothesis
def dictionary_orthogonal(s: RiskSetting) -> Inequality:
    r"""$\|\Phi^T\Phi-I\|_2\le10^{-9}$ (0 in the theorem; float64 leaves its rounding)."""
    basis = Enclosure.exact(learned_dictionary(s)[0].basis64())
    return spectral_norm_squared(basis.T @ basis - np.eye(basis.shape[0])).sqrt() <= 1e-9


LEARNED_DICTIONARY = [
    *DRAWN,
    dictionary_measurements_bounded,
    operator_in_class,
    step_in_class,
    weight_in_class,
    dictionary_orthogonal,
]


@claim(
    source="unfoldtheory2026",
    theorem="learned orthogonal dictionary, one scale (derived)",
    hypotheses=LEARNED_DICTIONARY,
    trivial=no_gap_beyond,
    proof=PROOF,
)
def dictionary_gap(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\min_\varepsilon\{\varepsilon+\sqrt{(\ln2+\frac{n(n-1)}2\ln(1+2\pi K_k/\varepsilon)+
    \ln(K/\delta))/(2N)}\}$ for ISTA with a learned $\Phi\in O(n)$, at all depths k up to K together.

    Half the exponent of free matrices, and depth through $\ln K_k$ alone. Trivial: $1-\hat R_k$.
    """
    c = learned_dictionary(s)[1]
    return s.gap <= over_depths(
        s,
        lambda k: orthogonal_dictionary.single_scale(replace(c, depth=k), s.training_size, delta=s.delta_each),
    )


# -- 2L numbers ----------------------------------------------------------------------------------------------------
def scalar_layers(s: RiskSetting) -> list[AffineLayer]:
    """The layers, if they share one coupled weight and have one threshold each."""
    layers = layers_of(s)
    weight = np.asarray(layers[0].weight)
    if not all(a.coupled and np.array_equal(a.weight, weight) and np.ndim(a.threshold) == 0 for a in layers):
        raise MissingStructure(s.network.title, "a bound for 2L numbers", "one weight, and one threshold a layer")
    return layers


@hypothesis
def scalar_measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= s.certificate(ScalarClass).measurement


@hypothesis
def weight_of_class(s: RiskSetting) -> Inequality:
    r"""$\|W\|$, $\|A\|$ and $\rho$ are at most the class's (what is in excess, at most 0)."""
    c, W = s.certificate(ScalarClass), np.asarray(scalar_layers(s)[0].weight)
    own = ScalarClass.of(s.problem.dictionary, W, c.depth, measurement=c.measurement, largest_gain=c.largest_gain)
    names = ("dictionary", "weights", "expansion")
    return Enclosure.exact(max(0.0, *(float(getattr(own, n).hi - getattr(c, n).hi) for n in names))) <= 0.0


@hypothesis(scope="prefix")
def numbers_in_class(s: RiskSetting) -> Inequality:
    r"""$\gamma_l\in[0,g]$ and $\theta_l\in[0,t]$ of the class in every layer so far (what is in excess, at most 0)."""
    c, excess = s.certificate(ScalarClass), []
    for a in scalar_layers(s):
        gain, theta = float(a.gain), float(a.threshold)
        excess.append(max(-gain, gain - c.largest_gain, -theta, theta - c.largest_threshold, 0.0))
    return Enclosure.exact(np.array(excess)) <= 0.0


@claim(
    source="unfoldtheory2026",
    theorem="2L numbers, one scale (derived)",
    hypotheses=[*DRAWN, scalar_measurements_bounded, weight_of_class, numbers_in_class],
    trivial=no_gap_beyond,
    proof=PROOF,
)
def scalar_gap(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\min_\varepsilon\{\varepsilon+\sqrt{(\sum_{p\le2k}\ln(1+k\,s_p\,\mathrm{range}_p/\varepsilon)+
    \ln(K/\delta))/(2N)}\}$ for ALISTA's 2k numbers, $s_p$ their sensitivities, at all depths k up to K together.

    Says something from about 200 signals on at 10 layers, whatever the dimensions. Trivial: $1-\hat R_k$.
    """
    c = s.certificate(ScalarClass)
    return s.gap <= over_depths(
        s, lambda k: scalar_networks.single_scale(c.at_depth(k), s.training_size, delta=s.delta_each)
    )


@claim(
    source="unfoldtheory2026",
    theorem="2L numbers, one scale with relative entropy (derived)",
    hypotheses=[*DRAWN, scalar_measurements_bounded, weight_of_class, numbers_in_class],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def scalar_risk(s: RiskSetting) -> Inequality:
    r"""$R_k\le\min_\varepsilon\{\mathrm{kl}^{-1}(\hat R_k+\frac\varepsilon2\,|\,(\ln\mathcal N_k(\varepsilon)+
    \ln(GK/\delta))/N)+\frac\varepsilon2\}$ over G = 51 scales, $\mathcal N_k$ as for the gap, at all depths k up to K.

    Where the training risk is small it needs half as many signals and less. Trivial: 1.
    """
    c = s.certificate(ScalarClass)

    def bound(depth: int) -> Enclosure:
        made, trained = c.at_depth(depth), s.empirical_risk[depth - 1, 0]
        return single_scale_risk(
            lambda scale: scalar_networks.log_covering(made, scale), trained, s.training_size, delta=s.delta_each
        )

    return s.risk <= over_depths(s, bound)


# -- learned coupled weights ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class AroundWeight:
    """A class of coupled weights with the reference that it is centred at, fixed before the data.

    Attributes:
        numbers: What the bound reads.
        reference: $W_0$, shape (m, n).
    """

    numbers: CoupledClass
    reference: Float64[np.ndarray, "m n"]


@hypothesis
def coupled_measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= s.certificate(AroundWeight).numbers.measurement


@hypothesis
def reference_of_class(s: RiskSetting) -> Inequality:
    r"""$\|A\|$, $\|W_0\|+r$ and $\rho$ are at most the class's (what is in excess, at most 0)."""
    held = s.certificate(AroundWeight)
    c = held.numbers
    own = CoupledClass.of(
        s.problem.dictionary, held.reference, c.depth, radius=float(c.radius.hi), measurement=c.measurement
    )
    names = ("dictionary", "weights", "expansion")
    return Enclosure.exact(max(0.0, *(float(getattr(own, n).hi - getattr(c, n).hi) for n in names))) <= 0.0


@hypothesis(scope="prefix")
def weights_near_reference(s: RiskSetting) -> Inequality:
    r"""$\|W_l-W_0\|_2\le r$ in every layer so far, one $W$ for all where the class says so (infinity if not)."""
    held, layers = s.certificate(AroundWeight), layers_of(s)
    if not all(a.coupled and float(a.gain) == 1.0 and np.ndim(a.threshold) == 0 for a in layers):
        raise MissingStructure(s.network.title, "a bound for coupled weights", "W alone, and one threshold a layer")
    off, known = [], {}
    for a in layers:
        weight = np.asarray(a.weight)
        if weight.tobytes() not in known:
            known[weight.tobytes()] = spectral_norm_squared(Enclosure.exact(weight) - held.reference).sqrt()
        off.append(known[weight.tobytes()])
    if held.numbers.tied and len(known) > 1:
        return Enclosure.exact(np.full((len(layers), 1), np.inf)) <= held.numbers.radius
    return stack(off)[:, None] <= held.numbers.radius


@hypothesis(scope="prefix")
def coupled_thresholds_in_range(s: RiskSetting) -> Inequality:
    r"""$\theta_l\in[0,1]$ in every layer so far (what is in excess, at most 0)."""
    thetas = np.array([[float(np.max(np.maximum(a.threshold - 1.0, -np.asarray(a.threshold))))] for a in layers_of(s)])
    return Enclosure.exact(np.maximum(thetas, 0.0)) <= 0.0


@claim(
    source="unfoldtheory2026",
    theorem="coupled weights around a reference, one scale (derived)",
    hypotheses=[
        *DRAWN,
        coupled_measurements_bounded,
        reference_of_class,
        weights_near_reference,
        coupled_thresholds_in_range,
    ],
    trivial=no_gap_beyond,
    proof=PROOF,
)
def coupled_gap(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\min_\varepsilon\{\varepsilon+\sqrt{(nm\ln(1+4\sum_{l<k}K_l/\varepsilon)+\sum_{l<k}
    \ln(1+ks_l/\varepsilon)+\ln(K/\delta))/(2N)}\}$ for LISTA-CP with one $W$ within $r$ of $W_0$ (own $W_l$:
    $nm\sum_l\ln(1+4kK_l/\varepsilon)$), $K_l$, $s_l$ the sensitivities, at all depths k up to K together.

    Trivial: $1-\hat R_k$.
    """
    c = s.certificate(AroundWeight).numbers
    return s.gap <= over_depths(
        s, lambda k: coupled_weights.single_scale(c.at_depth(k), s.training_size, delta=s.delta_each)
    )
