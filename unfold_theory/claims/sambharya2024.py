r"""Sambharya and Stellato 2024: data-driven guarantees for optimisers that were fixed before the sample.

Their bound for learned optimisers is that of ``maurer2004`` with their own grid of priors. Their released evaluation
reads one bound for each step and tolerance at the same $\delta$; here all steps hold together, at $\delta/K$ each. What
else an audit of that code finds is in ``proofs_checks/check_sambharya2024.py``.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.claims.unfoldtheory2026_occam import FRESH
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import Centre, kl_upper

PROOF = "proofs_checks/check_sambharya2024.py"


def level(s: RiskSetting, failures: Enclosure) -> Enclosure:
    r"""$\ln(2/\delta)/N$ for a failure probability $\delta$ of each step."""
    return (Enclosure.exact(2.0) / failures).log() / float(s.training_size)


def bound(s: RiskSetting) -> Enclosure:
    r"""$\mathrm{kl}^{-1}(\hat R_k|\ln(2K/\delta)/N)$, shape (depth, 1), all steps at once."""
    each = Enclosure.exact(s.delta) / float(s.network.depth)
    ends = np.asarray(kl_upper(np.minimum(s.empirical_risk.hi, 1.0), float(level(s, each).hi)))
    return Enclosure.confidence(ends, ends, delta=s.delta)


@hypothesis
def fixed_before_sample(s: RiskSetting) -> Inequality:
    """The optimiser was there before the sample: it is the centre's network, which has seen none of the signals."""
    held = s.certificate(Centre)
    if type(held.network) is not type(s.network) or held.network.depth != s.network.depth:
        raise MissingStructure(s.name, "this bound", f"{held.network.depth} layers of {held.network.title}")
    pairs = zip(held.network.parameters(), s.network.parameters(), strict=True)
    moved = max((float((a.detach() - b.detach()).abs().max()) for a, b in pairs), default=0.0)
    return Enclosure.exact(np.array([moved, float(held.overlap(s.sample))]).max()) <= 0.0


@claim(
    source="sambharya2024",
    theorem="sample convergence bound, all steps (derived)",
    hypotheses=[fixed_before_sample, *FRESH],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def sample_convergence(s: RiskSetting) -> Inequality:
    r"""$R_k\le\mathrm{kl}^{-1}\bigl(\hat R_k\big|\frac1N\ln\frac{2K}\delta\bigr)$ for $k=1,\dots,K$ at once.

    With confidence $1-\delta$, for an optimiser that was fixed before the N signals were drawn. One-sided bounds need
    $\ln\frac K\delta$ only; the 2 is the paper's.
    """
    return s.risk <= s.cached(bound)
