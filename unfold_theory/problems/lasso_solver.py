"""Many Lasso problems with one dictionary at once: operator splitting to find supports, Newton steps to end on them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from unfold_theory.enclosure import gamma
from unfold_theory.problems.lasso_active_set import active_set

_RELAXATION = 1.9
_FIRST_ITERATIONS = 25
_CACHED = 250_000  # entries of an iterate for each thread
_MOST_PADDED = 2_000_000  # entries of the padded systems that are factored together


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
    terms = (x != 0).sum(dim=1).double() + 1  # products with a zero are exact
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

    @classmethod
    def names(cls) -> list[str]:
        """Names of the tensors."""
        return [part.name for part in fields(cls)]


class _Resolvents:
    r"""Inverses of $G+\rho$, $G=A^TA$, in the forms that the splitting uses; each factorisation is made once."""

    def __init__(self, A: Float64[Tensor, "m n"]):
        self.A, self.gram = A, A.T @ A
        self.wide = len(A) < A.shape[1]
        self.first_rho = 0.6 * float(self.gram.diagonal().mean())

    @cached_property
    def first(self) -> Float64[Tensor, "n n"]:
        r"""$\rho(G+\rho)^{-1}$ for the first penalty, through the m x m matrix where that is the smaller one."""
        if not self.wide:
            shifted = self.gram.clone()
            shifted.diagonal().add_(self.first_rho)
            return self.first_rho * torch.cholesky_inverse(torch.linalg.cholesky(shifted))
        outer = self.A @ self.A.T
        outer.diagonal().add_(self.first_rho)
        half = torch.linalg.solve_triangular(torch.linalg.cholesky(outer), self.A, upper=False)
        inverse = half.T @ half
        inverse.neg_().diagonal().add_(1.0)
        return inverse

    @cached_property
    def spectrum(self) -> tuple[Float64[Tensor, "r n"], Float64[Tensor, " r"]]:
        """For a wide A, $AA^T=USU^T$ and $B=U^TA$; else $G=B^TSB$ with orthonormal B."""
        values, vectors = torch.linalg.eigh(self.A @ self.A.T if self.wide else self.gram)
        return vectors.T @ self.A if self.wide else vectors.T, values.clamp(min=0.0)


class _Splitting:
    r"""Over-relaxed alternating directions for $\tfrac12\|Ax-y\|^2$ against the $\ell_1$ norm; rows are problems.

    The state is v = x + u before the shrinkage: its clipped part is the scaled dual u, the rest is z. The first run
    has one penalty for all rows, so that a step is one product with an n x n matrix, in float32 where the range
    allows. Later runs are in float64 with a penalty for each row, which follows the row's residuals.
    """

    def __init__(self, resolvents: _Resolvents, q: Float64[Tensor, "batch n"], lam: float):
        self.resolvents, self.q, self.lam = resolvents, q, lam
        self.rho = torch.full_like(q[:, :1], resolvents.first_rho)
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
        rho = self.resolvents.first_rho
        bound = self.lam / rho
        matrix = _RELAXATION * self.resolvents.first
        target = self.q / rho
        extremes = [float(target.abs().max()), bound, float(matrix.abs().max())]
        dtype = torch.float32 if min(extremes) > 1e-12 and max(extremes) < 1e12 else torch.float64
        matrix = matrix.to(dtype)
        constant = target.to(dtype) @ matrix
        # The first step from zero is known.
        v, previous = constant, torch.zeros_like(constant)
        for _ in range(iterations - 1):
            u = v.clamp(-bound, bound)
            following = torch.addmm(constant, v.sub(u, alpha=2), matrix)
            following.add_(v, alpha=1 - _RELAXATION).add_(u, alpha=_RELAXATION)
            v, previous = following, v
        self.v, self.previous = v.double(), previous.double()

    def _run_balanced(self, iterations: int) -> None:
        r"""Steps with $(G+\rho)^{-1}w = B^T(s+\rho)^{-1}Bw$, or $(w-B^T(s+\rho)^{-1}Bw)/\rho$ for a wide A."""
        base, values = self.resolvents.spectrum
        rho, bound, wide = self.rho, self.lam / self.rho, self.resolvents.wide
        damping = (1 if wide else rho) / (values + rho)
        v, previous = self.v, self.v
        for _ in range(iterations):
            u = v.clamp(-bound, bound)
            z = v - u
            right = self.q / rho + z - u
            damped = (damping * (right @ base.T)) @ base
            x = right - damped if wide else damped
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


def _padded(chosen: Bool[Tensor, "batch n"], dummy: int) -> Int[Tensor, "batch k"]:
    """Indices of the chosen columns, padded with ``dummy`` to the largest number in the batch."""
    counts = chosen.sum(dim=1)
    width = max(int(counts.max()), 1)
    row, column = torch.nonzero(chosen, as_tuple=True)
    position = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    indices = torch.full((len(chosen), width), dummy, dtype=torch.long, device=row.device)
    indices[row, position] = column
    return indices


class BatchSolver:
    r"""Lasso problems $\min_x\tfrac12\|Ax-y_i\|^2+\lambda\|x\|_1$ with one A, solved until each duality gap is small.

    Alternating directions (float32 at first) bring the supports near their end. Newton steps on each problem's
    support and signs, systems of like size padded and factored together, then end in one or two steps where the
    support was right; solved problems leave the batch, the others go on in float64 with a rebalanced penalty.
    Whatever the path, a problem counts as solved only by its gap.
    """

    def __init__(self, A: Float64[Tensor, "m n"], lam: float):
        self.A, self.lam = A, lam
        self.resolvents = _Resolvents(A)
        self.gram = self.resolvents.gram
        # A border with one dummy column, by which systems are padded.
        self._bordered = torch.nn.functional.pad(self.gram, (0, 1, 0, 1))
        self._bordered[-1, -1] = 1.0
        self.scale = float(self.gram.diagonal().max())

    def solve(self, y: Float64[Tensor, "batch m"], tolerance: float, most_iterations: int) -> Progress:
        """Run until every relative gap is at most ``tolerance`` or the iterations are spent."""
        # On a CPU, the iterates of a part should stay in its caches.
        size = len(y) if y.is_cuda else max(64, _CACHED * torch.get_num_threads() // self.A.shape[1])
        parts = [self._solve(part, tolerance, most_iterations) for part in y.split(max(size, 1))]
        return Progress(*(torch.cat([getattr(part, name) for part in parts]) for name in Progress.names()))

    def _solve(self, y: Float64[Tensor, "batch m"], tolerance: float, most_iterations: int) -> Progress:
        x = y.new_zeros(len(y), self.A.shape[1])
        primal = 0.5 * (y * y).sum(dim=1)
        # F is nonnegative, so at zero its value bounds the gap. Where zero is optimal, the true gap is rounding.
        progress = Progress(x, primal, primal.clone(), torch.zeros(len(y), dtype=torch.long, device=y.device))
        q = y @ self.A
        zero = q.abs().amax(dim=1) <= self.lam
        if zero.any():
            progress.gap[zero] = duality_gap(self.A, self.lam, x[zero], y[zero])[1]
        rows = torch.nonzero(~zero).flatten()
        if not len(rows):
            return progress
        splitting = _Splitting(self.resolvents, q[rows], self.lam)
        budget = _FIRST_ITERATIONS
        spent = 0
        while len(rows) and spent < most_iterations:
            budget = min(budget, most_iterations - spent)
            splitting.run(budget)
            spent += budget
            progress.iterations[rows] += budget
            self._polish(progress, rows, splitting.code(), y, q, tolerance, first=spent == budget)
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
        q: Float64[Tensor, "batch n"],
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
        for attempt in range(3):
            few = (signs != 0).sum(dim=1) <= largest
            rows, x, signs = rows[few], x[few], signs[few]
            if not len(rows):
                return
            if first and attempt == 0:
                # From zero, the step needs no gradient; its end is the same but for dependent columns.
                x, shift = torch.zeros_like(x), 1e-14
                slope = self.lam * signs - q[rows]
            else:
                x, shift = x * (signs != 0), 1e-11
                slope = (x @ self.A.T - y[rows]) @ self.A + self.lam * signs
            x = self._newton(x, signs, slope, shift)
            primal, gap = duality_gap(self.A, self.lam, x, y[rows])
            progress.improve(rows, x, primal, gap)
            open_ = gap > tolerance * primal
            rows, x = rows[open_], x[open_]
            if not len(rows):
                return
            # The active set of the next step: columns that a proximal gradient step from here would use.
            ahead = x * self.scale - (x @ self.A.T - y[rows]) @ self.A
            signs = ahead.sign() * (ahead.abs() > self.lam)

    def _newton(
        self,
        x: Float64[Tensor, "some n"],
        signs: Float64[Tensor, "some n"],
        slope: Float64[Tensor, "some n"],
        shift: float,
    ) -> Float64[Tensor, "some n"]:
        """One Newton step from x, zero off the signs: the stationary point of the smooth piece that they select.

        Problems with supports of like size are padded and factored together. ``slope`` is the gradient of F on the
        piece; ``shift`` is relative to the diagonal, and carries dependent columns.
        """
        n = self.A.shape[1]
        sizes, order = (signs != 0).sum(dim=1).sort()
        result = torch.empty_like(x)
        start, widths = 0, sizes.tolist()
        while start < len(order):
            # Little padding, and bounded memory.
            widest = max(1.1 * widths[start], widths[start] + 6)
            stop = start + 1
            while stop < len(order) and widths[stop] <= widest and (stop - start) * widths[stop] ** 2 < _MOST_PADDED:
                stop += 1
            group = order[start:stop]
            indices = _padded(signs[group] != 0, n)
            system = self._bordered[indices[:, :, None], indices[:, None, :]]
            system.diagonal(dim1=1, dim2=2).mul_(1 + shift)
            right = torch.nn.functional.pad(slope[group], (0, 1)).gather(1, indices)
            # Symmetric, so the transposed view is the same matrix, in the memory order that LAPACK wants.
            factor, info = torch.linalg.cholesky_ex(system.mT)
            move = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0] * (info == 0)[:, None]
            moved = torch.nn.functional.pad(x[group], (0, 1)).scatter_add_(1, indices, -move)
            result[group] = moved[:, :n]
            start = stop
        return result
