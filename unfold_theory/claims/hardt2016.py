r"""Hardt, Recht, Singer 2016: stochastic gradient descent is stable, and what is stable generalizes.

Losses must be smooth in the weights: soft thresholds are not, so that for unfolded networks with thresholds these
theorems do not apply; a network whose weights enter before or after a linear layer (a learned step without threshold)
is covered. Bounds are on the expected gap, over sample and algorithm (``proofs_checks/check_hardt2016.py``). The gap
is measured by its replace-one identity (Bousquet and Elisseeff, 2002): $E[R-\hat
R]=E[\ell(A(S^{(i)});z_i)-\ell(A(S);z_i)]$.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import claim, hypothesis
from unfold_theory.claim.training_setting import TrainingSetting
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.generalization import stability

PROOF = "proofs_checks/check_hardt2016.py"


def expected_gap(s: TrainingSetting) -> Enclosure:
    r"""$E[R-\hat R]$ by replacing one signal, shape (instant, 1)."""
    each = s.delta / len(s.instants)
    rows = [stability.replace_one_gap(k, r, delta=each) for k, r in zip(s.kept, s.replaced, strict=True)]
    return stack(rows)[:, None]


@hypothesis
def losses_convex(s: TrainingSetting) -> Inequality:
    r"""Losses are convex in the weights (0 if so, 1 if not)."""
    return Enclosure.exact(0.0 if s.descent.convex else 1.0) <= 0.0


@hypothesis
def losses_lipschitz_and_smooth(s: TrainingSetting) -> Inequality:
    r"""Losses are G-Lipschitz and $\beta$-smooth in the weights, with finite constants (0 if so, 1 if not)."""
    return Enclosure.exact(0.0 if np.isfinite([s.descent.gradient, s.descent.smoothness]).all() else 1.0) <= 0.0


@hypothesis
def steps_at_most_two_over_smoothness(s: TrainingSetting) -> Inequality:
    r"""$\alpha_t\beta\le2$."""
    smoothness = s.descent.smoothness if np.isfinite(s.descent.smoothness) else 0.0
    return Enclosure.exact(s.descent.steps).max() * smoothness <= 2.0


@hypothesis
def steps_nonincreasing(s: TrainingSetting) -> Inequality:
    r"""$\alpha_{t+1}\le\alpha_t$ (the largest increase, at most 0)."""
    return Enclosure.exact(np.diff(s.descent.steps, prepend=s.descent.steps[0]).max()) <= 0.0


@claim(
    source="hardt2016",
    theorem="Theorem 3.8 with 2.2",
    hypotheses=[losses_lipschitz_and_smooth, losses_convex, steps_at_most_two_over_smoothness],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def convex_stability(s: TrainingSetting) -> Inequality:
    r"""$E[R-\hat R]\le\frac{2G^2}N\sum_{t\le T}\alpha_t$ for convex, G-Lipschitz, $\beta$-smooth losses."""
    gradient = s.descent.gradient if np.isfinite(s.descent.gradient) else 0.0
    rows = [stability.convex_stability(gradient, s.descent.steps[:t], s.samples) for t in s.instants]
    return s.cached(expected_gap) <= stack(rows)[:, None]


@claim(
    source="hardt2016",
    theorem="Theorem 3.12 with 2.2, for whole instants",
    hypotheses=[losses_lipschitz_and_smooth, steps_nonincreasing],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def nonconvex_stability(s: TrainingSetting) -> Inequality:
    r"""$E[R-\hat R]\le\min_{t_0}\{\frac{t_0}N+\frac{2G^2}{\beta(N-1)}(T/t_0)^{\beta c}\}$, $c=\max_tt\alpha_t$, for
    losses in [0, 1] that are G-Lipschitz and $\beta$-smooth, whole $1\le t_0\le N$, nonincreasing steps.

    The paper's closed form treats $t_0$ as real:
    $\frac{1+1/\beta c}{N-1}(2cG^2)^{1/(\beta c+1)}T^{\beta c/(\beta c+1)}$.
    """
    d = s.descent
    rate = float((np.arange(1, len(d.steps) + 1) * d.steps).max()) * (1 + 1e-12)
    if not np.isfinite([d.gradient, d.smoothness]).all() or min(d.gradient, d.smoothness, rate) <= 0 or s.samples < 2:
        return s.cached(expected_gap) <= 1.0
    bound = stability.nonconvex_stability_at(d.gradient, d.smoothness, rate, s.instants.astype(float), s.samples)
    return s.cached(expected_gap) <= bound.reshape(-1, 1)


@claim(
    source="hardt2016",
    theorem="lemma behind theorem 2.2, replace-one identity (Bousquet and Elisseeff)",
    proof=PROOF,
)
def replace_one_identity(s: TrainingSetting) -> Inequality:
    r"""$E[R(A(S))-\hat R(A(S))]=E[\ell(A(S^{(i)});z_i)-\ell(A(S);z_i)]$: the two means over D trainings differ by at
    most $2\cdot\sqrt{2\ln(4K/\delta)/D}$ at all K instants, with probability $1-\delta$.

    An equality of expectations: samples can refute it, and otherwise fail to.
    """
    draws = s.kept.shape[1]
    means = [Enclosure.exact(v).sum(1) / float(draws) for v in (s.gaps, s.replaced, s.kept)]
    level = -(Enclosure.exact(s.delta) / (4.0 * len(s.instants))).log()
    radius = (level * 2.0 / float(draws)).sqrt() * 2.0
    allowed = Enclosure.confidence(radius.lo, radius.hi, delta=s.delta)
    return abs(means[0] - (means[1] - means[2]))[:, None] <= allowed
