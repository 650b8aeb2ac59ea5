r"""Chen et al. 2020: stability and convergence of gradient descent as a layer, with their constants, exactly."""

import random

import sympy as sp

k = sp.symbols("k", integer=True, positive=True)
rho, phi, mu = sp.symbols("rho phi mu", positive=True)


def check_the_sum_has_its_closed_form():
    r"""$\varphi^2\sum_{j<k}j\rho^{j-1}=(1-k\rho^{k-1}+(k-1)\rho^k)/\mu^2$, by induction in k."""
    closed = (1 - k * rho ** (k - 1) + (k - 1) * rho**k) / mu**2
    step = sp.simplify(closed.subs(k, k + 1) - closed - ((1 - rho) / mu) ** 2 * k * rho ** (k - 1))
    assert sp.simplify(step) == 0
    assert sp.simplify(closed.subs(k, 1)) == 0
    false = (1 - (k + 1) * rho ** (k - 1) + k * rho**k) / mu**2
    assert sp.simplify(false.subs(k, 1)) != 0


def check_it_saturates_at_the_stability_of_the_minimiser():
    closed = (1 - k * rho ** (k - 1) + (k - 1) * rho**k) / mu**2
    assert sp.limit(closed.subs(rho, sp.Rational(7, 10)), k, sp.oo) == 1 / mu**2
    # d/dQ of b/Q at Q = mu.
    q, b = sp.symbols("Q b", positive=True)
    assert sp.diff(b / q, q).subs(q, mu) == -b / mu**2


def check_powers_of_matrices_telescope():
    r"""$M^j-N^j=\sum_{i<j}M^i(M-N)N^{j-1-i}$ for matrices that do not commute."""
    draw = random.Random(3)
    for j in (1, 2, 5):
        M, N = (sp.Matrix(3, 3, lambda *_: sp.Rational(draw.randint(-5, 5), 3)) for _ in range(2))
        assert M * N != N * M
        total = sp.zeros(3, 3)
        for i in range(j):
            total += M**i * (M - N) * N ** (j - 1 - i)
        assert M**j - N**j == total
    assert M**2 - N**2 != 2 * M * (M - N)  # the commutative shortcut is false


def check_the_bound_is_attained_in_one_dimension():
    r"""$x_k=(1-(1-\varphi Q)^k)b/Q$, whose derivative at $Q=\mu$ is the bound."""
    q, b = sp.symbols("Q b", positive=True)
    for steps in (1, 2, 3, 7):
        x = sp.expand(sum(phi * (1 - phi * q) ** j * b for j in range(steps)))
        assert sp.cancel(sp.expand(x - (1 - (1 - phi * q) ** steps) * b / q)) == 0
        slope = -sp.diff(x, q).subs(q, mu)
        r = 1 - phi * mu
        bound = (1 - steps * r ** (steps - 1) + (steps - 1) * r**steps) / mu**2
        assert sp.cancel(sp.expand(slope - bound * b)) == 0
        # Larger curvature is stabler: at 2 mu the derivative is smaller (phi mu = 1/5).
        numbers = {phi: sp.Rational(1, 5), mu: 1, b: 1}
        assert steps < 3 or -sp.diff(x, q).subs(q, 2 * mu).subs(numbers) < slope.subs(numbers)


def check_convergence_of_the_layer():
    r"""$x_k-Q^{-1}b=-(I-\varphi Q)^kQ^{-1}b$."""
    draw = random.Random(5)
    A = sp.Matrix(4, 2, lambda *_: sp.Rational(draw.randint(-4, 4), 2))
    Q, data = A.T * A, sp.Matrix([1, -2])
    step = sp.Rational(1, 40)
    x = sp.zeros(2, 1)
    for j in range(1, 5):
        x = x - step * (Q * x - data)
        assert x - Q.inv() * data == -((sp.eye(2) - step * Q) ** j) * Q.inv() * data
