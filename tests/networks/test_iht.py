"""Iterative hard thresholding against plain numpy, and its options."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import Iht


def test_agrees_with_plain_numpy(problem, batch):
    steps = np.array([0.3, 0.1, 0.2, 0.4])
    found = Iht(problem.dictionary, 4, steps=steps, sparsity=3)(torch.tensor(batch.y)).detach().numpy()
    for row, y in zip(found, batch.y, strict=True):
        x = np.zeros(problem.n)
        for step in steps:
            v = x + step * problem.dictionary.T @ (y - problem.dictionary @ x)
            x = np.where(np.isin(np.arange(problem.n), np.argsort(-np.abs(v))[:3]), v, 0.0)
        np.testing.assert_allclose(row, x, rtol=1e-9, atol=1e-12)


def test_the_residual_never_grows_at_the_default_step(problem, batch):
    network = Iht.for_problem(problem, 30, learn_steps=False)
    assert network.sparsity == 4  # 15 percent of 30, rounded to even
    assert not [p for p in network.parameters() if p.requires_grad]
    codes = network.iterates(torch.tensor(batch.y)).numpy()
    residual = np.linalg.norm(batch.y - codes @ problem.dictionary.T, axis=-1)
    assert (np.diff(residual, axis=0) <= 1e-12).all()
    assert (np.count_nonzero(codes[1:], axis=-1) == 4).all()


@pytest.mark.parametrize("sparsity", [0, 31, -1, True])
def test_refuses_sparsities_that_are_none(problem, sparsity):
    with pytest.raises(InputError, match="sparsity"):
        Iht.for_problem(problem, 2, sparsity=sparsity)


def test_asks_for_the_sparsity_where_no_law_is_known(problem):
    class Other:
        dictionary, lipschitz = problem.dictionary, problem.lipschitz

    with pytest.raises(InputError, match="sparsity=s"):
        Iht.for_problem(Other(), 2)
    assert Iht.for_problem(Other(), 2, sparsity=5).sparsity == 5
