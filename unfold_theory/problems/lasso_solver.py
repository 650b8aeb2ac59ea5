"""Many Lasso problems with one dictionary at once: operator splitting to find supports, Newton steps to end on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from unfold_theory.enclosure import gamma
from unfold_theory.problems.lasso_active_set import active_set

_RELAXATION = 1.9
_FIRST_ITERATIONS = 28
_MOST_PADDED = 6_000_000  # entries of the padded systems that are factored together


def duality_gap(
    A: Float64[Tensor, "m n"], lam: float, x: Float64[Tensor, "batch n"], y: Float64[Tensor, "batch m"]
) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, " batch"]]:
    r"""Primal values, and upper bounds on $F(x)-F^\star$ that allow for the rounding in their computation.

    The residual $r=y-Ax$ is scaled to the dual feasible $u=cr$, and the gap is $F(x)-u^Ty+\tfrac12\|u\|^2$. What
    rounding can have changed in r, in $A^Tr$ and in the sums is bounded a priori (products of norms) and added.
    """
    m = len(A)
    columns = A.norm(dim=0)
    r = y - x @ A.T
    size, length, weight = r.norm(dim=1), y.norm(dim=1), x.abs().sum(dim=1)
    # A_j^T r is off by at most gamma_m |A_j| |r|: c keeps the true products below lam.
    correlation = ((r @ A).abs() + gamma(m) * columns * size[:, None]).amax(dim=1)
    c = (lam / correlation * (1 - 2.0**-50)).clamp(max=1.0)
    primal = 0.5 * size**2 + lam * weight
    products = (r * y).sum(dim=1)
    computed = primal - c * products + 0.5 * c**2 * size**2
    terms = (x != 0).sum(dim=1) + 1  # products with a zero are exact
    off = gamma(1) * terms * (length + (x.abs() * columns).sum(dim=1))
    slack = size * off + off**2 + gamma(m + 8) * (size**2 + c * size * length)
    slack = slack + gamma(8) * terms * lam * weight
    return primal, (computed + 1.01 * slack).clamp(min=0.0)


@dataclass
class Progress:
    """What a batch looks like so far: best codes, their values and gaps, and splitting iterations spent on each."""

    x: Float64[Tensor, "batch n"]
    primal: Float64[Tensor, " batch"]
    gap: Float64[Tensor, " batch"]
    iterations: Int[Tensor, " batch"]

    def improve(self, rows: Int[Tensor, " some"], x: Tensor, primal: Tensor, gap: Tensor) -> None:
        """Take over codes with a smaller gap."""
        better = gap < self.gap[rows]
        chosen = rows[better]
        self.x[chosen], self.primal[chosen], self.gap[chosen] = x[better], primal[better], gap[better]

    def unsolved(self, tolerance: float) -> Int[Tensor, " some"]:
        """Rows whose relative gap is above the tolerance."""
        return torch.nonzero(self.gap > tolerance * self.primal).flatten()


class _Splitting:
    r"""Over-relaxed alternating directions for $\tfrac12\|Ax-y\|^2$ against the $\ell_1$ norm; rows are problems.

    The state is v = x + u before the shrinkage: its clipped part is the scaled dual u, the rest is z. The first run
    has one penalty for all rows, so that a step is one product with an n x n matrix, in float32 where the range
    allows. Later runs are in float64 with a penalty for each row, which follows the row's residuals.
    """

    def __init__(
        self, A: Float64[Tensor, "m n"], gram: Float64[Tensor, "n n"], q: Float64[Tensor, "batch n"], lam: float
    ):
        self.A, self.gram, self.q, self.lam = A, gram, q, lam
        self.rho = torch.full_like(q[:, :1], 0.6 * float(gram.diagonal().mean()))
        self.v = torch.zeros_like(q)
        self.previous = self.v
        self.balanced = False

    def run(self, iterations: int) -> None:
        """Go on for some iterations."""
        if self.balanced:
            self._run_balanced(iterations)
        else:
            self._run_common(iterations)
            self.balanced = True

    def _run_common(self, iterations: int) -> None:
        rho = float(self.rho[0, 0])
        inverse = self._resolvent(rho)
        bound = self.lam / rho
        constant, matrix = _RELAXATION * (self.q @ inverse), _RELAXATION * rho * inverse
        extremes = [float(constant.abs().max()), bound, float(matrix.abs().max())]
        dtype = torch.float32 if min(extremes) > 1e-12 and max(extremes) < 1e12 else torch.float64
        constant, matrix, v = constant.to(dtype), matrix.to(dtype), self.v.to(dtype)
        previous = v
        for _ in range(iterations):
            u = v.clamp(-bound, bound)
            following = torch.addmm(constant, v.sub(u, alpha=2), matrix)
            following.add_(v, alpha=1 - _RELAXATION).add_(u, alpha=_RELAXATION)
            v, previous = following, v
        self.v, self.previous = v.double(), previous.double()

    def _resolvent(self, rho: float) -> Float64[Tensor, "n n"]:
        """Inverse of G + rho, through the m x m matrix where that is the smaller one."""
        m, n = self.A.shape
        if m >= n:
            shifted = self.gram.clone()
            shifted.diagonal().add_(rho)
            return torch.cholesky_inverse(torch.linalg.cholesky(shifted))
        outer = self.A @ self.A.T
        outer.diagonal().add_(rho)
        half = torch.linalg.solve_triangular(torch.linalg.cholesky(outer), self.A, upper=False)
        inverse = half.T @ half
        inverse.neg_().diagonal().add_(1.0)
        return inverse.div_(rho)

    @cached_property
    def _spectrum(self) -> tuple[Float64[Tensor, "r n"], Float64[Tensor, " r"]]:
        _, values, vectors = torch.linalg.svd(self.A, full_matrices=False)
        return vectors, values**2

    def _run_balanced(self, iterations: int) -> None:
        vectors, squares = self._spectrum
        rho, bound = self.rho, self.lam / self.rho
        # (G + rho)^{-1} w = (w - V^T (s^2 / (s^2 + rho)) V w) / rho
        damping = squares / (squares + rho)
        v, previous = self.v, self.v
        for _ in range(iterations):
            u = v.clamp(-bound, bound)
            z = v - u
            right = self.q / rho + z - u
            x = right - (damping * (right @ vectors.T)) @ vectors
            v, previous = _RELAXATION * x + (1 - _RELAXATION) * z + u, v
        self.v, self.previous = v, previous

    def code(self) -> Float64[Tensor, "batch n"]:
        """The sparse iterate z."""
        bound = self.lam / self.rho
        return self.v - self.v.clamp(-bound, bound)

    def keep(self, rows: Bool[Tensor, " batch"]) -> None:
        """Drop the other rows and balance the penalties of these."""
        rho, v, previous = self.rho[rows], self.v[rows], self.previous[rows]
        self.q = self.q[rows]
        bound = self.lam / rho
        u, last_u = v.clamp(-bound, bound), previous.clamp(-bound, bound)
        z, last_z = v - u, previous - last_u
        # v+ = relaxation x + (1 - relaxation) z + u gives x back.
        x = (v - last_u - (1 - _RELAXATION) * last_z) / _RELAXATION
        tiny = torch.finfo(torch.float64).tiny
        norms = [part.norm(dim=1, keepdim=True) for part in (x - z, x, z, z - last_z, u)]
        primal = norms[0] / torch.maximum(norms[1], norms[2]).clamp(min=tiny)
        dual = norms[3] / norms[4].clamp(min=tiny)
        factor = (primal / dual.clamp(min=tiny)).sqrt().clamp(0.1, 10.0)
        factor = torch.where((primal > 0) & (dual > 0) & ((factor - 1).abs() > 0.3), factor, 1.0)
        # u is scaled by the penalty, z is not.
        self.rho = rho * factor
        self.v = z + u / factor
        self.previous = self.v


def _padded(chosen: Bool[Tensor, "batch n"]) -> tuple[Int[Tensor, "batch k"], Bool[Tensor, "batch k"]]:
    """Indices of the chosen columns, padded with 0 to the largest number in the batch, and which are real."""
    counts = chosen.sum(dim=1)
    width = max(int(counts.max()), 1)
    row, column = torch.nonzero(chosen, as_tuple=True)
    position = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    indices = torch.zeros(len(chosen), width, dtype=torch.long, device=row.device)
    indices[row, position] = column
    return indices, torch.arange(width, device=row.device) < counts[:, None]


def _newton(
    gram: Float64[Tensor, "n n"], gradient: Tensor, lam: float, x: Float64[Tensor, "batch n"], signs: Tensor
) -> Float64[Tensor, "batch n"]:
    """One Newton step on the support and signs given: a stationary point of the smooth piece, centred at x."""
    indices, real = _padded(signs != 0)
    system = gram[indices[:, :, None], indices[:, None, :]]
    system *= real[:, :, None] & real[:, None, :]
    # A proximal shift, so small that one step still lands; it carries rank-deficient supports.
    shift = 1e-11 * float(gram.diagonal().max())
    system.diagonal(dim1=1, dim2=2).add_(torch.where(real, shift, 1.0))
    before, sign = x.gather(1, indices), signs.gather(1, indices)
    # The gradient is that at x; entries outside the support are moved to zero first.
    right = torch.where(real, -(gradient.gather(1, indices) + lam * sign), 0.0)
    factor, info = torch.linalg.cholesky_ex(system)
    move = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
    after = torch.where(real & (info == 0)[:, None], before + move, before)
    return torch.zeros_like(x).scatter_add_(1, indices, torch.where(real, after, 0.0))


class BatchSolver:
    r"""Lasso problems $\min_x\tfrac12\|Ax-y_i\|^2+\lambda\|x\|_1$ with one A, solved until each duality gap is small.

    Alternating directions (float32 at first) bring the supports near their end. Newton steps on each problem's
    support and signs, systems of like size padded and factored together, then end in one or two steps where the
    support was right; solved problems leave the batch, the others go on in float64 with a rebalanced penalty.
    Whatever the path, a problem counts as solved only by its gap.
    """

    def __init__(self, A: Float64[Tensor, "m n"], lam: float):
        self.A, self.lam = A, lam
        self.gram = A.T @ A
        self.scale = float(self.gram.diagonal().max())

    def solve(self, y: Float64[Tensor, "batch m"], tolerance: float, most_iterations: int) -> Progress:
        """Run until every relative gap is at most ``tolerance`` or the iterations are spent."""
        x = y.new_zeros(len(y), self.A.shape[1])
        primal, gap = duality_gap(self.A, self.lam, x, y)
        progress = Progress(x, primal, gap, torch.zeros(len(y), dtype=torch.long, device=y.device))
        q = y @ self.A
        # Zero is optimal for these; what gap they show is rounding.
        nonzero = torch.nonzero((q.abs().amax(dim=1) > self.lam) & (gap > tolerance * primal)).flatten()
        if not len(nonzero):
            return progress
        rows = nonzero
        splitting = _Splitting(self.A, self.gram, q[rows], self.lam)
        budget = _FIRST_ITERATIONS
        spent = 0
        while len(rows) and spent < most_iterations:
            budget = min(budget, most_iterations - spent)
            splitting.run(budget)
            spent += budget
            progress.iterations[rows] += budget
            self._polish(progress, rows, splitting.code(), y, tolerance, first=spent == budget)
            open_ = progress.gap[rows] > tolerance * progress.primal[rows]
            rows = rows[open_]
            splitting.keep(open_)
            budget = int(budget * 1.5)
        self._finish(progress, rows, y)
        return progress

    def _finish(self, progress: Progress, rows: Int[Tensor, " some"], y: Float64[Tensor, "batch m"]) -> None:
        """The problems that are left, one by one on the CPU."""
        if not len(rows):
            return
        A, gram = self.A.cpu().numpy(), self.gram.cpu().numpy()
        most_steps = 20 * (sum(A.shape) + 10)
        starts, targets = progress.x[rows].cpu().numpy(), y[rows].cpu().numpy()
        ended = [active_set(A, gram, b, self.lam, start, most_steps) for start, b in zip(starts, targets, strict=True)]
        x = torch.as_tensor(np.stack(ended)).to(y.device)
        progress.improve(rows, x, *duality_gap(self.A, self.lam, x, y[rows]))

    def _polish(
        self,
        progress: Progress,
        rows: Tensor,
        x: Float64[Tensor, "some n"],
        y: Float64[Tensor, "batch m"],
        tolerance: float,
        first: bool,
    ) -> None:
        """Newton steps from x, with supports corrected twice; what is gained is put into ``progress``."""
        signs, largest = x.sign(), min(self.A.shape)
        if not first:
            # Not every minimiser is the solution of a small system: on dependent columns the iterate itself may win.
            primal, gap = duality_gap(self.A, self.lam, x, y[rows])
            progress.improve(rows, x, primal, gap)
            largest *= 3
        for _ in range(3):
            few = (signs != 0).sum(dim=1) <= largest
            rows, x, signs = rows[few], x[few], signs[few]
            if not len(rows):
                return
            x = self._grouped_newton(x, signs, y[rows])
            primal, gap = duality_gap(self.A, self.lam, x, y[rows])
            progress.improve(rows, x, primal, gap)
            open_ = gap > tolerance * primal
            rows, x = rows[open_], x[open_]
            if not len(rows):
                return
            # The active set of the next step: columns that a proximal gradient step from here would use.
            ahead = x * self.scale - (x @ self.A.T - y[rows]) @ self.A
            signs = ahead.sign() * (ahead.abs() > self.lam)

    def _grouped_newton(self, x: Tensor, signs: Tensor, y: Tensor) -> Float64[Tensor, "some n"]:
        x = x * (signs != 0)
        gradient = (x @ self.A.T - y) @ self.A
        sizes, order = (signs != 0).sum(dim=1).sort()
        result = torch.empty_like(x)
        start = 0
        while start < len(order):
            # Groups of like size: at most a fifth of the rows, and bounded memory.
            stop = min(len(order), start + max(32, -(-len(order) // 5)))
            while stop > start + 1 and (stop - start) * int(sizes[stop - 1]) ** 2 > _MOST_PADDED:
                stop = start + (stop - start) // 2
            group = order[start:stop]
            result[group] = _newton(self.gram, gradient[group], self.lam, x[group], signs[group])
            start = stop
        return result
