r"""The gradient of a worst case with respect to every parameter of its method, by the envelope theorem.

At a solution the value moves as the Lagrangian does with primal and dual solution held fixed:

.. math:: \frac{d\tau}{d\theta}=-\sum_k\Big\langle\frac{\partial S_k}{\partial\theta},G_k\Big\rangle,

which needs strong duality and unique primal and dual solutions, or a derivative of the Lagrangian that is constant over
the solution sets. Otherwise the value has directional derivatives only, and this is one of the elements between them:
as in any training on a maximum, a subgradient where the value is convex. No solver is differentiated.

The derivatives of the blocks are exact: every block is a polynomial in the parameters, read at a complex number with an
imaginary part so small that its square vanishes.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from unfold_theory.rates.worst_case.chain import Group, build_chain
from unfold_theory.rates.worst_case.chain_solver import ChainSolution, solve_chain
from unfold_theory.rates.worst_case.conic import triangle
from unfold_theory.rates.worst_case.full import FullSolution, build_full
from unfold_theory.rates.worst_case.rate import WorstCaseRate, default_scale

TINY = 1e-40
SHARP = 1e-12
"""A solver's tolerance for gradients: they err as the solution does, to first order; values err to second."""
COLORS = 3
"""A block depends on the parameters of its own step and of its neighbours."""


def worst_case_gradient(rate: WorstCaseRate) -> dict[str, np.ndarray]:
    """Derivatives of a rate's value in its parameters.

    Args:
        rate: From the chain form or all pairs, solved to 1e-12 where 1e-7 relative matters; for one in closed form
            the chain is solved.

    Returns:
        An array of each parameter's shape by its name. What does not act in the method as it is (momenta of a method
        without momentum) is left out.
    """
    solution = rate.solution
    if solution is None:
        chain = build_chain(rate.question, scale=default_scale(rate.question))
        solution = solve_chain(chain, tolerance=SHARP)
    derivative: Any = _of_chain if isinstance(solution, ChainSolution) else _of_all_pairs
    method = rate.question.method
    factor = -solution.unit * rate.radius**2
    return {
        name: factor * derivative(solution, name, values)
        for name, values in method.parameters.items()
        if name not in method.inactive
    }


def _perturbed(question: Any, name: str, values: np.ndarray, where: Any) -> Any:
    direction = np.zeros(len(values))
    direction[where] = TINY
    return dataclasses.replace(question, method=question.method.replaced(**{name: values + 1j * direction}))


def _of_chain(solution: ChainSolution, name: str, values: np.ndarray) -> np.ndarray:
    """All blocks at once: parameters three steps apart touch no common block."""
    chain, K = solution.chain, solution.chain.question.method.depth
    scale = chain.gradient_unit / chain.question.curvature
    found = np.zeros(len(values))
    shared = len(values) != K
    for color in range(1 if shared else min(COLORS, K)):
        where = slice(None) if shared else slice(color, None, COLORS)
        moved = build_chain(
            _perturbed(chain.question, name, values, where), scale=scale, pairs_to_solution=chain.pairs_to_solution
        )
        change = np.concatenate([_change(solution, number, group) for number, group in enumerate(moved.groups)])
        if shared:
            found[0] += change.sum()
            continue
        for k in range(K):
            # The one of k - 1, k, k + 1 that has this color.
            j = k - 1 + (color - (k - 1)) % COLORS
            if 0 <= j < K:
                found[j] += change[k]
    return found


def _change(solution: ChainSolution, number: int, moved: Group) -> np.ndarray:
    """<dS, G> of the steps of a group."""
    x, gram = solution.result.x, solution.grams[number]
    total: Any = np.zeros_like(gram)
    for row, columns in zip(moved.rows, solution.layout.row_columns[number], strict=True):
        total = total + x[columns][:, None, None] * _derivative(row.matrix)
    if moved.start is not None:
        total = total + x[0] * _derivative(moved.start)
    if moved.objective is not None:
        total = total - _derivative(moved.objective)
    o = moved.right.shape[1]
    if o:
        first = sum(len(group.steps) for group in solution.chain.groups[:number])
        W = np.stack([_coupling(solution, first + i, o) for i in range(len(moved.steps))])
        total = total + _derivative(moved.right.swapaxes(1, 2) @ W @ moved.right)
    return np.einsum("bij,bij->b", total, gram)


def _coupling(solution: ChainSolution, k: int, o: int) -> np.ndarray:
    rows, cols, _ = triangle(o)
    W = np.zeros((o, o))
    W[rows, cols] = W[cols, rows] = solution.result.x[solution.layout.coupling_columns[k]]
    return W


def _derivative(array: np.ndarray) -> np.ndarray:
    return np.imag(array) / TINY


def _of_all_pairs(solution: FullSolution, name: str, values: np.ndarray) -> np.ndarray:
    """One parameter at a time: later points depend on all earlier ones."""
    gram, x = solution.gram_scaled, solution.result.x
    found = np.zeros(len(values))
    for j in range(len(values)):
        moved = build_full(_perturbed(solution.full.question, name, values, j))
        total = x[0] * np.sum(_derivative(moved.start) * gram) - np.sum(_derivative(moved.objective) * gram)
        column = 1
        for family in moved.families:
            weights = x[column : column + len(family.names)]
            column += len(family.names)
            for coefficient, u, v in family.terms:
                forms = np.einsum("pi,pi->p", u @ gram, v) * coefficient
                total += float(weights @ _derivative(forms))
        found[j] = total
    return found
