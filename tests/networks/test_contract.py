"""The laws of an unfolded network, on every registered one."""

import copy
import json

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import NETWORKS

PARADIGMS = {
    "learned hyperparameters",
    "learned objective parameters",
    "learned correction terms",
    "dnn inductive bias",
}

DEPTH = 5


@pytest.mark.parametrize("name", NETWORKS)
def test_says_what_it_is(name):
    cls = NETWORKS[name]
    assert cls.name == name
    assert cls.title
    assert cls.source
    assert cls.paradigm in PARADIGMS
    assert cls.__doc__
    assert "Reference:" in cls.__doc__


def test_starts_at_zero_and_stacks_every_iterate(make, y, variant):
    network = make(variant)
    iterates = network.iterates(y)
    assert iterates.shape == (DEPTH + 1, len(y), network.dictionary.shape[1])
    assert not iterates[0].any()
    assert iterates[-1].any()
    assert torch.equal(network(y), iterates[-1])


def test_iterates_do_not_depend_on_later_layers(make, y, variant):
    network = make(variant)
    iterates = network.iterates(y)
    for depth in range(DEPTH + 1):
        assert torch.equal(network(y, depth), iterates[depth])
        assert torch.equal(network.iterates(y, depth), iterates[: depth + 1])
    early = {id(p) for k in range(3) for p in network.layer_parameters(k)}
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and id(parameter) not in early:
                parameter.add_(1.0)
    assert torch.equal(network.iterates(y)[:4], iterates[:4])


def test_rows_do_not_influence_each_other(make, y, variant):
    network = make(variant)
    together = network.iterates(y)
    alone = torch.cat([network.iterates(row[None]) for row in y], dim=1)
    torch.testing.assert_close(alone, together, rtol=1e-10, atol=1e-12)
    order = torch.arange(len(y) - 1, -1, -1)
    torch.testing.assert_close(network.iterates(y[order])[:, order], together, rtol=1e-10, atol=1e-12)


def test_nothing_is_random_and_nothing_changes(make, y, variant):
    network = make(variant)
    before = copy.deepcopy(network.state_dict())
    first = network(y)
    assert torch.equal(network(y), first)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("depth", [1, DEPTH])
def test_rebuilds_from_config_and_tensors(make, y, variant, depth):
    network = make(variant, depth)
    config = json.loads(json.dumps(network.config()))
    twin = type(network).from_config(config, network.state_dict())
    assert twin.config() == network.config()
    assert twin.state_dict().keys() == network.state_dict().keys()
    trainable = [[name for name, p in n.named_parameters() if p.requires_grad] for n in (network, twin)]
    assert trainable[0] == trainable[1]
    assert torch.equal(twin.iterates(y), network.iterates(y))


def test_single_precision_agrees_with_double(make, y, variant):
    network = make(variant)
    reference = network(y)
    single = network.float()(y.float())
    assert single.dtype == torch.float32
    error = torch.linalg.vector_norm(single.double() - reference) / torch.linalg.vector_norm(reference)
    assert error < 1e-4


def test_fixed_tensors_survive_single_precision(make, problem, variant):
    network = make(variant)
    fixed = {name: value.clone() for name, value in network.named_buffers()}
    network.float()
    assert not torch.equal(network.dictionary.double(), fixed["dictionary"])
    assert all(
        torch.equal(network.state_dict()[name], value) and network.state_dict()[name].dtype == torch.float64
        for name, value in fixed.items()
    )
    restored = copy.deepcopy(network).double()
    assert all(torch.equal(getattr(restored, name), value) for name, value in fixed.items())
    assert np.array_equal(restored.dictionary.numpy(), problem.dictionary)


def test_gradients_reach_all_that_trains(make, y, batch, variant):
    network = make(variant)
    trainable = {name: p for name, p in network.named_parameters() if p.requires_grad}
    if not trainable:
        assert variant in ("ista-fixed", "oista", "admm-fixed")
        return
    ((network(y) - torch.tensor(batch.x)) ** 2).sum().backward()
    for name, parameter in trainable.items():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_layer_parameters_cover_all_that_trains(make, variant):
    network = make(variant)
    layers = [network.layer_parameters(k) for k in range(DEPTH)]
    trainable = {id(p) for p in network.parameters() if p.requires_grad}
    assert {id(p) for layer in layers for p in layer} == trainable
    assert all(len(layer) == len({id(p) for p in layer}) for layer in layers)


def test_affine_layers_are_the_steps(make, y, batch, variant):
    network = make(variant)
    if network.accelerated or network.adaptive:
        with pytest.raises(MissingStructure, match="affine_layers"):
            network.affine_layers()
        return
    layers = network.affine_layers()
    assert len(layers) == DEPTH
    generator = np.random.default_rng(4)
    for k, layer in enumerate(layers):
        x = generator.standard_normal(batch.x.shape) * (generator.random(batch.x.shape) < 0.4)
        expected = _apply(layer, network.dictionary.numpy(), batch.y, x)
        found = network.step(k, torch.tensor(x), y).detach().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_instance_layers_are_the_steps(make, y, batch, variant):
    network = make(variant)
    try:
        layers = network.instance_layers(y)
    except MissingStructure:
        assert network.accelerated or network.adaptive or not all(layer.coupled for layer in network.affine_layers())
        return
    assert len(layers) == DEPTH
    codes, matrix = network.iterates(y).detach().numpy(), network.dictionary.numpy()
    for k, layer in enumerate(layers):
        x, before = codes[k], codes[max(k - 1, 0)]
        v = x + layer.gain[:, None] * ((batch.y - x @ matrix.T) @ layer.weight) + layer.momentum[:, None] * (x - before)
        expected = _thresholded(v, layer.threshold, layer.selected, layer.gated)
        np.testing.assert_allclose(codes[k + 1], expected, rtol=1e-9, atol=1e-11)


def _thresholded(v, theta, selected, gated):
    result = np.sign(v) * np.maximum(np.abs(v) - theta, 0)
    for row, count in enumerate(selected):
        for i in np.argsort(-np.abs(v[row]), kind="stable")[: int(count)]:
            if not gated or abs(v[row, i]) > theta[row, i]:
                result[row, i] = v[row, i]
    return result


def _apply(layer, dictionary, y, x):
    first = layer.gain * layer.weight.T
    second = np.eye(x.shape[1]) - first @ dictionary if layer.coupled else layer.state_weight
    result = np.empty_like(x)
    for row, v in enumerate(y @ first.T + x @ second.T):
        theta = np.broadcast_to(layer.threshold, v.shape)
        shrunk = np.sign(v) * np.maximum(np.abs(v) - theta, 0)
        for i in np.argsort(-np.abs(v), kind="stable")[: layer.selected]:
            if not layer.gated or abs(v[i]) > theta[i]:
                shrunk[i] = v[i]
        result[row] = shrunk
    return result


def test_refuses_measurements_and_depths_that_do_not_fit(make, y, variant):
    network = make(variant)
    with pytest.raises(InputError, match="rows of 15"):
        network(y[:, :-1])
    for depth in (-1, DEPTH + 1):
        with pytest.raises(InputError, match="from 0 to 5"):
            network.iterates(y, depth)


def test_refuses_damaged_checkpoints(make, variant):
    network = make(variant)
    cls, config, tensors = type(network), network.config(), network.state_dict()
    for name in tensors:
        left = {key: value for key, value in tensors.items() if key != name}
        with pytest.raises(InputError, match=r"missing|shape"):
            cls.from_config(config, left)
        with pytest.raises(InputError, match="NaN or infinity"):
            cls.from_config(config, {**tensors, name: torch.full_like(tensors[name], torch.nan)})
        with pytest.raises(InputError, match="shape"):
            cls.from_config(config, {**tensors, name: tensors[name].new_ones((2, 3, 4))})
    with pytest.raises(InputError, match="surprise"):
        cls.from_config({**config, "surprise": 1}, tensors)
    with pytest.raises(InputError, match="surprise"):
        cls.from_config(config, {**tensors, "surprise": torch.ones(2)})
    with pytest.raises(InputError, match="depth"):
        cls.from_config({key: value for key, value in config.items() if key != "depth"}, tensors)


def test_loading_a_state_replaces_the_fixed_tensors(make, y):
    donor = make("alista")
    other = make("alista-minimax")
    other.selected = donor.selected
    other.float().load_state_dict(donor.float().state_dict())
    assert torch.equal(other.double()(y), donor.double()(y))
