r"""Error recursions of the coherence theory, robust to weights that are normalised only in floating point.

All follow from the master lemma with $\mu=\max_{i\ne j}|W_i^TA_j|$ and $\delta=\max_i|1-W_i^TA_i|$; the papers have
$\delta=0$. Thresholds may exceed their law by the factor $1+\tau$; the papers have $\tau=0$.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.rates.gram import gram

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
    products = gram(weight, dictionary)
    return [
        products.row_largest.max(),
        abs(products.diagonal - 1.0).max(),
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


def contraction(constants: WeightConstants, sparsity: int) -> Enclosure:
    r"""$|1-\gamma|+(2s-1)\gamma\mu$ per layer, shape (depth,), with $\delta$ and $\tau$; $(2s-1)\mu$ at unit gain."""
    mu, delta, gain = constants.coherence, constants.normalisation, constants.gain
    paid = mu * (sparsity * Enclosure.of(1 + THRESHOLD_SLACK))
    return abs(1.0 - gain) + gain * (delta + mu * (sparsity - 1) + paid)


def class_errors(constants: WeightConstants, *, magnitude: Enclosure, sparsity: int, noise: Enclosure) -> Enclosure:
    r"""$E_0=sB$, $E_{k+1}=(|1-\gamma|+\gamma(\delta+(s-1)\mu))E_k+s\theta^k+s\gamma C_W\sigma$, depth 0..K.

    Bounds on $\sup\|x^k-x^*\|_1$ over $\mathcal X(B,s,\sigma)$ with the network's own thresholds, as long as these
    reach their law. At the law this is $(|1-\gamma|+(2s-1)\gamma\mu)E_k+2s\gamma C_W\sigma$.
    """
    kept = abs(1.0 - constants.gain) + constants.gain * (constants.normalisation + constants.coherence * (sparsity - 1))
    entering = constants.largest_threshold + constants.gain * constants.size * noise
    return recursion(magnitude * sparsity, kept, entering * sparsity)


def threshold_law(constants: WeightConstants, errors: Enclosure, noise: Enclosure) -> Enclosure:
    r"""$\theta^k=\gamma^k(\mu E_k+C_W\sigma)$, shape (depth,): what keeps every entry off the support at zero.

    The papers have $\sup\|x^k-x^*\|_1$ for $E_k$; any bound on it is enough.
    """
    return constants.gain * (constants.coherence * errors[:-1] + constants.size * noise)


def lawful_thresholds(
    constants: WeightConstants, *, magnitude: Enclosure, sparsity: int, noise: Enclosure, room: float
) -> Float64[np.ndarray, " depth"]:
    """Thresholds that follow the law with a factor ``room`` above it, layer by layer."""
    depth = constants.gain.shape[0]
    thresholds = np.zeros(depth)
    for k in range(depth):
        own = replace(constants, largest_threshold=Enclosure.exact(thresholds))
        errors = class_errors(own, magnitude=magnitude, sparsity=sparsity, noise=noise)
        thresholds[k] = threshold_law(own, errors, noise).hi[k] * room
    return thresholds


def selection_errors(
    constants: WeightConstants,
    selected: Float64[np.ndarray, " depth"],
    codes: Float64[np.ndarray, "sample n"],
    *,
    magnitude: Enclosure,
    sparsity: int,
    noise: Enclosure,
) -> Enclosure:
    r"""Error bounds per signal with gated support selection at unit gain, shape (depth + 1, sample).

    $e_0=sB$, $e_{k+1}=(\delta+(s-1)\mu)e_k+(s-q_k)\theta^k+sC_W\sigma$ with the network's own thresholds and
    $q_k=\min(p_k,\#\{i:|x_i^*|>\theta^k+(\mu+\delta)e_k+C_W\sigma\})$: such an entry is seen above the threshold in
    layer k, hence bypasses it. The minimum of $q_k$ over the whole class is 0 (it holds arbitrarily small entries), so
    that the gain exists signal by signal only.
    """
    size = (magnitude * sparsity).broadcast_to((len(codes),))
    errors = [size]
    for k in range(len(selected)):
        mu, delta, weight = constants.coherence[k], constants.normalisation[k], constants.size[k]
        theta = constants.largest_threshold[k]
        deviation = (mu + delta) * size + weight * noise
        passing = (np.abs(codes) > (deviation + theta).hi[:, None]).sum(axis=1)
        paying = Enclosure.exact(sparsity - np.minimum(passing, selected[k]))
        size = (delta + mu * (sparsity - 1)) * size + paying * theta + weight * noise * sparsity
        errors.append(size)
    return stack(errors)


def largest_sparsity(mu: Enclosure) -> int:
    r"""The largest s that surely satisfies $s<(1+1/\mu)/2$."""
    limit = (1.0 + 1.0 / mu) / 2
    if not np.isfinite(limit.lo):
        raise InputError("The coherence may be zero, so that no sparsity is excluded", "Use s = n")
    return int(np.ceil(limit.lo) - 1)
