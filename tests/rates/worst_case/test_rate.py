"""Rates against closed forms, published numbers, and the same inequalities written plainly for cvxpy."""

import math

import cvxpy
import numpy as np
import pytest

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import (
    AcceleratedGradient,
    AcceleratedProximalGradient,
    Admm,
    DouglasRachford,
    GradientDescent,
    Halpern,
    HeavyBall,
    InexactGradientDescent,
    KrasnoselskiiMann,
    ProximalGradient,
    ProximalPoint,
)
from unfold_theory.rates.worst_case import (
    FunctionClass,
    Measure,
    ask,
    averaged,
    build_chain,
    convex,
    nonexpansive,
    smooth_convex,
    smooth_nonconvex,
    solve_chain,
    strongly_convex,
    weakly_convex,
    worst_case_rate,
)

COMPOSITE = (smooth_convex(1.0), convex())


def steps(seed, count, low=0.1, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, count)


@pytest.mark.parametrize("form", ["chain", "full"])
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_short_gradient_steps(form, count):
    """L R^2 / (4T + 2), whatever L, R and the steps in (0, 1/L]."""
    L, R = 3.0, 2.0
    t = steps(count, count) / L
    rate = worst_case_rate(GradientDescent(t), smooth_convex(L), radius=R, form=form)
    expected = L * R**2 / (4 * L * t.sum() + 2)
    assert rate.upper == pytest.approx(expected, rel=1e-6)
    closed = worst_case_rate(GradientDescent(t), smooth_convex(L), radius=R)
    assert closed.form == "closed"
    assert closed.tight
    assert closed.value.basis == Basis.CERTIFIED
    assert closed.value.contains(expected)
    assert float(closed.value.width) < 1e-13


@pytest.mark.parametrize("form", ["auto", "chain", "full"])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_short_proximal_steps(form, count):
    t = steps(count, count)
    rate = worst_case_rate(ProximalGradient(t), COMPOSITE, form=form)
    assert rate.upper == pytest.approx(1 / (4 * t.sum()), rel=1e-6)
    assert rate.tight
    assert rate.value.basis == (Basis.CERTIFIED if form == "auto" else Basis.NUMERICAL)


def test_the_rate_of_proximal_gradient_ends_where_steps_get_long():
    assert worst_case_rate(ProximalGradient([1.0, 0.5]), COMPOSITE).form == "closed"
    long = worst_case_rate(ProximalGradient([1.0, 1.0 + 2**-52]), COMPOSITE)
    assert long.form != "closed"
    assert long.upper == pytest.approx(1 / 8, rel=1e-6)


def test_multipliers_and_couplings_prove_the_rate():
    """Put together by hand, in units of the question: every block is positive semidefinite, and values balance."""
    L, h = 4.0, steps(3, 5) / 4
    rate = worst_case_rate(GradientDescent(h), smooth_convex(L), form="chain")
    lam, W, tau = rate.multipliers, rate.couplings, rate.solution.value
    for k in range(5):
        x, g, g1 = np.eye(3)
        x1 = x - h[k] * g
        S = tau * np.outer(x, x) if k == 0 else np.zeros((3, 3))
        points = {k: (x, g), k + 1: (x1, g1), "*": (0 * x, 0 * x)}
        for (_, i, j), value in lam.items():
            inside = {i, j} in ({k, k + 1}, {k + 1, "*"}) or (k == 0 and {i, j} == {0, "*"})
            if inside:
                dx, dg = (points[i][side] - points[j][side] for side in (0, 1))
                A = np.outer(points[j][1], dx) + np.outer(dg, dg) / (2 * L)
                S = S + value * (A + A.T) / 2
        if k < 4:
            R = np.stack([x1, g1])
            S = S + R.T @ W[k] @ R
        if k:
            S[:2, :2] -= W[k - 1]
        assert np.linalg.eigvalsh(S)[0] > -1e-7
    for k in range(6):
        total = sum(v for (_, i, j), v in lam.items() if j == k) - sum(v for (_, i, j), v in lam.items() if i == k)
        assert total == pytest.approx(float(k == 5), abs=1e-7)


@pytest.mark.parametrize(("delta", "expected"), [(0.1, 0.0549), (0.3, 0.0697), (0.5, 0.0977), (0.8, 0.205)])
def test_inexact_gradients(delta, expected):
    """K = 5, h = .9: measured with an independent prototype."""
    method = InexactGradientDescent(np.full(5, 0.9), delta)
    rates = [worst_case_rate(method, smooth_convex(1.0), form=form).upper for form in ("chain", "full")]
    assert rates[0] == pytest.approx(rates[1], rel=1e-6)
    assert rates[0] == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(("rho", "expected"), [(0.0, 2 / 11), (0.3, 0.2031), (1.0, 4 / 17)])
def test_weak_convexity(rho, expected):
    rate = worst_case_rate(GradientDescent(np.ones(5)), weakly_convex(rho, 1.0), "best residual", "gap", form="chain")
    assert rate.upper == pytest.approx(expected, abs=5e-5)


def test_nonconvex_closed_form():
    h = np.full(4, 1.6)
    rates = [
        worst_case_rate(GradientDescent(h / 2), smooth_nonconvex(2.0), "best residual", "gap", form=form).upper
        for form in ("closed", "chain", "full")
    ]
    assert rates == pytest.approx([rates[0]] * 3, rel=1e-5)
    h = np.array([1.73, 0.2, 1.6])
    rates = {
        form: worst_case_rate(GradientDescent(h), smooth_nonconvex(1.0), "best residual", "gap", form=form).upper
        for form in ("closed", "full")
    }
    assert rates["full"] == pytest.approx(0.585458, abs=2e-6)
    assert rates["closed"] == pytest.approx(0.587692, abs=2e-6)


def test_contraction_product():
    t = np.array([0.1, 0.15])
    rate = worst_case_rate(GradientDescent(t), strongly_convex(0.5, 3.0), "distance", "distance")
    assert rate.form == "closed"
    chain = worst_case_rate(GradientDescent(t), strongly_convex(0.5, 3.0), "distance", "distance", form="chain")
    assert chain.upper == pytest.approx(rate.upper, rel=1e-6)
    # On both sides of 2 / (L + mu) the product is loose (R9).
    h = np.array([0.5, 3.0, 1.0])
    loose = worst_case_rate(GradientDescent(h), strongly_convex(0.1, 1.0), "distance", "distance", form="closed")
    full = worst_case_rate(GradientDescent(h), strongly_convex(0.1, 1.0), "distance", "distance", form="full")
    assert not loose.tight
    assert full.upper < loose.upper * 0.9


@pytest.mark.parametrize("form", ["chain", "full"])
def test_fixed_points(form):
    anchors = [1 / (k + 2) for k in range(10)]
    rate = worst_case_rate(Halpern(anchors), nonexpansive(), "residual", form=form)
    assert rate.upper == pytest.approx((2 / 11) ** 2, rel=1e-5)
    # A resolvent, iterated: |x_{n-1} - x_n|^2 <= (1 - 1/n)^{n-1} / n (Gu and Yang, 2020).
    rate = worst_case_rate(KrasnoselskiiMann(np.ones(9)), averaged(0.5), "residual", form=form)
    assert rate.upper == pytest.approx((1 - 1 / 10) ** 9 / 10, rel=1e-5)


def test_proximal_point():
    t = steps(1, 4)
    assert worst_case_rate(ProximalPoint(t), convex(), form="full").upper == pytest.approx(1 / (4 * t.sum()), rel=1e-6)
    assert worst_case_rate(ProximalPoint(t), convex()).form == "closed"


def plain(X, G, F, pairs, L, mu=0.0):
    """Interpolation inequalities for cvxpy: f_i >= f_j + ..., one by one."""
    for i, j in pairs:
        dx, dg = X[i] - X[j], G[i] - G[j]
        A = np.outer(G[j], dx)
        if math.isfinite(L):
            A = A + (np.outer(dg, dg) / L + mu * np.outer(dx, dx) - 2 * mu / L * np.outer(dg, dx)) / (2 * (1 - mu / L))
        yield F[j] - F[i], (A + A.T) / 2


@pytest.mark.parametrize("momentum", [False, True])
def test_composite_against_cvxpy(momentum):
    """All pairs, in the Gram matrix's own coordinates, f' at the solution included: no facial reduction."""
    K = 3
    h, beta = steps(5, K, 0.5, 1.2), np.array([0.3, 0.6, 0.0]) * momentum
    n = 2 + 2 * K + 1
    e = np.eye(n)
    x = y = e[0]
    fx, fg, gx, gs = [], [], [], []
    for k in range(K):
        fx.append(y)
        fg.append(e[1 + k])
        after = y - h[k] * (e[1 + k] + e[2 + K + k])
        gx.append(after)
        gs.append(e[2 + K + k])
        y, x = after + beta[k] * (after - x), after
    fx += [x, 0 * x]
    fg += [e[1 + K], e[-1]]
    gx += [0 * x]
    gs += [-e[-1]]
    gram, f, g = cvxpy.Variable((n, n), PSD=True), cvxpy.Variable(K + 2), cvxpy.Variable(K + 1)
    constraints = [gram[0, 0] <= 1, f[K + 1] == 0, g[K] == 0]
    for X, G, F, L in ((fx, fg, f, 1.0), (gx, gs, g, math.inf)):
        pairs = [(i, j) for i in range(len(X)) for j in range(len(X)) if i != j]
        constraints += [a + cvxpy.trace(A @ gram) <= 0 for a, A in plain(X, G, F, pairs, L)]
    expected = cvxpy.Problem(cvxpy.Maximize(f[K] + g[K - 1]), constraints).solve(solver="CLARABEL")
    method = AcceleratedProximalGradient(h, beta) if momentum else ProximalGradient(h)
    assert worst_case_rate(method, COMPOSITE, form="full").upper == pytest.approx(expected, rel=1e-5)
    assert worst_case_rate(method, COMPOSITE).upper == pytest.approx(expected, rel=1e-5)


METHODS = [
    (GradientDescent([0.7, 1.2, 0.9]), smooth_convex(1.0)),
    (HeavyBall([0.7, 0.8, 0.9], 0.3), smooth_convex(1.0)),
    (AcceleratedGradient([1.0, 1.0, 0.9], [0.0, 0.3, 0.4]), smooth_convex(1.0)),
    (AcceleratedGradient([1.0, 1.0, 0.9], [0.1, 0.3, 0.4], [0.5, 0.4, 0.2]), smooth_convex(1.0)),
    (ProximalGradient([0.7, 1.2, 0.9]), COMPOSITE),
    (AcceleratedProximalGradient([0.7, 1.0, 0.9], [0.0, 0.3, 0.4]), COMPOSITE),
    (ProximalPoint([0.7, 1.2, 0.9], [0.0, 0.3, 0.4]), convex()),
    (DouglasRachford([0.7, 1.2, 0.9], 0.6), COMPOSITE),
    (Admm([0.7, 1.2, 0.9], [1.0, 1.3, 1.6]), COMPOSITE),
]


@pytest.mark.parametrize(("method", "classes"), METHODS, ids=lambda v: type(v).__name__)
def test_chain_bounds_all_pairs(method, classes):
    chain = worst_case_rate(method, classes, form="chain")
    full = worst_case_rate(method, classes, form="full")
    assert full.lower <= chain.upper
    assert full.upper <= chain.upper * (1 + 1e-6) + 1e-9
    assert full.upper - full.lower < 1e-5 * full.upper


@pytest.mark.parametrize(("method", "classes"), METHODS, ids=lambda v: type(v).__name__)
def test_units(method, classes):
    """Curvature 5 and radius 3 are curvature 1 and radius 1 in other units."""
    scaled = {
        "steps": 1 / 5, "penalty": 1 / 5, "penalties": 5.0, "relaxations": 1.0, "momenta": 1.0, "corrections": 1.0,
    }  # fmt: skip
    other = type(method)(**{n: v * scaled[n] for n, v in method.parameters.items()})
    single = not isinstance(classes, tuple)
    fives = [FunctionClass(c.mu * 5, c.L * 5) for c in ((classes,) if single else classes)]
    for form in ("chain", "full"):
        rate = worst_case_rate(method, classes, form=form).upper
        assert worst_case_rate(other, fives, radius=3.0, form=form).upper == pytest.approx(45 * rate, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientDescent([]), "N = 0"),
        (lambda: HeavyBall([1.0, 1.0], [0.1]), "1 momenta for a method of 2 steps"),
        (lambda: GradientDescent([1.0, math.nan]), "nan in step 2"),
        (lambda: ProximalGradient([1.0, -0.1]), "-0.1 in step 2"),
        (lambda: GradientDescent([[1.0]]), "shape"),
        (lambda: strongly_convex(2.0, 1.0), "mu = 2.0 exceeds L = 1.0"),
        (lambda: FunctionClass(math.nan), "nan"),
        (lambda: averaged(1.5), "averagedness"),
        (Measure, "zero"),
        (lambda: worst_case_rate(GradientDescent([1.0]), COMPOSITE), "2 classes for gradient descent"),
        (lambda: worst_case_rate(GradientDescent([1.0]), nonexpansive()), "OperatorClass"),
        (lambda: worst_case_rate(GradientDescent([1.0]), convex(), "speed"), "speed"),
        (lambda: worst_case_rate(GradientDescent([1.0]), smooth_convex(), radius=-1.0), "radius"),
        (lambda: worst_case_rate(GradientDescent([1.0]), smooth_convex(), form="best"), "best"),
        (lambda: worst_case_rate(KrasnoselskiiMann([0.5]), nonexpansive(), "gap"), "operator"),
        (
            lambda: worst_case_rate(GradientDescent([1.0, 0.5, 2.1]), smooth_nonconvex(), "best residual", "decrease"),
            "No finite worst case: step 3 reaches or exceeds 2/L",
        ),
        (
            lambda: worst_case_rate(ProximalGradient([0.5, 2.5]), (smooth_convex(), weakly_convex(0.5))),
            "step 2 of the proximal map of g reaches or exceeds 1/rho",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


def test_a_reduced_set_that_bounds_nothing_is_no_trace_of_a_solver():
    method = AcceleratedProximalGradient([0.86, 1.41, 1.24, 0.1, 1.3, 0.147], [0.68, 0.24, 0.79, 0.53, 0.34, 0.44])
    with pytest.raises(InputError, match="reduced set"):
        worst_case_rate(method, COMPOSITE, form="chain")
    assert worst_case_rate(method, COMPOSITE).form == "full"


def test_a_thousand_steps():
    h = steps(0, 1000)
    rate = worst_case_rate(ProximalGradient(h), COMPOSITE, form="chain")
    assert rate.upper == pytest.approx(1 / (4 * h.sum()), rel=1e-6)
    assert rate.form == "chain"
    assert rate.tight


def test_a_long_accelerated_chain():
    """Beck and Teboulle's bound 2 / (K + 1)^2 holds; solved at another scale the value is the same."""
    K = 200
    method = AcceleratedProximalGradient(np.ones(K), [k / (k + 3) for k in range(K)])
    rate = worst_case_rate(method, COMPOSITE)
    # Attained: 2 / (K^2 + 5K + 2), Taylor, Hendrickx and Glineur (2017, Table 1).
    assert rate.upper == pytest.approx(2 / (K**2 + 5 * K + 2), rel=1e-4)


@pytest.mark.parametrize("margin", [1e-8, 1e-6])
def test_margins_for_rounding(margin):
    """Every multiplier and every block keep their distance from zero; the bound pays little for it."""
    h = steps(4, 12)
    question = ask(ProximalGradient(h), COMPOSITE)
    solution = solve_chain(build_chain(question, scale=0.2), margin=margin)
    assert min(solution.multipliers.values()) >= 0.99 * margin
    slack = solution.b - solution.matrix @ solution.result.x
    for number, group in enumerate(solution.chain.groups):
        blocks = solution._blocks(slack, number, group)
        assert np.linalg.eigvalsh(blocks).min() > -0.01 * margin
    assert 1 <= solution.value * 4 * h.sum() <= 1 + 1e3 * margin


def test_sum_without_a_bound_of_its_infimum():
    with pytest.raises(MissingStructure, match="infimum"):
        worst_case_rate(ProximalGradient([1.0]), COMPOSITE, "residual", "gap")
