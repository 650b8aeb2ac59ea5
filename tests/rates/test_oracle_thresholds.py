"""LISTA-CP with oracle thresholds: its rate, its support, and that neither survives smaller thresholds."""

import numpy as np
import pytest
import torch

from tests.claims.settings import HADAMARD, problem
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2018, unfoldtheory2026
from unfold_theory.errors import InputError
from unfold_theory.rates.theory_networks import lista_cp_of_batch

ROUNDING = 1e-10


def run(sparsity, scale=1.0, count=400, depth=18):
    where = problem(sparsity)
    batch = where.sample(count, seed=1)
    network = lista_cp_of_batch(where, HADAMARD, batch.x, depth=depth)
    for threshold in network.thresholds:
        threshold.data.mul_(scale)
    with torch.no_grad():
        codes = network.iterates(torch.tensor(batch.y)).numpy()
    errors = np.abs(codes - batch.x).sum(axis=2)
    wrong = (((codes != 0) & (batch.x == 0)).any(axis=2) & (errors > ROUNDING)).sum()
    worst = errors.max(axis=1)
    used = int((worst > 1e3 * ROUNDING).sum()) - 1  # thresholds hold room for rounding, which shows further down
    return (
        Setting(network, where, batch.subset(range(32))),
        (worst[used] / worst[0]) ** (1 / used),
        wrong,
        codes - batch.x,
    )


@pytest.mark.parametrize("sparsity", [2, 3, 4])
def test_measured_rate_is_below_the_predicted_one(sparsity):
    setting, measured, wrong, off = run(sparsity)
    predicted = (2 * sparsity - 1) / 8
    assert measured <= predicted * (1 + 1e-6)
    assert measured > 0.5 * predicted
    assert wrong == 0
    bound = sparsity * predicted ** np.arange(len(off))
    assert (np.linalg.norm(off, axis=2) <= bound[:, None] + ROUNDING).all()
    for claim in (unfoldtheory2026.instance_certificate, unfoldtheory2026.instance_no_false_positives):
        assert verify(claim, setting).status is not Status.VIOLATED
    assert verify(unfoldtheory2026.instance_no_false_positives, setting).coverage > 0.5


def test_smaller_thresholds_let_false_positives_in():
    assert run(3, scale=0.7)[2] > 0


@pytest.mark.parametrize("sparsity", [5, 7])
def test_beyond_the_limit_nothing_is_claimed(sparsity):
    verdict = verify(chen2018.linear_rate, run(sparsity, count=64)[0])
    assert verdict.status is Status.NOT_APPLICABLE
    assert "sparse_enough: refuted" in verdict.reason
    assert "observed" in verdict.reason


def test_a_network_has_layers():
    with pytest.raises(InputError):
        lista_cp_of_batch(problem(2), HADAMARD, problem(2).sample(4, seed=0).x, depth=0)
