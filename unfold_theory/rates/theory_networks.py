"""Networks whose weights and thresholds are those of the theorems, not learned: what the coherence theory speaks of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, ListaCp, ListaCpss
from unfold_theory.problems import SparseRecovery
from unfold_theory.rates.sparse_coding import (
    THRESHOLD_SLACK,
    WeightConstants,
    alista_errors,
    cp_errors,
    cp_thresholds,
    gram_constants,
)

# Half of the slack that the claims grant above the law: certain in float64, and no false entry bypasses by rounding.
ROOM = 1 + THRESHOLD_SLACK / 2


def _constants(
    weight: np.ndarray, dictionary: np.ndarray, depth: int, gains: np.ndarray | None = None
) -> WeightConstants:
    mu, delta, size = (e.broadcast_to((depth,)) for e in gram_constants(weight, dictionary))
    unknown = Enclosure(np.full(depth, -np.inf), np.full(depth, np.inf))
    gain = Enclosure.exact(np.ones(depth) if gains is None else gains)
    return WeightConstants(mu, delta, size, gain, unknown, unknown)


def lista_cp_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: float | int,
    sparsity: int,
    noise: float | int = 0.0,
    selected: list[int] | None = None,
) -> ListaCp:
    r"""LISTA-CP with $\theta^k=\mu E_k+C_W\sigma$ for the class $\mathcal X(B,s,\sigma)$; LISTA-CPSS if ``selected``.

    The thresholds exceed the law by half of ``THRESHOLD_SLACK``, so that they are large enough for certain.

    Raises:
        InputError: The class is empty (s < 1, B <= 0 or sigma < 0).
    """
    _check_class(magnitude, sparsity, noise)
    constants = _constants(weight, problem.dictionary, depth)
    sigma = Enclosure.exact(noise)
    errors = cp_errors(constants, magnitude=Enclosure.exact(magnitude), sparsity=sparsity, noise=sigma)
    thresholds = cp_thresholds(constants, errors, sigma).hi * ROOM
    if selected is None:
        return ListaCp(problem.dictionary, depth, weights=weight, thresholds=thresholds)
    return ListaCpss(problem.dictionary, depth, weights=weight, thresholds=thresholds, selected=selected)


def alista_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: float | int,
    sparsity: int,
    gains: Float64[np.ndarray, " depth"] | None = None,
) -> Alista:
    r"""ALISTA with $\theta^k=\gamma^k\mu E_k$, $\gamma^k=1$ by default, for noise-free signals of $\mathcal X(B,s,0)$.

    Raises:
        InputError: The class is empty, or the gains do not fit the depth.
    """
    _check_class(magnitude, sparsity, 0.0)
    gains = np.ones(depth) if gains is None else np.asarray(gains, dtype=np.float64)
    if gains.shape != (depth,):
        raise InputError(f"{gains.shape} gains for {depth} layers", "Pass one gain a layer")
    constants = _constants(weight, problem.dictionary, depth, gains)
    errors = alista_errors(constants, magnitude=Enclosure.exact(magnitude), sparsity=sparsity)
    thresholds = (constants.gain * constants.coherence * errors[:-1]).hi * ROOM
    return Alista(problem.dictionary, depth, weights=weight, gains=gains, thresholds=thresholds)


def _check_class(magnitude: float | int, sparsity: int, noise: float) -> None:
    if not (np.isfinite(magnitude) and magnitude > 0 and sparsity >= 1 and np.isfinite(noise) and noise >= 0):
        raise InputError(
            f"The class X(B={magnitude}, s={sparsity}, sigma={noise}) is empty or unbounded",
            "Choose B > 0, s >= 1 and sigma >= 0, all finite",
        )
