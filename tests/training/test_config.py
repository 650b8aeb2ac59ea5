import json

import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import build
from unfold_theory.training import IterationWeighted, TrainingConfig, parameters_by_layer, plan
from unfold_theory.training.seeds import TEST, TRAIN, VALIDATION, stream


def test_recipe_round_trips_through_json():
    config = TrainingConfig(
        loss=IterationWeighted(weights=(1.0, 2.0)), scheme="layer-wise", decays=(0.3,), patience=None
    )
    assert TrainingConfig.from_recipe(json.loads(json.dumps(config.recipe()))) == config


@pytest.mark.parametrize(
    "bad",
    [
        {"scheme": "sideways"},
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"steps": True},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"decays": (0.2, -0.1)},
        {"patience": 0},
        {"gradient_clip": float("inf")},
        {"seed": -1},
        {"decays": 0.2},
        {"anneal": 0},
        {"matrix_rate": "large"},
    ],
)
def test_bad_options_are_refused(bad):
    with pytest.raises(InputError):
        TrainingConfig.from_recipe(bad)


def test_the_constructor_checks_too():
    with pytest.raises(InputError, match="learning_rate of -1"):
        TrainingConfig(learning_rate=-1.0)


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match="momentum"):
        TrainingConfig.from_recipe({"momentum": 0.9})


def test_end_to_end_has_one_stage_a_rate(tiny):
    network = build("alista", tiny, 3)
    stages = plan(network, TrainingConfig(learning_rate=0.5, decays=(0.2, 0.02)))
    assert [(s.depth, s.index) for s in stages] == [(3, 0), (3, 1), (3, 2)]
    assert [s.rate for s in stages] == pytest.approx([0.5, 0.1, 0.01])
    assert all(sum(len(group) for _, group in s.groups) == 6 for s in stages)


def test_layer_wise_starts_each_depth_with_the_new_layer_alone(tiny):
    network = build("lista-cpss", tiny, 3, tied=False)
    stages = plan(network, TrainingConfig(scheme="layer-wise", learning_rate=1.0, layer_decay=0.3, matrix_rate=0.1))
    assert [(s.depth, s.index) for s in stages] == [(d, i) for d in (1, 2, 3) for i in range(3)]
    rates = {}
    for stage in stages:
        for rate, group in stage.groups:
            for parameter in group:
                rates[stage.depth, stage.index, id(parameter)] = rate
    new = [id(p) for _, group in stages[6].groups for p in group]
    assert new == [id(network.thresholds[2]), id(network.weights[2])]
    assert rates[3, 0, id(network.weights[2])] == pytest.approx(0.1)
    assert rates[3, 1, id(network.thresholds[2])] == pytest.approx(0.2)
    assert rates[3, 1, id(network.thresholds[0])] == pytest.approx(0.2 * 0.09)
    assert rates[3, 2, id(network.weights[1])] == pytest.approx(0.02 * 0.3 * 0.1)


def test_shared_parameters_belong_to_layer_zero(tiny):
    network = build("tilista", tiny, 3)
    first, _, last = ({id(p) for p in layer} for layer in parameters_by_layer(network))
    assert first == {id(network.weights[0]), id(network.gains[0]), id(network.thresholds[0])}
    assert last == {id(network.gains[2]), id(network.thresholds[2])}


@pytest.mark.parametrize(
    "name", ["ista", "fista", "lista", "lista-tied", "lista-cp", "lista-cpss", "tilista", "alista"]
)
def test_layers_partition_the_trainable_parameters(tiny, name):
    network = build(name, tiny, 4)
    owned = [id(p) for layer in parameters_by_layer(network) for p in layer]
    assert sorted(owned) == sorted(id(p) for p in network.parameters() if p.requires_grad)


def test_a_network_may_say_itself_which_layer_owns_what(tiny):
    network = build("alista", tiny, 2)
    frozen = torch.nn.Parameter(torch.zeros(()), requires_grad=False)
    network.layer_parameters = lambda k: [network.gains[1 - k], frozen]
    assert [[id(p) for p in layer] for layer in parameters_by_layer(network)] == [
        [id(network.gains[1])],
        [id(network.gains[0])],
    ]


def test_streams_depend_on_seed_and_cell_only():
    cells = [
        (0, TRAIN, 3, 0),
        (0, TRAIN, 3, 1),
        (0, TRAIN, 4, 0),
        (0, VALIDATION),
        (0, TEST),
        (1, TEST),
        (1, VALIDATION),
    ]
    assert len({stream(*cell) for cell in cells}) == len(cells)
    assert stream(0, TEST) == stream(0, TEST) < 2**63
