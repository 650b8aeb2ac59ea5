"""The Lipschitz penalty: a bound, its gradient, and what training with it does."""

import numpy as np
import pytest
import torch

from unfold_theory import lipschitz
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import build
from unfold_theory.training import (
    LipschitzPenalised,
    Objective,
    Supervised,
    TrainingConfig,
    greedy_bound,
    loss_from_recipe,
    train,
)

LISTA = {"nonnegative": True}


def jittered(name, problem, depth, seed, **options):
    network = build(name, problem, depth, **options)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.mul_(1 + 0.3 * noise)
    return network


@pytest.mark.parametrize("name", ["lista", "lista-tied", "lista-cp", "alista", "ista"])
@pytest.mark.parametrize("depth", [1, 4])
def test_is_above_every_jacobian(tiny, name, depth):
    for seed in range(3):
        options = {"percent": 0.0} if name == "alista" else LISTA if name != "ista" else {"learn_steps": True}
        network = jittered(name, tiny, depth, seed, **options)
        bound = float(greedy_bound(network, depth).detach())
        system = network.as_system()
        # One formula, written twice because training needs gradients.
        assert bound == pytest.approx(lipschitz.greedy_bound(system).upper, rel=1e-7)
        rng = np.random.default_rng(seed)
        norms = [np.linalg.norm(system.jacobian(u), 2) for u in 10 * rng.standard_normal((100, system.inputs))]
        assert max(norms) <= bound * (1 + 1e-10)
        # Not far above: triangle bounds would be.
        assert bound <= 4 * max(norms)


def test_gradient_is_that_of_differences(tiny):
    network = jittered("lista", tiny, 3, 7, **LISTA)
    greedy_bound(network, 3).backward()
    weight = network.state_weights[1]
    rng = np.random.default_rng(0)
    for _ in range(5):
        i, j = rng.integers(weight.shape[0]), rng.integers(weight.shape[1])
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[i, j] += sign * 1e-6
                values.append(float(greedy_bound(network, 3)))
                weight[i, j] -= sign * 1e-6
        assert float(weight.grad[i, j]) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_first_state_weight_does_not_matter(tiny):
    network = jittered("lista", tiny, 2, 1, **LISTA)
    before = float(greedy_bound(network, 2).detach())
    with torch.no_grad():
        network.state_weights[0].mul_(100.0)
    assert float(greedy_bound(network, 2).detach()) == before


def test_nothing_reaches_the_output(tiny):
    network = build("lista", tiny, 3, **LISTA)
    with torch.no_grad():
        network.state_weights[2].zero_()
    last = torch.linalg.matrix_norm(network.input_weights[2].detach(), 2)
    assert float(greedy_bound(network, 3).detach()) == pytest.approx(float(last), rel=1e-9)


def test_training_with_it_is_more_stable_and_less_accurate(tiny):
    network = build("lista", tiny, 3, **LISTA)
    config = {"steps": 150, "learning_rate": 5e-3, "decays": (), "patience": None}
    results = {}
    for weight in (0.0, 0.5):
        loss = LipschitzPenalised(weight=weight)
        trained = train(network, tiny, TrainingConfig(loss=loss, **config)).network.double()
        results[weight] = float(greedy_bound(trained, 3).detach()), trained
    assert results[0.5][0] < 0.7 * results[0.0][0]
    batch = tiny.sample(500, seed=9)
    errors = {
        weight: float(Supervised()(trained, torch.tensor(batch.x), torch.tensor(batch.y), 3).detach())
        for weight, (_, trained) in results.items()
    }
    assert errors[0.0] < errors[0.5] < 1.0


def test_target_is_free_below_it(tiny):
    network = build("lista", tiny, 2, **LISTA)
    x, y = (torch.tensor(part) for part in (tiny.sample(5, seed=1).x, tiny.sample(5, seed=1).y))
    bound = float(greedy_bound(network, 2).detach())
    plain = Supervised(logarithm=True)(network, x, y, 2)
    assert float(LipschitzPenalised(target=2 * bound)(network, x, y, 2)) == pytest.approx(float(plain))
    above = LipschitzPenalised(weight=3.0, target=bound / 2)(network, x, y, 2)
    assert float(above - plain) == pytest.approx(3 * np.log(2) ** 2)


def test_recipe_comes_back():
    loss = LipschitzPenalised(base=Objective(0.1, growth=2.0), weight=0.3, target=5.0)
    assert loss_from_recipe(loss.recipe()) == loss
    assert not loss.needs_truth
    assert LipschitzPenalised().needs_truth
    config = TrainingConfig(loss=loss)
    assert TrainingConfig.from_recipe(config.recipe()) == config


def test_refusals(tiny):
    with pytest.raises(InputError, match="weight"):
        LipschitzPenalised(weight=-1.0)
    with pytest.raises(InputError, match="target"):
        LipschitzPenalised(target=0.0)
    for name in ("fista", "lista-momentum", "glista", "admm"):
        with pytest.raises(MissingStructure, match="Lipschitz penalty"):
            greedy_bound(build(name, tiny, 2), 2)
