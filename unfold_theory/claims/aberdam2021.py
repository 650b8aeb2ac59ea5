r"""Aberdam, Golts and Elad 2021: Ada-LISTA on a dictionary that is not the one its weight was made for.

The columns of $\tilde D=D+E$ are perturbed. Ada-LISTA's products adapt, $\tilde D^TW^T\tilde D$; ALISTA's weight stays,
$W^T\tilde D$. In either case the products move by at most $\delta$, and the recursion of the coherence theory gives
the rate $(2s-1)(\mu_W+\delta)+\delta$, with $\mu_W=\max_{i\ne j}|d_i^TW^Td_j|$ ($|w_i^Td_j|$ for ALISTA) on the
dictionary that W was made for: $\delta$ off the diagonal adds to the coherence, on it to the normalisation. The
constants of the paper's theorems are not used; these are derived in ``proofs_checks/check_aberdam2021.py``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.chen2018 import no_gain, weights_coupled
from unfold_theory.claims.shared import (
    constants,
    layers_as_declared,
    noise_free,
    selection_decided,
    selection_gated,
    starts_at_zero,
    zero_code_error,
    zero_code_support,
)
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.networks import AdaListaSingle, Alista
from unfold_theory.networks.tensors import entry, numpy64
from unfold_theory.rates.perturbation import Movement, adapted_movement, fixed_movement
from unfold_theory.rates.sparse_coding import (
    NORMALISATION_SLACK,
    THRESHOLD_SLACK,
    WeightConstants,
    class_errors,
    contraction,
    threshold_law,
)

PROOF = "proofs_checks/check_aberdam2021.py"


def _own(s: Setting) -> np.ndarray:
    found = s.network.trained_on
    return s.problem.dictionary if found is None else np.asarray(found, dtype=np.float64)


def movement(s: Setting) -> Movement:
    """Of the setting's network.

    Raises:
        MissingStructure: It is neither Ada-LISTA with a single weight nor ALISTA.
    """
    if isinstance(s.network, AdaListaSingle):
        weight = numpy64(entry(s.network.weights, 0))
        return adapted_movement(weight, _own(s), s.problem.dictionary)
    if isinstance(s.network, Alista):
        return fixed_movement(numpy64(s.network.weights), _own(s), s.problem.dictionary)
    raise MissingStructure(s.network.title, "a perturbed dictionary", "a single weight, or ALISTA's")


def moved_constants(s: Setting) -> WeightConstants:
    r"""The network's constants with $\mu_W+\delta$ and $\delta$ in the place of what its products really are."""
    found, own = s.cached(movement), s.cached(constants)
    shape = own.gain.shape
    return replace(
        own,
        coherence=(found.coherence + found.shift).broadcast_to(shape),
        normalisation=(found.normalisation + found.shift).broadcast_to(shape),
    )


def _bounds(s: Setting) -> Enclosure:
    c = s.signal_class
    return class_errors(s.cached(moved_constants), magnitude=c.magnitude, sparsity=c.sparsity, noise=c.noise)


def _law(s: Setting) -> Enclosure:
    return threshold_law(s.cached(moved_constants), s.cached(_bounds), s.signal_class.noise)


@hypothesis
def adapts(s: Setting) -> Inequality:
    r"""The products adapt: $W^k=WD$ with W of shape (m, m)."""
    if not isinstance(s.network, AdaListaSingle):
        raise MissingStructure(s.network.title, "a theorem on Ada-LISTA", "one weight of shape (m, m)")
    return Enclosure.exact(0.0) <= 0.0


@hypothesis
def stays(s: Setting) -> Inequality:
    r"""The weight of shape (m, n) stays as it is."""
    if not isinstance(s.network, Alista) or s.network.trained_on is None:
        raise MissingStructure(
            s.network.title, "a fixed weight on another dictionary", "ALISTA's weight, made for another dictionary"
        )
    return Enclosure.exact(0.0) <= 0.0


@hypothesis
def normalised_before(s: Setting) -> Inequality:
    r"""$|1-d_i^TW^Td_i|\le10^{-6}$ on the dictionary that W was made for (0 in the theorem; the excess enters)."""
    return s.cached(movement).normalisation <= NORMALISATION_SLACK


@hypothesis
def perturbation_small(s: Setting) -> Inequality:
    r"""$(2s-1)(\mu_W+\delta)+\delta<1$."""
    return contraction(s.cached(moved_constants), s.signal_class.sparsity).max() < 1.0


@hypothesis
def thresholds_large_enough(s: Setting) -> Inequality:
    r"""$\theta^k\ge(\mu_W+\delta)E_k$, $E_0=sB$, $E_{k+1}=((s-1)(\mu_W+\delta)+\delta)E_k+s\theta^k$."""
    return s.cached(_law) <= s.cached(constants).threshold


@hypothesis
def thresholds_not_larger(s: Setting) -> Inequality:
    r"""$\theta^k\le(1+10^{-9})(\mu_W+\delta)E_k$."""
    return s.cached(constants).largest_threshold <= s.cached(_law) * (1 + THRESHOLD_SLACK)


COMMON = [
    starts_at_zero,
    layers_as_declared,
    noise_free,
    weights_coupled,
    no_gain,
    normalised_before,
    perturbation_small,
    thresholds_large_enough,
    thresholds_not_larger,
    selection_gated,
    selection_decided,
]


def _rate(s: Setting) -> Inequality:
    c = s.signal_class
    factors = contraction(s.cached(moved_constants), c.sparsity).cumprod()
    return s.error(2) <= s.up_to_rounding(factors * (c.magnitude * c.sparsity), 2)


@claim(
    source="aberdam2021",
    theorem="Perturbed dictionary (derived)",
    hypotheses=[adapts, *COMMON],
    trivial=zero_code_error,
    proof=PROOF,
)
def perturbed_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le sB\,q^k$ on $\mathcal X(B,s,0)$, $q=(2s-1)(\mu_W+\delta)+\delta$, for Ada-LISTA with one
    weight on $\tilde D=D+E$, $\delta=\max_{ij}(\|E_i\|\|W^Td_j\|+\|Wd_i\|\|E_j\|+\|E_i\|\|W\|\|E_j\|)$.

    Thresholds follow the law of the perturbed coherence. Without perturbation, $\delta=0$, this is the linear rate.
    """
    return _rate(s)


@claim(
    source="aberdam2021",
    theorem="Perturbed dictionary, support (derived)",
    hypotheses=[adapts, *COMMON],
    trivial=zero_code_support,
    proof=PROOF,
)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ on $\mathcal X(B,s,0)$, dictionary $\tilde D$ (outside: 0 up to
    rounding).
    """
    return s.off_support <= s.rounding


@claim(
    source="aberdam2021",
    theorem="Fixed weight on a perturbed dictionary (derived)",
    hypotheses=[stays, *COMMON],
    trivial=zero_code_error,
    proof=PROOF,
)
def fixed_weight_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le sB\,q^k$ on $\mathcal X(B,s,0)$, $q=(2s-1)(\mu+\delta)+\delta$,
    $\delta=\max_{ij}\|w_i\|\|E_j\|$, for ALISTA whose weight was made for D and whose residual is taken
    with $\tilde D=D+E$.
    """
    return _rate(s)
