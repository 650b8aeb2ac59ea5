r"""Maurer 2004: the PAC-Bayes-kl bound of a randomised network, with the empirical risk from drawn pairs.

Seeger (2002) has it with $\frac{N+1}\delta$ for $\frac{2\sqrt N}\delta$; the pairs are the Monte Carlo step of
Langford and Caruana (2001). The risk is that of networks drawn afresh for every signal.
The paper asks for N >= 8; the moment's bound holds for smaller N as well (``proofs_checks/check_maurer2004.py``).
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.claims.unfoldtheory2026_occam import FRESH
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import PacBayesCertificate, risk_limits
from unfold_theory.generalization.occam import sample_digest
from unfold_theory.generalization.pac_bayes import draw_losses

PROOF = "proofs_checks/check_maurer2004.py"
PAIRS, SEED = 20_000, 2004
"""Pairs of a drawn network and a held-out signal that the Gibbs risk is measured with."""


def certificate(s: RiskSetting) -> PacBayesCertificate:
    """The posterior's certificate.

    Raises:
        MissingStructure: There is none, or it is of another architecture.
    """
    held = s.certificate(PacBayesCertificate)
    reference = held.posterior.prior.centre.network
    if type(reference) is not type(s.network) or reference.depth != s.network.depth:
        raise MissingStructure(s.name, "this certificate", f"{reference.depth} layers of {reference.title}")
    return held


def gibbs_risk(s: RiskSetting) -> Enclosure:
    r"""$\rho R$ from pairs on the held-out signals, shape (), at the setting's delta."""
    losses = draw_losses(certificate(s).posterior, s.held_out, s.loss, pairs=PAIRS, seed=SEED)
    method = "clopper-pearson" if s.loss.binary else "empirical-bernstein"
    return risk_limits(losses, s.delta, method)


@hypothesis
def prior_before_sample(s: RiskSetting) -> Inequality:
    """The prior's centre has seen no signal of the sample."""
    return Enclosure.exact(float(certificate(s).posterior.prior.centre.overlap(s.sample))) <= 0.0


@hypothesis
def sample_of_the_certificate(s: RiskSetting) -> Inequality:
    """The sample is the one that was certified on, and nothing else was trained on."""
    return Enclosure.exact(float(sample_digest(s.sample) != certificate(s).sample)) <= 0.0


@claim(
    source="maurer2004",
    theorem="PAC-Bayes-kl, with a grid of priors and pairs (derived)",
    hypotheses=[prior_before_sample, sample_of_the_certificate, *FRESH],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def pac_bayes_kl(s: RiskSetting) -> Inequality:
    r"""$\mathrm{kl}(\overline{\rho\hat R}\|\rho R)\le(\mathrm{KL}(\rho\|\pi)+\ln\frac{2\sqrt N|G|}\delta)/N$.

    At confidence $1-\delta-\delta'$, for every posterior at once and every prior of the grid G; $\overline{\rho\hat R}$
    is the limit at $\delta'$ from H pairs of a drawn network and a drawn signal of the sample, the posterior being
    fixed before they are drawn. At the last depth.
    """
    held = certificate(s)
    ends = np.array(held.bound)
    return s.cached(gibbs_risk) <= Enclosure.confidence(ends, ends, delta=held.delta)
