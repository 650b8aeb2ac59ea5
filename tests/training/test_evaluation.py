import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import build
from unfold_theory.problems import nmse_db
from unfold_theory.training import evaluate
from unfold_theory.training.seeds import TEST, TRAIN, VALIDATION, stream


def test_it_is_the_nmse_of_every_depth_on_the_test_stream(tiny):
    network = build("alista", tiny, 3, percent=0)
    got = evaluate(network, tiny, 700, seed=4)
    batch = tiny.sample(700, seed=stream(4, TEST))
    with torch.no_grad():
        iterates = network.iterates(torch.tensor(batch.y)).numpy()
    assert got["nmse_db"] == pytest.approx(nmse_db(iterates, batch.x).tolist(), abs=1e-9)
    assert got["nmse_db"][0] == pytest.approx(0.0, abs=1e-12)
    assert (got["count"], got["seed"]) == (700, 4)
    assert evaluate(network, tiny, 700, seed=4, chunk=33)["nmse_db"] == pytest.approx(got["nmse_db"], abs=1e-9)


def test_a_float32_network_is_evaluated_in_float64_and_left_alone(tiny):
    network = build("alista", tiny, 2).float()
    result = evaluate(network, tiny, 50)
    assert next(network.parameters()).dtype == torch.float32
    exact = build("alista", tiny, 2)
    assert result["nmse_db"] == pytest.approx(evaluate(exact, tiny, 50)["nmse_db"], abs=1e-4)


def test_test_signals_are_neither_training_nor_validation_signals(tiny):
    test, validation = (tiny.sample(5, seed=stream(0, axis)).x for axis in (TEST, VALIDATION))
    assert not np.array_equal(test, validation)
    assert stream(0, TEST) != stream(0, TRAIN, 1, 0)


def test_a_layer_that_is_not_finite_is_named(tiny):
    network = build("alista", tiny, 3)
    with torch.no_grad():
        network.gains[1].fill_(1e200)
        network.gains[2].fill_(1e200)
    with pytest.raises(InputError, match="at depth 2 are not finite"):
        evaluate(network, tiny, 20)
