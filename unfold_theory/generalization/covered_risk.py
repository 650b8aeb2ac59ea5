r"""Covering numbers with the relative entropy: a bound on the risk that gains where the training risk is small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfold_theory.enclosure import Enclosure
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import LogCovering, log_inverse, sample_sizes, with_confidence
from unfold_theory.generalization.kl import kl_upper

FEW_SCALES: NDArray[np.float64] = np.logspace(-5, 0, 51)
r"""Scales that share $\delta$."""


def single_scale_risk(
    log_covering: LogCovering,
    training_risk: Numbers | Enclosure,
    samples: Numbers,
    *,
    delta: float | int,
    lipschitz: float | int = 0.5,
    scales: NDArray[np.float64] = FEW_SCALES,
) -> Enclosure:
    r"""$R\le\min_\varepsilon\{\mathrm{kl}^{-1}(\hat R+c\varepsilon\,|\,(\ln\mathcal
    N(\varepsilon)+\ln(G/\delta))/N)+c\varepsilon\}$.

    With probability at least $1-\delta$, for every member of the class and all G scales at once. *Proof.* On the nets
    $R\le\mathrm{kl}^{-1}(\hat R|\cdot)$ by Chernoff's bound on one side and a union over all their members; a member of
    the class is within $\varepsilon$ of one, which moves either risk by at most $c\varepsilon$, and $\mathrm{kl}^{-1}$
    increases in its first argument. $\square$ Here the best scale depends on $\hat R$: the scales must share $\delta$.

    Args:
        log_covering: $\ln\mathcal N$ of scales, shape (scale,), for losses in [0, 1] or a net inside the class.
        training_risk: $\hat R$ in [0, 1], any shape.
        samples: N; broadcasts against ``training_risk``.
        delta: Probability of failure.
        lipschitz: c, the loss's Lipschitz constant in the output: 1/2 for $\frac12\|h-x\|$.
        scales: Positive scales, fixed before the data.

    Returns:
        The bound, at most 1; basis ``confidence``.

    Raises:
        InputError: A scale, risk, N or $\delta$ is out of range.
    """
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise InputError("A scale is not positive", "Pass positive scales, such as numpy.logspace(-5, 0, 51)")
    risk, size = Enclosure.of(training_risk), sample_sizes(samples)
    if (risk.lo < 0).any() or (risk.hi > 1).any():
        raise InputError("A training risk outside [0, 1]", "Use losses with values in [0, 1]")
    epsilon = Enclosure.exact(scales)
    complexity = log_covering(epsilon) + Enclosure.exact(float(len(scales))).log() + log_inverse(delta)
    level = complexity / size.reshape(*size.shape, 1)
    moved = risk.reshape(*risk.shape, 1) + epsilon * float(lipschitz)
    found = []
    for end in ("lo", "hi"):
        q, c = np.minimum(getattr(moved, end), 1.0), np.maximum(getattr(level, end), 0.0)
        found.append(kl_upper(q, c) if end == "hi" else np.maximum(kl_upper(q, c) - 2e-12, q))
    bound = Enclosure.certified(found[0], np.maximum(found[1], found[0])) + epsilon * float(lipschitz)
    least = bound.min(axis=-1)
    capped = Enclosure.certified(np.minimum(least.lo, 1.0), np.minimum(least.hi, 1.0))
    return with_confidence(capped, delta)
