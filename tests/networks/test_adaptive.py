"""Networks whose layers depend on the signal, against their formulas written out in numpy."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import Aglista, Alista, AlistaAt, GatedLista, ListaCpss, NaAlista

DEPTH = 4


def _scalars(seed=2):
    draw = np.random.default_rng(seed)
    return {"gains": draw.uniform(0.6, 1.1, DEPTH), "thresholds": draw.uniform(0.05, 0.3, DEPTH)}


def _soft(v, theta):
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


@pytest.fixture
def weight(problem):
    return np.random.default_rng(1).standard_normal(problem.dictionary.shape) / 15 + problem.dictionary


def test_alista_at_follows_its_formula(problem, batch, y, weight):
    scalars = _scalars()
    network = AlistaAt(problem.dictionary, DEPTH, weights=weight, **scalars)
    x = np.zeros_like(batch.x)
    for k, (gain, theta) in enumerate(zip(scalars["gains"], scalars["thresholds"], strict=True)):
        v = x - gain * ((x @ problem.dictionary.T - batch.y) @ weight)
        x = _soft(v, theta / (np.abs(x) / 0.1 + 1))
        np.testing.assert_allclose(network(y, k + 1).detach().numpy(), x, rtol=1e-10, atol=1e-12)
    assert 0 < np.count_nonzero(x) < x.size


def test_aglista_follows_its_formula(problem, batch, y, weight):
    scalars, draw = _scalars(), np.random.default_rng(5)
    u, v, a = draw.uniform(-0.5, 0.5, DEPTH), draw.uniform(0.5, 2.0, DEPTH), draw.uniform(-0.05, 0.2, DEPTH)
    network = Aglista(problem.dictionary, DEPTH, weights=weight, **scalars, gate_sizes=u, gate_rates=v, overshoots=a)
    x = np.zeros_like(batch.x)
    for k in range(DEPTH):
        theta = scalars["thresholds"][k]
        gain = 1 + theta * u[k] * np.exp(-v[k] * np.abs(x))
        reached = _soft(x - scalars["gains"][k] * (((gain * x) @ problem.dictionary.T - batch.y) @ weight), theta)
        over = 1 + a[k] / (np.abs(reached - x) + 0.01)
        x = over * reached + (1 - over) * x
        np.testing.assert_allclose(network(y, k + 1).detach().numpy(), x, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("selected", [0, 3])
def test_without_gates_they_are_alista(problem, y, weight, selected):
    scalars = _scalars()
    plain = Alista(problem.dictionary, DEPTH, weights=weight, **scalars, selected=selected)
    gated = Aglista(
        problem.dictionary, DEPTH, weights=weight, **scalars, gate_sizes=0.0, overshoots=0.0, selected=selected
    )
    torch.testing.assert_close(gated(y), plain(y), rtol=1e-10, atol=1e-12)
    adaptive = AlistaAt(problem.dictionary, 1, weights=weight, gains=1.0, thresholds=0.2, selected=selected)
    first = Alista(problem.dictionary, 1, weights=weight, gains=1.0, thresholds=0.2, selected=selected)
    torch.testing.assert_close(adaptive(y), first(y), rtol=1e-10, atol=1e-12)


def test_thresholds_of_alista_at_are_those_of_each_signal(problem, y, weight):
    network = AlistaAt(problem.dictionary, DEPTH, weights=weight, **_scalars())
    layers = network.instance_layers(y)
    assert np.ptp(layers[0].threshold) == 0
    assert all(np.ptp(layer.threshold, axis=1).min() > 0 for layer in layers[1:])
    with pytest.raises(MissingStructure, match="ALISTA-AT"):
        network.affine_layers()


def test_aglista_has_no_layers_of_one_signal(problem, y, weight):
    network = Aglista(problem.dictionary, DEPTH, weights=weight, **_scalars())
    with pytest.raises(MissingStructure, match="without gates"):
        network.instance_layers(y)
    assert [p.requires_grad for p in network.gate_sizes] == [False, True, True, True]


@pytest.mark.parametrize("gate", ["relu", "inverse", "exponential"])
def test_gated_lista_follows_its_formula(problem, batch, y, weight, gate):
    theta, draw = _scalars()["thresholds"], np.random.default_rng(6)
    a, rate, c = draw.uniform(0.0, 0.4, DEPTH), draw.uniform(0.5, 2.0, (DEPTH, 30)), draw.uniform(-0.3, 0.3, DEPTH)
    network = GatedLista(
        problem.dictionary,
        DEPTH,
        weights=weight,
        thresholds=theta,
        gate=gate,
        gate_sizes=a,
        gate_rates=rate,
        overshoots=c,
    )
    forms = {
        "relu": lambda x, k: np.maximum(1 - np.maximum(rate[k] * np.abs(x), 0), 0),
        "inverse": lambda x, k: 0.2 / (0.001 + np.abs(rate[k] * x)),
        "exponential": lambda x, k: np.exp(-rate[k] * np.abs(x)),
    }
    x = np.zeros_like(batch.x)
    for k in range(DEPTH):
        z = (1 + a[k] * forms[gate](x, k)) * x
        reached = _soft(z + (batch.y - z @ problem.dictionary.T) @ weight, theta[k])
        over = 1 + c[k] * theta[k] / (np.abs(reached - x) + 0.1)
        x = over * reached + (1 - over) * x
        np.testing.assert_allclose(network(y, k + 1).detach().numpy(), x, rtol=1e-9, atol=1e-11)


def test_gated_lista_without_gates_is_lista_cpss(problem, y):
    plain = ListaCpss.for_problem(problem, DEPTH)
    gated = GatedLista.for_problem(problem, DEPTH)
    with torch.no_grad():
        for size in gated.gate_sizes:
            size.zero_()
    torch.testing.assert_close(gated(y), plain(y), rtol=1e-10, atol=1e-12)
    with pytest.raises(InputError, match="'soft'"):
        GatedLista.for_problem(problem, DEPTH, gate="soft")


def test_na_alista_normalises_by_the_first_layer(problem):
    network = NaAlista.for_problem(problem, DEPTH, seed=4)
    y = torch.tensor(problem.sample(512, seed=4).y)
    norms = torch.stack([y.abs().sum(dim=1), (y @ network.weights).abs().sum(dim=1)])
    torch.testing.assert_close(network.normalisation[0], norms.mean(dim=1))
    torch.testing.assert_close(network.normalisation[1], norms.std(dim=1))
    # floor(linspace(floor(1.2 s / K), 1.2 s, K)), s = 0.15 * 30 rounded; the largest pass in any case.
    assert network.selected == [1, 2, 3, 4]
    assert not network.gated


def test_na_alista_starts_near_given_scalars(problem, y):
    network = NaAlista.for_problem(problem, DEPTH, gamma=0.9, theta=0.05, width=16, seed=1)
    with torch.no_grad():
        network.outer.weight.zero_()
    for layer in network.instance_layers(y):
        assert layer.gain == pytest.approx(0.9)
        assert layer.threshold == pytest.approx(0.05)
    free = NaAlista.for_problem(problem, DEPTH)
    assert np.ptp(free.instance_layers(y)[1].gain) > 0
    assert not torch.equal(free(y), NaAlista.for_problem(problem, DEPTH, seed=1)(y))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": np.eye(3)}, "weight of shape"),
        ({"normalisation": np.zeros((2, 2))}, "not positive"),
        ({"normalisation": np.ones(2)}, "normalisation of shape"),
        ({"width": 0}, "width 0"),
    ],
)
def test_na_alista_refuses(problem, weight, options, message):
    valid = {"weights": weight, "normalisation": np.ones((2, 2))}
    with pytest.raises(InputError, match=message):
        NaAlista(problem.dictionary, DEPTH, **(valid | options))
    with pytest.raises(InputError, match="starts near"):
        NaAlista.for_problem(problem, DEPTH, gamma=-1.0)


def test_na_alista_needs_codes_to_count(problem):
    class Real:
        dictionary, planted, sample = problem.dictionary, False, staticmethod(problem.sample)

    with pytest.raises(MissingStructure, match="selected"):
        NaAlista.for_problem(Real(), DEPTH)
    assert NaAlista.for_problem(Real(), DEPTH, selected=2).selected == [2] * DEPTH
