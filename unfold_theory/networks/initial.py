"""Published initial values of learned networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError
from unfold_theory.networks.tensors import Number, exact
from unfold_theory.problems.frobenius import frobenius_weight, symmetric_weight
from unfold_theory.problems.minimax import minimax_weight

LAM = 0.4
"""Lasso weight whose ISTA the published initialisation unrolls (LISTA-CPSS, ALISTA)."""


def scale(problem: Any) -> float:
    r"""$1.001\,L$ with $L=\|A\|_2^2$: the inverse step of the published initialisation."""
    return 1.001 * float(problem.lipschitz.mid)


def threshold(problem: Any, theta: Any, lam: Number) -> Any:
    r"""``theta`` if given, else the published $\lambda/(1.001\,L)$."""
    if not (isinstance(lam, int | float) and lam >= 0):
        raise InputError(f"A Lasso weight of {lam!r}", "Choose a nonnegative number")
    if theta is not None:
        return theta
    return lam / scale(problem)


def starting_weight(problem: Any, init: str) -> Float64[np.ndarray, "m n"]:
    r"""W at the start of training: "published" is $A/(1.001\,L)$, "frobenius" the analytic weight of ALISTA.

    Raises:
        InputError: There is no initialisation of this name.
    """
    if init == "published":
        return np.asarray(problem.dictionary, dtype=np.float64) / scale(problem)
    if init == "frobenius":
        return frobenius_weight(problem.dictionary)
    raise InputError(f"An initialisation named {init!r}", 'Choose "published" or "frobenius"')


def analytic_weight(problem: Any, weight: Any) -> Float64[np.ndarray, "m n"]:
    """ALISTA's W: the closed form ("frobenius"), the least coherent one ("minimax"), the closed form with a symmetric
    Gram matrix ("symmetric"), or the array that is given.

    Raises:
        InputError: There is no weight of this name, or the array is not finite.
    """
    if not isinstance(weight, str):
        return exact(weight, "The weight").numpy()
    if weight == "frobenius":
        return frobenius_weight(problem.dictionary)
    if weight == "minimax":
        return minimax_weight(problem.dictionary).weight
    if weight == "symmetric":
        return symmetric_weight(problem.dictionary)
    raise InputError(f"A weight named {weight!r}", 'Choose "frobenius", "symmetric" or "minimax", or pass an array')
