r"""Teboulle and Vaisbourd 2023: proximal gradient with any steps in (0, 1/L] has the rate $LR^2/(4T)$, for all N.

With L = 1, $h_k$ the steps, $T_k=\sum_{i\le k}h_i$, $T=T_N$, $s_k=2T-T_k$, $e_k=h_k/s_{k-1}$ ($e_{N+1}=0$), multipliers
$\lambda_k=T_k/s_{k-1}$ on $f_{k-1}\to f_k$, $\mu_k=\lambda_{k+1}-\lambda_k$ on $f_*\to f_k$ ($\lambda_0=0$,
$\lambda_{N+1}=1$), $\nu_k=T_k/s_k$ on $g_k\to g_{k+1}$, $\kappa_k=\nu_k-\nu_{k-1}$ on $g_*\to g_k$, all inequalities
together leave, with gradients $a_k$ of f and subgradients $b_k$ of g at $x_k$, and $x_0$ eliminated, the form
$$Q=\sum_{i<k}\tfrac12\kappa_kq_i\,\|b_k+L_k-b_i-E_i\|^2+\sum_k\tfrac12\mu_k\|a_k\|^2+\sum_kr_k\|a_k-a_{k-1}\|^2$$
with $q_i=2T\kappa_i-h_i\ge0$, $\kappa_kL_k=\nu_ke_ka_k+e_ka_{k-1}$, $q_iE_i=2T\nu_ie_ia_i+e_iT_{i-1}a_{i-1}$, and
$r_k\ge0$ for $h_k\le1$. Here every coefficient of Q is compared with this sum; nothing depends on N.
"""

import random
from dataclasses import replace
from fractions import Fraction

import sympy as sp

from unfold_theory.certificate import WorstCaseRate, check
from unfold_theory.certificate.worst_case import FunctionClass, Statement
from unfold_theory.rates.worst_case.closed_multipliers import closed_form

T, t, h, following = sp.symbols("T t h b", positive=True)  # t = T_{k-1}, h = h_k, b = h_{k+1}
S0, S1, S2 = 2 * T - t, 2 * T - t - h, 2 * T - t - h - following  # s_{k-1}, s_k, s_{k+1}
E1, E2 = h / S0, following / S1  # e_k, e_{k+1}
LAM1, LAM2 = (t + h) / S0, (t + h + following) / S1  # lambda_k, lambda_{k+1}
NU0, NU1, NU2 = t / S0, (t + h) / S1, (t + h + following) / S2
KAPPA, MU = NU1 - NU0, LAM2 - LAM1
Q_WEIGHT = 2 * T * KAPPA - h
P = 2 * T * MU - following
BEFORE = 2 * T * NU0 - t  # sum of q_i, i < k


def same(left, right):
    return sp.simplify(left - right) == 0


def check_the_multipliers_are_nonnegative_and_add_up():
    r"""$\lambda_k=\nu_{k-1}+e_k$, $\kappa_k=2Te_k/s_k$, $\mu_k=\nu_ke_k+e_{k+1}$, $q_k=e_k(4T^2-s_ks_{k-1})/s_k$: all
    nonnegative as $T\le s_k\le2T$; $\nu_N=1$ and $\mu_N=e_N$, star multipliers of f and of g add up to 1."""
    assert same(LAM1, NU0 + E1)
    assert same(KAPPA, 2 * T * E1 / S1)
    assert same(MU, NU1 * E1 + E2)
    assert same(Q_WEIGHT, E1 * (4 * T**2 - S1 * S0) / S1)
    assert same(P, 2 * T * NU1 * E1 + E2 * (t + h))
    last = {t: T - h}
    assert same(NU1.subs(last), 1)
    assert same(1 - LAM1.subs(last), E1.subs(last))
    # The sum of q_i telescopes: sum kappa_i = nu, sum h_i = T.
    assert same(BEFORE + Q_WEIGHT, 2 * T * NU1 - (t + h))


def check_the_start_is_eliminated():
    r"""$\frac1{4T}\|x_0\|^2-\langle x_0,v\rangle+T\|v\|^2=\frac1{4T}\|x_0-2Tv\|^2$,
    $v=\sum\mu_ka_k+\sum\kappa_kb_k$."""
    x, v = sp.symbols("x v", real=True)
    assert sp.expand(x**2 / (4 * T) - x * v + T * v**2 - (x - 2 * T * v) ** 2 / (4 * T)) == 0


def check_subgradients_with_subgradients():
    r"""$\langle b_i,b_k\rangle$, i < k: $\kappa_kh_i-2T\kappa_i\kappa_k=-\kappa_kq_i$. $\|b_k\|^2$:
    $\nu_{k-1}h_k+\kappa_kh_k-T\kappa_k^2=\frac12\kappa_k\sum_{i<k}q_i+\frac12q_k\sum_{j>k}\kappa_j$."""
    later = sp.symbols("kappa", positive=True)
    assert sp.expand(later * h - 2 * T * sp.Symbol("own") * later + later * (2 * T * sp.Symbol("own") - h)) == 0
    assert same(NU0 * h + KAPPA * h - T * KAPPA**2, KAPPA * BEFORE / 2 + Q_WEIGHT * (1 - NU1) / 2)


def check_subgradients_with_gradients():
    r"""$\langle b_k,a_j\rangle$ in Q and in $\sum_{i<k}\kappa_kq_i(L_k-E_i)-\sum_{j>k}\kappa_jq_k(L_j-E_k)$."""
    # In sums of kappa L, a_j occurs with nu_j e_j + e_{j+1} = mu_j; of q E, with 2T nu_j e_j + e_{j+1} T_j = p_j.
    # j > k: mu_j (h_k - 2T kappa_k) = -q_k mu_j; j < k - 1: kappa_k (h_{j+1} - 2T mu_j) = -kappa_k p_j.
    mu = sp.symbols("mu", positive=True)
    assert same(mu * (h - 2 * T * KAPPA), -Q_WEIGHT * mu)
    assert same(mu * (following - 2 * T * MU), -mu * P)
    # j = k: of the sum over j > k only e_{k+1} of L_{k+1}; of E_k its own.
    in_q = LAM1 * h + MU * h - 2 * T * MU * KAPPA
    assert same(in_q, BEFORE * NU1 * E1 - Q_WEIGHT * E2 + (1 - NU1) * 2 * T * NU1 * E1)
    # j = k - 1, written for k + 1 and j = k: of the sum over i < k + 1 only 2T nu_k e_k of E_k.
    kappa_next = NU2 - NU1
    in_q = NU1 * following + kappa_next * following - 2 * T * MU * kappa_next
    before_next = 2 * T * NU1 - (t + h)
    assert same(in_q, before_next * E2 - kappa_next * 2 * T * NU1 * E1 + (1 - NU2) * E2 * (t + h))


def remainder_weight():
    r"""$2r_k=\lambda_k(1-h_k)+x_k$: minus the coefficient of $\langle a_{k-1},a_k\rangle$ that the squares leave."""
    squares = BEFORE / KAPPA * NU1 * E1 * E1 + (1 - NU1) / Q_WEIGHT * (2 * T * NU1 * E1) * (E1 * t)
    # Of mu_k p_{k-1} the pair (L_k, E_k) is missing: there is no edge from k to itself.
    missing = NU1 * E1 * E1 * t
    return LAM1 * (1 - h) + squares + missing, squares + missing


def check_gradients_with_gradients():
    r"""Far pairs cancel: $\mu_l(h_{j+1}-2T\mu_j)=-\mu_lp_j$. Neighbours leave $-2r_k$, $r_k\ge0$ for $h_k\le1$. With
    $L_k=E_k=a$ where all $a_k=a$, the squares do not change sums of rows, and those of Q are $\mu_k/2$."""
    weight, extra = remainder_weight()
    # In Q: mu_k (h_k - 2T mu_{k-1}) + lambda_k (h_k - 1) = -mu_k p_{k-1} + lambda_k (h_k - 1).
    mu_before, mu_now = sp.symbols("mu0 mu1", positive=True)
    p_before = 2 * T * mu_before - h
    in_q = mu_now * (h - 2 * T * mu_before) + LAM1 * (h - 1)
    included = -(mu_now * p_before - NU1 * E1 * E1 * t)
    squares = BEFORE / KAPPA * NU1 * E1 * E1 + (1 - NU1) / Q_WEIGHT * (2 * T * NU1 * E1) * (E1 * t)
    assert same(in_q - (squares + included), -weight)
    # Every factor of what is added to lambda_k (1 - h_k) is nonnegative: T <= s_k <= s_{k-1} <= 2T.
    factored = NU1 * E1 * (t**2 * S1 / (2 * T * S0) + 2 * T * t * (S1 - (t + h)) / (4 * T**2 - S1 * S0) + E1 * t)
    assert same(extra, factored)
    # All gradients equal: L_k = E_k = 1.
    assert same(NU1 * E1 + E1, KAPPA)
    assert same(2 * T * NU1 * E1 + E1 * t, Q_WEIGHT)
    # Row of a_k in Q: diagonal, earlier (sum of h is T_k, of mu is lambda_k), later (sum of mu is 1 - lambda_{k+1}).
    diagonal = (LAM1 + LAM2 + MU) / 2 - T * MU**2
    earlier = MU * ((t + h) - 2 * T * LAM1) / 2 + LAM1 * (h - 1) / 2
    later = (1 - LAM2) * (following - 2 * T * MU) / 2 + LAM2 * (following - 1) / 2
    assert same(diagonal + earlier + later, MU / 2)


def check_the_first_and_the_last():
    r"""k = 0: $\mu_0=\lambda_1=h_1/2T$, $p_0=0$, row sum $\frac12\mu_0$; k = N: $h_{N+1}=0$, $\lambda_{N+1}=1$."""
    lam = following / (2 * T)
    assert same(2 * T * lam - following, 0)
    diagonal = lam / 2 + lam / 2 - T * lam**2
    assert same(diagonal + (1 - lam) * (following - 2 * T * lam) / 2 + lam * (following - 1) / 2, lam / 2)
    last = {t: T - h}
    lam_n, mu_n = LAM1.subs(last), 1 - LAM1.subs(last)
    diagonal = (lam_n + mu_n) / 2 - T * mu_n**2 + sp.Integer(0)
    earlier = mu_n * (T - 2 * T * lam_n) / 2 + lam_n * (h - 1) / 2
    assert same(diagonal + earlier, mu_n / 2)


def check_the_whole_identity_in_exact_arithmetic():
    """Both sides as matrices over (a_0, ..., a_N, b_1, ..., b_N), 40 random sequences of any positive steps, N <= 8."""
    draw = random.Random(5)
    for _ in range(40):
        steps = [Fraction(draw.randint(1, 300), 100) for _ in range(draw.randint(1, 8))]
        difference, couplings = difference_of_both_sides(steps)
        assert not any(map(any, difference))
        assert all(r >= 0 for r, step in zip(couplings, steps, strict=True) if step <= 1)


def difference_of_both_sides(steps):
    """Q minus the sum of squares, and the r_k."""
    N, total = len(steps), sum(steps)
    h = [Fraction(0), *steps, Fraction(0)]
    sums = [sum(h[: k + 1], Fraction(0)) for k in range(N + 1)]
    s = [2 * total - x for x in sums]
    e = [Fraction(0), *(h[k] / s[k - 1] for k in range(1, N + 1)), Fraction(0)]
    lam = [Fraction(0), *(sums[k] / s[k - 1] for k in range(1, N + 1)), Fraction(1)]
    nu = [sums[k] / s[k] for k in range(N + 1)]
    mu = [lam[k + 1] - lam[k] for k in range(N + 1)]
    kappa = [Fraction(0), *(nu[k] - nu[k - 1] for k in range(1, N + 1))]
    size = 2 * N + 1
    D = [[Fraction(0)] * size for _ in range(size)]

    def add(factor, u, v):
        for i, x in u.items():
            for j, y in v.items():
                D[i][j] += factor * x * y / 2
                D[j][i] += factor * x * y / 2

    def a(k):
        return {k: Fraction(1)}

    def b(k):
        return {N + k: Fraction(1)}

    def plus(*terms):
        made = {}
        for factor, vector in terms:
            for i, x in vector.items():
                made[i] = made.get(i, Fraction(0)) + factor * x
        return made

    moved = [{}]  # x_0 - x_k
    for k in range(1, N + 1):
        moved.append(plus((1, moved[-1]), (h[k], a(k - 1)), (h[k], b(k))))
    for k in range(1, N + 1):
        add(lam[k] * h[k], a(k), plus((1, a(k - 1)), (1, b(k))))
        add(lam[k] / 2, plus((1, a(k)), (-1, a(k - 1))), plus((1, a(k)), (-1, a(k - 1))))
        add(kappa[k], b(k), moved[k])
        if k < N:
            add(nu[k] * h[k + 1], b(k + 1), plus((1, a(k)), (1, b(k + 1))))
    for k in range(N + 1):
        add(mu[k], a(k), moved[k])
        add(mu[k] / 2, a(k), a(k))
    v = plus(*((mu[k], a(k)) for k in range(N + 1)), *((kappa[k], b(k)) for k in range(1, N + 1)))
    add(-total, v, v)
    for k in range(1, N + 1):
        for i in range(1, k):
            q = 2 * total * kappa[i] - h[i]
            L = plus((nu[k] * e[k] / kappa[k], a(k)), (e[k] / kappa[k], a(k - 1)))
            E = plus((2 * total * nu[i] * e[i] / q, a(i)), (e[i] * sums[i - 1] / q, a(i - 1)))
            edge = plus((1, b(k)), (1, L), (-1, b(i)), (-1, E))
            add(-kappa[k] * q / 2, edge, edge)
    couplings = [-D[k - 1][k] for k in range(1, N + 1)]
    for k in range(1, N + 1):
        step = plus((1, a(k)), (-1, a(k - 1)))
        add(-couplings[k - 1], step, step)
    for k in range(N + 1):
        add(-mu[k] / 2, a(k), a(k))
    return D, couplings


def theorem(steps, rate=None):
    """The certificate in closed form of proximal gradient."""
    classes = {"f": FunctionClass(Fraction(0), Fraction(1)), "g": FunctionClass(Fraction(0), None)}
    made = closed_form(Statement("proximal gradient", {"steps": tuple(steps)}, classes, "distance", "gap", Fraction(1)))
    assert made is not None
    if rate is not None:
        made = WorstCaseRate(replace(made.statement, rate=rate), made.proof)
    return made.certificate()


def check_instances_with_the_certificate_checkers():
    """60 random sequences of steps in (0, 1], steps of very different sizes among them, N up to 20: exact LDL^T."""
    draw = random.Random(3)
    for n in range(60):
        count = draw.choice([1, 2, 3, 5, 8, 13]) if n else 20
        steps = [Fraction(draw.randint(1, 1000), 1000) / draw.choice([1, 1, 100]) for _ in range(count)]
        assert check(theorem(steps), independently=count <= 5).accepted


def check_a_smaller_bound_is_refused_and_false():
    r"""$f=0$, $g=\frac{R}{2T}|x|$ from R attains the bound, so that any smaller constant is false; and the same
    multipliers with one are refused."""
    draw = random.Random(4)
    for count in (1, 3, 6):
        steps = [Fraction(draw.randint(1, 100), 100) for _ in range(count)]
        total = sum(steps)
        slope, x = 1 / (2 * total), Fraction(1)
        for step in steps:
            x = max(x - step * slope, Fraction(0))
        assert slope * x == 1 / (4 * total)
        smaller = 1 / (4 * total) * (1 - Fraction(1, 10**12))
        assert not check(theorem(steps, smaller)).accepted


def check_long_steps_are_another_matter():
    """One step of 5/2 on x^2 / 2: the gap 9/8 exceeds 1 / (4 T) = 1/10, and the certificate is refused."""
    step = Fraction(5, 2)
    assert (1 - step) ** 2 / 2 > 1 / (4 * step)
    assert not check(theorem([step])).accepted
    # Beyond 1/L the multipliers may still work: eight steps of 3/2.
    assert check(theorem([Fraction(3, 2)] * 8)).accepted
