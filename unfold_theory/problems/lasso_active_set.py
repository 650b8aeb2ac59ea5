"""One Lasso problem at a time by an active-set method: slow, finite, for supports that splitting does not settle."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from jaxtyping import Float64

_SHIFT = 1e-13


def active_set(
    A: Float64[np.ndarray, "m n"],
    gram: Float64[np.ndarray, "n n"],
    y: Float64[np.ndarray, " m"],
    lam: float,
    start: Float64[np.ndarray, " n"],
    most_steps: int,
) -> Float64[np.ndarray, " n"]:
    r"""A minimiser of $\tfrac12\|Ax-y\|^2+\lambda\|x\|_1$ up to rounding, from any start (feature-sign search).

    Every step moves to the minimiser of the smooth piece that the current signs select, or to the best point on the
    way there at which an entry vanishes; at a minimiser of its piece, the most violating column enters. F never
    rises, and no selection of signs comes back. Dependent columns make the piece flat: a tiny shift then sends the
    step far along the null space, and the way there ends at the entry that can be spared (Lee et al., NeurIPS 2006,
    for the search; the treatment of dependent columns is this module's).
    """
    x = start.copy()
    signs = np.sign(x)
    entering = -1
    for _ in range(most_steps):
        gradient = A.T @ (A @ x - y)
        active = np.flatnonzero(signs)
        if len(active):
            slope = gradient[active] + lam * signs[active]
            target = x[active] - _solve(gram[np.ix_(active, active)], slope)
            settled = (np.sign(target) == signs[active]).all()
            moved = _best_on_the_way(x[active], target, slope - lam * signs[active], gram, active, lam)
            stalled = np.array_equal(moved, x[active])
            x[active] = moved
            if stalled and entering >= 0:  # the entering column brings nothing that rounding does not hide
                return x
            signs, entering = np.sign(x), -1
            if not (settled or stalled):
                continue
            gradient = A.T @ (A @ x - y)
        excess = np.where(signs == 0, np.abs(gradient) - lam, -np.inf)
        entering = int(np.argmax(excess))
        if excess[entering] <= 4e-16 * (lam + np.abs(gradient).max()):
            return x
        signs[entering] = -np.sign(gradient[entering])
    return x


def _solve(system: Float64[np.ndarray, "k k"], right: Float64[np.ndarray, " k"]) -> Float64[np.ndarray, " k"]:
    """A shifted solve; the shift grows until the factorisation exists."""
    shift = _SHIFT * system.diagonal()
    for _ in range(8):
        try:
            factor = scipy.linalg.cho_factor(system + np.diag(shift), check_finite=False)
        except np.linalg.LinAlgError:
            shift = 10 * shift
            continue
        solution = scipy.linalg.cho_solve(factor, right, check_finite=False)
        # One refinement takes most of the shift's bias out again.
        return solution + scipy.linalg.cho_solve(factor, right - system @ solution, check_finite=False)
    return np.zeros_like(right)


def _best_on_the_way(
    before: Float64[np.ndarray, " k"],
    target: Float64[np.ndarray, " k"],
    gradient: Float64[np.ndarray, " k"],
    gram: Float64[np.ndarray, "n n"],
    active: np.ndarray,
    lam: float,
) -> Float64[np.ndarray, " k"]:
    """The point of least F among the target and the zero crossings of entries between ``before`` and it."""
    move = target - before
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.where(before * target < 0, -before / move, np.inf)
    times = np.unique(np.append(crossing[crossing < 1], 1.0))
    quadratic = 0.5 * float(move @ gram[np.ix_(active, active)] @ move)
    points = before + times[:, None] * move
    # Entries that vanish at a crossing vanish exactly.
    points[crossing[None, :] == times[:, None]] = 0.0
    change = np.abs(points) - np.abs(before)
    values = quadratic * times**2 + times * float(gradient @ move) + lam * change.sum(axis=1)
    best = int(np.argmin(values))
    return points[best] if values[best] < 0 else before
