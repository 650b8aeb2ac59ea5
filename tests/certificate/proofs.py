"""Small worst-case certificates with proofs in closed form, as gram and as chain."""

from fractions import Fraction

from unfold_theory.certificate import WorstCaseRate
from unfold_theory.certificate.worst_case import FunctionClass, Multipliers, Statement, exact

SMOOTH = FunctionClass(Fraction(0), Fraction(1))
CONVEX = FunctionClass(Fraction(0), None)


def sums(h):
    T = [Fraction(0)]
    for x in h:
        T.append(T[-1] + x)
    lam = [Fraction(0)] + [T[k] / (2 * T[-1] - T[k - 1]) for k in range(1, len(T))] + [Fraction(1)]
    return T, lam


def gradient_descent(h, rate=None):
    """L R^2 / (4 T + 2) for L = 1."""
    T, lam = sums(h)
    values = {("f", k - 1, k): lam[k] for k in range(1, len(T))}
    values |= {("f", "*", k): lam[k + 1] - lam[k] for k in range(len(T))}
    rate = 1 / (4 * T[-1] + 2) if rate is None else rate
    stated = Statement("gradient descent", {"steps": tuple(h)}, {"f": SMOOTH}, "distance", "gap", rate)
    return WorstCaseRate(stated, Multipliers("gram", values, ()))


def proximal_gradient(h):
    """L R^2 / (4 T) for L = 1."""
    T, lam = sums(h)
    N = len(h)
    nu = [T[k] / (2 * T[-1] - T[k]) for k in range(N + 1)]
    values = {("f", k - 1, k): lam[k] for k in range(1, N + 1)}
    values |= {("f", "*", k): lam[k + 1] - lam[k] for k in range(N + 1)}
    values |= {("g", k - 1, k): nu[k] for k in range(1, N)}
    values |= {("g", "*", k - 1): nu[k] - nu[k - 1] for k in range(1, N + 1)}
    classes = {"f": SMOOTH, "g": CONVEX}
    stated = Statement("proximal gradient", {"steps": tuple(h)}, classes, "distance", "gap", 1 / (4 * T[-1]))
    return WorstCaseRate(stated, Multipliers("gram", values, ()))


def chained(theorem):
    """The same multipliers in chain form; each coupling is the Schur complement of what follows, so nothing is lost."""
    statement, values = theorem.statement, theorem.proof.values
    blocks = exact.own_matrices(statement, Multipliers("chain", values, ()))
    rate = exact.rational(statement.rate)
    blocks[0].add(rate, blocks[0].start, blocks[0].start)
    couplings = []
    for k in range(len(blocks) - 1, 0, -1):
        S, left = [row[:] for row in blocks[k].S], blocks[k].left
        for p in range(len(S) - 1, left - 1, -1):
            if S[p][p] == 0:
                continue
            for i in range(p):
                factor = S[i][p] / S[p][p]
                for j in range(p):
                    S[i][j] -= factor * S[p][j]
        couplings.append(
            tuple(tuple(Fraction(int(S[r][c].p), int(S[r][c].q)) for c in range(r + 1)) for r in range(left))
        )
        for r in range(left):
            for c in range(left):
                blocks[k - 1].add(S[r][c], blocks[k - 1].right[r], blocks[k - 1].right[c])
    return WorstCaseRate(statement, Multipliers("chain", values, tuple(reversed(couplings))))
