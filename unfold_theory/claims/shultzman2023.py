r"""Shultzman, Azar, Rodrigues, Eldar 2023: soft thresholds generalize where rectifiers pay a factor in every layer.

The paper bounds global and local Rademacher complexities of ISTA and ADMM networks, with a term that thresholds take
off; its constants were not re-proved. Claimed is the global bound layer by layer with constants of our own
(``proofs_checks/check_shultzman2023.py``): soft thresholding is odd, so that no factor 2 a layer is needed, and where
rows of the state weights have $\ell_1$ norms below 1 the bound does not grow with depth: the paper's design rule.
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
from unfold_theory.generalization import rademacher


@dataclass(frozen=True)
class RowClass:
    r"""Networks whose weights have rows in $\ell_1$ balls, fixed before the data.

    Attributes:
        input_radius: $\alpha$ of the rows of $W_1^l$, shape ().
        state_radius: $\beta$ of the rows of $W_2^l$, shape ().
        largest_input: Bound on $\|y\|_\infty$, shape ().
        thresholds: $\theta_l$, not learned, one for all coordinates of a layer, shape (L,).
    """

    input_radius: Enclosure
    state_radius: Enclosure
    largest_input: Enclosure
    thresholds: Float64[np.ndarray, " depth"]


@hypothesis
def inputs_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_\infty$ at most the class's, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s, np.inf) <= s.certificate(RowClass).largest_input


@hypothesis(scope="prefix")
def input_rows_in_ball(s: RiskSetting) -> Inequality:
    r"""$\|W^l_{1,i}\|_1\le\alpha$ for every row, in every layer so far."""
    rows = [(abs(Enclosure.exact(a.weight)).sum(0).max() * abs(float(a.gain))) for a in layers_of(s)]
    return stack(rows)[:, None] <= s.certificate(RowClass).input_radius


@hypothesis(scope="prefix")
def state_rows_in_ball(s: RiskSetting) -> Inequality:
    r"""$\|W^l_{2,i}\|_1\le\beta$ for every row, in every layer so far ($W_2^0$ multiplies 0 and is not asked)."""
    A, found = s.problem.dictionary, []
    for k, a in enumerate(layers_of(s)):
        if a.state_weight is None:
            state = np.eye(A.shape[1]) - (Enclosure.exact(np.asarray(a.weight).T) @ A) * float(a.gain)
        else:
            state = Enclosure.exact(a.state_weight)
        found.append(Enclosure.exact(0.0) if k == 0 else abs(state).sum(1).max())
    return stack(found)[:, None] <= s.certificate(RowClass).state_radius


@hypothesis(scope="prefix")
def thresholds_fixed(s: RiskSetting) -> Inequality:
    r"""$\theta_l$ as fixed before the data, one for all coordinates (the distance, at most 0)."""
    return thresholds_off(s, s.certificate(RowClass).thresholds) <= 0.0


@claim(
    source="shultzman2023",
    theorem="global Rademacher complexity of ISTA networks, with constants of our own (derived)",
    hypotheses=[*DRAWN, inputs_bounded, input_rows_in_ball, state_rows_in_ball, thresholds_fixed],
    trivial=no_gap_beyond,
    proof="proofs_checks/check_shultzman2023.py",
)
def rows_gap(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\sqrt2\,n\,\alpha\|y\|_\infty\sqrt{2\ln(2m)/N}\sum_{j<k}\beta^j+\sqrt{\ln(K/\delta)/(2N)}$ for
    rows of $W_1^l$, $W_2^l$ in $\ell_1$ balls of radius $\alpha$, $\beta$ and fixed thresholds, at all depths k up to
    K together.

    With a rectifier in the place of the soft threshold $\beta$ would be $2\beta$. Bounded in depth where $\beta<1$.
    """
    c, (m, n) = s.certificate(RowClass), s.problem.dictionary.shape

    def bound(depth: int) -> Enclosure:
        each = rademacher.layerwise_l1(
            depth,
            s.training_size,
            input_radius=c.input_radius,
            state_radius=c.state_radius,
            largest_input=c.largest_input,
            inputs=m,
        )
        return rademacher.layerwise_l1_gap(each, n, s.training_size, delta=s.delta_each)

    return s.gap <= over_depths(s, bound)
