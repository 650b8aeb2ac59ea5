r"""Ablin, Moreau, Massias, Gramfort 2019: steps on the support, their rates, and theorem 4.4 at finite depth.

Inner products are sums over coordinates, so that an identity between them is checked in one coordinate. On the support
$f(x)=\frac12\|Ax-y\|^2$ obeys $f(p)\le f(x)+\langle\nabla f(x),p-x\rangle+\frac12L_S\|p-x\|^2$ whenever p - x lives
on S, because $\|A(p-x)\|=\|A_S(p-x)_S\|$: this is all that the proofs of ISTA use of L.
"""

import random

import sympy as sp

x, p, z, t, L, mu, gradient = sp.symbols("x p z t L mu g", real=True)


def check_quadratic_model_on_the_support():
    r"""$f(p)-f(x)-\nabla f(x)^T(p-x)=\frac12\|A_S(p-x)_S\|^2$ exactly, for p - x supported on S; false off S."""
    draw = random.Random(3)
    matrix = sp.Matrix(3, 5, lambda *_: draw.randint(-4, 4))
    y = sp.Matrix([draw.randint(-4, 4) for _ in range(3)])
    start = sp.Matrix([1, 0, -2, 0, 0])
    for target, inside in (([3, 0, 5, 0, 0], True), ([3, 0, 5, 1, 0], False)):
        step = sp.Matrix(target) - start
        residuals = [sp.Matrix(matrix * v - y) for v in (start, sp.Matrix(target))]
        value = [r.dot(r) / 2 for r in residuals]
        slope = sp.Matrix(matrix.T * residuals[0]).dot(step)
        on = sp.Matrix(matrix[:, [0, 2]]) * sp.Matrix([step[0], step[2]])
        assert (value[1] - value[0] - slope == on.dot(on) / 2) == inside


def check_proximal_gradient_inequality():
    r"""$F(p)-F(z)\le\frac1{2t}(\|x-z\|^2-\|p-z\|^2)-\frac12(\frac1t-L_S)\|x-p\|^2$ for every z, on S or off it.

    The model is needed between x and p only; convexity of f at x is global.
    """
    subgradient = (x - p) / t - gradient
    total = gradient * (p - x) + L / 2 * (p - x) ** 2 + gradient * (x - z) - subgradient * (z - p)
    claimed = ((x - z) ** 2 - (p - z) ** 2) / (2 * t) - (1 / t - L) / 2 * (x - p) ** 2
    assert sp.simplify(total - claimed) == 0
    # z = x is the descent of the oracle's step: F(p) <= F(x) - (1/t - L_S/2) |p - x|^2.
    assert sp.simplify(claimed.subs(z, x) + (1 / t - L / 2) * (x - p) ** 2) == 0
    # False variant: a decrease of |p - x|^2 / t is more than that, by the model's own term.
    assert sp.simplify(claimed.subs(z, x) + (x - p) ** 2 / t - L * (x - p) ** 2 / 2) == 0


def check_variable_steps_telescope():
    r"""$\sum_jt_jg_{j+1}\le\frac12d_0^2$ and monotone gaps give $g_k\le d_0^2/(2\sum_{j<k}t_j)$."""
    steps = sp.symbols("t0:3", positive=True)
    squared = sp.symbols("d0:4", nonnegative=True)
    gap = sp.symbols("g1:4", nonnegative=True)
    room = sum((squared[k] - squared[k + 1]) / 2 - steps[k] * gap[k] for k in range(3))  # nonnegative
    bound = squared[0] / 2 - gap[2] * sum(steps)
    spare = squared[3] / 2 + sum(steps[k] * (gap[k] - gap[2]) for k in range(3))
    assert sp.expand(bound - room - spare) == 0


def check_linear_rate():
    r"""$F(p)-F^\star\le(1-\mu t)(F(x)-F^\star)$: p minimises the model, compare with $x+\tau(x^\star-x)$, $\tau=\mu t$.

    Model at z: $F(z)-\frac\mu2\|z-x\|^2+\frac1{2t}\|z-x\|^2$ at most, and
    $F(x+\tau(x^\star-x))\le(1-\tau)F(x)+\tau F^\star-\frac\mu2\tau(1-\tau)\|x-x^\star\|^2$ by strong convexity.
    """
    tau = mu * t
    coefficient = -mu * tau * (1 - tau) / 2 + (1 / t - mu) * tau**2 / 2
    assert sp.simplify(coefficient) == 0
    # False variant: a larger tau leaves a positive multiple of the squared distance.
    larger = 2 * mu * t
    left = sp.factor(-mu * larger * (1 - larger) / 2 + (1 / t - mu) * larger**2 / 2)
    assert sp.simplify(left - mu**2 * t) == 0
    # False variant: 1 - 2 mu t is below (1 - mu t)^2, which f = mu x^2 / 2 attains.
    assert sp.expand((1 - mu * t) ** 2 - (1 - 2 * mu * t)) == mu**2 * t**2


def check_steps_beyond_the_support_can_ascend():
    r"""The hypothesis is needed: one column with $L_S=1$, step $\frac{5}{2}$ from x: the objective rises."""
    lam, y = sp.Rational(1, 10), sp.Integer(1)
    start = sp.Rational(1, 2)

    def objective(v):
        return (v - y) ** 2 / 2 + lam * abs(v)

    step = sp.Rational(5, 2)
    moved = start - step * (start - y)
    following = sp.sign(moved) * max(abs(moved) - lam * step, 0)
    assert objective(following) > objective(start)


def check_coupling_identity():
    r"""On S, with $\mathrm{sgn}(x^+)=s$ and $A_S^Tr^\star=\lambda s$: $((\alpha W-\beta A)^Tr^\star)_S
    =e^+_S-((I-\alpha W^TA)e)_S$, exact rationals; $\beta$ is $\theta/\lambda$ and no other number.
    """
    draw = random.Random(11)
    for _ in range(10):
        entries = [[sp.Rational(draw.randint(-9, 9), draw.randint(1, 5)) for _ in range(3)] for _ in range(3)]
        A = sp.Matrix(entries)
        if A.det() == 0:
            continue
        W = sp.Matrix(3, 3, lambda *_: sp.Rational(draw.randint(-9, 9), 7))
        s = sp.Matrix([draw.choice((-1, 1)) for _ in range(3)])
        lam, theta, alpha = sp.Rational(1, 3), sp.Rational(draw.randint(1, 5), 4), sp.Rational(draw.randint(1, 9), 5)
        star = sp.diag(*s) * sp.Matrix([draw.randint(1, 5) for _ in range(3)])
        residual = sp.Matrix(A.T.inv() * (lam * s))  # A^T r* = lam s: x* solves the Lasso with y = A x* + r*
        y = A * star + residual
        code = sp.Matrix([sp.Rational(draw.randint(-9, 9), 3) for _ in range(3)])
        following = code + alpha * W.T * (y - A * code) - theta * s  # the layer where its output has the signs s
        e, after = code - star, following - star
        right = after - (e - alpha * W.T * A * e)
        assert sp.expand(alpha * W.T * residual - (theta / lam) * A.T * residual - right) == sp.zeros(3, 1)
        assert alpha * W.T * residual - 2 * (theta / lam) * A.T * residual != right


def check_residuals_of_a_face_span():
    r"""Residuals with $A_j^Tr=\lambda$, $|A_i^Tr|\le\lambda$ are a facet of a polytope around 0: they span the space.

    Exactly, for a 2 x 3 dictionary: two residuals with j = 0 active are independent, so that $\alpha W_0=\beta A_0$.
    """
    A = sp.Matrix([[1, 0, sp.Rational(3, 5)], [0, 1, sp.Rational(4, 5)]])
    residuals = [sp.Matrix([1, 0]), sp.Matrix([1, sp.Rational(1, 4)])]
    for r in residuals:
        products = A.T * r
        assert products[0] == 1
        assert all(abs(v) < 1 for v in list(products)[1:])
    assert sp.Matrix.hstack(*residuals).det() != 0
