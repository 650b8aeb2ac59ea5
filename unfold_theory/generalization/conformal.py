r"""Split conformal prediction: a tolerance that a new score exceeds with probability at most alpha."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.errors import InputError
from unfold_theory.generalization.checks import failure_probability
from unfold_theory.problems.checks import Integer, Number, positive_integer


def conformal_rank(count: Integer, alpha: Number | Fraction) -> int:
    r"""$\lceil(N+1)(1-\alpha)\rceil$, exactly; above N where the sample is too small for this alpha.

    A float alpha is the dyadic number that it is; ``Fraction(1, 10)`` is one tenth.

    Raises:
        InputError: N is not positive, or alpha lies outside (0, 1).
    """
    n = positive_integer("sample size", count)
    level = Fraction(failure_probability(alpha)) if not isinstance(alpha, Fraction) else alpha
    failure_probability(float(level))
    return math.ceil((n + 1) * (1 - level))


def conformal_quantile(scores: Any, alpha: Number | Fraction) -> NDArray[np.float64]:
    r"""The $\lceil(N+1)(1-\alpha)\rceil$-th smallest score along the last axis; infinity where N is too small.

    A further exchangeable score is at most this with probability at least $1-\alpha$ (Vovk, Gammerman and Shafer
    2005), on average over the sample as well. Scores may be infinite; ties are allowed.

    Raises:
        InputError: There is no score, one is NaN, or alpha lies outside (0, 1).
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim == 0 or values.size == 0:
        raise InputError(f"Scores of shape {values.shape}: none at all", "Pass at least one score, N >= 1")
    if np.isnan(values).any():
        raise InputError("A score is NaN", "Look for codes that are not finite")
    rank = conformal_rank(values.shape[-1], alpha)
    if rank > values.shape[-1]:
        return np.full(values.shape[:-1], np.inf)
    return np.partition(values, rank - 1, axis=-1)[..., rank - 1]
