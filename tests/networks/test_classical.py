"""ISTA and FISTA against plain numpy, and against their theory."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import Fista, Ista

LAM = 0.07


def _objective(A, y, x):
    return 0.5 * np.sum((y - A @ x) ** 2) + LAM * np.sum(np.abs(x))


def _proximal(A, y, z, step):
    v = z - step * (A.T @ (A @ z - y))
    return np.where(v > LAM * step, v - LAM * step, np.where(v < -LAM * step, v + LAM * step, 0.0))


def _ista(A, y, step, depth):
    codes = [np.zeros(A.shape[1])]
    for _ in range(depth):
        codes.append(_proximal(A, y, codes[-1], step))
    return codes


def _fista(A, y, step, depth):
    codes, z, t = [np.zeros(A.shape[1])], np.zeros(A.shape[1]), 1.0
    for _ in range(depth):
        codes.append(_proximal(A, y, z, step))
        t, previous = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        z = codes[-1] + (previous - 1) / t * (codes[-1] - codes[-2])
    return codes


@pytest.mark.parametrize(("cls", "reference"), [(Ista, _ista), (Fista, _fista)])
def test_agrees_with_plain_numpy(problem, batch, cls, reference):
    network = cls.for_problem(problem, 30, lam=LAM)
    found = network.iterates(torch.tensor(batch.y)).detach().numpy()
    step = 1 / np.linalg.norm(problem.dictionary, 2) ** 2
    for i, y in enumerate(batch.y[:10]):
        expected = np.stack(reference(problem.dictionary, y, step, 30))
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("cls", [Ista, Fista])
def test_steps_are_certainly_at_most_one_over_l(problem, cls):
    network = cls.for_problem(problem, 4, lam=LAM)
    steps = network.proximal_steps(LAM)
    assert steps.shape == (4,)
    assert (steps * problem.lipschitz.hi <= 1).all()
    assert (steps * problem.lipschitz.lo > 1 - 1e-6).all()
    assert not list(filter(lambda p: p.requires_grad, network.parameters()))
    with pytest.raises(MissingStructure, match=r"0\.07"):
        network.proximal_steps(0.1)


def test_theorems_of_beck_and_teboulle(problem, batch):
    depth, A = 200, problem.dictionary
    step = Ista.for_problem(problem, 1).proximal_steps(0.05)[0]
    iterates = {c: c.for_problem(problem, depth, lam=LAM).iterates(torch.tensor(batch.y[:8])) for c in (Ista, Fista)}
    for i, y in enumerate(batch.y[:8]):
        optimum = _fista(A, y, step, 5000)[-1]
        distance, least = np.sum(optimum**2), _objective(A, y, optimum)
        gaps = {
            c: np.array([_objective(A, y, x) for x in codes[:, i].detach().numpy()]) - least
            for c, codes in iterates.items()
        }
        k = np.arange(1, depth + 1)
        assert (np.diff(gaps[Ista]) <= 1e-12).all()
        assert (gaps[Ista][1:] <= distance / (2 * step * k) + 1e-12).all()
        assert (gaps[Fista][1:] <= 2 * distance / (step * (k + 1) ** 2) + 1e-12).all()


def test_learned_steps_train_and_stay_proximal(problem, batch):
    network = Ista.for_problem(problem, 6, lam=LAM, learn_steps=True)
    y, x = torch.tensor(batch.y), torch.tensor(batch.x)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    losses = []
    for _ in range(25):
        loss = torch.sum((network(y) - x) ** 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    steps = network.proximal_steps(LAM)
    code = np.zeros(problem.n)
    for step in steps:
        code = _proximal(problem.dictionary, batch.y[0], code, step)
    np.testing.assert_allclose(network(y)[0].detach().numpy(), code, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("lam", [-1.0, np.inf, np.nan])
def test_refuses_weights_that_are_none(problem, lam):
    with pytest.raises(InputError, match="Lasso weight"):
        Ista.for_problem(problem, 3, lam=lam)
