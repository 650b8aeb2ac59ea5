r"""For which sizes the coherence theory says anything, and anything useful.

With a weight of coherence $\mu$ the error bound contracts by $q(s)=(2s-1)\mu$ a layer on s-sparse signals, and by
$q_1(s)=\mu_1(s-1)+s\mu\le q(s)$ with the Babel function $\mu_1$ (the column sums of the master lemma beside the
threshold). The theorems speak where the factor is below 1. That is not yet useful: after K layers the bound
$\|x^K-x^*\|_2\le sBq^K$ must beat what the zero code attains, $\sqrt sB$, by a stated amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.problems.checks import positive_integer, positive_number
from unfold_theory.problems.coherence import babel_function, coherence, frobenius_weight, welch_bound

DEPTH = 16
"""Layers after which a bound is asked to be useful: the depth of the papers' experiments."""
DECIBELS = 20.0
"""How far below the trivial bound a useful one lies."""


@dataclass(frozen=True)
class Reach:
    """How far the theory reaches with one weight.

    Attributes:
        weight: "minimax", "frobenius", "dictionary" (W = A), or "welch": no dictionary of the size does better.
        refined: Whether column sums (Babel) replace $(s-1)\\mu$.
        coherence: Certified enclosure of $\\mu$, shape ().
        largest: Largest s whose factor is surely below 1; 0 where it is not even for one nonzero.
        useful: Largest s with a bound that is useful after ``DEPTH`` layers.
    """

    weight: str
    refined: bool
    coherence: Enclosure
    largest: int
    useful: int


def factor(mu: Enclosure, n: int, babel: Enclosure | None = None) -> Enclosure:
    r"""$q(s)=(2s-1)\mu$ for s = 1..n, or $q_1(s)=\mu_1(s-1)+s\mu$ with a Babel function; shape (n,).

    Args:
        mu: $\mu$, shape ().
        n: Number of atoms.
        babel: $\mu_1(1),\dots,\mu_1(n-1)$, shape (n - 1,).
    """
    sizes = np.arange(1, n + 1)
    if babel is None:
        return Enclosure.exact(2.0 * sizes - 1.0) * mu
    others = Enclosure(np.append(0.0, babel.lo), np.append(0.0, babel.hi), babel.basis)
    return others + Enclosure.exact(sizes.astype(float)) * mu


def largest_contracting(factors: Enclosure) -> int:
    """The largest s whose factor is surely below 1; ``factors`` belong to s = 1..n and do not fall."""
    return int((factors.hi < 1).sum())


def largest_useful(factors: Enclosure, *, depth: int = DEPTH, decibels: float | int = DECIBELS) -> int:
    r"""The largest s with $\sqrt s\,q(s)^K\le10^{-d/20}$: the bound $sBq^K$ is d dB below $\sqrt sB$ after K layers.

    Raises:
        InputError: The depth or the decibels are not positive.
    """
    positive_integer("depth", depth)
    below = 10 ** (-positive_number("number of decibels", decibels) / 20)
    roots = Enclosure.exact(np.arange(1.0, factors.shape[0] + 1)).sqrt()
    return int(((roots * factors**depth).hi <= below).sum())


def reach_of_size(m: int, n: int) -> Reach:
    r"""What no m x n dictionary and no normalised W can exceed: Welch's bound in the place of $\mu$.

    Here ``largest`` and ``useful`` are upper limits: a larger s has $(2s-1)\mu\ge1$ with every dictionary of that size.

    Raises:
        InputError: m or n is not a positive integer.
    """
    mu = welch_bound(m, n)
    # Limits from above take the lower end of the coherence.
    least = factor(Enclosure.exact(mu.lo), n)
    return Reach("welch", False, mu, int((least.lo < 1).sum()), largest_useful(Enclosure.exact(least.lo)))


def reach_of_weight(
    weight: Float64[np.ndarray, "m n"], dictionary: Float64[np.ndarray, "m n"], name: str
) -> list[Reach]:
    r"""How far the theory reaches with a normalised weight: with its coherence alone, and refined by column sums.

    Raises:
        InputError: No pair of finite matrices, or fewer than two columns.
    """
    n = dictionary.shape[1]
    mu, babel = coherence(weight, dictionary), babel_function(weight, dictionary)
    found = []
    for refined, factors in ((False, factor(mu, n)), (True, factor(mu, n, babel))):
        found.append(Reach(name, refined, mu, largest_contracting(factors), largest_useful(factors)))
    return found


def vacuity(
    dictionary: Float64[np.ndarray, "m n"],
    minimax: Callable[[], Float64[np.ndarray, "m n"]] | None = None,
) -> list[Reach]:
    r"""The reach of the theory on a dictionary with W = A, the Frobenius weight, the minimax weight, and by size.

    Args:
        dictionary: A, shape (m, n), full row rank.
        minimax: Gives the minimax weight, which takes longest; left out without it.

    Raises:
        InputError: The dictionary is not finite, has a zero column, or is rank-deficient.
    """
    weights = {"frobenius": frobenius_weight(dictionary), "dictionary": dictionary / (dictionary**2).sum(axis=0)}
    if minimax is not None:
        weights["minimax"] = minimax()
    found = [reach_of_size(*dictionary.shape)]
    for name, weight in weights.items():
        found += reach_of_weight(weight, dictionary, name)
    return found
