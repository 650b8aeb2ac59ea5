r"""Confidence limits for the mean and the distribution function of independent variables in [0, 1].

Radii are certified enclosures (their upper ends are safe); a mean with its radius has basis ``confidence``.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.binomial import clopper_pearson
from unfold_theory.generalization.checks import bounded_losses, failure_probability
from unfold_theory.problems.checks import Integer, Number, positive_integer

MeanMethod = Literal["clopper-pearson", "empirical-bernstein", "hoeffding"]


def hoeffding_radius(count: Integer, delta: Number) -> Enclosure:
    r"""$\sqrt{\ln(1/\delta)/2N}$: the mean of N losses is below the risk by more with probability at most delta.

    Hoeffding (1963), Theorem 1. One side; for two sides pass delta / 2.

    Raises:
        InputError: N is not positive, or delta lies outside (0, 1).
    """
    n = positive_integer("sample size", count)
    return (_log_inverse(failure_probability(delta)) / (2 * n)).sqrt()


def dkw_radius(count: Integer, delta: Number) -> Enclosure:
    r"""$\sqrt{\ln(2/\delta)/2N}$: $\sup_t|\hat F(t)-F(t)|$ exceeds it with probability at most delta, for every law F.

    Dvoretzky, Kiefer, Wolfowitz (1956) with the constant 2 of Massart (1990): all tolerances t at once.

    Raises:
        InputError: As :func:`hoeffding_radius`.
    """
    n = positive_integer("sample size", count)
    return ((_log_inverse(failure_probability(delta)) + Enclosure.exact(2.0).log()) / (2 * n)).sqrt()


def sample_variance(losses: Any) -> Enclosure:
    r"""$V=\frac1{N-1}\sum_i(\ell_i-\bar\ell)^2$ along the last axis, certified.

    Raises:
        InputError: There are fewer than two losses, or one is NaN or outside [0, 1].
    """
    values = bounded_losses(losses)
    n = values.shape[-1]
    if n < 2:
        raise InputError("The variance of one loss", "Pass at least two losses")
    total = ((Enclosure.exact(values) - mean_loss(values)[..., None]) ** 2).sum(-1)
    return total / (n - 1)


def empirical_bernstein_radius(losses: Any, delta: Number) -> Enclosure:
    r"""$\sqrt{2V\ln(2/\delta)/N}+7\ln(2/\delta)/(3(N-1))$ along the last axis, V the sample variance.

    The risk exceeds the mean by more with probability at most delta: Maurer and Pontil (2009), Theorem 4. One side;
    for two sides pass delta / 2.

    Raises:
        InputError: There are fewer than two losses, one is NaN or outside [0, 1], or delta lies outside (0, 1).
    """
    values = bounded_losses(losses)
    level = _log_inverse(failure_probability(delta)) + Enclosure.exact(2.0).log()
    n = values.shape[-1]
    return (2 * sample_variance(values) * level / n).sqrt() + 7 * level / (3 * (n - 1) if n > 1 else 1)


def mean_loss(losses: Any) -> Enclosure:
    """Mean along the last axis: of zeros and ones their share, else with the rounding of the sum. Certified.

    Raises:
        InputError: There is no loss, or one is NaN or outside [0, 1].
    """
    values = bounded_losses(losses)
    return Enclosure.exact(values).sum(-1) / values.shape[-1]


def risk_limits(losses: Any, delta: Number, method: MeanMethod = "empirical-bernstein") -> Enclosure:
    r"""Two-sided confidence limits for the mean of the law of i.i.d. losses in [0, 1], along the last axis.

    Each entry holds with probability $1-\delta$; who reads K of them at once passes delta / K.

    Args:
        losses: Shape (..., N).
        delta: Failure probability of one entry.
        method: Chosen before the losses are seen: Clopper-Pearson (for a loss that is 0 or 1 on every signal),
            empirical Bernstein, or Hoeffding.

    Raises:
        InputError: A loss is NaN or outside [0, 1], there is none, delta lies outside (0, 1), or the method does not
            fit.
    """
    values = bounded_losses(losses)
    level = failure_probability(delta)
    if method == "clopper-pearson":
        if not ((values == 0) | (values == 1)).all():
            raise InputError("Clopper-Pearson limits of losses other than 0 and 1", "Use empirical-bernstein")
        return clopper_pearson(values.sum(axis=-1).astype(np.int64), values.shape[-1], level)
    if method == "empirical-bernstein":
        radius = empirical_bernstein_radius(values, level / 2)
    elif method == "hoeffding":
        radius = hoeffding_radius(values.shape[-1], level / 2)
    else:
        raise InputError(f"There is no method {method!r}", "Choose clopper-pearson, empirical-bernstein or hoeffding")
    mean = mean_loss(values)
    lo, hi = np.maximum((mean - radius).lo, 0.0), np.minimum((mean + radius).hi, 1.0)
    return Enclosure.confidence(lo, hi, delta=level)


def _log_inverse(delta: float) -> Enclosure:
    return -Enclosure.exact(delta).log()
