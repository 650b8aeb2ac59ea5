"""Published initial values, explicit weights, and options that do not fit."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, Ista, Lista, ListaCp, ListaCpss, ListaTied, TiLista, build


@pytest.mark.parametrize("name", ["lista", "lista-tied", "lista-cp"])
def test_the_published_start_is_ista(problem, y, name):
    scale = 1.001 * np.linalg.norm(problem.dictionary, 2) ** 2
    ista = Ista.for_problem(problem, 8, lam=0.4, steps=1 / scale)
    torch.testing.assert_close(build(name, problem, 8).iterates(y), ista.iterates(y))
    other = build(name, problem, 8, lam=0.1, init="frobenius")
    assert not torch.allclose(other(y), ista(y))
    assert float(other.affine_layers()[3].threshold) == pytest.approx(0.1 / scale)


def test_alista_starts_at_its_analytic_weight(problem):
    weights = {}
    for weight in ("frobenius", "minimax"):
        layer = build("alista", problem, 3, weight=weight).affine_layers()[2]
        weights[weight] = layer.weight
        assert layer.gain == 1.0
        np.testing.assert_allclose(np.sum(layer.weight * problem.dictionary, axis=0), 1.0, rtol=1e-12)
    off_diagonal = {k: w.T @ problem.dictionary - np.eye(problem.n) for k, w in weights.items()}
    assert np.linalg.norm(off_diagonal["frobenius"]) < np.linalg.norm(off_diagonal["minimax"])
    assert np.abs(off_diagonal["minimax"]).max() < np.abs(off_diagonal["frobenius"]).max()


def test_support_selection_is_that_of_the_papers(problem):
    for name in ("lista-cpss", "tilista", "alista"):
        layers = build(name, problem, 14).affine_layers()
        assert [layer.selected for layer in layers] == [round(min(0.36 * k, 3.9)) for k in range(1, 15)]
        assert all(layer.gated for layer in layers)
        off = build(name, problem, 3, percent=0).affine_layers()
        assert [layer.selected for layer in off] == [0, 0, 0]
        own = build(name, problem, 3, selected=[0, 2, 30], gated=False).affine_layers()
        assert [(layer.selected, layer.gated) for layer in own] == [(0, False), (2, False), (30, False)]


def test_the_two_kinds_of_support_selection_differ(problem, y):
    gated, ungated = (build("alista", problem, 3, theta=0.5, percent=13, gated=gated) for gated in (True, False))
    assert not torch.equal(gated(y), ungated(y))


def test_weights_are_taken_from_numpy_and_torch(problem, y):
    rng = np.random.default_rng(1)
    weight, gains, thresholds = 0.1 * rng.standard_normal((15, 30)), [1.0, 0.5, 0.7], rng.random((3, 30))
    for cls in (Alista, TiLista):
        first = cls(problem.dictionary, 3, weights=weight, gains=gains, thresholds=thresholds)
        second = cls(
            torch.tensor(problem.dictionary),
            3,
            weights=torch.tensor(weight),
            gains=torch.tensor(gains, dtype=torch.float64),
            thresholds=torch.tensor(thresholds),
        )
        assert torch.equal(first(y), second(y))
    layers = ListaCp(problem.dictionary, 3, weights=[weight, 2 * weight, 3 * weight], thresholds=gains).affine_layers()
    assert np.array_equal(layers[1].weight, 2 * weight)
    assert [float(layer.threshold) for layer in layers] == gains


def test_tied_networks_share_one_parameter(problem):
    count = {cls: sum(p.numel() for p in cls.for_problem(problem, 4).parameters()) for cls in (Lista, ListaTied)}
    assert count == {Lista: 4 * (30 * 15 + 30 * 30 + 1), ListaTied: 30 * 15 + 30 * 30 + 1}
    assert sum(p.numel() for p in ListaCpss.for_problem(problem, 4).parameters()) == 15 * 30 + 4
    assert sum(p.numel() for p in ListaCpss.for_problem(problem, 4, tied=False).parameters()) == 4 * (15 * 30 + 1)
    alista = Alista.for_problem(problem, 4)
    assert sum(p.numel() for p in alista.parameters()) == 8
    own = ListaTied.for_problem(problem, 4, theta=[0.4, 0.3, 0.2, 0.1])
    assert len(own.thresholds) == 4


@pytest.mark.parametrize("name", ["lista", "lista-cp", "tilista", "alista"])
def test_negative_thresholds_are_kept_unless_ruled_out(problem, y, name):
    free = build(name, problem, 2, theta=[0.1, -0.2])
    assert [float(layer.threshold) for layer in free.affine_layers()] == [0.1, -0.2]
    bound = build(name, problem, 2, theta=[0.1, -0.2], nonnegative=True)
    assert [float(layer.threshold) for layer in bound.affine_layers()] == [0.1, 0.2]
    assert not torch.equal(free(y), bound(y))
    assert torch.equal(bound(y), build(name, problem, 2, theta=[0.1, 0.2])(y))


@pytest.mark.parametrize(
    ("name", "depth", "options", "message"),
    [
        ("lsta", 3, {}, "Choose one of ista, fista"),
        ("alista", 0, {}, "depth of 0"),
        ("alista", 3, {"gama": 1.0}, r"no option 'gama'\. Its options are: weight"),
        ("alista", 3, {"weight": "best"}, "weight named 'best'"),
        ("alista", 3, {"weight": np.ones((3, 3))}, r"weight of shape \(3, 3\)"),
        ("alista", 3, {"weight": np.full((15, 30), np.inf)}, "NaN or infinity"),
        ("alista", 3, {"gamma": [1.0, 1.0]}, r"gain has shape \(2,\)"),
        ("alista", 3, {"theta": ["a", "b", "c"]}, "not an array of real numbers"),
        ("alista", 3, {"theta": 1j}, "not an array of real numbers"),
        ("alista", 3, {"selected": [1, 2]}, "one for each layer"),
        ("alista", 3, {"selected": 31}, "from 0 to 30"),
        ("alista", 3, {"percent": -1.0}, "percent"),
        ("lista-cp", 3, {"init": "random"}, "initialisation named 'random'"),
        ("lista-cp", 3, {"lam": -0.1}, "Lasso weight"),
        ("ista", 3, {"steps": [0.1, float("nan"), 0.1]}, "NaN or infinity"),
    ],
)
def test_names_cause_and_remedy(problem, name, depth, options, message):
    with pytest.raises(InputError, match=message):
        build(name, problem, depth, **options)


@pytest.mark.parametrize("matrix", [np.ones(3), np.ones((0, 3)), np.full((2, 3), np.nan), "A", np.ones((2, 2)) * 1j])
def test_refuses_dictionaries_that_are_none(matrix):
    with pytest.raises(InputError):
        ListaCp(matrix, 2, weights=np.ones((2, 3)), thresholds=0.1)
