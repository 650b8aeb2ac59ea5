r"""The per-layer certificate: $\|x^k-x^*\|_1$ bounded layer by layer from the trained weights.

One layer $x^+=\eta_\theta(v)$, $v=W_1y+W_2x$, $y=Ax^*+\varepsilon$; $S=\mathrm{supp}\,x^*$ contains $\mathrm{supp}\,x$;
$e=x-x^*$, $D=W_2-(I-W_1A)$. Then $v-x^*=W_2e+Dx^*+W_1\varepsilon$, so that

1. if $\theta_i\ge\max_{j\in S}|W_{2,ij}|\,\|e\|_1+|D_{i}x^*|+|W_{1,i}\varepsilon|$ for all $i\notin S$, then
   $\mathrm{supp}\,x^+\subset S$;
2. then $\|e^+\|_1\le\|W_{2,SS}\|_{1\to1}\|e\|_1+\|(Dx^*)_S\|_1+\sum_{i\in S,\,\text{not bypassing}}\theta_i
   +\|(W_1\varepsilon)_S\|_1$.

An entry bypasses the threshold only where support selection is *gated* by $|v_i|>\theta_i$: an ungated one may pass a
false entry, and (1) fails. The proof is run in exact arithmetic by ``proofs_checks/check_unfoldtheory2026.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, maximum, stack, where
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.rates.gram import Gram
from unfold_theory.rates.layer_maps import LayerMap, largest_column_sum, largest_off_diagonal, layer_maps

# Where entries may bypass, an off-support entry at the threshold must stay below it in float64 as well.
BYPASS_MARGIN = 1 + 1e-12


@dataclass(frozen=True)
class LayerwiseBound:
    r"""Bounds on $\|x^k-x^*\|_1$ and what the thresholds must reach for them.

    Attributes:
        initial: Bound at depth 0, shape () or (sample,).
        bound: Bound at depth 1..K, shape (depth,) or (depth, sample).
        required: The threshold that rules false positives out, at the coordinate where least room is left.
        available: The threshold there.
    """

    initial: Enclosure
    bound: Enclosure
    required: Enclosure
    available: Enclosure


def class_bound(
    network: UnfoldedNetwork,
    dictionary: Float64[np.ndarray, "m n"],
    *,
    magnitude: Enclosure,
    sparsity: int,
    noise: Enclosure,
) -> LayerwiseBound:
    r"""The certificate uniformly over $\mathcal X(B,s,\sigma)$, shapes (depth,).

    Args:
        network: Any network with affine layers.
        dictionary: A.
        magnitude: B.
        sparsity: s.
        noise: $\sigma\ge\|\varepsilon\|_1$.

    Raises:
        MissingStructure: The network has no affine layers.
    """
    initial = size = magnitude * sparsity
    bounds, required, available = [], [], []
    for layer in layer_maps(network, dictionary):
        input_size = layer.size * layer.gram.weight_largest * noise
        if layer.mismatch is None:
            need = layer.size * layer.gram.row_largest * size + input_size
            columns = layer.state_diagonal + layer.size * layer.gram.column_sums(sparsity - 1)
            growth = columns.max() * size
        else:
            need = largest_off_diagonal(layer.state) * size + input_size
            growth = largest_column_sum(layer.state, sparsity) * size
            need = need + largest_off_diagonal(layer.mismatch) * initial
            growth = growth + largest_column_sum(layer.mismatch, sparsity) * initial
        lhs, rhs = _tightest(need, layer, np.ones(need.shape, bool))
        required.append(lhs)
        available.append(rhs)
        shrinkage = Enclosure.exact(np.sort(layer.threshold)[-sparsity:]).sum()
        size = growth + shrinkage + input_size.sort()[-sparsity:].sum()
        bounds.append(size)
    return LayerwiseBound(initial, stack(bounds), stack(required), stack(available))


def sample_bound(
    network: UnfoldedNetwork,
    dictionary: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "sample n"],
    noise: Float64[np.ndarray, "sample m"],
) -> LayerwiseBound:
    r"""The certificate for each signal with its own support and noise, shapes (depth, sample).

    Args:
        network: Any network with affine layers.
        dictionary: A.
        codes: x*.
        noise: $\varepsilon = y-Ax^*$.

    Raises:
        MissingStructure: The network has no affine layers.
    """
    support = codes != 0
    initial = size = Enclosure.exact(codes).norm(1)
    bounds, required, available = [], [], []
    known: dict[Gram, _OnSupports] = {}
    for layer in layer_maps(network, dictionary):
        if layer.gram not in known:
            known = {layer.gram: _on_supports(layer.gram, support, noise)}
        here = known[layer.gram]
        reach, columns = _coupled_sizes(layer, here, support)
        offset = layer.size * here.noise
        if layer.mismatch is not None:
            entries = abs(layer.state)
            reach = _row_maxima_on_support(entries, support)
            columns = Enclosure.exact(support.astype(float)) @ entries
            offset = offset + abs(Enclosure.exact(codes) @ layer.mismatch.T)
        deviation = reach * size[:, None] + offset
        lhs, rhs = _tightest(deviation, layer, ~support)
        required.append(lhs)
        available.append(rhs)
        size = (
            where(support, columns, 0.0).max(axis=1) * size
            + where(support, offset, 0.0).sum(1)
            + _shrinkage(layer, codes, deviation)
        )
        bounds.append(size)
    return LayerwiseBound(initial, stack(bounds), stack(required), stack(available))


@dataclass(frozen=True)
class _OnSupports:
    r"""What all layers with one weight share, shape (sample, n) each.

    Attributes:
        largest: $\max_{j\in S,\,j\ne i}|M_{ij}|$, $M=W^TA$.
        sums: $\sum_{i\in S,\,i\ne j}|M_{ij}|$.
        noise: $|W_i^T\varepsilon|$.
    """

    largest: Enclosure
    sums: Enclosure
    noise: Enclosure


def _on_supports(gram: Gram, support: np.ndarray, noise: np.ndarray) -> _OnSupports:
    entering = Enclosure.exact(np.zeros(support.shape))
    if noise.any():
        entering = abs(Enclosure.exact(noise) @ gram.weight)
    return _OnSupports(gram.largest_on(support), gram.sums_on(support), entering)


def _coupled_sizes(layer: LayerMap, here: _OnSupports, support: np.ndarray) -> tuple[Enclosure, Enclosure]:
    r"""$\max_{j\in S}|W_{2,ij}|$ and $\sum_{i\in S}|W_{2,ij}|$ (for j in S) of $W_2=I-\gamma M$."""
    own = where(support, layer.state_diagonal, 0.0)
    return maximum(layer.size * here.largest, own), own + layer.size * here.sums


def _tightest(need: Enclosure, layer: LayerMap, among: np.ndarray) -> tuple[Enclosure, Enclosure]:
    """Required and available threshold at the coordinate with the least room, along the last axis."""
    if layer.selected:
        need = need * BYPASS_MARGIN
    # The sign of a float difference is exact, so that this coordinate decides for all of them.
    room = np.where(among, need.hi - layer.threshold, -np.inf)
    index = np.argmax(room, axis=-1)[..., None]
    lhs = Enclosure(
        np.take_along_axis(need.lo, index, -1)[..., 0], np.take_along_axis(need.hi, index, -1)[..., 0], need.basis
    )
    none = ~among.any(axis=-1)
    available = layer.threshold[index[..., 0]]
    return where(none, 0.0, lhs), Enclosure.exact(np.where(none, np.maximum(available, 0.0), available))


def _row_maxima_on_support(entries: Enclosure, support: np.ndarray) -> Enclosure:
    """max over j in S of the entry (i, j), shape (sample, n)."""
    ends = []
    for end in (entries.lo, entries.hi):
        rows = np.zeros(support.shape)
        for i, mask in enumerate(support):
            if mask.any():
                rows[i] = end[:, mask].max(axis=1)
        ends.append(rows)
    return Enclosure(ends[0], ends[1], entries.basis)


def _shrinkage(layer: LayerMap, codes: np.ndarray, deviation: Enclosure) -> Enclosure:
    """Sum of the thresholds that support entries still pay, shape (sample,)."""
    support = codes != 0
    everything = Enclosure.exact(np.where(support, layer.threshold, 0.0)).sum(1)
    if not (layer.selected and layer.gated and layer.common_threshold):
        return everything
    # An entry that far above the threshold passes the gate, and every off-support entry is below it.
    passes = support & (np.abs(codes) > (deviation * BYPASS_MARGIN + layer.threshold).hi)
    bypassing = np.minimum(passes.sum(axis=1), layer.selected)
    return Enclosure.exact(support.sum(axis=1) - bypassing) * layer.threshold[0]
