"""Certified training: gradients reach the parameters, the target is kept, and it is better than the textbook."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.methods import ProximalGradient
from unfold_theory.networks import build
from unfold_theory.problems import BernoulliGaussian, Lasso, SparseRecovery
from unfold_theory.rates.worst_case.learning import (
    CertifiedTraining,
    LassoOracle,
    gaps,
    normalised_rate,
    repaired,
    scaled,
    textbook,
    train_certified,
)

LAM = 0.1


@pytest.fixture(scope="module")
def problem():
    return SparseRecovery.gaussian(16, 32, law=BernoulliGaussian(0.1), snr_db=40.0, seed=0)


@pytest.mark.parametrize("kind", ["ista", "fista"])
def test_methods_run_as_networks_do(problem, kind):
    y = problem.sample(5, seed=3).y
    network = build(kind, problem, 6, lam=LAM)
    oracle = LassoOracle(torch.tensor(problem.dictionary), LAM, torch.tensor(y))
    with torch.no_grad():
        codes = network(torch.tensor(y))
        assert torch.allclose(oracle.output(network.as_method()), codes, atol=1e-13)
    lasso = Lasso(problem.dictionary, LAM)
    expected = lasso.objective(codes.numpy(), y) - lasso.solve(y).dual
    assert np.allclose(gaps(lasso, network.as_method(), y), expected, atol=1e-12)


def test_the_textbooks_rates_are_known():
    assert normalised_rate(textbook("ista", 10)).upper == pytest.approx(1 / 40, rel=1e-6)
    assert normalised_rate(textbook("fista", 4)).upper <= 2 / 25


@pytest.mark.parametrize(("kind", "target"), [("ista", 1.0), ("fista", 1.0), ("ista", 3.0)])
def test_training_keeps_the_target_and_gains(problem, kind, target):
    config = CertifiedTraining(kind=kind, depth=4, target=target, iterations=60, signals=64)
    found = train_certified(problem, LAM, config)
    assert found.rate.upper <= target * found.textbook_rate.upper * (1 + 1e-6)
    assert len(found.history) == 60
    lasso, L = Lasso(problem.dictionary, LAM), float(problem.lipschitz.hi)
    fresh = problem.sample(100, seed=77).y
    assert gaps(lasso, found.scaled(L), fresh).mean() < 0.95 * gaps(lasso, scaled(found.textbook, L), fresh).mean()
    again = train_certified(problem, LAM, config)
    assert np.array_equal(again.method.steps, found.method.steps)


def test_free_training_loses_the_guarantee(problem):
    config = CertifiedTraining(depth=6, target=None, iterations=80, signals=64)
    found = train_certified(problem, LAM, config)
    assert found.rate is None or found.rate.upper > 2 * found.textbook_rate.upper


def test_a_repair_stops_at_the_ceiling():
    start = textbook("ista", 4)
    _, rate, share = repaired(ProximalGradient([2.5, 1.0, 2.5, 1.0]), start, normalised_rate(start).upper)
    assert 0 < share < 1
    assert rate.upper == pytest.approx(1 / 16, rel=1e-5)
    assert rate.upper <= normalised_rate(start).upper
    kept, _, share = repaired(ProximalGradient([1.0, 1.1, 1.0, 1.1]), start, normalised_rate(start).upper)
    assert share == 0
    assert kept.steps.tolist() == [1.0, 1.1, 1.0, 1.1]
    with pytest.raises(InputError, match="above the ceiling"):
        repaired(ProximalGradient([3.0] * 4), start, 0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "newton"},
        {"target": 0.5},
        {"target": float("nan")},
        {"depth": 0},
        {"iterations": 0},
        {"learning_rate": 0.0},
        {"penalty": -1.0},
    ],
)
def test_bad_configurations_are_named(wrong):
    with pytest.raises(InputError):
        CertifiedTraining(**wrong)
