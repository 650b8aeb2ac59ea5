r"""The local law: what one more layer gains once the support is known and thresholds do not act on it.

On an identified support S a coupled layer is linear, $e_S^{k+1}=(I-\gamma^kM_{SS})e_S^k$ with $M=W^TA$, so that methods
differ by the polynomial $p_k$, $p_k(0)=1$, that they apply to $M_{SS}$. For a random dictionary and W the closed form
of ALISTA, $M_{SS}$ is nearly a block of a random projector, divided by m/n. With $p=s/n$, $r=m/n$ and
$p<\min(r,1-r)$ its eigenvalues then fill (Wachter 1980; Collins 2005)

$$[c-h,c+h],\qquad c=1+p(1-2r)/r,\qquad h=2\sqrt{p(1-p)(1-r)/r},\tag{edges}$$

with the density $\sqrt{(x-x_-)(x_+-x)}/(2\pi p\,x(1-x))$ in $x=r\lambda$. Two predictions follow, both numerical
(limits for m, n, s in fixed proportion; nothing here is a proof for a given size):

- *asymptotic*: decibels a layer as $k\to\infty$, from the edges alone: $20\log_{10}$ of h/c for the best fixed step
  1/c, of $(1-\sqrt{1-a^2})/a$, $a=h/c$, for heavy ball, Chebyshev steps and conjugate gradients;
- *finite depth*: $\mathrm{NMSE}_k=\int p_k(\lambda)^2d\nu(\lambda)$ for errors that start in no preferred direction. At
  the depths of networks the two differ by a decibel a layer, because little mass lies at the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex128, Float64, Int

from unfold_theory.errors import InputError
from unfold_theory.problems.checks import positive_integer

Method = Literal["unit step", "fixed step", "heavy ball", "chebyshev", "conjugate gradient", "best gains"]
METHODS: tuple[Method, ...] = (
    "unit step",
    "fixed step",
    "heavy ball",
    "chebyshev",
    "conjugate gradient",
    "best gains",
)
""""unit step": gain 1. "best gains": the gains that minimise the expected squared error at the depth in question."""
NODES = 512


@dataclass(frozen=True)
class Edges:
    r"""Centre c and half-width h of a spectrum in $[c-h,c+h]$."""

    center: float
    half: float

    @property
    def low(self) -> float:
        """$c-h$."""
        return self.center - self.half

    @property
    def high(self) -> float:
        """$c+h$."""
        return self.center + self.half

    def rate(self, method: Method) -> float:
        r"""Asymptotic contraction a layer of a method that knows the edges."""
        a = self.half / self.center
        if method == "unit step":
            return abs(self.center - 1) + self.half
        if method == "fixed step":
            return a
        return (1 - np.sqrt(1 - a**2)) / a if a > 0 else 0.0

    def decibels(self, method: Method) -> float:
        """The same in dB a layer."""
        return float(20 * np.log10(self.rate(method)))


def random_edges(m: int, n: int, s: int) -> Edges:
    r"""The edges for random dictionaries, $s/n<\min(m/n,1-m/n)$.

    Raises:
        InputError: A size is not positive, or s is outside that range, where the law has an atom at n/m or 0.
    """
    for name, value in (("number of rows m", m), ("number of columns n", n), ("sparsity s", s)):
        positive_integer(name, value)
    p, r = s / n, m / n
    if not p < min(r, 1 - r):
        raise InputError(
            f"The limiting spectrum has an atom at s = {s}, m = {m}, n = {n}", f"Choose s < {min(m, n - m)}"
        )
    return Edges(1 + p * (1 - 2 * r) / r, 2 * np.sqrt(p * (1 - p) * (1 - r) / r))


def random_density(
    m: int, n: int, s: int, nodes: int = NODES
) -> tuple[Float64[np.ndarray, " nodes"], Float64[np.ndarray, " nodes"]]:
    r"""Quadrature of the limiting spectrum: nodes $\lambda_i$ and weights that sum to 1.

    Gauss-Chebyshev of the second kind, $\lambda=c+h\cos t$; exact for the factor with the square roots.

    Raises:
        InputError: As :func:`random_edges`.
    """
    edges, p, r = random_edges(m, n, s), s / n, m / n
    t = np.pi * np.arange(1, nodes + 1) / (nodes + 1)
    values = edges.center + edges.half * np.cos(t)
    x = r * values
    weights = (r * edges.half * np.sin(t)) ** 2 / (2 * np.pi * p * x * (1 - x)) * (np.pi / (nodes + 1))
    return values, weights / weights.sum()


def support_spectrum(
    weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"], support: Int[np.ndarray, " s"]
) -> Complex128[np.ndarray, " s"]:
    r"""Eigenvalues of $M_{SS}=W_S^TA_S$, numerical; real where W is the closed form of ALISTA or $G^TGA$."""
    return np.linalg.eigvals(weight[:, support].T @ dictionary[:, support]).astype(complex)


def observed_edges(spectrum: Complex128[np.ndarray, " s"]) -> Edges:
    """The edges of a real spectrum.

    Raises:
        InputError: It is not real up to rounding.
    """
    real, imaginary = np.real(spectrum), np.imag(spectrum)
    if np.abs(imaginary).max() > 1e-8 * np.abs(spectrum).max():
        raise InputError("The spectrum of W_S^T A_S is not real", "Use the closed form of ALISTA's W, or W = G'GA")
    low, high = real.min(), real.max()
    return Edges(float(low + high) / 2, float(high - low) / 2)


def residual_polynomials(
    method: Method,
    values: Float64[np.ndarray, " nodes"],
    weights: Float64[np.ndarray, " nodes"],
    edges: Edges,
    depth: int,
) -> Float64[np.ndarray, "iterate nodes"]:
    r"""$p_0,\dots,p_K$ at given eigenvalues.

    The first four know the edges; conjugate gradients (the polynomials orthogonal for $\lambda^2d\nu$) and best gains
    (for $\lambda d\nu$, which minimise $\int p_k^2d\nu$) know the measure. Every $p_k$ of best gains has k real zeros
    inside the edges, so that a network with gains $1/\text{zero}$ in any order has it at depth k.
    """
    one = np.ones_like(values)
    if method in ("conjugate gradient", "best gains"):
        return _orthogonal(values, weights * values ** (2 if method == "conjugate gradient" else 1), depth)
    if method in ("unit step", "fixed step"):
        step = 1.0 if method == "unit step" else 1 / edges.center
        return np.stack([(1 - step * values) ** k for k in range(depth + 1)])
    polynomials = [one, 1 - values / edges.center]
    momentum = edges.rate("heavy ball") ** 2
    step = (1 + momentum) / edges.center
    a, omega = edges.half / edges.center, 2.0
    for _ in range(depth - 1):
        last, before = polynomials[-1], polynomials[-2]
        if method == "heavy ball":
            polynomials.append((1 + momentum - step * values) * last - momentum * before)
        else:  # Chebyshev's recursion: the polynomials of least maximum on the edges
            omega = 1 / (1 - a**2 * omega / 4)
            polynomials.append(omega * (1 - values / edges.center) * last + (1 - omega) * before)
    return np.stack(polynomials[: depth + 1])


def _orthogonal(
    values: Float64[np.ndarray, " nodes"], weights: Float64[np.ndarray, " nodes"], depth: int
) -> Float64[np.ndarray, "iterate nodes"]:
    """Orthogonal polynomials of a discrete measure, scaled to 1 at 0 (Stieltjes; the value at 0 is carried along)."""
    at = np.append(values, 0.0)
    full = np.append(weights, 0.0)
    rows = [np.ones_like(at)]
    norm = [float((full * rows[0] ** 2).sum())]
    for k in range(depth):
        shift = (full * at * rows[-1] ** 2).sum() / norm[-1]
        fresh = (at - shift) * rows[-1] - (norm[-1] / norm[-2] * rows[-2] if k else 0.0)
        rows.append(fresh)
        norm.append(float((full * fresh**2).sum()))
    return np.stack([row[:-1] / row[-1] for row in rows])


def finite_depth_law(m: int, n: int, s: int, depth: int, method: Method) -> Float64[np.ndarray, " iterate"]:
    r"""$10\log_{10}\mathrm{NMSE}_k$ for k = 0..K, predicted from (m, n, s) alone; numerical.

    Raises:
        InputError: As :func:`random_edges`.
    """
    values, weights = random_density(m, n, s)
    polynomials = residual_polynomials(method, values, weights, random_edges(m, n, s), depth)
    return 10 * np.log10((polynomials**2 * weights).sum(axis=1))


def run_on_support(
    method: Method,
    weight: Float64[np.ndarray, "m n"],
    dictionary: Float64[np.ndarray, "m n"],
    codes: Float64[np.ndarray, "sample n"],
    edges: Edges,
    depth: int,
    gains: Float64[np.ndarray, " depth"] | None = None,
) -> Float64[np.ndarray, "iterate sample"]:
    r"""$\|e^k\|_2^2$ of the iteration on each signal's own, known support, from the zero code and without thresholds.

    Args:
        method: Any but "best gains"; with ``gains`` these are taken instead, one a layer.
        weight, dictionary: W and A.
        codes: Signals; their nonzero entries are the supports.
        edges: What the method knows of the spectrum.
        depth: Number of layers.
        gains: A network's own gains.

    Raises:
        InputError: Conjugate gradients and a spectrum that is not real, or best gains without ``gains``.
    """
    if method == "best gains" and gains is None:
        raise InputError("Best gains depend on the depth", "Pass gains=")
    rows = []
    for code in codes:
        support = np.flatnonzero(code)
        block = weight[:, support].T @ dictionary[:, support]
        if method == "conjugate gradient":
            rows.append(_conjugate_gradient(block, code[support], depth))
            continue
        eigenvalues, vectors = np.linalg.eig(block)
        start = np.linalg.solve(vectors, -code[support].astype(complex))
        if gains is not None:
            factors = 1 - np.asarray(gains)[:, None] * eigenvalues
            polynomials = np.concatenate([np.ones((1, len(eigenvalues))), np.cumprod(factors, axis=0)])
        else:
            polynomials = residual_polynomials(method, eigenvalues, np.ones(len(eigenvalues)), edges, depth)
        rows.append((np.abs((polynomials * start) @ vectors.T) ** 2).sum(axis=1))
    return np.stack(rows, axis=1)


def _conjugate_gradient(
    block: Float64[np.ndarray, "s s"], truth: Float64[np.ndarray, " s"], depth: int
) -> Float64[np.ndarray, " iterate"]:
    r"""Squared errors on $M_{SS}z=M_{SS}x^*$ with M symmetric in the inner product of its own diagonal scaling."""
    scale = _symmetriser(block)
    matrix = scale[:, None] * block
    code = np.zeros_like(truth)
    residual = matrix @ truth
    solved = residual / scale
    direction, errors = solved.copy(), [float((truth**2).sum())]
    for _ in range(depth):
        pushed, size = matrix @ direction, residual @ solved
        curvature = direction @ pushed
        step = size / curvature if curvature > 0 else 0.0
        code, residual = code + step * direction, residual - step * pushed
        solved = residual / scale
        direction = solved + (residual @ solved / size if size > 0 else 0.0) * direction
        errors.append(float(((code - truth) ** 2).sum()))
    return np.array(errors)


def _symmetriser(block: Float64[np.ndarray, "s s"]) -> Float64[np.ndarray, " s"]:
    r"""$d>0$ with $d_iM_{ij}=d_jM_{ji}$, from the first row.

    Raises:
        InputError: There is none.
    """
    if len(block) == 1:
        return np.ones(1)
    ratio = block[0] / block[:, 0]
    scaled = ratio[:, None] * block
    if not (ratio > 0).all() or np.abs(scaled - scaled.T).max() > 1e-6 * np.abs(scaled).max():
        raise InputError("W_S^T A_S cannot be symmetrised by a diagonal", "Use the closed form of ALISTA's W")
    return ratio
