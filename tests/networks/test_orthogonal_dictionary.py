import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import Ista, OrthogonalDictionary, build
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery
from unfold_theory.training import TrainingConfig, train
from unfold_theory.training.losses import Supervised


def test_it_starts_at_ista(problem, y):
    network = build("orthogonal-dictionary", problem, 6, lam=0.1)
    torch.testing.assert_close(network.iterates(y), Ista.for_problem(problem, 6, lam=0.1).iterates(y))


def test_the_basis_is_orthogonal_whatever_the_parameter(problem, y):
    generator = np.random.default_rng(0)
    base = np.linalg.qr(generator.standard_normal((30, 30)))[0]
    for size in (0.0, 1e-3, 1.0, 100.0):
        network = build("orthogonal-dictionary", problem, 3, base=base)
        with torch.no_grad():
            network.skew.copy_(size * torch.tensor(generator.standard_normal((30, 30))))
        basis = network.basis64()
        np.testing.assert_allclose(basis.T @ basis, np.eye(30), atol=1e-11)
        # The steps are ISTA's on the dictionary A Phi, read out in the basis.
        inner = SparseRecovery(problem.dictionary @ basis, KSparse(2))
        twin = Ista.for_problem(inner, 3, lam=0.05, steps=network.step_size)
        np.testing.assert_allclose(
            network.iterates(y).detach().numpy(), twin.iterates(y).detach().numpy() @ basis.T, atol=1e-10
        )


def test_projection(problem, y):
    inside = build("orthogonal-dictionary", problem, 4, radius=0.3).iterates(y)
    free = build("orthogonal-dictionary", problem, 4).iterates(y)
    norms = torch.linalg.vector_norm(free, dim=2)
    torch.testing.assert_close(torch.linalg.vector_norm(inside, dim=2), norms.clamp(max=0.3))
    torch.testing.assert_close(inside[norms <= 0.3], free[norms <= 0.3])


def test_it_learns_the_basis_in_which_signals_are_sparse():
    """Signals are sparse in a rotated basis: ISTA in the standard one fails, the learned one does not."""
    where = SparseRecovery.gaussian(20, 24, law=BernoulliGaussian(0.1), seed=4)
    half = 0.5 * (torch.rand(24, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5)
    half = half - half.T
    rotation = torch.linalg.solve(torch.eye(24, dtype=torch.float64) + half, torch.eye(24, dtype=torch.float64) - half)
    network = OrthogonalDictionary.for_problem(where, 12, lam=0.02)

    def measured(seed, count=512):
        x = torch.tensor(where.sample(count, seed=seed).x) @ rotation.T
        return x, x @ torch.tensor(where.dictionary).T

    def error(other):
        x, y = measured(0)
        with torch.no_grad():
            return float(((other(y) - x) ** 2).sum() / (x**2).sum())

    known = error(OrthogonalDictionary.for_problem(where, 12, lam=0.02, base=rotation.numpy()))
    first = error(network)
    optimiser = torch.optim.Adam([network.skew], lr=0.02)
    for step in range(250):
        x, y = measured(step + 1, 128)
        optimiser.zero_grad()
        (((network(y) - x) ** 2).sum() / (x**2).sum()).backward()
        optimiser.step()
    # Most of what knowing the basis would gain.
    assert known < first
    assert error(network) - known < 0.3 * (first - known)


def test_the_training_loop_trains_it():
    where = SparseRecovery.gaussian(12, 20, law=BernoulliGaussian(0.1), seed=4)
    start = build("orthogonal-dictionary", where, 4)
    trained = train(start, where, TrainingConfig(loss=Supervised(), steps=5, patience=None)).network
    assert isinstance(trained, OrthogonalDictionary)
    assert not torch.equal(trained.skew.double(), start.skew)


def test_wrong_arguments_are_named(problem):
    eye = np.eye(30)
    good = {"skew": 0 * eye, "base": eye, "step_size": 0.1, "lam": 0.1}
    for wrong, match in (
        ({"skew": np.zeros((3, 3))}, "skew"),
        ({"base": 2 * eye}, "orthogonal"),
        ({"step_size": 0.0}, "step size"),
        ({"lam": -1.0}, "Lasso weight"),
        ({"radius": 0.0}, "radius"),
    ):
        with pytest.raises(InputError, match=match):
            OrthogonalDictionary(problem.dictionary, 3, **(good | wrong))
    with pytest.raises(MissingStructure, match="affine_layers"):
        build("orthogonal-dictionary", problem, 3).affine_layers()
