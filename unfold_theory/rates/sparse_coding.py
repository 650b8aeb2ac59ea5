r"""Error recursions of the coherence theory, robust to weights that are normalised only in floating point.

All follow from the master lemma with $\mu=\max_{i\ne j}|W_i^TA_j|$ and $\delta=\max_i|1-W_i^TA_i|$; the papers have
$\delta=0$. Thresholds may exceed their law by the factor $1+\tau$; the papers have $\tau=0$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems.coherence import coherence, normalisation_error

# How much a threshold may exceed its law, and how far W_i^T A_i may be from 1: float64 rounding with room to spare.
THRESHOLD_SLACK = 1e-9
NORMALISATION_SLACK = 1e-6


@dataclass(frozen=True)
class WeightConstants:
    r"""Per-layer constants of the weights, shape (depth,) each.

    Attributes:
        coherence: $\mu_k=\max_{i\ne j}|W_i^{kT}A_j|$.
        normalisation: $\delta_k=\max_i|1-W_i^{kT}A_i|$.
        size: $C_W=\max_{ij}|W^k_{ij}|$.
        gain: $\gamma^k$.
        threshold: $\theta^k$, the smallest where coordinates differ.
        largest_threshold: The largest.
    """

    coherence: Enclosure
    normalisation: Enclosure
    size: Enclosure
    gain: Enclosure
    threshold: Enclosure
    largest_threshold: Enclosure


def gram_constants(weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"]) -> list[Enclosure]:
    r"""$\mu$, $\delta$ and $C_W$ of one weight, shape () each."""
    return [
        coherence(weight, dictionary),
        normalisation_error(weight, dictionary),
        Enclosure.exact(np.abs(weight).max()),
    ]


def weight_constants(network: UnfoldedNetwork, dictionary: Float64[np.ndarray, "m n"]) -> WeightConstants:
    """Constants of every layer; those of a shared weight are computed once.

    Raises:
        MissingStructure: The network has no affine layers.
    """
    known: dict[bytes, list[Enclosure]] = {}
    rows, layers = [], network.affine_layers()
    for layer in layers:
        key = layer.weight.tobytes()
        if key not in known:
            known[key] = gram_constants(layer.weight, dictionary)
        rows.append(known[key])
    mu, delta, size = (stack([row[i] for row in rows]) for i in range(3))
    return WeightConstants(
        coherence=mu,
        normalisation=delta,
        size=size,
        gain=Enclosure.exact(np.array([float(layer.gain) for layer in layers])),
        threshold=Enclosure.exact(np.array([np.min(layer.threshold) for layer in layers])),
        largest_threshold=Enclosure.exact(np.array([np.max(layer.threshold) for layer in layers])),
    )


def recursion(initial: Enclosure, factor: Enclosure, offset: Enclosure) -> Enclosure:
    r"""$E_{k+1}=f_kE_k+o_k$ from $E_0$: depth 0..K stacked along the first axis.

    Args:
        initial: $E_0$, shape () or (sample,).
        factor, offset: Shape (depth,) or (depth, sample).
    """
    errors = [initial]
    for k in range(factor.shape[0]):
        errors.append(factor[k] * errors[-1] + offset[k])
    return stack(errors)


def cp_factor(mu: Enclosure, delta: Enclosure, sparsity: int) -> Enclosure:
    r"""$(2s-1)\mu$ of LISTA-CP, with $\delta$ and $\tau$: $\delta+(s-1)\mu+s(1+\tau)\mu$."""
    return delta + mu * (sparsity - 1) + mu * (sparsity * Enclosure.of(1 + THRESHOLD_SLACK))


def cp_errors(constants: WeightConstants, *, magnitude: Enclosure, sparsity: int, noise: Enclosure) -> Enclosure:
    r"""$E_0=sB$, $E_{k+1}=(2s-1)\mu E_k+2sC_W\sigma$: bounds on $\sup\|x^k-x^*\|_1$ of LISTA-CP, depth 0..K.

    Chen et al. 2018, theorem 2, with the supremum replaced by its bound (any upper bound is valid).
    """
    factor = cp_factor(constants.coherence, constants.normalisation, sparsity)
    offset = constants.size * noise * (sparsity * (2 + THRESHOLD_SLACK))
    return recursion(magnitude * sparsity, factor, offset)


def cp_thresholds(constants: WeightConstants, errors: Enclosure, noise: Enclosure) -> Enclosure:
    r"""$\theta^k=\mu E_k+C_W\sigma$, shape (depth,); off-support entries then stay below it."""
    return constants.coherence * errors[:-1] + constants.size * noise


def alista_factor(constants: WeightConstants, sparsity: int) -> Enclosure:
    r"""$|1-\gamma|+(2s-1)\gamma\mu$ of ALISTA, shape (depth,), with $\delta$ and $\tau$."""
    one_layer = cp_factor(constants.coherence, constants.normalisation, sparsity)
    return abs(1.0 - constants.gain) + constants.gain * one_layer


def alista_errors(constants: WeightConstants, *, magnitude: Enclosure, sparsity: int) -> Enclosure:
    r"""$E_0=sB$, $E_{k+1}=(|1-\gamma^k|+(2s-1)\gamma^k\mu)E_k$, depth 0..K (Liu et al. 2019, theorem 1)."""
    factor = alista_factor(constants, sparsity)
    return recursion(magnitude * sparsity, factor, Enclosure.exact(np.zeros(factor.shape)))


def cpss_errors(
    constants: WeightConstants,
    selected: Float64[np.ndarray, " depth"],
    codes: Float64[np.ndarray, "sample n"],
    *,
    magnitude: Enclosure,
    sparsity: int,
    noise: Enclosure,
) -> Enclosure:
    r"""Error bounds per signal with gated support selection, shape (depth + 1, sample).

    $E_{k+1}=((s-1)+n_k)\mu E_k+(s+n_k)C_W\sigma$, $n_k=s-q_k$,
    $q_k=\min(p_k,\#\{i:|x_i^*|>\theta^k+(\mu+\delta)E_k+C_W\sigma\})$: such an entry is seen above the threshold in
    layer k, hence bypasses it. The minimum of $q_k$ over the whole class is 0 (it holds arbitrarily small entries), so
    that the gain of theorem 3 of Chen et al. 2018 exists signal by signal only. Thresholds follow the class law.
    """
    law = cp_thresholds(constants, cp_errors(constants, magnitude=magnitude, sparsity=sparsity, noise=noise), noise) * (
        1 + THRESHOLD_SLACK
    )
    size = (magnitude * sparsity).broadcast_to((len(codes),))
    errors = [size]
    for k in range(len(selected)):
        mu, delta, weight = constants.coherence[k], constants.normalisation[k], constants.size[k]
        deviation = (mu + delta) * size + weight * noise
        passing = (np.abs(codes) > (deviation + law[k]).hi[:, None]).sum(axis=1)
        paying = Enclosure.exact(sparsity - np.minimum(passing, selected[k]))
        size = (delta + mu * (sparsity - 1)) * size + paying * law[k] + weight * noise * sparsity
        errors.append(size)
    return stack(errors)


def largest_sparsity(mu: Enclosure) -> int:
    r"""The largest s that surely satisfies $s<(1+1/\mu)/2$."""
    limit = (1.0 + 1.0 / mu) / 2
    if not np.isfinite(limit.lo):
        raise InputError("The coherence may be zero, so that no sparsity is excluded", "Use s = n")
    return int(np.ceil(limit.lo) - 1)
