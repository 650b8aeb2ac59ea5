r"""Functions that pass through given values and gradients, and lie in their class by construction.

With $\ell=L-\mu$, $\tilde f=f-\frac\mu2\|\cdot\|^2$ and $z_i=x_i-\tilde g_i/\ell$,

.. math:: f(x)=\tfrac\mu2\|x\|^2+\min_{\alpha\in\Delta}\tfrac\ell2\|x-\textstyle\sum_i\alpha_iz_i\|^2+\sum_i\alpha_i
   \big(\tilde f_i-\tfrac1{2\ell}\|\tilde g_i\|^2\big),

a Moreau envelope of a convex hull, is in $\mathcal F_{\mu,L}$ whatever the data, and interpolates them where they
satisfy the inequalities (Taylor, Hendrickx and Glineur, 2017; it is the largest interpolant). Without L it is
$\frac\mu2\|x\|^2+\max_i\tilde f_i+\langle\tilde g_i,x-x_i\rangle$, the least one. Gradients and proximal maps are
quadratic programs over the simplex.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse as sp

from unfold_theory.rates.worst_case.classes import FunctionClass
from unfold_theory.rates.worst_case.conic import clarabel


def simplex_program(Z: np.ndarray, target: np.ndarray, weight: float, costs: np.ndarray) -> tuple[np.ndarray, float]:
    r"""Minimise $\frac w2\|t-\sum\alpha_iz_i\|^2+\sum\alpha_ic_i$ over the simplex.

    Args:
        Z: Points, shape (count, d).
        target: t, shape (d,).
        weight: w.
        costs: c, shape (count,).

    Returns:
        $\alpha$, and by how much optimality is violated: the largest amount by which a cost at the margin lies below.
    """
    alpha = _interior(Z, target, weight, costs)
    best, least = alpha, _violation(alpha, Z, target, weight, costs)
    margins = _margins(alpha, Z, target, weight, costs)
    margins = (margins - margins.min()) / max(float(np.ptp(margins)), 1e-300)
    faces = [alpha > 1e-3, alpha > 1e-5, *(margins <= 10.0**-digits for digits in range(4, 11))]
    for face in faces:
        polished = _polished(face, Z, target, weight, costs)
        violation = _violation(polished, Z, target, weight, costs)
        if violation < least:
            best, least = polished, violation
    return best, least


def _interior(Z: np.ndarray, target: np.ndarray, weight: float, costs: np.ndarray) -> np.ndarray:
    count = len(Z)
    if count == 1:
        return np.ones(1)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_feas = settings.tol_gap_rel = settings.tol_gap_abs = 1e-12
    size = max(float(np.abs(costs).max()), weight * float(np.abs(Z).max()) ** 2, 1e-300)
    P = sp.csc_matrix(np.triu(weight / size * (Z @ Z.T)))
    q = (costs - weight * (Z @ target)) / size
    A = sp.vstack([np.ones((1, count)), -sp.eye(count)]).tocsc()
    b = np.concatenate([[1.0], np.zeros(count)])
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(count)]
    alpha = np.maximum(np.array(clarabel.DefaultSolver(P, q, A, b, cones, settings).solve().x), 0.0)
    return alpha / alpha.sum()


def _polished(active: np.ndarray, Z: np.ndarray, target: np.ndarray, weight: float, costs: np.ndarray) -> np.ndarray:
    """The optimum over the affine hull of a face, as a point of the face where it is one."""
    chosen = np.flatnonzero(active)
    z, ones = Z[chosen], np.ones((len(chosen), 1))
    system = np.block([[weight * z @ z.T, ones], [ones.T, np.zeros((1, 1))]])
    right = np.append(weight * (z @ target) - costs[chosen], 1.0)
    part = np.linalg.lstsq(system, right, rcond=1e-13)[0][:-1]
    if part.min() < 0:
        # Points in more than general position: the optimum is unique, its weights are not.
        columns = np.vstack([z.T, costs[chosen], np.ones(len(chosen))])
        part = scipy.optimize.nnls(columns, columns @ part)[0]
    alpha = np.zeros(len(Z))
    alpha[chosen] = part
    return alpha / max(float(alpha.sum()), 1e-300)


def _margins(alpha: np.ndarray, Z: np.ndarray, target: np.ndarray, weight: float, costs: np.ndarray) -> np.ndarray:
    return costs - weight * (Z @ (target - alpha @ Z))


def _violation(alpha: np.ndarray, Z: np.ndarray, target: np.ndarray, weight: float, costs: np.ndarray) -> float:
    """The Frank-Wolfe gap: an upper bound of what is lost."""
    margins = _margins(alpha, Z, target, weight, costs)
    return max(float(alpha @ margins - margins.min()), 0.0)


@dataclass(frozen=True)
class Answer:
    """A point's value and gradient, and what the program behind it may have lost."""

    value: float
    gradient: np.ndarray
    loss: float


class Interpolant:
    """A function of a class through given data.

    Args:
        cls: The class.
        points: Shape (count, d).
        gradients: Shape (count, d).
        values: Shape (count,).
        origin: Whether (0, 0, 0) is among the data and is to be a minimiser: others are then moved by what rounding
            left them below.
    """

    def __init__(self, cls: FunctionClass, points: Any, gradients: Any, values: Any, *, origin: bool):
        self.cls = cls
        X, G, f = (np.asarray(a, dtype=np.float64) for a in (points, gradients, values))
        self.smooth = math.isfinite(cls.L)
        G, f = G - cls.mu * X, f - cls.mu / 2 * np.sum(X**2, axis=1)
        if self.smooth:
            self.ell = cls.L - cls.mu
            self.Z = X - G / self.ell
            self.costs = f - np.sum(G**2, axis=1) / (2 * self.ell)
        else:
            self.Z = G
            self.costs = -(f - np.sum(G * X, axis=1))
        if origin and cls.mu >= 0:
            self.costs = np.maximum(self.costs, 0.0)

    @property
    def infimum(self) -> float:
        """Of a smooth convex interpolant: the least vertex."""
        return float(self.costs.min())

    def at(self, x: np.ndarray) -> Answer:
        """Value and (sub)gradient at a point."""
        quadratic = self.cls.mu / 2 * float(x @ x)
        if not self.smooth:
            pieces = self.Z @ x - self.costs
            best = int(np.argmax(pieces))
            return Answer(quadratic + float(pieces[best]), self.cls.mu * x + self.Z[best], 0.0)
        alpha, loss = simplex_program(self.Z, x, self.ell, self.costs)
        away = x - alpha @ self.Z
        value = quadratic + self.ell / 2 * float(away @ away) + float(alpha @ self.costs)
        return Answer(value, self.cls.mu * x + self.ell * away, loss)

    def prox(self, z: np.ndarray, step: float) -> tuple[np.ndarray, float]:
        """The subgradient at the proximal point, and what may have been lost."""
        kappa = 1 / step + self.cls.mu
        if not self.smooth:
            # max_i a_i + <g_i, x> + kappa/2 |x - z/(t kappa)|^2, through its dual.
            alpha, loss = simplex_program(self.Z, z / step, 1 / kappa, self.costs)
            x = (z / step - alpha @ self.Z) / kappa
        else:
            weight = self.ell * kappa / (self.ell + kappa)
            alpha, loss = simplex_program(self.Z, z / (step * kappa), weight, self.costs)
            x = (z / step + self.ell * (alpha @ self.Z)) / (self.ell + kappa)
        return (z - x) / step, loss
