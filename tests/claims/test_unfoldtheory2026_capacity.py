"""Sensitivities in what is learned: they hold, something comes near them, and smaller ones are refuted."""

import numpy as np
import pytest
import torch

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import capacity as ours
from unfold_theory.networks import Alista, Ista, OrthogonalDictionary
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery


def learned(shape=(10, 16), depth=6, *, lam=0.1, scale=0.3, radius=None, seed=0, snr_db=20.0):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.2), snr_db=snr_db, seed=seed)
    network = OrthogonalDictionary.for_problem(where, depth, lam=lam, radius=radius)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        network.skew.copy_(scale * torch.randn(network.skew.shape, generator=draw, dtype=torch.float64))
    return Setting(network, where, where.sample(20, seed=seed))


def turning(depth=1, lam=0.2):
    """A = I in the plane: one entry is cut, and the rest of the output turns with the dictionary."""
    where = SparseRecovery(np.eye(2), KSparse(1))
    angles = np.linspace(0, np.pi, 24, endpoint=False)
    signals = 0.6 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    network = OrthogonalDictionary.for_problem(where, depth, lam=lam)
    return Setting(network, where, given(signals, matrix=np.eye(2)))


def scalars(shape=(10, 16), depth=5, *, gains=1.2, thresholds=0.05, selected=0, seed=0):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.2), snr_db=20.0, seed=seed)
    network = Alista.for_problem(where, depth, gamma=gains, theta=thresholds, selected=selected)
    return Setting(network, where, where.sample(20, seed=seed))


def one_number(gains=2.0, depth=3):
    """m = n = 1, W = A = 1: everything is attained where gains are at their end."""
    where = SparseRecovery(np.eye(1), KSparse(1))
    network = Alista(np.eye(1), depth, weights=np.eye(1), gains=gains, thresholds=0.0)
    return Setting(network, where, given(np.array([[1.0], [0.5]]), matrix=np.eye(1)))


@pytest.mark.parametrize(
    "setting",
    [learned(), learned((4, 4), 12, lam=0.01), learned((16, 30), 5, radius=0.5), learned(scale=5.0), turning()],
    ids=["gaussian", "square", "projected", "far", "plane"],
)
def test_dictionary_sensitivity_holds(setting):
    verdict = verify(ours.dictionary_sensitivity, setting)
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == 1


def test_scalar_sensitivity_holds_and_is_attained_in_dimension_one():
    for setting in (scalars(), scalars(gains=0.5, thresholds=0.0), scalars((25, 50), 8, seed=3)):
        assert verify(ours.scalar_sensitivity, setting).status is Status.HOLDS
    attained = one_number()
    assert verify(ours.scalar_sensitivity, attained).status is Status.HOLDS
    assert attained.cached(ours.scalar_ratios).hi.max() > 0.99


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (ours.dictionary_sensitivity.scaled(0.25), turning()),
        (ours.dictionary_sensitivity.without("step_within_norm").scaled(0.02), learned(lam=0.01, depth=10)),
        (ours.scalar_sensitivity.scaled(0.9), one_number()),
        (ours.scalar_sensitivity.without("gains_in_class"), one_number(gains=4.0, depth=6)),
    ],
    ids=["a-quarter", "a-fiftieth", "nine-tenths", "gains"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_what_fails_is_named():
    outside = scalars(gains=2.5)
    verdict = verify(ours.scalar_sensitivity, outside)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "gains_in_class" in verdict.reason
    assert "nothing_selected" in verify(ours.scalar_sensitivity, scalars(selected=2)).reason
    assert "thresholds_in_class" in verify(ours.scalar_sensitivity, scalars(thresholds=-0.1)).reason

    long = learned()
    long.network.step_size *= 1.5
    assert "step_within_norm" in verify(ours.dictionary_sensitivity, long).reason
    skewed = learned()
    skewed.network.base.mul_(1.01)
    assert "basis_orthogonal" in verify(ours.dictionary_sensitivity, skewed).reason
    assert verify(ours.dictionary_sensitivity, learned(lam=0.0)).status is Status.HOLDS
    other = Setting(Ista.for_problem(long.problem, 3), long.problem, long.batch)
    assert "orthogonal dictionary" in verify(ours.dictionary_sensitivity, other).reason
