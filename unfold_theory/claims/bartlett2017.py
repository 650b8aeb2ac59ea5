r"""Bartlett, Foster, Telgarsky 2017: spectral complexity around a reference, for unfolded networks around ISTA.

Their lemma 3.2 (a covering of matrix products by Maurey's argument) and lemma A.5 (Dudley's integral) are cited; how
layers compose, soft thresholds, an injected input and a clipped state is worked out in
``proofs_checks/check_bartlett2017.py``. The ceiling of the covering lemma is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.claims.capacity_gap import (
    DRAWN,
    layers_of,
    longest_measurement,
    no_gap_beyond,
    over_depths,
    thresholds_off,
)
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import spectral
from unfold_theory.generalization.spectral import SpectralClass
from unfold_theory.verified import spectral_norm_squared


@dataclass(frozen=True)
class AroundReference:
    r"""A spectral class with what it is centred at, all fixed before the data.

    Attributes:
        numbers: Radii, deviations and norms.
        input_weight: $M_1$, the same in all layers, shape (n, m).
        state_weight: $M_2$, shape (n, n).
        thresholds: $\theta_l$, which are not learned, shape (L,).
    """

    numbers: SpectralClass
    input_weight: Float64[np.ndarray, "n m"]
    state_weight: Float64[np.ndarray, "n n"]
    thresholds: Float64[np.ndarray, " depth"]

    def at_depth(self, depth: int) -> SpectralClass:
        """The first layers."""
        c = self.numbers
        return SpectralClass(c.outputs, c.inputs, c.radii[:depth], c.deviations[:depth], c.state_norm, c.measurement)


def _weights(s: RiskSetting) -> list[tuple[np.ndarray, np.ndarray]]:
    layers = layers_of(s)
    if not all(a.state_weight is not None and float(a.gain) == 1.0 for a in layers):
        raise MissingStructure(s.network.title, "a spectral bound", "free state weights, without gains")
    return [(np.asarray(a.weight).T, np.asarray(a.state_weight)) for a in layers]


@hypothesis
def measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= s.certificate(AroundReference).numbers.measurement


@hypothesis(scope="prefix")
def near_the_reference(s: RiskSetting) -> Inequality:
    r"""$\sum_i\|D^l_{i,:}\|_2\le b_l$, $D^l=[W_1^l-M_1\ \ W_2^l-M_2]$, in every layer so far."""
    c, found = s.certificate(AroundReference), []
    for first, second in _weights(s):
        rows = ((Enclosure.exact(first) - c.input_weight) ** 2).sum(1)
        rows = rows + ((Enclosure.exact(second) - c.state_weight) ** 2).sum(1)
        found.append(rows.sqrt().sum())
    return stack(found)[:, None] <= Enclosure.exact(c.numbers.deviations[:, None])


@hypothesis(scope="prefix")
def state_norms_in_class(s: RiskSetting) -> Inequality:
    r"""$\|W_2^l\|_2\le s$ in every layer so far."""
    norms = [spectral_norm_squared(second).sqrt() for _, second in _weights(s)]
    return stack(norms)[:, None] <= s.certificate(AroundReference).numbers.state_norm


@hypothesis(scope="prefix")
def states_within_radii(s: RiskSetting) -> Inequality:
    r"""$\|x^l\|_2\le Z_l$ before every layer so far, as $Z_{l+1}\ge\|W_2^l\|Z_l+\|W_1^l\|B_y$ over the class
    ($\|W_1^l\|\le\|M_1\|+b_l$): nothing needs to be clipped.
    """
    c = s.certificate(AroundReference)
    reach, found = Enclosure.exact(0.0), []
    norm = spectral_norm_squared(c.input_weight).sqrt()
    for deviation in c.numbers.deviations:
        found.append(reach)
        reach = c.numbers.state_norm * reach + (norm + float(deviation)) * c.numbers.measurement
    return Enclosure.exact(stack(found).lo[:, None]) <= Enclosure.exact(c.numbers.radii.hi[:, None])


@hypothesis(scope="prefix")
def thresholds_fixed(s: RiskSetting) -> Inequality:
    r"""$\theta_l$ as fixed before the data, one for all coordinates (the distance, at most 0)."""
    return thresholds_off(s, s.certificate(AroundReference).thresholds) <= 0.0


@claim(
    source="bartlett2017",
    theorem="spectral complexity of unfolded networks (derived from lemmas 3.2 and A.5)",
    hypotheses=[
        *DRAWN,
        measurements_bounded,
        near_the_reference,
        state_norms_in_class,
        states_within_radii,
        thresholds_fixed,
    ],
    trivial=no_gap_beyond,
    proof="proofs_checks/check_bartlett2017.py",
)
def spectral_gap(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\frac2{\sqrt N}\min_\alpha\big(4\alpha+6Q\ln\frac{\sqrt N}\alpha+12r(1-\frac\alpha{\sqrt
    N})\big) +\sqrt{\ln(K/\delta)/(2N)}$, $Q=(\sum_{l<k}(b_l\beta_ls^{k-1-l})^{2/3})^{3/2}\sqrt{\ln(2n(n+m))}$,
    $r=\sqrt{k\ln(2n(n+m))}$, $\beta_l^2=Z_l^2+B_y^2$, at all depths k up to K together.

    $Q$ grows like $k^{3/2}$ at $s=1$ where states are bounded, like $k^{5/2}$ where only their layers bound them.
    """
    c = s.certificate(AroundReference)
    return s.gap <= over_depths(s, lambda k: spectral.gap(c.at_depth(k), s.training_size, delta=s.delta_each))
