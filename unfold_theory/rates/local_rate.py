r"""The local rate, proved: error bounds from the layer on that has identified the support, from the enclosed spectrum.

Let all layers share W and be coupled, and let the codes have their support in S from depth $k_0$ on. With $M=W_S^TA_S$,
any $d>0$ and $u^k=D^{1/2}e_S^k$, $D=\mathrm{diag}(d)$, layer k computes
$$u^{k+1}=(I-\gamma^kB)u^k+r^k,\qquad B=D^{1/2}MD^{-1/2},\qquad r^k=D^{1/2}(\gamma^kW_S^T\varepsilon-t^k),$$
where $t^k$ is what thresholding took from the entries of S. Let $B=H+N$, H symmetric with spectrum in $[l,h]$ and N
antisymmetric. Polynomials of H commute, so that with
$P_{j,k}=\max_{l\le\lambda\le h}\prod_{i=j}^{k-1}|1-\gamma^i\lambda|$
$$\|u^k\|\le U_k:=P_{k_0,k}\|u^{k_0}\|+\sum_{j=k_0}^{k-1}P_{j+1,k}\,(\|r^j\|+|\gamma^j|\|N\|U_j).$$
W the closed form of ALISTA has N = 0 for $d_i=a_i^T(AA^T)^{-1}a_i$, and a symmetric $W^TA$ for d = 1. One gain 1/c
gives h/c to the power $k-k_0$; gains $1/\text{zero}$ of a Chebyshev polynomial give its maximum. Where thresholds act,
the bound is no smaller than what they take: thresholds that fall slower than the product set the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.rates.gram import gram
from unfold_theory.verified import smallest_eigenvalue

PIECES = 128
"""Parts of $[l,h]$ on which the product of the layers is enclosed."""


@dataclass(frozen=True, eq=False)
class LocalBound:
    r"""Bounds from the identification of the support on.

    Attributes:
        start: $k_0$, shape (sample,): from this depth on all codes have their support in S; K + 1 where none has.
        initial: $\|e^{k_0}\|_2$, shape (sample,).
        bound: On $\|e^k\|_2$ for k = 1..K, shape (depth, sample); infinite up to $k_0$.
    """

    start: Int[np.ndarray, " sample"]
    initial: Enclosure
    bound: Enclosure


def local_bound(
    weight: Float64[np.ndarray, "m n"],
    gains: Float64[np.ndarray, " depth"],
    dictionary: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "iterate sample n"],
    truth: Float64[np.ndarray, "sample n"],
    taken: Enclosure,
    noise: Float64[np.ndarray, "sample m"],
) -> LocalBound:
    r"""$U_k/\sqrt{\min_Sd}$ for every signal.

    Args:
        weight: W, shared by the layers, which are coupled.
        gains: $\gamma^k$.
        dictionary: A.
        codes: Depth 0..K.
        truth: $x^*$; its nonzero entries are S.
        taken: $|v^k-x^{k+1}|$, what each layer's threshold took, shape (depth, sample, n).
        noise: $\varepsilon$.
    """
    wrong = ((codes != 0) & (truth == 0)).any(axis=2)
    start = np.where(wrong.any(axis=0), len(codes) - np.argmax(wrong[::-1], axis=0), 0)
    products, scale = gram(weight, dictionary).product, _scale(weight, dictionary)
    # Spectra cost most; signals that are never identified need none.
    parts = [
        _sample(products, scale, code if k < len(gains) else 0 * code) for code, k in zip(truth, start, strict=True)
    ]
    low, high, defect, least = (np.array([part[i] for part in parts]) for i in range(4))
    factors = _products(gains, low, high)
    inside = (truth != 0).astype(float)
    roots = Enclosure.exact(scale).sqrt()
    pushed = abs(Enclosure.exact(noise) @ weight)
    size = abs(Enclosure.exact(gains))
    depth, count = len(gains), len(truth)
    current = ((Enclosure.exact(codes[:-1]) - truth) * roots * inside).norm(2)
    added = [((taken[j] + size[j] * pushed) * roots * inside).norm(2) for j in range(depth)]
    bounds = np.full((depth + 1, count), np.inf)
    for k in range(depth + 1):
        now = start == k
        if k < depth:
            bounds[k, now] = current.hi[k, now]
        if not k:
            continue
        running = start < k
        total = Enclosure.exact(np.zeros(count))
        for j in range(k):
            # Layer j acts only on signals that were identified before it.
            acting = (start <= j).astype(float)
            own = np.where(np.isfinite(bounds[j]), bounds[j], 0.0)
            entering = added[j] + size[j] * Enclosure.exact(defect) * Enclosure.exact(own)
            total = total + factors[j + 1][k] * entering * acting
            first = (start == j).astype(float)
            total = total + factors[j][k] * Enclosure.exact(own) * first
        bounds[k, running] = total.hi[running]
    shown = np.where(start[None] < np.arange(1, depth + 1)[:, None], bounds[1:], 0.0)
    result = Enclosure.exact(shown) / Enclosure.exact(least).sqrt()
    outside = start[None] >= np.arange(1, depth + 1)[:, None]
    hi = np.where(outside, np.inf, result.hi)
    initial = stack([(Enclosure.exact(codes[min(k, depth), i]) - truth[i]).norm(2) for i, k in enumerate(start)])
    return LocalBound(start, initial, Enclosure(hi, hi, taken.basis))


def _scale(weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " n"]:
    """d: the leverages or 1, whichever makes W^T A more nearly symmetric. Any positive numbers are admissible."""
    product = weight.T @ dictionary
    q = np.linalg.qr(dictionary.T)[0]
    candidates = [np.ones(len(product)), np.maximum((q**2).sum(axis=1), 1e-6)]
    scaled = [np.sqrt(d)[:, None] * product / np.sqrt(d) for d in candidates]
    return candidates[int(np.argmin([np.abs(b - b.T).max() for b in scaled]))]


def _sample(products: Enclosure, scale: np.ndarray, code: np.ndarray) -> tuple[float, float, float, float]:
    """l, h, a bound on ||N|| and min d, for the support of one signal."""
    support = np.flatnonzero(code)
    if not len(support):
        return 0.0, 0.0, 0.0, 1.0
    d = Enclosure.exact(scale[support]).sqrt()
    block = products[np.ix_(support, support)] * d.reshape(-1, 1) / d.reshape(1, -1)
    twice = block + block.T
    symmetric = twice * 0.5
    defect = ((block - block.T) * 0.5).reshape(-1).norm(2)
    low, high = smallest_eigenvalue(symmetric).lo, -smallest_eigenvalue(-symmetric).lo
    return float(low), float(high), float(defect.hi), float(scale[support].min())


def _products(gains: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[list[Enclosure]]:
    r"""$P_{j,k}$ for $0\le j\le k\le K$, shape (sample,) each: interval products on pieces of $[l,h]$."""
    depth = len(gains)
    share = np.linspace(0.0, 1.0, PIECES + 1)
    ends = low[:, None] + (high - low)[:, None] * share
    ends[:, 0], ends[:, -1] = low, high
    pieces = Enclosure(ends[:, :-1], np.maximum(ends[:, 1:], ends[:, :-1]))
    layers = [1.0 - Enclosure.exact(gain) * pieces for gain in gains]
    one = Enclosure.exact(np.ones(len(low)))
    table = []
    for j in range(depth + 1):
        row = [one] * (j + 1)
        running = None
        for k in range(j, depth):
            running = layers[k] if running is None else running * layers[k]
            row.append(abs(running).max(axis=1))
        table.append(row)
    return table
