"""Minimisers of the Lasso enclosed entry by entry, with a proof that they are the only ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float64

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.problems.lasso import Lasso, LassoSolution
from unfold_theory.verified import smallest_singular_value_squared, spectral_norm_squared


@dataclass(frozen=True, eq=False)
class EnclosedMinimizers:
    r"""What is certain about the minimisers of a batch of Lasso problems.

    Attributes:
        known: Where the minimiser was proved to be unique and enclosed, shape (batch,).
        code: $x^\star$, shape (batch, n); elsewhere within $\pm F(x)/\lambda$, which holds for every minimiser.
        signs: $\mathrm{sgn}(x^\star)$ where known, shape (batch, n).
        correlation: $A^T(y-Ax^\star)$, shape (batch, n); exactly $\lambda\,\mathrm{sgn}(x^\star)$ on the support.
        curvature: $\sigma_{\min}^2(A_S)$ of the support S, shape (batch,); 0 for an empty one.
        steepness: $\|A_S\|_2^2$, shape (batch,).
    """

    known: Bool[np.ndarray, " batch"]
    code: Enclosure
    signs: Float64[np.ndarray, "batch n"]
    correlation: Enclosure
    curvature: Enclosure
    steepness: Enclosure


@dataclass(frozen=True)
class _Candidate:
    """One problem's support with signs, the code on it with a radius, and the spectrum of its columns."""

    signs: Float64[np.ndarray, " n"]
    code: Float64[np.ndarray, " n"]
    radius: float
    curvature: Enclosure
    steepness: Enclosure


def enclose_minimizers(lasso: Lasso, y: Float64[np.ndarray, "batch m"], solution: LassoSolution) -> EnclosedMinimizers:
    r"""Enclosures of the minimisers, from their supports and signs.

    Let S and s be the support and signs of an approximate solution. If $A_S$ is injective there is one z with
    $A_S^TA_Sz=A_S^Ty-\lambda s$; for any $\tilde z$ with residual $\rho$ of this system,
    $\|z-\tilde z\|_2\le\|\rho\|_2/\sigma_{\min}^2(A_S)$. If moreover $\mathrm{sgn}(z)=s$ and
    $|A_j^T(y-A_Sz)|<\lambda$ off S, z is the only minimiser (strict complementarity and injectivity). All of it is
    decided with outward rounding; nothing about the solver is trusted.

    Args:
        lasso: The problem.
        y: Measurements, shape (batch, m).
        solution: What ``lasso.solve`` returned for them.
    """
    found = [_candidate(lasso, row, start) for row, start in zip(y, solution.x, strict=True)]
    radius = np.array([c.radius for c in found])[:, None]
    signs, codes = np.stack([c.signs for c in found]), np.stack([c.code for c in found])
    on = signs != 0
    # Unknown rows get their width afterwards.
    width = np.where(on & np.isfinite(radius), radius, 0.0)
    code = Enclosure.certified(np.nextafter(codes - width, -np.inf), np.nextafter(codes + width, np.inf))
    code = Enclosure.certified(np.where(on, code.lo, 0.0), np.where(on, code.hi, 0.0))
    correlation = (Enclosure.exact(y) - code @ lasso.dictionary.T) @ lasso.dictionary
    right = np.where(on, np.where(signs > 0, code.lo, -code.hi) > 0, abs(correlation).hi < lasso.lam)
    known = right.all(axis=1) & np.isfinite(radius[:, 0])
    loose = np.nextafter(lasso.enclose_objective(solution.x, y).hi / lasso.lam, np.inf)
    # |A_j^T(y - Ax*)| <= lam for every minimiser.
    lo = np.where(known[:, None], np.where(on, lasso.lam * signs, correlation.lo), -lasso.lam)
    hi = np.where(known[:, None], np.where(on, lasso.lam * signs, correlation.hi), lasso.lam)
    spread = np.broadcast_to(loose[:, None], codes.shape)
    curvature, steepness = (stack([getattr(c, name) for c in found]) for name in ("curvature", "steepness"))
    return EnclosedMinimizers(
        known=known,
        code=Enclosure.certified(np.where(known[:, None], code.lo, -spread), np.where(known[:, None], code.hi, spread)),
        signs=np.where(known[:, None], signs, 0.0),
        correlation=Enclosure.certified(lo, hi),
        curvature=_or_anything(known, curvature),
        steepness=_or_anything(known, steepness),
    )


def _or_anything(known: np.ndarray, value: Enclosure) -> Enclosure:
    return Enclosure.certified(np.where(known, value.lo, 0.0), np.where(known, value.hi, np.inf))


def _candidate(lasso: Lasso, y: Float64[np.ndarray, " m"], start: Float64[np.ndarray, " n"]) -> _Candidate:
    m, n = lasso.dictionary.shape
    nothing = _Candidate(np.zeros(n), np.zeros(n), np.inf, Enclosure.exact(0.0), Enclosure.exact(0.0))
    signs = np.sign(start)
    for _ in range(4):
        support = np.flatnonzero(signs)
        if not len(support):
            return _Candidate(signs, np.zeros(n), 0.0, Enclosure.exact(0.0), Enclosure.exact(0.0))
        if len(support) > m:
            return nothing
        columns = lasso.dictionary[:, support]
        try:
            factor = scipy.linalg.cho_factor(columns.T @ columns)
        except np.linalg.LinAlgError:
            return nothing
        z = np.zeros(len(support))
        for _ in range(3):  # iterative refinement
            z = z + scipy.linalg.cho_solve(factor, columns.T @ (y - columns @ z) - lasso.lam * signs[support])
        wrong = np.sign(z) != signs[support]
        if not wrong.any():
            return _enclosed(lasso, y, signs, support, z)
        signs[support[wrong]] = 0.0  # an entry that the solver left at rounding size
    return nothing


def _enclosed(lasso: Lasso, y: np.ndarray, signs: np.ndarray, support: np.ndarray, z: np.ndarray) -> _Candidate:
    columns = lasso.dictionary[:, support]
    residual = (Enclosure.exact(y) - Enclosure.exact(columns) @ z) @ columns - lasso.lam * signs[support]
    curvature, steepness = smallest_singular_value_squared(columns), spectral_norm_squared(columns)
    radius = float((residual.norm(2) / curvature).hi) if curvature.lo > 0 else np.inf
    code = np.zeros(len(signs))
    code[support] = z
    return _Candidate(signs.copy(), code, radius, curvature, steepness)
