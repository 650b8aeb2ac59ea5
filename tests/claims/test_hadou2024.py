"""Descent with certified exceptions: holds whatever the training, and not with its terms dropped."""

import numpy as np
import pytest

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import hadou2024
from unfold_theory.claims.hadou2024 import DESCENT
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista, Ista
from unfold_theory.problems import BernoulliGaussian, SparseRecovery


def descending(step=0.06, depth=20, count=4000, dictionary=None):
    """Gradient descent on A = I: every signal descends by the same factor."""
    where = SparseRecovery(np.eye(6) if dictionary is None else dictionary, BernoulliGaussian(0.5))
    batch = where.sample(count, seed=0)
    batch = batch.subset(np.flatnonzero(np.abs(batch.y).sum(axis=1) > 0).tolist())
    return Setting(Ista.for_problem(where, depth, lam=0.0, steps=step), where, batch)


def learned(depth=10, count=2000, seed=1):
    where = SparseRecovery.gaussian(30, 45, law=BernoulliGaussian(0.1), seed=seed)
    network = Alista.for_problem(where, depth, theta=np.geomspace(0.1, 0.001, depth), percent=0.0)
    batch = where.sample(count, seed=seed)
    batch = batch.subset(np.flatnonzero(np.abs(batch.y).sum(axis=1) > 0).tolist())
    return Setting(network, where, batch)


def test_it_holds():
    for made in (descending(), descending(step=0.5), learned()):
        verdict = verify(hadou2024.descent_envelope, made)
        assert verdict.status is Status.HOLDS, verdict.reason
        assert verdict.conclusion.delta == pytest.approx(0.01)
    # Too short steps never descend enough: the envelope says nothing, and is right.
    assert verify(hadou2024.descent_envelope, descending(step=0.01)).status is Status.VACUOUS


def without_exceptions(s):
    k = np.arange(1, s.network.depth + 1)
    return s.cached(hadou2024.mean_ratio) <= Enclosure.exact(((1 - DESCENT) ** k)[:, None])


def halved(s):
    return s.cached(hadou2024.mean_ratio) <= Enclosure.exact(0.5) * s.cached(hadou2024.envelope)


@pytest.mark.parametrize(
    ("false_variant", "made"),
    [
        (hadou2024.descent_envelope.scaled(0.5), descending()),
        (hadou2024.descent_envelope.concluding(without_exceptions, "no-exceptions"), descending(step=0.01)),
        (hadou2024.descent_envelope.concluding(halved, "halved"), descending()),
    ],
    ids=["scaled", "no-exceptions", "halved"],
)
def test_false_variants_are_violated(false_variant, made):
    assert verify(false_variant, made).status is Status.VIOLATED


def test_what_fails_is_named():
    problem = SparseRecovery(np.eye(3), BernoulliGaussian(0.5))
    chosen = Setting(Ista.for_problem(problem, 3), problem, given(np.eye(3), matrix=np.eye(3)))
    verdict = verify(hadou2024.descent_envelope, chosen)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "drawn_independently" in verdict.reason
    silent = Setting(Ista.for_problem(problem, 3), problem, given(np.zeros((3, 3)), matrix=np.eye(3)))
    assert "A^T y = 0" in verify(hadou2024.descent_envelope, silent).reason
