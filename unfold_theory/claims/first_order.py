"""What claims on first-order methods share: which method it is, and hypotheses on its steps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from unfold_theory.claim import MethodSetting, hypothesis
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.methods import GradientDescent


def gradient_steps(s: MethodSetting) -> Enclosure:
    """The steps $t_k$ of plain gradient descent, shape (depth, 1).

    Raises:
        MissingStructure: The method is another one, or an objective has a nonsmooth part.
    """
    if type(s.method) is not GradientDescent:
        raise MissingStructure(s.method.title, "a claim on gradient descent", "plain gradient steps")
    if s.composite:
        raise MissingStructure(s.name, "a claim on gradient descent", "a smooth objective")
    return Enclosure.exact(s.method.steps)[:, None]


def normalised_steps(s: MethodSetting) -> Enclosure:
    """$h_k=Lt_k$, shape (depth, 1), rounded only where the product of the two floats is not one."""
    return exact_products(gradient_steps(s), s.lipschitz)


def exact_products(steps: Enclosure, lipschitz: Enclosure) -> Enclosure:
    """Products of points, shape (depth, 1), rounded only where the product of the two floats is not one."""
    products = [Fraction(float(t)) * Fraction(lipschitz.lo.item()) for t in steps.lo[:, 0]]
    nearest = np.array([[float(p)] for p in products])
    off = np.array([[(Fraction(v) > p) - (Fraction(v) < p)] for v, p in zip(nearest[:, 0], products, strict=True)])
    lo = np.where(off > 0, np.nextafter(nearest, -np.inf), nearest)
    return Enclosure(lo, np.where(off < 0, np.nextafter(nearest, np.inf), nearest), lipschitz.basis)


def least_gradient(s: MethodSetting) -> Enclosure:
    r"""$\min_{0\le i\le k}\|\nabla f(x_i)\|^2$, k = 1, ..., K, shape (depth, sample)."""
    norms = s.gradient_norms
    least = Enclosure(np.minimum.accumulate(norms.lo), np.minimum.accumulate(norms.hi), norms.basis)
    return least[1:] ** 2


def at_most(measured: Enclosure, bound: Enclosure) -> Inequality:
    """``measured <= bound`` up to what float64 is allowed in the measurement: a rate that is attained is decided."""
    return measured <= bound + Enclosure.exact(measured.width).with_basis(Basis.NUMERICAL)


def gap_of_the_zeroth_gradient(s: MethodSetting) -> Enclosure:
    r"""$2L(f(x_0)-f^\star)$: what bounds the squared gradient without a step."""
    return 2.0 * s.lipschitz * s.initial_gap


@hypothesis(scope="prefix")
def steps_positive(s: MethodSetting) -> Inequality:
    r"""$t_k>0$ in every step so far."""
    return gradient_steps(s) > 0.0


@hypothesis(scope="prefix")
def steps_at_most_inverse_lipschitz(s: MethodSetting) -> Inequality:
    r"""$Lt_k\le 1$ in every step so far."""
    return normalised_steps(s) <= 1.0


@hypothesis
def convex(s: MethodSetting) -> Inequality:
    r"""f is convex: no curvature below 0."""
    return Enclosure.exact(0.0) <= s.curvature
