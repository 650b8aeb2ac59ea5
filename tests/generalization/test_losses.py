import json

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.generalization import (
    BOUNDED_LOSSES,
    BoundedLoss,
    ClippedSquaredError,
    Failure,
    HalfDistance,
    bounded_loss_from_recipe,
)

ALL = [Failure(0.05), ClippedSquaredError(2.0), HalfDistance()]
TRUTH = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


def test_every_loss_is_tested():
    assert {loss.name for loss in ALL} == set(BOUNDED_LOSSES)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_laws(loss):
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((50, 3))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    codes = rng.standard_normal((4, 50, 3)) * 10 ** rng.uniform(-6, 6, (4, 50, 1))
    values = loss(codes, truth)
    assert values.shape == (4, 50)
    assert ((values >= 0) & (values <= 1)).all()
    assert loss(truth, truth).max() < 1e-15
    assert not loss.binary or set(np.unique(values)) <= {0.0, 1.0}
    np.testing.assert_array_equal(loss(codes[2], truth), values[2])
    assert bounded_loss_from_recipe(json.loads(json.dumps(loss.recipe()))) == loss
    assert loss.title
    for bad in (np.nan, np.inf - np.inf):
        with pytest.raises(InputError, match="NaN"):
            loss(np.full((50, 3), bad), truth)


def test_values_by_hand():
    codes = np.array([[0.6, 0.8, 0.2], [0.0, 0.0, 1.3]])  # squared errors 0.04 and 0.09
    np.testing.assert_array_equal(Failure(0.05)(codes, TRUTH), [0, 1])
    np.testing.assert_allclose(ClippedSquaredError()(codes, TRUTH), [0.04, 0.09])
    np.testing.assert_allclose(ClippedSquaredError(0.05)(codes, TRUTH), [0.8, 1.0])
    np.testing.assert_allclose(HalfDistance()(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -7.0]]), TRUTH), [0.5, 1.0])


def test_the_half_distance_is_half_lipschitz():
    a, b = np.random.default_rng(1).standard_normal((2, 1000, 3)) * 2
    truth = np.tile(TRUTH[0], (1000, 1))
    change = np.abs(HalfDistance()(a, truth) - HalfDistance()(b, truth))
    assert (change <= 0.5 * np.linalg.norm(a - b, axis=1) + 1e-15).all()


class Unbounded(BoundedLoss):
    name = "unbounded"
    title = "x"

    def values(self, codes, truth):
        return ((codes - truth) ** 2).sum(axis=-1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Unbounded()(TRUTH + 3, TRUTH),
        lambda: HalfDistance()(TRUTH, 2 * TRUTH),
        lambda: Failure(0.0),
        lambda: Failure(np.nan),
        lambda: ClippedSquaredError(-1.0),
        lambda: Failure()(TRUTH[:0], TRUTH[:0]),
        lambda: bounded_loss_from_recipe({"loss": "mse"}),
        lambda: bounded_loss_from_recipe({"loss": "failure", "tau": 1}),
    ],
)
def test_bad_input_is_named(call):
    with pytest.raises(InputError):
        call()
