r"""The second checker: the methods written out with SymPy's polynomials, one Gram matrix for all steps.

It reads nothing of the first but the statement and the multipliers: no blocks, no couplings, no elimination. Vectors
are symbols (an identity between inner products holds iff it holds in one dimension), function values are symbols, and
$$P=\text{rate}\cdot\text{start}-\text{output}+\sum_i\lambda_ie_i$$ is a polynomial in them. It has to be free of
function values, and its quadratic form positive semidefinite: by Descartes' rule a symmetric matrix is so iff the
coefficients of its characteristic polynomial alternate in sign. Chain proofs imply both, whatever their couplings.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import QQ, ring
from sympy.polys.matrices import DomainMatrix

from unfold_theory.certificate.kinds import Refused
from unfold_theory.certificate.worst_case.proof import Multipliers
from unfold_theory.certificate.worst_case.statement import Statement

MOST_VECTORS = 26
"""Symbols of vectors up to which this checker runs."""

Points = dict[str, list[tuple[Any, Any]]]


def _q(number: Fraction) -> Any:
    return QQ(number.numerator, number.denominator)


class _Symbols:
    """Enough symbols: x0, gradients a and b of two components, errors e, values u and v."""

    def __init__(self, depth: int):
        names = ["x0"]
        for letter in "abe":
            names += [f"{letter}{k}" for k in range(depth + 2)]
        values = [f"{letter}{k}" for letter in "uv" for k in range(depth + 2)] + ["best"]
        self.ring, *symbols = ring([*names, *values], QQ)
        table = dict(zip([*names, *values], symbols, strict=True))
        self.x0, self.best = table["x0"], table["best"]
        self.a, self.b, self.e, self.u, self.v = (
            [table[f"{letter}{k}"] for k in range(depth + 2)] for letter in "abeuv"
        )
        self.vectors = len(names)
        self.zero = self.ring(0)


def _trajectory(statement: Statement, s: _Symbols) -> tuple[Points, Any, Any, list[Any], list[tuple[Any, Any]]]:
    """Evaluations by component, the point that the start measures, the output, residuals, and errors with gradients."""
    K, x = statement.depth, [s.x0]
    p = {name: [_q(v) for v in values] for name, values in statement.parameters.items()}
    t = p.get("steps", [])
    a, b = s.a, s.b
    method = statement.method
    if method == "gradient descent":
        for k in range(K):
            x.append(x[k] - t[k] * a[k])
        return {"f": list(zip(x, a, strict=False))}, x[0], x[K], a[: K + 1], []
    if method == "inexact gradient descent":
        for k in range(K):
            x.append(x[k] - t[k] * a[k] - t[k] * s.e[k])
        return {"f": list(zip(x, a, strict=False))}, x[0], x[K], a[: K + 1], list(zip(s.e[:K], a, strict=False))
    if method == "heavy ball":
        for k in range(K):
            x.append(x[k] - t[k] * a[k] + (p["momenta"][k] * (x[k] - x[k - 1]) if k else s.zero))
        return {"f": list(zip(x, a, strict=False))}, x[0], x[K], a[: K + 1], []
    if method == "proximal point":
        for k in range(K):
            x.append(x[k] - t[k] * a[k])
        return {"f": list(zip(x[1:], a, strict=False))}, x[0], x[K], [s.zero] * K + [a[K - 1]], []
    if method in ("proximal gradient", "accelerated gradient", "accelerated proximal gradient"):
        beta = p.get("momenta", [QQ(0)] * K)
        composite = "g" in statement.classes
        y = [s.x0]
        for k in range(K):
            x.append(y[k] - t[k] * (a[k] + b[k] if composite else a[k]))
            y.append(x[k + 1] + beta[k] * (x[k + 1] - x[k]) if k < K - 1 else x[k + 1])
        points: Points = {"f": list(zip(y, a, strict=False))}
        if composite:
            points["g"] = list(zip(x[1:], b, strict=False))
        last = a[K] + b[K - 1] if composite else a[K]
        return points, x[0], x[K], [s.zero] * K + [last], []
    if method == "Douglas-Rachford":
        c, w = p["penalty"][0], s.x0
        points = {"f": [], "g": []}
        for k in range(K):
            reached = w - c * a[k]
            shadow = 2 * reached - w - c * b[k]
            points["f"].append((reached, a[k]))
            points["g"].append((shadow, b[k]))
            w = w + p["relaxations"][k] * (shadow - reached)
        points["f"].append((points["g"][-1][0], a[K]))
        return points, points["f"][0][0], points["g"][-1][0], [s.zero] * K + [a[K] + b[K - 1]], []
    raise Refused(f"the second checker does not know {method}")


def _row(statement: Statement, s: _Symbols, points: Points, component: str, i: Any, j: Any) -> Any:
    """The left side of an inequality of a class."""
    values = s.u if component == "f" else s.v
    evaluated = points[component]

    def at(end: Any) -> tuple[Any, Any, Any]:
        if end == "*":
            return s.zero, s.zero, s.zero
        x, g = evaluated[end]
        return x, g, values[end]

    c = statement.classes[component]
    if j == "infimum":
        if c.L is None:
            raise Refused("an infimum without L")
        return -values[i] + evaluated[i][1] ** 2 * _q(1 / (2 * c.L))
    (xi, gi, fi), (xj, gj, fj) = at(i), at(j)
    row = fj - fi + gj * (xi - xj)
    if c.L is None:
        return row + _q(c.mu / 2) * (xi - xj) ** 2
    # The class is the convex one with curvature L - mu, plus mu/2 |x|^2.
    shifted_i, shifted_j = gi - _q(c.mu) * xi, gj - _q(c.mu) * xj
    return row + _q(c.mu / 2) * (xi - xj) ** 2 + _q(1 / (2 * (c.L - c.mu))) * (shifted_i - shifted_j) ** 2


def check(statement: Statement, proof: Multipliers) -> bool:
    """Accept, or say that the statement is too large.

    Raises:
        Refused: It proves nothing.
    """
    components = len(statement.classes) + (statement.method.startswith("inexact"))
    if 1 + components * (statement.depth + 1) > MOST_VECTORS:
        return False
    s = _Symbols(statement.depth)
    points, began, ended, residuals, errors = _trajectory(statement, s)
    last = {name: len(entries) - 1 for name, entries in points.items()}
    rate = _q(statement.rate)
    total = rate * (s.u[0] if statement.start == "gap" else began**2)
    if statement.output == "gap":
        total -= s.u[last["f"]] + (s.v[last["g"]] if "g" in last else 0)
    elif statement.output == "distance":
        total -= ended**2
    elif statement.output == "residual":
        total -= residuals[-1] ** 2
    else:
        total -= s.best
    for (component, i, j), value in proof.values.items():
        if value < 0:
            raise Refused(f"a multiplier is {value}")
        if component == "best":
            row = s.best - residuals[i] ** 2  # type: ignore[index]
        elif component == "error":
            e, g = errors[i]  # type: ignore[index]
            row = e**2 - _q(statement.parameters["errors"][i] ** 2) * g**2  # type: ignore[index]
        else:
            row = _row(statement, s, points, component, i, j)
        total += _q(value) * row
    if not _positive_semidefinite(_quadratic(total, s)):
        raise Refused("the quadratic form takes negative values (second checker)")
    return True


def _quadratic(total: Any, s: _Symbols) -> list[list[Any]]:
    """The symmetric matrix of a polynomial that has to be a quadratic form in the vectors."""
    n = s.vectors
    matrix = [[QQ(0)] * n for _ in range(n)]
    for exponents, coefficient in total.terms():
        if coefficient == 0:
            continue
        if any(exponents[n:]):
            raise Refused("function values do not cancel (second checker)")
        where = [i for i, power in enumerate(exponents) for _ in range(power)]
        if len(where) != 2:
            raise Refused("a term is not quadratic (second checker)")
        i, j = where
        matrix[i][j] += coefficient / 2
        matrix[j][i] += coefficient / 2
    used = [i for i in range(n) if any(matrix[i])]
    return [[matrix[i][j] for j in used] for i in used]


def _positive_semidefinite(matrix: list[list[Any]]) -> bool:
    n = len(matrix)
    if n == 0:
        return True
    coefficients = DomainMatrix(matrix, (n, n), QQ).charpoly()
    return all(c >= 0 if i % 2 == 0 else c <= 0 for i, c in enumerate(coefficients))
