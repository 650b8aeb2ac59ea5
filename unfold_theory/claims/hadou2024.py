r"""Hadou, NaderiAlizadeh, Ribeiro 2024: layers that descend on average; what the constraints then say of the output.

The paper trains under constraints $E\|\nabla f(x^l)\|\le(1-\epsilon)E\|\nabla f(x^{l-1})\|$ and bounds the last
gradient up to statistical terms, whose constants were not re-proved. (Its released code constrains by default the
mean distance to the label instead.) Claimed is what follows from any such network, trained in whatever way, with the
violations certified from signals: on one half of the batch the share $p_l$ of signals on which layer l does not
descend is bounded by Clopper and Pearson, and the other half measures the gradient
(``proofs_checks/check_hadou2024.py``).
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import binomial_upper, risk_limits

PROOF = "proofs_checks/check_hadou2024.py"
DESCENT = 0.05
r"""$\epsilon$, fixed before the data."""
DELTA = 0.01


def gradient_ratios(s: Setting) -> np.ndarray:
    r"""$r_l=\min(\|A^T(Ax^l-y)\|/\|A^Ty\|,1)$ at depth 0, ..., K, shape (K + 1, sample)."""
    A, y = s.problem.dictionary, s.batch.y
    sizes = np.linalg.norm((s.iterates @ A.T - y) @ A, axis=-1)
    start = np.linalg.norm(y @ A, axis=-1)
    if len(y) < 2 or not (start > 0).all():
        raise MissingStructure(s.name, "a claim on relative gradients", "two signals, none of them with A^T y = 0")
    return np.minimum(sizes / start, 1.0)


def _halves(s: Setting) -> tuple[np.ndarray, np.ndarray]:
    ratios = s.cached(gradient_ratios)
    middle = ratios.shape[1] // 2
    return ratios[:, :middle], ratios[:, middle:]


def failing_shares(s: Setting) -> Enclosure:
    r"""$p_l$, shape (depth,): all layers together with probability $1-\delta/2$, from the first half of the batch."""
    first, _ = _halves(s)
    # A ratio that rounding could have lifted counts as a failure: that is the safe side.
    failures = (first[1:] > (1 - DESCENT) * first[:-1] * (1 - 1e-9)).sum(axis=1)
    upper = binomial_upper(failures, first.shape[1], DELTA / (2 * s.network.depth))
    return Enclosure.confidence(np.zeros_like(upper), upper, delta=DELTA / 2)


def envelope(s: Setting) -> Enclosure:
    r"""$(1-\epsilon)^k+\sum_{l\le k}(1-\epsilon)^{k-l}p_l$ at depth 1, ..., K, shape (K, 1)."""
    share, factor = s.cached(failing_shares), 1.0 - Enclosure.exact(DESCENT)
    found, bound = [], Enclosure.exact(1.0)
    for upper in share.hi:
        bound = factor * bound + float(upper)
        found.append(bound)
    whole = stack(found)[:, None]
    return Enclosure.confidence(whole.lo, whole.hi, delta=share.delta)


def mean_ratio(s: Setting) -> Enclosure:
    r"""$E\,r_k$, shape (K, 1): empirical Bernstein on the second half of the batch, all depths together."""
    _, second = _halves(s)
    limits = risk_limits(second[1:], DELTA / (2 * s.network.depth), "empirical-bernstein")
    return Enclosure.confidence(limits.lo[:, None], limits.hi[:, None], delta=DELTA / 2)


@hypothesis
def drawn_independently(s: Setting) -> Inequality:
    r"""The signals are independent draws from one law (0 if their recipe says so, 1 if they were given)."""
    drawn = s.batch.recipe.get("problem") is not None and "codes" not in s.batch.recipe
    return Enclosure.exact(0.0 if drawn else 1.0) <= 0.0


@claim(
    source="hadou2024",
    theorem="descent under constraints, with certified violations (derived)",
    hypotheses=[starts_at_zero, drawn_independently],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def descent_envelope(s: Setting) -> Inequality:
    r"""$E\,r_k\le(1-\epsilon)^k+\sum_{l=1}^k(1-\epsilon)^{k-l}p_l$, $r_l=\min(\|A^T(Ax^l-y)\|/\|A^Ty\|,1)$, $r_0=1$,
    where $p_l\ge P(r_l>(1-\epsilon)r_{l-1})$ and $\epsilon=0.05$.

    With every $p_l\le p$ at most $(1-\epsilon)^k+p/\epsilon$. All depths together at confidence 0.99. Trivial: 1.
    """
    return s.cached(mean_ratio) <= s.cached(envelope)
