r"""Basis pursuit of every column of a dictionary in the others, all at once: a batched interior point method.

For column $i$, with $B=A_{-i}$ and $a=a_i$, the pair of linear programs
$$\min\{1^T(p+q):B(p-q)=a,\ p,q\ge0\}\qquad\max\{a^Ty:s=1-B^Ty\ge0,\ t=1+B^Ty\ge0\}$$
has the strictly feasible starting point $p-q=B^+a$, $y=0$, so that Mehrotra's predictor-corrector method (SIAM J.
Optim. 1992) can keep both sides feasible. At every iterate $\|B^Ty\|_\infty/a^Ty$ is an upper bound on
$\mu_i=1/\min\|z\|_1$ and $1/\|p-q\|_1$ a lower one. A Newton step costs a Cholesky factorisation of
$B(\mathrm{diag}(p/s)+\mathrm{diag}(q/t))B^T$, m x m; columns stay in the batch with weight 0 where they are left out.
Results are candidates: their certificates are checked by :mod:`unfold_theory.problems.minimax`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

_BATCH_ENTRIES = 2**22  # entries of the largest temporary array of one batch
_STEP = 0.99  # fraction of the way to the boundary


@dataclass(frozen=True)
class Pursuits:
    """Candidates for c columns: ``weight`` (c, m), ``kernel`` (c, n) with -1 at the column itself, and iterations."""

    weight: Float64[np.ndarray, "c m"]
    kernel: Float64[np.ndarray, "c n"]
    iterations: int


def solve_columns(
    dictionary: Float64[np.ndarray, "m n"],
    columns: Int[np.ndarray, " c"],
    *,
    relative_gap: float,
    max_iterations: int,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Pursuits:
    r"""Basis pursuit of the given columns, to a relative gap.

    Args:
        dictionary: Shape (m, n) with orthonormal rows.
        columns: Indices, shape (c,), of columns in the span of the others.
        relative_gap: (upper - lower) / lower of $\mu_i$ at which a column is done.
        max_iterations: Iterations after which a column is left as it is.
        device: Torch device.
        progress: Called with (columns done, c).
    """
    m, n = dictionary.shape
    atoms = torch.as_tensor(dictionary, dtype=torch.float64, device=device)
    threads = torch.get_num_threads()
    workers = threads if atoms.device.type == "cpu" else 1
    size = max(1, min(_BATCH_ENTRIES // (m * n), -(-len(columns) // workers)))
    batches = [torch.as_tensor(columns[k : k + size], device=device) for k in range(0, len(columns), size)]

    def solve(batch: Tensor) -> tuple[Tensor, Tensor, int]:
        torch.set_num_threads(1)  # one batch a thread: threads inside small products only wait for each other
        return _solve_batch(atoms, batch, relative_gap, max_iterations)

    results, done = [], 0
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for weight, kernel, iterations in pool.map(solve, batches):
            results.append((weight.cpu().numpy(), kernel.cpu().numpy(), iterations))
            done += len(weight)
            if progress is not None:
                progress(done, len(columns))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
    weights, kernels, iterations = zip(*results, strict=True)
    return Pursuits(np.concatenate(weights), np.concatenate(kernels), max(iterations))


def _solve_batch(
    atoms: Float[Tensor, "m n"], columns: Int[Tensor, " b"], relative_gap: float, max_iterations: int
) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b n"], int]:
    state = _State.start(atoms, columns)
    weight, kernel = state.y.clone(), torch.zeros_like(state.p)
    open_ = torch.arange(len(columns), device=atoms.device)  # positions in the batch that are not done
    for iteration in itertools.count():
        gap = state.upper - state.lower
        finished = gap <= relative_gap * state.lower
        advanced = state.advanced(atoms) if iteration < max_iterations and not bool(finished.all()) else None
        stuck = torch.ones_like(finished) if advanced is None else ~advanced.usable
        leaving = finished | stuck
        weight[open_[leaving]], kernel[open_[leaving]] = state.y[leaving], state.kernel[leaving]
        if advanced is None or bool(leaving.all()):
            break
        open_, state = open_[~leaving], advanced.select(~leaving)
    return weight, kernel, iteration


def _longest_step(*pairs: tuple[Tensor, Tensor]) -> Float[Tensor, "b 1"]:
    """Largest step at which all x + step dx stay nonnegative, before damping; infinite if none is decreased."""
    steps = [torch.where(dx < 0, -x / dx, torch.inf).amin(1, keepdim=True) for x, dx in pairs]
    return torch.stack(steps).amin(0)


@dataclass
class _State:
    """Primal p, q and dual y of a batch of columns; ``used`` is 0 at the column itself and 1 elsewhere."""

    target: Float[Tensor, "b m"]
    used: Float[Tensor, "b n"]
    p: Float[Tensor, "b n"]
    q: Float[Tensor, "b n"]
    y: Float[Tensor, "b m"]
    correlation: Float[Tensor, "b n"]  # B^T y, 0 at the column itself

    @classmethod
    def start(cls, atoms: Float[Tensor, "m n"], columns: Int[Tensor, " b"]) -> _State:
        target = atoms.T[columns]
        used = torch.ones(len(columns), atoms.shape[1], dtype=atoms.dtype, device=atoms.device)
        used.scatter_(1, columns[:, None], 0.0)
        # Least-norm solution of B z = a for orthonormal rows, by the formula of Sherman and Morrison.
        projection = target @ atoms
        z = used * projection / (1 - projection.gather(1, columns[:, None]))
        inside = z.abs().sum(1, keepdim=True) / used.sum(1, keepdim=True)
        y = torch.zeros_like(target)
        return cls(target, used, z.clamp(min=0) + inside, (-z).clamp(min=0) + inside, y, torch.zeros_like(used))

    def select(self, rows: Tensor) -> _State:
        return _State(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def kernel(self) -> Float[Tensor, "b n"]:
        return (self.p - self.q) * self.used - (1 - self.used)

    @property
    def lower(self) -> Float[Tensor, " b"]:
        return 1 / ((self.p - self.q).abs() * self.used).sum(1)

    @property
    def upper(self) -> Float[Tensor, " b"]:
        own = (self.target * self.y).sum(1)
        return torch.where(own > 0, self.correlation.abs().amax(1) / own, torch.inf)

    @property
    def usable(self) -> Tensor:
        """Where the Newton step left a finite, interior iterate."""
        parts = (self.p, self.q, 1 - self.correlation, 1 + self.correlation)
        return torch.stack([((x > 0) & torch.isfinite(x)).all(1) for x in parts]).all(0)

    def advanced(self, atoms: Float[Tensor, "m n"]) -> _State:
        """One predictor-corrector step."""
        p, q, used = self.p, self.q, self.used
        s, t = 1 - self.correlation, 1 + self.correlation
        residual = self.target - ((p - q) * used) @ atoms.T
        normal = (atoms * ((p / s + q / t) * used)[:, None, :]) @ atoms.T
        factor = torch.linalg.cholesky_ex(normal)[0]
        pairs = 2 * used.sum(1, keepdim=True)

        def newton(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            """Direction for the right-hand sides of p s and q t."""
            side = residual - ((first / s - second / t) * used) @ atoms.T
            dy = torch.cholesky_solve(side[:, :, None], factor)[:, :, 0]
            change = (dy @ atoms) * used
            return dy, change, (first + p * change) / s, (second - q * change) / t

        _, change, dp, dq = newton(-p * s, -q * t)
        primal = _longest_step((p, dp), (q, dq)).clamp(max=1)
        dual = _longest_step((s, -change), (t, change)).clamp(max=1)
        mean = ((p * s + q * t) * used).sum(1, keepdim=True) / pairs
        predicted = (p + primal * dp) * (s - dual * change) + (q + primal * dq) * (t + dual * change)
        centre = (predicted * used).sum(1, keepdim=True) / pairs
        aim = (centre / mean) ** 3 * mean
        dy, change, dp, dq = newton(aim - p * s + dp * change, aim - q * t - dq * change)
        primal = (_STEP * _longest_step((p, dp), (q, dq))).clamp(max=1)
        dual = (_STEP * _longest_step((s, -change), (t, change))).clamp(max=1)
        y = self.y + dual * dy
        return _State(self.target, used, p + primal * dp, q + primal * dq, y, (y @ atoms) * used)
