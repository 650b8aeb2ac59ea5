r"""A bound for layers that may let false entries pass: any thresholds, gated or ungated selection.

One layer $x^{k+1}=\eta_{\theta,p}(v)$ as in :mod:`~unfold_theory.rates.instance_bound`, with $u=v-x^*=
Be^k-\beta e^{k-1}+\gamma W^T\varepsilon$, $B=(1+\beta)I-\gamma W^TA$, computed up to $\rho$. Nothing is assumed of
supports. Let $|u_i|\le d_i$. Entry by entry, whatever passes:

1. $i\in S$: $|e_i^{k+1}|\le d_i$ where i surely bypasses, else $\max(d_i,\min(|x_i^*|,d_i+\theta_i))$: a threshold
   costs no more than the entry itself. For $\theta_i<0$ it is $d_i+|\theta_i|$.
2. $i\notin S$: $|e_i^{k+1}|\le(d_i-\theta_i)_+$ where i surely does not bypass, else $\max(d_i,d_i-\theta_i)$.

i surely is among the p largest where at most p entries (itself counted) have $|x_j^*|+d_j\ge|x_i^*|-d_i$, and surely
is not where p entries have $|x_j^*|-d_j>|x_i^*|+d_i$; a gate asks for $|v_i|>\theta_i$ besides. If P entries of S
surely are among the p largest, at most $f=p-P$ false ones bypass, so that off the support

3. at most $f+\#\{i\notin S:d_i>\theta_i\}$ entries are nonzero, and
   $\|e^{k+1}_{S^c}\|_1\le\sum_{i\notin S}(d_i-\theta_i)_+$ plus what f bypassing entries add.

$d_i$ is the smaller of $\sum_j|B_{ij}|h_j$ and $\max_{j\in S}|B_{ij}|a+\max_{j\notin S}|B_{ij}|b$, plus
$|\beta|h_i^-+|\gamma||W_i^T\varepsilon|+\rho$, where $h$ bounds $|e^k|$ entry by entry and a, b bound its
$\ell_1$ norms on and off S. The norms follow recursions of their own, by column sums of $|B|$ over S and over f
unknown rows.

Where thresholds rule false positives out and selection is safe this is the instance bound or less. It need not
contract, but it always holds. The proof is run in exact arithmetic by ``proofs_checks/check_unfoldtheory2026.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, maximum, minimum, where
from unfold_theory.errors import InputError
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.rates.gram import gram

OVERFLOW = 1e150
"""Beyond this the bound is infinite."""


@dataclass(frozen=True)
class UnconditionalBound:
    r"""Bounds for each signal of a batch; all of shape (depth, sample), depth 1..K, except the first.

    Attributes:
        initial: $\|x^*\|_1$, shape (sample,).
        bound: Upper bound on $\|x^k-x^*\|_1$; infinite after overflow.
        off_support: Upper bound on $\sum_{i\notin S}|x_i^k|$.
        false_positives: How many entries off the support may be nonzero.
    """

    initial: Enclosure
    bound: Enclosure
    off_support: Enclosure
    false_positives: np.ndarray


@dataclass(frozen=True)
class _Weight:
    """What one weight does on the supports of a batch; R is |W^T A| without its diagonal."""

    diagonal: Enclosure  # (n,)
    rest: Enclosure  # (n, n)
    row_inside: Enclosure  # (sample, n): max of R_ij over j in S
    row_outside: Enclosure  # (sample, n): max of R_ij over j not in S
    column_inside: Enclosure  # (sample, n): sum of R_ij over i in S
    column_largest: Enclosure  # (n + 1, n): sums of the f largest entries of each column
    noise: Enclosure  # (sample, n): |W_i^T eps|


@dataclass(frozen=True)
class _State:
    """Upper bounds on |e| entry by entry, on its l1 norms on and off the support."""

    entries: Float64[np.ndarray, "sample n"]
    inside: Float64[np.ndarray, " sample"]
    outside: Float64[np.ndarray, " sample"]


@dataclass(frozen=True)
class _Selected:
    """Who bypasses: support entries that surely do, off-support entries that perhaps do, and counts of both."""

    surely: np.ndarray  # (sample, n)
    perhaps: np.ndarray  # (sample, n)
    least: np.ndarray  # (sample,): so many support entries do, whichever they are
    most: np.ndarray  # (sample,): so many false ones do at most


def unconditional_bound(
    layers: Sequence[InstanceLayer],
    dictionary: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "sample n"],
    noise: Float64[np.ndarray, "sample m"],
    *,
    rounding: Float64[np.ndarray, "depth sample"] | None = None,
) -> UnconditionalBound:
    r"""Bound of each signal from its layers, for a network that starts at $x^0=0$.

    Args:
        layers: Of :meth:`~unfold_theory.networks.base.UnfoldedNetwork.instance_layers` on the measurements.
        dictionary: A.
        codes: x*.
        noise: $\varepsilon=y-Ax^*$.
        rounding: What may be off in any entry of v, shape (depth, sample); 0 by default.

    Raises:
        InputError: A weight has another shape than the dictionary or is not finite, or the batch sizes differ.
    """
    support = codes != 0
    initial = Enclosure.exact(codes).norm(1)
    before = now = _State(np.abs(codes), initial.hi, np.zeros(len(codes)))
    depth = len(layers)
    total, outside = np.full((depth, len(codes)), np.inf), np.full((depth, len(codes)), np.inf)
    counts = np.broadcast_to((~support).sum(axis=1), (depth, len(codes))).copy()
    known: dict[bytes, _Weight] = {}
    for k, layer in enumerate(layers):
        _check(layer, dictionary, codes, k)
        key = layer.weight.tobytes()
        if key not in known:
            known = {key: _weight(layer.weight, dictionary, support, noise)}
        slack = np.zeros(len(codes)) if rounding is None else rounding[k]
        momentum = layer.momentum if k else np.zeros(len(codes))
        before, (now, counts[k]) = now, _layer(layer, momentum, known[key], codes, slack, now, before)
        total[k] = (Enclosure.exact(now.inside) + now.outside).hi
        outside[k] = now.outside
        if not (now.entries.max(initial=0.0) < OVERFLOW and total[k].max() < OVERFLOW):
            total[k], outside[k] = np.inf, np.inf
            break
    return UnconditionalBound(initial, Enclosure.certified(total, total), Enclosure.certified(outside, outside), counts)


def _layer(
    layer: InstanceLayer,
    momentum: np.ndarray,
    weight: _Weight,
    codes: np.ndarray,
    slack: np.ndarray,
    now: _State,
    before: _State,
) -> tuple[_State, np.ndarray]:
    support, theta = codes != 0, layer.threshold
    signal = Enclosure.exact(np.abs(codes))
    beta = abs(Enclosure.exact(momentum))
    gain = abs(Enclosure.exact(layer.gain))[:, None]
    diagonal = abs((1.0 + Enclosure.exact(momentum))[:, None] - Enclosure.exact(layer.gain)[:, None] * weight.diagonal)
    noise = gain * weight.noise + slack[:, None]
    entries, a, b = (Enclosure.exact(part) for part in (now.entries, now.inside, now.outside))

    by_entry = gain * (entries @ weight.rest.T) + diagonal * entries
    within, without = gain * weight.row_inside, gain * weight.row_outside
    by_norm = (
        where(support, maximum(within, diagonal), within) * a[:, None]
        + where(support, without, maximum(without, diagonal)) * b[:, None]
    )
    carried = beta[:, None] * before.entries + noise
    d = Enclosure.exact((minimum(by_entry, by_norm) + carried).hi)

    chosen = _selection(layer, support, signal, d)
    surely, perhaps, most = chosen.surely, chosen.perhaps, chosen.most
    left = maximum(d - theta, 0.0)
    paid = where(theta >= 0, maximum(d, minimum(signal, d + theta)), d + np.abs(theta))
    inside = where(surely, d, paid)
    outside = where(perhaps, maximum(d, left), left)
    after = where(support, inside, outside).hi

    survivors = ~support & (left.hi > 0)
    count = np.minimum((~support).sum(axis=1), most + survivors.sum(axis=1))

    price = np.where(theta >= 0, np.minimum(np.abs(codes), theta), np.abs(theta))
    paying = Enclosure.exact(np.where(support & ~surely, price, 0.0)).sum(1)
    # Some entries bypass without being known: those that would pay least, at worst.
    payers = np.where(support, price, -1.0)
    payers = np.where(
        np.argsort(np.argsort(payers, axis=1), axis=1) >= ((~support).sum(axis=1) + chosen.least)[:, None], payers, 0.0
    )
    columns = gain * weight.column_inside
    norm_inside = (
        where(support, diagonal + columns, 0.0).max(axis=1) * a
        + where(support, 0.0, columns).max(axis=1) * b
        + beta * before.inside
        + where(support, noise, 0.0).sum(1)
        + minimum(paying, Enclosure.exact(payers).sum(1))
    )
    passing = minimum(
        _largest(where(perhaps, maximum(d - left, 0.0), 0.0), most),
        _by_columns(weight, gain, diagonal, support, most, a, b)
        + beta * before.outside
        + _largest(where(support, 0.0, noise), most),
    )
    norm_outside = where(support, 0.0, left).sum(1) + where(most > 0, passing, 0.0)
    state = Enclosure.exact(after)
    return (
        _State(
            after,
            np.minimum(norm_inside.hi, where(support, state, 0.0).sum(1).hi),
            np.minimum(norm_outside.hi, where(support, 0.0, state).sum(1).hi),
        ),
        count,
    )


def _selection(layer: InstanceLayer, support: np.ndarray, signal: Enclosure, d: Enclosure) -> _Selected:
    lower, upper = (signal - d).lo, (signal + d).hi
    p, n = np.asarray(layer.selected), support.shape[1]
    # Entries that may come before i (itself counted), and entries that surely do.
    rivals, ahead = np.empty(support.shape, int), np.empty(support.shape, int)
    for row, (low, high) in enumerate(zip(lower, upper, strict=True)):
        rivals[row] = n - np.searchsorted(np.sort(high), low, side="left")
        ahead[row] = n - np.searchsorted(np.sort(low), high, side="right")
    top = support & (rivals <= p[:, None])
    surely, perhaps = top, ~support & (ahead < p[:, None])
    standing_out = support & (lower > np.where(support, 0.0, upper).max(axis=1, keepdims=True))
    true = np.maximum(top.sum(axis=1), np.minimum(p, standing_out.sum(axis=1)))
    if layer.gated:
        surely, perhaps = surely & (lower > layer.threshold), perhaps & (d.hi > layer.threshold)
        standing_out &= lower > np.where(support, layer.threshold, -np.inf).max(axis=1, keepdims=True)
    most = np.minimum(perhaps.sum(axis=1), p - true)
    return _Selected(surely, perhaps, np.minimum(p, standing_out.sum(axis=1)), most)


def _largest(values: Enclosure, count: np.ndarray) -> Enclosure:
    """Sum of the ``count`` largest entries of each row."""
    n = values.shape[1]
    kept = np.arange(n) >= (n - count)[:, None]
    return where(kept, values.sort(axis=1), 0.0).sum(1)


def _by_columns(
    weight: _Weight,
    gain: Enclosure,
    diagonal: Enclosure,
    support: np.ndarray,
    count: np.ndarray,
    a: Enclosure,
    b: Enclosure,
) -> Enclosure:
    r"""$\sum_{i\in F}|(Be)_i|$ over any ``count`` rows F off the support."""
    several, fewer = weight.column_largest[count], weight.column_largest[np.maximum(count - 1, 0)]
    inside = where(support, gain * several, 0.0).max(axis=1)
    # A column j off the support has its diagonal entry among the rows F, or not.
    outside = where(support, 0.0, maximum(diagonal + gain * fewer, gain * several)).max(axis=1)
    return inside * a + outside * b


def _weight(weight: np.ndarray, dictionary: np.ndarray, support: np.ndarray, noise: np.ndarray) -> _Weight:
    products = gram(weight, dictionary)
    return _Weight(
        diagonal=products.diagonal,
        rest=products.off_diagonal,
        row_inside=products.largest_on(support),
        row_outside=products.largest_on(~support),
        column_inside=products.sums_on(support),
        column_largest=products.column_cumulated,
        noise=abs(Enclosure.exact(noise) @ weight) if noise.any() else Enclosure.exact(np.zeros(support.shape)),
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
