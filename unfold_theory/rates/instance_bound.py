r"""The master lemma on layers as they act on one signal: its own gains, thresholds, support selection and momentum.

One layer $x^{k+1}=\eta_\theta(v)$, $v=x^k+\gamma W^T(y-Ax^k)+\beta(x^k-x^{k-1})$ with $y=Ax^*+\varepsilon$, computed up
to $\rho$ in each entry; $e^k=x^k-x^*$, $M=W^TA$, and $S=\mathrm{supp}\,x^*$ contains the supports of $x^k$ and
$x^{k-1}$. Then $v-x^*=((1+\beta)I-\gamma M)e^k-\beta e^{k-1}+\gamma W^T\varepsilon$, so that

1. for $i\notin S$: $|v_i|\le r_i=|\gamma|(\max_{j\in S}|M_{ij}|\,\|e^k\|_1+|W_i^T\varepsilon|)+\rho$: momentum does not
   reach entries that were zero twice. If $\theta_i\ge r_i$ for all of them, no false positive appears;
2. for $i\in S$: $|v_i-x_i^*|\le d_i=\max_{j\in S}|(1+\beta)\delta_{ij}-\gamma M_{ij}|\,\|e^k\|_1+|\beta|\|e^{k-1}\|_1
   +|\gamma||W_i^T\varepsilon|+\rho$;
3. $\|e^{k+1}\|_1\le\|((1+\beta)I-\gamma M)_{SS}\|_{1\to1}\|e^k\|_1+|\beta|\|e^{k-1}\|_1
   +\sum_{i\in S\setminus Q}|\theta_i|+\sum_{i\in S}(|\gamma||W_i^T\varepsilon|+\rho)$, with Q the entries that bypass.

Gated selection with one threshold for all entries: $|Q|\ge\min(p,\#\{i\in S:|x_i^*|>\theta+d_i\})$, as every entry
off the support is at most $\theta$. Ungated selection passes the p largest entries whatever they are: it is safe, with
$|Q|=p$, where at least p entries of S have $|x_i^*|-d_i>\max_{i\notin S}r_i$; otherwise it may pass a false one.

The first layer starts at rest ($x^{-1}=x^0$), so that its momentum vanishes. The proof is run in exact arithmetic by
``proofs_checks/check_unfoldtheory2026.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, maximum, minimum, stack, where
from unfold_theory.errors import InputError
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.rates.gram import gram
from unfold_theory.rates.master_lemma import BYPASS_MARGIN


@dataclass(frozen=True)
class InstanceBound:
    r"""Bounds for each signal of a batch, and what they rest on.

    A bound at depth k counts where ``required <= available`` and ``unsafe == 0`` in the layers before it.

    Attributes:
        initial: $\|x^0-x^*\|_1$, shape (sample,).
        bound: Bound on $\|x^k-x^*\|_1$ at depth 1..K, shape (depth, sample).
        required: The threshold that rules false positives out, at the coordinate where least room is left.
        available: The threshold there; both shape (depth, sample).
        bypassing: $q_k$: how many support entries surely bypass the threshold, shape (depth, sample).
        unsafe: How many of the entries that an ungated layer selects may be false, shape (depth, sample); 0 if gated.
    """

    initial: Enclosure
    bound: Enclosure
    required: Enclosure
    available: Enclosure
    bypassing: np.ndarray
    unsafe: np.ndarray


@dataclass(frozen=True)
class _OnSupport:
    """What one weight does on the supports of a batch."""

    gram_diagonal: Enclosure  # (n,)
    row_largest: Enclosure  # (sample, n): max of |M_ij| over j in S, j != i
    column_rest: Enclosure  # (sample, n): sum of |M_ij| over i in S, i != j
    noise: Enclosure  # (sample, n): |W_i^T eps|


def instance_bound(
    layers: Sequence[InstanceLayer],
    dictionary: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "sample n"],
    noise: Float64[np.ndarray, "sample m"],
    *,
    errors: Enclosure | None = None,
    rounding: Float64[np.ndarray, "depth sample"] | None = None,
) -> InstanceBound:
    r"""Threshold law and $\ell_1$ error recursion of each signal, for a network that starts at $x^0=0$.

    Args:
        layers: Of :meth:`~unfold_theory.networks.base.UnfoldedNetwork.instance_layers` on the measurements.
        dictionary: A.
        codes: x*.
        noise: $\varepsilon=y-Ax^*$.
        errors: $\|x^k-x^*\|_1$ at the layers' inputs where they were measured, shape (depth, sample); thresholds and
            selection are then judged by them, as laws that use the instance's own error ask for. Without, by the bound.
        rounding: What may be off in any entry of v, shape (depth, sample); 0 by default.

    Raises:
        InputError: A weight has another shape than the dictionary or is not finite, or the batch sizes differ.
    """
    support = codes != 0
    counted = support.sum(axis=1)
    before = size = initial = Enclosure.exact(codes).norm(1)
    products: dict[bytes, _OnSupport] = {}
    bounds, required, available, bypassing, unsafe = [], [], [], [], []
    for k, layer in enumerate(layers):
        _check(layer, dictionary, codes, k)
        key = layer.weight.tobytes()
        if key not in products:
            products = {key: _on_support(layer.weight, dictionary, support, noise)}
        weight = products[key]
        # The first layer starts at rest.
        beta = Enclosure.exact(layer.momentum if k else np.zeros(len(codes)))
        gain = Enclosure.exact(layer.gain)
        slack = Enclosure.exact(np.zeros(len(codes)) if rounding is None else rounding[k])
        diagonal = abs((1.0 + beta)[:, None] - gain[:, None] * weight.gram_diagonal)
        offset = abs(gain)[:, None] * weight.noise + slack[:, None]
        seen, seen_before = size, before
        if errors is not None:
            seen = minimum(size, errors[k])
            seen_before = minimum(before, errors[max(k - 1, 0)])
        reach = abs(gain)[:, None] * weight.row_largest
        off = reach * seen[:, None] + offset
        deviation = (
            maximum(reach, diagonal) * seen[:, None] + (abs(beta) * seen_before)[:, None] + offset
        ) * BYPASS_MARGIN
        for ends, end in zip((required, available), _tightest(off, layer, ~support), strict=True):
            ends.append(end)
        passing, doubtful, paid = _selection(layer, codes, support, off, deviation)
        columns = where(support, diagonal + abs(gain)[:, None] * weight.column_rest, 0.0).max(axis=1)
        entering = where(support, offset, 0.0).sum(1) if counted.any() else slack * 0.0
        before, size = size, columns * size + abs(beta) * before + paid + entering
        bounds.append(size)
        bypassing.append(passing)
        unsafe.append(doubtful)
    return InstanceBound(
        initial, stack(bounds), stack(required), stack(available), np.stack(bypassing), np.stack(unsafe)
    )


def _selection(
    layer: InstanceLayer, codes: np.ndarray, support: np.ndarray, off: Enclosure, deviation: Enclosure
) -> tuple[np.ndarray, np.ndarray, Enclosure]:
    """Surely bypassing, unsafely selected, and the sum of the thresholds that support entries still pay."""
    payment = np.where(support, np.abs(layer.threshold), 0.0)
    everything = Enclosure.exact(payment).sum(1)
    common = (layer.threshold == layer.threshold[:, :1]).all(axis=1)
    selected = np.asarray(layer.selected)
    counted = support.sum(axis=1)
    if layer.gated:
        passes = support & (np.abs(codes) > (deviation + layer.threshold).hi)
        bypassing = np.where(common, np.minimum(passes.sum(axis=1), selected), 0)
        unsafe = np.zeros_like(selected)
    else:
        highest = np.where(support, 0.0, (off * BYPASS_MARGIN).hi).max(axis=1, keepdims=True)
        passes = support & (np.abs(codes) > (deviation + highest).hi)
        unsafe = np.maximum(selected - passes.sum(axis=1), 0)
        bypassing = np.where(common & (unsafe == 0), selected, 0)
    single = Enclosure.exact((counted - bypassing).astype(float)) * np.abs(layer.threshold[:, 0])
    return bypassing, unsafe, where(bypassing > 0, single, everything)


def _tightest(need: Enclosure, layer: InstanceLayer, among: np.ndarray) -> tuple[Enclosure, Enclosure]:
    """Required and available threshold at the coordinate with the least room."""
    if layer.selected.any():
        need = need * BYPASS_MARGIN
    # The sign of a float difference is exact, so that this coordinate decides for all of them.
    room = np.where(among, need.hi - layer.threshold, -np.inf)
    index = np.argmax(room, axis=1)[:, None]
    lo, hi, available = (np.take_along_axis(end, index, 1)[:, 0] for end in (need.lo, need.hi, layer.threshold))
    none = ~among.any(axis=1)
    return where(none, 0.0, Enclosure(lo, hi, need.basis)), Enclosure.exact(np.where(none, 0.0, available))


def _on_support(weight: np.ndarray, dictionary: np.ndarray, support: np.ndarray, noise: np.ndarray) -> _OnSupport:
    products = gram(weight, dictionary)
    offset = Enclosure.exact(np.zeros(support.shape))
    if noise.any():
        offset = abs(Enclosure.exact(noise) @ weight)
    return _OnSupport(
        gram_diagonal=products.diagonal,
        row_largest=products.largest_on(support),
        column_rest=products.sums_on(support),
        noise=offset,
    )


def _check(layer: InstanceLayer, dictionary: np.ndarray, codes: np.ndarray, k: int) -> None:
    if layer.weight.shape != dictionary.shape or not np.isfinite(layer.weight).all():
        raise InputError(
            f"The weight of layer {k + 1} has shape {layer.weight.shape} or is not finite; the dictionary has "
            f"{dictionary.shape}",
            "Check the checkpoint",
        )
    if layer.threshold.shape != codes.shape:
        raise InputError(
            f"Layer {k + 1} acted on thresholds of shape {layer.threshold.shape}, the codes have {codes.shape}",
            "Take the instance layers of the measurements of these codes",
        )
