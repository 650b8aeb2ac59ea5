r"""Occam bounds: certificates of quantised networks from the signals that they were trained on.

With prior mass $\pi(h)$, fixed before the data,
$P(\exists h: R(h)>U(k_h,N,\delta\pi(h)))\le\sum_h\delta\pi(h)\le\delta$, with U the Clopper-Pearson limit (losses 0 or
1), or $\mathrm{kl}^{-1}(\hat R|(\ln\frac1{\pi(h)}+\ln\frac1\delta)/N)$ (losses in [0, 1]). All depths at once: the
prior is spread over them.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import torch
from flint import arb, ctx
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure, up
from unfold_theory.errors import InputError
from unfold_theory.generalization.checks import bounded_losses, failure_probability
from unfold_theory.generalization.codes import NetworkCode, Word
from unfold_theory.generalization.kl import kl_upper
from unfold_theory.generalization.losses import BoundedLoss
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch
from unfold_theory.problems.checks import Number

_CHUNK = 4096
_BITS = 128


@dataclass(frozen=True, eq=False)
class OccamCertificate:
    r"""What a code certifies of one quantised network, from its training sample alone.

    Attributes:
        code: The prior, fixed before the sample.
        network: The quantised network: it, not the one that was trained, has the risk that is bounded.
        word: Its word.
        depths: Depths that are certified, counted from 1; all of them together with probability $1-\delta$.
        nats: Upper ends of the word's length at these depths, with what naming the depth costs.
        empirical: Risk on the sample at these depths.
        bound: Upper bound on the risk at these depths.
        count: N.
        sample: SHA-256 of the sample, see :func:`sample_digest`.
        delta: Failure probability of all depths together.
    """

    code: NetworkCode
    network: UnfoldedNetwork
    word: Word
    depths: tuple[int, ...]
    nats: Float64[np.ndarray, " depth"]
    empirical: Float64[np.ndarray, " depth"]
    bound: Float64[np.ndarray, " depth"]
    count: int
    sample: str
    delta: float

    @property
    def risk(self) -> Enclosure:
        r"""$0\le R\le$ bound, with confidence $1-\delta$ at all depths together."""
        return Enclosure.confidence(np.zeros_like(self.bound), self.bound, delta=self.delta)


def occam_upper(losses: Float64[np.ndarray, " sample"], nats: float, delta: Number, *, binary: bool) -> float:
    r"""The Occam bound of one word: $U(k,N,\delta e^{-\ell})$, or with kl for losses that are not 0 or 1.

    Args:
        losses: In [0, 1], one a signal.
        nats: $\ell\ge\ln1/\pi(h)$.
        delta: Failure probability, in (0, 1).
        binary: Whether the losses are 0 or 1 only: then Clopper-Pearson, which is never above kl.

    Raises:
        InputError: There is no loss, one leaves [0, 1] (or {0, 1}), the length is negative, or delta is out of range.
    """
    values, level = bounded_losses(losses), failure_probability(delta)
    if not nats >= 0:
        raise InputError(f"A code length of {nats!r} nats", "Pass -ln of a prior mass")
    count = len(values)
    budget = (Enclosure.exact(float(nats)) - Enclosure.exact(level).log()) / float(count)
    mean = float(up(math.fsum(values.tolist()) / count))
    by_kl = float(kl_upper(min(mean, 1.0), float(budget.hi)))
    if not binary:
        return by_kl
    if not np.isin(values, (0.0, 1.0)).all():
        raise InputError("A binary loss that is neither 0 nor 1", "Pass binary=False")
    return _binomial(int(values.sum()), count, float(nats), level, by_kl)


def _binomial(k: int, n: int, nats: float, delta: float, above: float) -> float:
    r"""The least float found with $P(\mathrm{Bin}(n,p)\le k)\le\delta e^{-\ell}$ for certain; ``above`` is safe too."""
    if k >= n or above >= 1.0:
        return 1.0
    before, ctx.prec = ctx.prec, _BITS
    try:
        wanted = arb(delta).log() - arb(nats)
        lo, hi = k / n, above
        while hi - lo > 1e-9 * hi:
            mid = (lo + hi) / 2
            tail = (1 - arb(mid)).beta_lower(arb(n - k), arb(k + 1), regularized=True)
            lo, hi = (lo, mid) if bool(tail.log() <= wanted) else (mid, hi)
    finally:
        ctx.prec = before
    return hi


def sample_digest(sample: Batch) -> str:
    """SHA-256 (hex) of the codes and measurements of a sample, in their order."""
    return hashlib.sha256(sample.x.tobytes() + sample.y.tobytes()).hexdigest()


def losses_by_depth(
    network: UnfoldedNetwork, sample: Batch, loss: BoundedLoss, depths: tuple[int, ...]
) -> Float64[np.ndarray, "depth sample"]:
    """Losses at some depths, in float64, computed in chunks.

    Raises:
        InputError: A loss is NaN or outside [0, 1].
    """
    parts = []
    for first in range(0, len(sample.y), _CHUNK):
        rows = slice(first, first + _CHUNK)
        with torch.no_grad():
            codes = network.iterates(torch.tensor(sample.y[rows]), max(depths)).numpy()
        parts.append(loss(codes[list(depths)], sample.x[rows]))
    return np.concatenate(parts, axis=-1)


def occam_certificate(
    code: NetworkCode,
    word: Word,
    sample: Batch,
    *,
    loss: BoundedLoss,
    delta: Number = 0.01,
    all_depths: bool = False,
) -> OccamCertificate:
    r"""Certifies the network of a word from the sample that it was trained on.

    Args:
        code: Made without the sample.
        word: Any of its words, however it was found.
        sample: The signals that training saw, all N of them: independent, from one law.
        loss: With values in [0, 1].
        delta: Failure probability, of all that is certified together.
        all_depths: Certify every depth at once, each at $\delta/K$, instead of the last one.

    Raises:
        InputError: The code's centre has seen the sample, a loss leaves [0, 1], or delta lies outside (0, 1).
    """
    code.check_unseen(sample)
    level = failure_probability(delta)
    network = code.network(word)
    depths = tuple(range(1, code.depth + 1)) if all_depths else (code.depth,)
    lengths = code.nats(word)[np.array(depths) - 1] + Enclosure.exact(float(len(depths))).log()
    losses = losses_by_depth(network, sample, loss, depths)
    bound = [
        occam_upper(row, float(nats), level, binary=loss.binary) for row, nats in zip(losses, lengths.hi, strict=True)
    ]
    return OccamCertificate(
        code=code,
        network=network,
        word=word,
        depths=depths,
        nats=lengths.hi,
        empirical=losses.mean(axis=-1),
        bound=np.array(bound),
        count=len(sample.y),
        sample=sample_digest(sample),
        delta=level,
    )
