r"""Occam certificates at every depth: one quantised network, its code, and the signals that it was trained on."""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization.occam import OccamCertificate, occam_upper, sample_digest

PROOF = "proofs_checks/check_unfoldtheory2026_occam.py"


def certificate(s: RiskSetting) -> OccamCertificate:
    """The network's certificate.

    Raises:
        MissingStructure: It has none, or not one of every depth.
    """
    held = s.certificate(OccamCertificate)
    if held.depths != tuple(range(1, s.network.depth + 1)):
        raise MissingStructure(s.name, "a bound at all depths at once", "a certificate with all_depths=True")
    return held


def lengths(s: RiskSetting) -> Enclosure:
    r"""$\ell_k+\ln K$, from the word itself, shape (depth,)."""
    held = certificate(s)
    return held.code.nats(held.word) + Enclosure.exact(float(s.network.depth)).log()


def bound_of(s: RiskSetting, nats: np.ndarray, delta: float) -> Enclosure:
    """The Occam bound from the sample's losses at code lengths in nats, shape (depth, 1)."""
    losses = s.training_losses
    found = [occam_upper(row, float(n), delta, binary=s.loss.binary) for row, n in zip(losses, nats, strict=True)]
    ends = np.array(found)[:, None]
    return Enclosure.confidence(ends, ends, delta=delta)


def occam_bound(s: RiskSetting) -> Enclosure:
    """The bound at every depth, shape (depth, 1)."""
    return bound_of(s, s.cached(lengths).hi, certificate(s).delta)


@hypothesis
def prior_before_sample(s: RiskSetting) -> Inequality:
    """The code's centre has seen no signal of the sample."""
    return Enclosure.exact(float(certificate(s).code.centre.overlap(s.sample))) <= 0.0


@hypothesis
def network_of_the_word(s: RiskSetting) -> Inequality:
    """The network is the one that the word names: no parameter differs."""
    held = certificate(s)
    named, own = held.code.network(held.word), s.network
    if type(named) is not type(own):
        raise MissingStructure(s.name, "this certificate", f"the architecture {named.title}")
    worst = 0.0
    for (name, a), (other, b) in zip(named.named_parameters(), own.named_parameters(), strict=True):
        if name != other or a.shape != b.shape:
            raise MissingStructure(s.name, "this certificate", f"the parameters of {named.title}")
        worst = max(worst, float((a.detach() - b.detach()).abs().max()))
    return Enclosure.exact(worst) <= 0.0


@hypothesis
def sample_of_the_certificate(s: RiskSetting) -> Inequality:
    """The sample is the one that was certified on, and nothing else was trained on."""
    return Enclosure.exact(float(sample_digest(s.sample) != certificate(s).sample)) <= 0.0


@hypothesis
def held_out_is_fresh(s: RiskSetting) -> Inequality:
    """No held-out signal is in the sample."""
    return s.signals_seen <= 0.0


@hypothesis
def one_law(s: RiskSetting) -> Inequality:
    """Both samples were drawn independently from one law."""
    return s.law_changed <= 0.0


FRESH = [held_out_is_fresh, one_law]


@claim(
    source="unfoldtheory2026",
    theorem="Occam, all depths (derived)",
    hypotheses=[prior_before_sample, network_of_the_word, sample_of_the_certificate, *FRESH],
    trivial=lambda s: Enclosure.exact(1.0),
    proof=PROOF,
)
def occam_all_depths(s: RiskSetting) -> Inequality:
    r"""$R_k\le U\bigl(\hat R_k,N,\tfrac\delta Ke^{-\ell_k}\bigr)$ for $k=1,\dots,K$ at once, at confidence $1-\delta$.

    $\ell_k$ is the length in nats of what the first k layers need of the quantised network's word, U the
    Clopper-Pearson limit for losses 0 or 1 and $\mathrm{kl}^{-1}(\hat R_k|(\ell_k+\ln\frac K\delta)/N)$ for losses in
    [0, 1]. It holds for all words of the code together, hence for one that was chosen after looking at the sample.
    """
    return s.risk <= s.cached(occam_bound)
