"""Networks whose layers depend on the signal, against their formulas written out in numpy."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import MissingStructure
from unfold_theory.networks import Aglista, Alista, AlistaAt

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
