"""Networks whose weights and thresholds are those of the theorems, not learned: what the coherence theory speaks of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, GatedLista, ListaCp, ListaCpss
from unfold_theory.problems import SparseRecovery
from unfold_theory.rates.sparse_coding import (
    THRESHOLD_SLACK,
    WeightConstants,
    gram_constants,
    lawful_thresholds,
)

Number = float | int

# Half of the slack that the claims grant above the law: certain in float64, and no false entry bypasses by rounding.
ROOM = 1 + THRESHOLD_SLACK / 2


def _thresholds(
    weight: np.ndarray, dictionary: np.ndarray, gains: np.ndarray, magnitude: Number, sparsity: int, noise: Number
) -> np.ndarray:
    mu, delta, size = (e.broadcast_to(gains.shape) for e in gram_constants(weight, dictionary))
    unknown = Enclosure(np.full(gains.shape, -np.inf), np.full(gains.shape, np.inf))
    return lawful_thresholds(
        WeightConstants(mu, delta, size, Enclosure.exact(gains), unknown, unknown),
        magnitude=Enclosure.exact(magnitude),
        sparsity=sparsity,
        noise=Enclosure.exact(noise),
        room=ROOM,
    )


def lista_cp_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: Number,
    sparsity: int,
    noise: Number = 0.0,
    selected: list[int] | None = None,
) -> ListaCp:
    r"""LISTA-CP with $\theta^k=\mu E_k+C_W\sigma$ for the class $\mathcal X(B,s,\sigma)$; LISTA-CPSS if ``selected``.

    The thresholds exceed the law by half of ``THRESHOLD_SLACK``, so that they are large enough for certain.

    Raises:
        InputError: The class is empty (s < 1, B <= 0 or sigma < 0).
    """
    _check_class(magnitude, sparsity, noise)
    thresholds = _thresholds(weight, problem.dictionary, np.ones(depth), magnitude, sparsity, noise)
    if selected is None:
        return ListaCp(problem.dictionary, depth, weights=weight, thresholds=thresholds)
    return ListaCpss(problem.dictionary, depth, weights=weight, thresholds=thresholds, selected=selected)


def lista_cp_of_batch(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "sample n"],
    *,
    depth: int,
) -> ListaCp:
    r"""LISTA-CP with oracle thresholds $\theta^k=\mu\max_i\|x_i^k-x_i^*\|_1$ over given noise-free signals.

    The theorem's supremum over the class, replaced by the maximum over a batch: large enough for these signals, whose
    supports all layers then keep, and less than the class needs. Above by half of ``THRESHOLD_SLACK``, and by what
    float64 may add to an entry that is 0.

    Raises:
        InputError: The depth is below 1.
    """
    mu = float(gram_constants(weight, problem.dictionary)[0].hi)
    thresholds, x = np.zeros(depth), np.zeros_like(codes)
    y = codes @ problem.dictionary.T
    # Products of A and W with a code round by about this, whatever the error is.
    rounding = 8 * np.finfo(float).eps * max(problem.dictionary.shape) * float(np.abs(codes).sum(axis=1).max())
    for k in range(depth):
        worst = float(np.abs(x - codes).sum(axis=1).max())
        thresholds[k] = mu * worst * ROOM + rounding
        v = x + (y - x @ problem.dictionary.T) @ weight
        x = np.sign(v) * np.maximum(np.abs(v) - thresholds[k], 0.0)
    return ListaCp(problem.dictionary, depth, weights=weight, thresholds=thresholds)


def alista_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: Number,
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
    thresholds = _thresholds(weight, problem.dictionary, gains, magnitude, sparsity, 0.0)
    return Alista(problem.dictionary, depth, weights=weight, gains=gains, thresholds=thresholds)


def gated_lista_of_theory(
    problem: SparseRecovery,
    weight: Float64[np.ndarray, "m n"],
    *,
    depth: int,
    magnitude: Number,
    sparsity: int,
    gate: str = "relu",
) -> GatedLista:
    r"""Gated LISTA with $\theta^0=\mu sB$, $\theta^{k+1}=2s\mu\theta^k$ and gates that add at most $2\theta^k$.

    A relu gate of size a and rate 1 adds at most $a/4$ to an entry, an exponential one at most $a/e$; both get
    $a=4\theta^k$ and so stay within the range of ``wu2020.gates_keep_the_gap``.

    Raises:
        InputError: The class is empty, or the form of the gate is another.
    """
    _check_class(magnitude, sparsity, 0.0)
    if gate not in ("relu", "exponential"):
        raise InputError(f"A gain gate of the form {gate!r}", "Choose relu or exponential, whose gain is bounded")
    mu, delta, _ = gram_constants(weight, problem.dictionary)
    reach = float((mu + delta).hi)
    thresholds = reach * sparsity * float(magnitude) * (2 * sparsity * reach) ** np.arange(depth)
    return GatedLista(
        problem.dictionary,
        depth,
        weights=weight,
        thresholds=thresholds * ROOM ** np.arange(1, depth + 1),
        gate_sizes=np.concatenate([[0.0], 4 * thresholds[:-1]]),
        gate_rates=1.0,
        gate=gate,
    )


def _check_class(magnitude: Number, sparsity: int, noise: float) -> None:
    if not (np.isfinite(magnitude) and magnitude > 0 and sparsity >= 1 and np.isfinite(noise) and noise >= 0):
        raise InputError(
            f"The class X(B={magnitude}, s={sparsity}, sigma={noise}) is empty or unbounded",
            "Choose B > 0, s >= 1 and sigma >= 0, all finite",
        )
