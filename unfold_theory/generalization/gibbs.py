r"""Gibbs posteriors over a finite set of networks: the form of PAC-Bayes that Sucker and Ochs train and evaluate with.

The prior is uniform on K networks that were there before the sample (drawn from a law, or trained on other signals).
For losses in [0, 1], $\beta=\lambda/N$ and every posterior $\rho$ at once (Catoni 2007, theorem 1.2.6), with
probability $1-\delta$,
$$\rho R\le\frac{1-\exp(-\beta\rho\hat R-\frac{\mathrm{KL}(\rho\|\pi)+\ln\frac1\delta}N)}{1-e^{-\beta}}.$$
The Gibbs posterior $\rho_i\propto e^{-\lambda\hat R_i}$ minimises the right side:
$\lambda\rho\hat R+\mathrm{KL}=-\ln\frac1K\sum_ie^{-\lambda\hat R_i}$. A grid of $\lambda$ costs the logarithm of its
size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization.checks import failure_probability
from unfold_theory.problems.checks import Integer, Number, positive_integer

TEMPERATURES = tuple(float(2**j) for j in range(4, 20))
r"""Grid of $\lambda$, fixed before the data."""


@dataclass(frozen=True, eq=False)
class GibbsCertificate:
    r"""The best bound on the grid, with the posterior that has it.

    Attributes:
        bound: Upper bound on $\rho R$, with probability $1-\delta$.
        temperature: $\lambda$.
        weights: $\rho$ over the K networks.
        empirical: $\rho\hat R$.
        delta: Failure probability, of the whole grid together.
    """

    bound: float
    temperature: float
    weights: Float64[np.ndarray, " network"]
    empirical: float
    delta: float


def gibbs_certificate(
    risks: Any, count: Integer, delta: Number, *, temperatures: tuple[float, ...] = TEMPERATURES
) -> GibbsCertificate:
    r"""Certifies the Gibbs posterior over K networks from their empirical risks.

    Args:
        risks: $\hat R_i$, shape (K,), of networks that have not seen the sample, under a loss in [0, 1].
        count: N.
        delta: In (0, 1).
        temperatures: The grid of $\lambda>0$.

    Raises:
        InputError: A risk leaves [0, 1], the grid is empty or not positive, or delta is out of range.
    """
    values = np.asarray(risks, dtype=np.float64)
    n, level = positive_integer("sample size", count), failure_probability(delta)
    if values.ndim != 1 or not values.size or not ((values >= 0) & (values <= 1)).all():
        raise InputError("Risks that are no numbers in [0, 1]", "Pass the mean losses of the K networks")
    if not temperatures or not all(0 < t < np.inf for t in temperatures):
        raise InputError(f"Temperatures {temperatures!r}", "Pass positive numbers")
    bounds = [_bound(values, n, level, t, len(temperatures)) for t in temperatures]
    best = int(np.argmin(bounds))
    logits = -temperatures[best] * values
    weights = np.exp(logits - logits.max())
    weights /= weights.sum()
    return GibbsCertificate(min(bounds[best], 1.0), temperatures[best], weights, float(weights @ values), level)


def _bound(risks: Float64[np.ndarray, " network"], n: int, delta: float, temperature: float, grid: int) -> float:
    lowest = float(risks.min())
    # -ln mean exp(-lambda R_i), with the smallest risk taken out so that nothing underflows.
    spread = (Enclosure.exact(temperature) * (lowest - Enclosure.exact(risks))).exp().sum() / float(len(risks))
    energy = Enclosure.exact(temperature) * lowest - spread.log()
    choices = Enclosure.exact(float(grid)).log() - Enclosure.exact(delta).log()
    top = 1.0 - (-(energy + choices) / float(n)).exp()
    return float((top / (1.0 - (-Enclosure.exact(temperature) / float(n)).exp())).hi)
