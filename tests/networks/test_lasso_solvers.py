"""StepLISTA, OISTA and ADMM against plain numpy, and against the Lasso."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import Admm, Oista, StepLista, build
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.training import Objective, quick_recipe, train

LAM = 0.07


def shrink(v, theta):
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


def test_steplista_starts_at_ista_and_trains_its_steps_only(problem, y):
    network = StepLista.for_problem(problem, 6, lam=LAM)
    assert torch.equal(network.iterates(y), build("ista", problem, 6, lam=LAM).iterates(y))
    assert [name for name, p in network.named_parameters() if p.requires_grad] == [f"steps.{k}" for k in range(6)]
    assert network.proximal_steps(LAM).shape == (6,)


@pytest.mark.parametrize("name", ["slista", "admm"])
def test_quick_training_lowers_the_lasso_below_its_start_and_fista(problem, batch, name):
    recipe = quick_recipe(name, 8, problem.recipe)
    assert recipe.training.loss == Objective(0.05)
    trained = train(recipe.untrained(), problem, recipe.training).network.double()
    lasso = problem.lasso(0.05)

    def mean_objective(network):
        return lasso.objective(network(torch.tensor(batch.y)).detach().numpy(), batch.y).mean()

    least = lasso.solve(batch.y).primal.mean()
    gaps = [mean_objective(n) - least for n in (trained, recipe.untrained(), build("fista", problem, 8))]
    assert 0 <= gaps[0] < 0.7 * min(gaps[1:])


def test_oista_agrees_with_plain_numpy(problem, batch):
    A, depth = problem.dictionary, 60
    network = Oista.for_problem(problem, depth, lam=LAM)
    found = network.iterates(torch.tensor(batch.y)).detach().numpy()
    taken = np.stack([layer.gain for layer in network.instance_layers(torch.tensor(batch.y))])
    largest = np.linalg.norm(A, 2) ** 2
    for i, y in enumerate(batch.y[:10]):
        x = np.zeros(problem.n)
        for k in range(depth):
            S, step = x != 0, 1 / largest
            if S.any():
                oracle = 1 / np.linalg.norm(A[:, S], 2) ** 2
                tried = shrink(x + oracle * A.T @ (y - A @ x), LAM * oracle)
                step = oracle if (tried[~S] == 0).all() else step
            x = shrink(x + step * A.T @ (y - A @ x), LAM * step)
            assert taken[k, i] == pytest.approx(step, rel=1e-6)
        np.testing.assert_allclose(found[-1, i], x, rtol=1e-6, atol=1e-8)
    assert (taken[-1] > 1.2 / largest).any()


def admm_reference(A, y, rho, alpha, depth):
    z, u = np.zeros(A.shape[1]), np.zeros(A.shape[1])
    for _ in range(depth):
        x = np.linalg.solve(A.T @ A + rho * np.eye(A.shape[1]), A.T @ y + rho * (z - u))
        v = alpha * x + (1 - alpha) * z + u
        z = shrink(v, LAM / rho)
        u = v - z
    return z, u


@pytest.mark.parametrize("shape", [(15, 30), (30, 12)], ids=["wide", "tall"])
def test_admm_agrees_with_plain_numpy(shape):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.3), seed=2)
    batch = where.sample(5, seed=0)
    network = Admm.for_problem(where, 12, lam=LAM, penalties=0.4, relaxations=1.5)
    y = torch.tensor(batch.y)
    for i in range(5):
        z, u = admm_reference(where.dictionary, batch.y[i], 0.4, 1.5, 12)
        np.testing.assert_allclose(network(y)[i].detach().numpy(), z, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(network.multipliers(y)[-1, i].numpy(), 0.4 * u, rtol=1e-9, atol=1e-11)


def test_admm_may_change_its_penalty_and_still_finds_the_minimiser(problem, batch):
    penalties = np.geomspace(0.2, 2.0, 400)
    network = Admm.for_problem(problem, 400, lam=LAM, penalties=penalties, relaxations=1.7)
    codes = network(torch.tensor(batch.y)).detach().numpy()
    assert problem.lasso(LAM).gap(codes, batch.y).max() < 1e-6
    rho, alpha = network.splitting(LAM)
    np.testing.assert_array_equal(rho, penalties)
    assert (alpha == 1.7).all()


def test_admm_follows_a_dictionary_that_changes(problem, y):
    network = Admm.for_problem(problem, 3, lam=LAM)
    before = network(y)
    with torch.no_grad():
        network.dictionary.mul_(0.5)
    assert not torch.allclose(network(y), before)
    network.float().double()  # the fixed value comes back
    torch.testing.assert_close(network(y), before, rtol=1e-5, atol=1e-6)


def test_training_keeps_penalties_positive(problem):
    network = Admm.for_problem(problem, 2, lam=LAM)
    with torch.no_grad():
        network.penalties[0].fill_(-3.0)
        network.project_parameters()
    assert network.penalties[0] > 0


def test_refuses_what_does_not_fit(problem):
    for made in (Oista, Admm, StepLista):
        with pytest.raises(InputError, match="Lasso weight"):
            made.for_problem(problem, 3, lam=-1.0)
    with pytest.raises(InputError, match="penalty"):
        Admm.for_problem(problem, 3, penalties=0.0)
    with pytest.raises(InputError, match="step"):
        Oista(problem.dictionary, 3, lam=LAM, fallback=0.0)
    with pytest.raises(MissingStructure, match=r"0\.07"):
        Admm.for_problem(problem, 3, lam=LAM).splitting(0.1)
