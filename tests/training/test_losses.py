import json

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import build
from unfold_theory.training import IterationWeighted, Objective, Supervised, loss_from_recipe


@pytest.fixture
def case(tiny):
    batch = tiny.sample(9, seed=1)
    network = build("alista", tiny, 3, theta=[0.2, 0.1, 0.05], gamma=[0.9, 1.1, 1.0], percent=0)
    return network, torch.tensor(batch.x), torch.tensor(batch.y)


def relative(code, x):
    return (((code - x) ** 2).sum() / (x**2).sum()).item()


def test_supervised_is_the_ratio_of_sums(case):
    network, x, y = case
    assert Supervised()(network, x, y, 2).item() == pytest.approx(relative(network(y, 2), x), rel=1e-12)
    assert Supervised(logarithm=True)(network, x, y, 3).item() == pytest.approx(
        np.log(relative(network(y), x)), rel=1e-10
    )


def test_iteration_weighted_sums_layers_with_normalised_weights(case):
    network, x, y = case
    errors = [relative(code, x) for code in network.iterates(y)[1:]]
    loss = IterationWeighted(weights=(1.0, 2.0, 5.0))
    assert loss(network, x, y, 3).item() == pytest.approx(np.dot([1, 2, 5], errors) / 8, rel=1e-12)
    assert loss(network, x, y, 2).item() == pytest.approx(np.dot([1, 2], errors[:2]) / 3, rel=1e-12)
    assert IterationWeighted(growth=2.0).layer_weights(3) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
    steep = IterationWeighted(growth=1e9)(network, x, y, 3).item()
    assert steep == pytest.approx(errors[-1], rel=1e-6)
    logs = IterationWeighted(logarithm=True)(network, x, y, 3).item()
    assert logs == pytest.approx(np.mean(np.log(errors)), rel=1e-10)


def test_objective_is_the_lasso_relative_to_zero_and_ignores_the_truth(case, tiny):
    network, x, y = case
    A, lam = torch.tensor(np.array(tiny.dictionary)), 0.07

    def F(code):
        return (0.5 * ((code @ A.T - y) ** 2).sum() + lam * code.abs().sum()).item()

    codes, start = network.iterates(y), F(torch.zeros_like(x))
    assert Objective(lam)(network, x, y, 3).item() == pytest.approx(F(codes[3]) / start, rel=1e-12)
    assert Objective(lam)(network, x + 1, y, 3).item() == Objective(lam)(network, x, y, 3).item()
    weighted = Objective(lam, growth=1.0)(network, x, y, 3).item()
    assert weighted == pytest.approx(np.mean([F(c) for c in codes[1:]]) / start, rel=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        Supervised(),
        Supervised(True),
        IterationWeighted(growth=1.5),
        IterationWeighted(logarithm=True),
        Objective(0.05, 1.2),
    ],
)
def test_gradients_agree_with_finite_differences(case, loss):
    network, x, y = case
    loss(network, x, y, 3).backward()
    for parameter in network.parameters():
        if not parameter.requires_grad:
            continue
        values = []
        for shift in (1e-6, -1e-6):
            with torch.no_grad():
                parameter += shift
                values.append(loss(network, x, y, 3).item())
                parameter -= shift
        assert parameter.grad.sum().item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=2e-4, abs=1e-7)


def test_later_layers_get_no_gradient_and_weights_choose_layers(case):
    network, x, y = case
    Supervised()(network, x, y, 2).backward()
    assert network.thresholds[2].grad is None
    assert network.thresholds[1].grad is not None
    network.zero_grad()
    IterationWeighted(weights=(1.0, 0.0, 0.0))(network, x, y, 3).backward()
    assert network.thresholds[0].grad != 0
    assert network.thresholds[1].grad == 0


@pytest.mark.parametrize(
    "loss", [Supervised(True), IterationWeighted(weights=(0.5, 2.0)), Objective(0.1), Objective(0.1, growth=2.0)]
)
def test_recipes_round_trip_through_json(loss):
    assert loss_from_recipe(json.loads(json.dumps(loss.recipe()))) == loss


@pytest.mark.parametrize(
    "make",
    [
        lambda: IterationWeighted(growth=0.0),
        lambda: IterationWeighted(weights=(1.0, -1.0)),
        lambda: IterationWeighted(weights=(0.0, 0.0)),
        lambda: IterationWeighted(weights=(1.0, float("nan"))),
        lambda: IterationWeighted(weights=(1.0,)).layer_weights(2),
        lambda: Objective(-1.0),
        lambda: Objective(0.1, growth=float("inf")),
        lambda: loss_from_recipe({"loss": "nope"}),
        lambda: loss_from_recipe({"loss": "objective"}),
        lambda: loss_from_recipe({"loss": "supervised", "colour": 1}),
    ],
)
def test_bad_losses_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_a_batch_of_zeros_gives_a_finite_loss(case):
    network, x, y = case
    zero_x, zero_y = torch.zeros_like(x), torch.zeros_like(y)
    for loss in (Supervised(), Supervised(True), IterationWeighted(), Objective(0.1)):
        assert torch.isfinite(loss(network, zero_x, zero_y, 3))
