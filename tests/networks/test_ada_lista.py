"""Ada-LISTA against plain numpy, its published start, and other dictionaries."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import AdaLista, AdaListaSingle, Alista, Ista, build
from unfold_theory.networks.ada_lista import on_dictionary, symmetric_frobenius_weight
from unfold_theory.problems import gaussian


def _soft(v, theta):
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


def test_agrees_with_plain_numpy(problem, batch):
    rng, D = np.random.default_rng(0), problem.dictionary
    first, second = (np.eye(15) + 0.1 * rng.standard_normal((15, 15)) for _ in range(2))
    gains, thetas = np.array([0.2, 0.3, 0.1]), np.array([0.05, 0.02, 0.01])
    options = {"gains": gains, "thresholds": thetas}
    double = AdaLista(D, 3, input_weights=first, state_weights=second, **options)(torch.tensor(batch.y))
    single = AdaListaSingle(D, 3, weights=first, **options)(torch.tensor(batch.y))
    for i, y in enumerate(batch.y):
        x, z = np.zeros(30), np.zeros(30)
        for gain, theta in zip(gains, thetas, strict=True):
            x = _soft(x - gain * (second @ D).T @ (second @ D @ x) + gain * (first @ D).T @ y, theta)
            z = _soft(z + gain * D.T @ first.T @ (y - D @ z), theta)
        np.testing.assert_allclose(double[i].detach().numpy(), x, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(single[i].detach().numpy(), z, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["ada-lista", "ada-lista-single"])
def test_the_published_start_is_ista(problem, y, name):
    scale = 1.001 * np.linalg.norm(problem.dictionary, 2) ** 2
    ista = Ista.for_problem(problem, 8, lam=0.4, steps=1 / scale)
    torch.testing.assert_close(build(name, problem, 8).iterates(y), ista.iterates(y))
    other = build(name, problem, 8, init="frobenius")
    diagonal = np.sum(other.affine_layers()[0].weight * problem.dictionary, axis=0)
    np.testing.assert_allclose(diagonal, 1.0, rtol=1e-9)
    with pytest.raises(InputError, match="initialisation"):
        build(name, problem, 8, init="other")


def test_runs_on_other_dictionaries(problem, y):
    moved = problem.dictionary + 0.05 * np.random.default_rng(1).standard_normal(problem.dictionary.shape)
    for name in ("ada-lista", "ada-lista-single", "alista"):
        network = build(name, problem, 4)
        there = on_dictionary(network, moved)
        np.testing.assert_array_equal(there.trained_on, problem.dictionary)
        assert network.trained_on is None
        assert not torch.equal(there(y), network(y))
        back = on_dictionary(there, problem.dictionary)
        assert torch.equal(back(y), network(y))
        np.testing.assert_array_equal(back.trained_on, problem.dictionary)
    assert np.array_equal(there.affine_layers()[0].weight, Alista.for_problem(problem, 4).affine_layers()[0].weight)
    with pytest.raises(InputError, match="same shape"):
        on_dictionary(network, moved[:, :-1])
    # Permuted columns: Ada-LISTA's code is permuted, nothing else changes.
    order = np.random.default_rng(2).permutation(problem.n)
    network = build("ada-lista", problem, 4)
    shuffled = on_dictionary(network, problem.dictionary[:, order])
    torch.testing.assert_close(shuffled(y), network(y)[:, order])


def test_the_closed_form_is_optimal(problem):
    D = problem.dictionary
    weight, rng = symmetric_frobenius_weight(D), np.random.default_rng(0)
    least = np.linalg.norm(D.T @ weight @ D)
    constraints = np.einsum("mi,ki->imk", D, D).reshape(problem.n, -1)
    free = np.linalg.svd(constraints)[2][problem.n :]
    for _ in range(20):
        other = weight + (rng.standard_normal(len(free)) @ free).reshape(weight.shape) * 0.05
        np.testing.assert_allclose(np.einsum("mi,mk,ki->i", D, other, D), 1.0, atol=1e-9)
        assert np.linalg.norm(D.T @ other @ D) > least


def test_refuses_dictionaries_without_a_feasible_weight():
    with pytest.raises(InputError, match="fewer columns"):
        symmetric_frobenius_weight(gaussian(2, 9) * np.linspace(1, 2, 9))
    with pytest.raises(InputError, match="row"):
        symmetric_frobenius_weight(np.vstack([np.ones((1, 4)), np.ones((1, 4))]))
