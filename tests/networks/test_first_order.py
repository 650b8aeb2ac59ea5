"""Networks as first-order methods: the same iterates, or a reason why there are none."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import MissingStructure
from unfold_theory.methods import AcceleratedProximalGradient, Method, ProximalGradient
from unfold_theory.networks import NETWORKS, Alista, Fista, Ista, ListaCp, build


class Lasso:
    """Gradient and proximal map of one instance, asked for as a program asks."""

    def __init__(self, matrix, y, lam):
        self.matrix, self.y, self.lam = matrix, y, lam

    def initial(self, name="x"):
        return np.zeros(self.matrix.shape[1])

    def gradient(self, component, point):
        assert component == "f"
        return self.matrix.T @ (self.matrix @ point - self.y)

    def prox(self, component, point, step):
        shrunk = np.sign(point) * np.maximum(np.abs(point) - step * self.lam, 0)
        return (point - shrunk) / step

    def error(self, reference, relative):
        raise AssertionError("these networks make no errors")


@pytest.mark.parametrize(("kind", "method"), [(Ista, ProximalGradient), (Fista, AcceleratedProximalGradient)])
def test_program_computes_what_the_network_computes(problem, kind, method):
    network = build(kind, problem, 6, lam=0.05, steps=np.linspace(0.1, 0.3, 6))
    program = network.as_method()
    assert isinstance(program, method)
    assert program.depth == 6
    batch = problem.sample(3, seed=0)
    codes = network(torch.tensor(batch.y)).detach().numpy()
    for y, code in zip(np.asarray(batch.y), codes, strict=True):
        oracle = Lasso(problem.dictionary, y, 0.05)
        state = program.start(oracle)
        for k in range(6):
            state = program.step(k, state, oracle)
        np.testing.assert_allclose(state[0], code, atol=1e-12)


def test_admm_is_the_method_of_its_name(problem):
    rho, alpha = np.linspace(0.5, 1.0, 5), np.linspace(1.8, 1.0, 5)
    network = build("admm", problem, 5, lam=0.05, penalties=rho, relaxations=alpha)
    program = network.as_method()
    A, y = problem.dictionary, problem.sample(1, seed=0).y[0]

    class Splitting(Lasso):
        def prox(self, component, point, step):
            if component == "g":
                return super().prox(component, point, step)
            x = np.linalg.solve(A.T @ A + np.eye(A.shape[1]) / step, A.T @ y + point / step)
            return (point - x) / step

    oracle = Splitting(A, y, 0.05)
    state = program.start(oracle)
    for k in range(5):
        state = program.step(k, state, oracle)
    code = network(torch.tensor(y[None])).detach().numpy()[0]
    np.testing.assert_allclose(program.observe(5, state).point, code, atol=1e-12)


def test_a_coupled_network_with_w_equal_a_is_one(problem):
    A, t = problem.dictionary, np.linspace(0.1, 0.3, 4)
    network = Alista(A, 4, weights=A, gains=t, thresholds=0.2 * t)
    np.testing.assert_allclose(network.as_method().steps, t, rtol=1e-12)


def outcome(network):
    try:
        return network.as_method()
    except MissingStructure as error:
        return str(error)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_a_method_or_says_why_not(problem, name):
    """At its published initialisation, where LISTA-CP has W = A still; a method has the network's depth."""
    found = outcome(build(name, problem, 3))
    if name in ("ista", "fista", "slista", "admm", "lista-cp"):
        assert isinstance(found, Method)
    if isinstance(found, Method):
        assert found.depth == 3
    else:
        assert "worst-case rates of first-order methods: it lacks" in found


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (lambda p: build("lista", p, 3), "W_2 is a matrix of its own"),
        (lambda p: build("alista", p, 3, percent=0.0), "W is not a multiple of A (layer 1)"),
        (lambda p: Alista(p.dictionary, 3, weights=p.dictionary, gains=0.1, thresholds=0.1, selected=2), "bypass"),
        (
            lambda p: Alista(p.dictionary, 3, weights=p.dictionary, gains=[0.1, -0.1, 0.1], thresholds=0.1),
            "positive step",
        ),
        (
            lambda p: Alista(p.dictionary, 3, weights=p.dictionary, gains=[0.1, 0.2, 0.1], thresholds=0.1),
            "one objective",
        ),
        (lambda p: ListaCp(p.dictionary, 2, weights=p.dictionary, thresholds=-0.1), "negative"),
    ],
)
def test_why_not(problem, network, reason):
    with pytest.raises(MissingStructure) as caught:
        network(problem).as_method()
    assert reason in str(caught.value)
