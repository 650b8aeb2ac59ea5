"""Gradient descent as a reasoning layer: stable as computed, attained, and not a per cent stabler."""

import numpy as np
import pytest

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2020
from unfold_theory.networks import Fista, Ista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery


def tall(shape=(30, 12), depth=20, *, seed=0, step=1.0, lam=0.0, network=Ista):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.3), snr_db=20.0, seed=seed)
    made = network.for_problem(where, depth, lam=lam, steps=step * float((1 / where.lipschitz).lo))
    return Setting(made, where, where.sample(20, seed=seed), lam=lam)


def least_curved(depth=12, curvature=0.25):
    """Q = mu I with steps far below 1/mu: every direction has the least curvature."""
    matrix = np.sqrt(curvature) * np.eye(2)
    where = SparseRecovery(matrix, KSparse(1))
    made = Ista.for_problem(where, depth, lam=0.0, steps=0.5)
    return Setting(made, where, given(np.eye(2), matrix=matrix), lam=0.0)


@pytest.mark.parametrize("claimed", [chen2020.gradient_stability, chen2020.gradient_convergence], ids=lambda c: c.id)
@pytest.mark.parametrize(
    "setting", [tall(), tall((40, 6), 50, seed=2), tall(step=0.3), least_curved()], ids=["a", "b", "short", "c"]
)
def test_holds(claimed, setting):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage == 1


def test_stability_is_an_equality_at_the_least_curvature():
    setting = least_curved(curvature=0.25)
    found = setting.cached(chen2020.ratios).hi.max(axis=1)
    bound = verify(chen2020.gradient_stability, setting).conclusion.rhs.hi[:, 0]
    assert np.allclose(found[1:], bound[1:], rtol=1e-4)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (chen2020.gradient_stability.scaled(0.99), least_curved()),
        (chen2020.gradient_stability.scaled(0.9), least_curved(30)),
        (chen2020.gradient_convergence.scaled(0.99), least_curved()),
        (chen2020.gradient_convergence.without("step_within_curvature"), tall(step=2.5)),
        (chen2020.gradient_stability.without("step_within_curvature"), tall(step=2.5, depth=40)),
    ],
    ids=["a-per-cent", "a-tenth", "convergence", "convergence-long-steps", "stability-long-steps"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_what_fails_is_named():
    assert "step_within_curvature" in verify(chen2020.gradient_stability, tall(step=2.5)).reason
    wide = verify(chen2020.gradient_stability, tall((10, 20)))
    assert wide.status is Status.NOT_APPLICABLE
    assert "strongly_convex" in wide.reason
    assert verify(chen2020.gradient_convergence, tall(lam=0.1)).status is Status.NOT_APPLICABLE
    assert verify(chen2020.gradient_stability, tall(network=Fista)).status is Status.NOT_APPLICABLE
