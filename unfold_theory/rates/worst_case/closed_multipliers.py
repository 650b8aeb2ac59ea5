r"""Multipliers in closed form for the gap after gradient descent and proximal gradient: certificates with zero slack.

With $h_k=Lt_k$, $T_k=\sum_{i\le k}h_i$, $T=T_N$: $\lambda_k=T_k/(2T-T_{k-1})$ on $f_{k-1}\to f_k$ and
$\lambda_{k+1}-\lambda_k$ on $f_*\to f_k$; for a composite also $\nu_k=T_k/(2T-T_k)$ on $g_k\to g_{k+1}$ and
$\nu_k-\nu_{k-1}$ on $g_*\to g_k$. They prove $LR^2/(4T+2)$ and $LR^2/(4T)$ for all steps in (0, 1/L] and all N
(``proofs_checks/check_drori2014.py``, ``check_teboulle2023.py``), and for longer steps wherever the matrix of an
instance is positive semidefinite.
"""

from __future__ import annotations

from fractions import Fraction

from unfold_theory.certificate import WorstCaseRate
from unfold_theory.certificate.worst_case import Multipliers, Statement
from unfold_theory.certificate.worst_case.statement import STAR

METHODS = ("gradient descent", "proximal gradient")


def closed_form(statement: Statement) -> WorstCaseRate | None:
    """The closed-form proof for a statement's method, its rate included; None where there is no such form.

    Whether it proves the rate is for the checkers to say.
    """
    f = statement.classes["f"]
    if statement.method not in METHODS or (statement.start, statement.output) != ("distance", "gap"):
        return None
    if f.mu != 0 or f.L is None or any(c.mu != 0 or c.L is not None for n, c in statement.classes.items() if n == "g"):
        return None
    steps = statement.parameters["steps"]
    if min(steps) <= 0:
        return None
    N, T = len(steps), [Fraction(0)]
    for t in steps:
        T.append(T[-1] + f.L * t)
    total = T[-1]
    lam = [Fraction(0), *(T[k] / (2 * total - T[k - 1]) for k in range(1, N + 1)), Fraction(1)]
    values: dict = {("f", k - 1, k): lam[k] for k in range(1, N + 1)}
    values |= {("f", STAR, k): lam[k + 1] - lam[k] for k in range(N + 1)}
    rate = f.L / (4 * total + 2)
    if "g" in statement.classes:
        rate = f.L / (4 * total)
        nu = [T[k] / (2 * total - T[k]) for k in range(N + 1)]
        values |= {("g", k - 1, k): nu[k] for k in range(1, N)}
        values |= {("g", STAR, k - 1): nu[k] - nu[k - 1] for k in range(1, N + 1)}
    stated = Statement(
        statement.method, statement.parameters, statement.classes, statement.start, statement.output, rate
    )
    return WorstCaseRate(stated, Multipliers("gram", values, ()))
