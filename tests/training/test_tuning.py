import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.training import TrainingConfig, evaluate, tune_hyperlista
from unfold_theory.training.losses import Supervised
from unfold_theory.training.seeds import TEST, VALIDATION, stream
from unfold_theory.training.tuning import GRID

DEPTH = 8


@pytest.fixture(scope="module")
def problem():
    return SparseRecovery.gaussian(60, 120, law=BernoulliGaussian(0.05), seed=4)


@pytest.fixture(scope="module")
def by_grid(problem):
    return tune_hyperlista(problem, DEPTH, signals=200)


def test_the_grid_is_searched_whole_and_the_best_taken(problem, by_grid):
    assert len(by_grid.table) == np.prod([len(values) for values in GRID.values()])
    assert by_grid.nmse_db == by_grid.table[0]["nmse_db"] == min(row["nmse_db"] for row in by_grid.table)
    assert {name: pytest.approx(by_grid.table[0][name]) for name in GRID} == {
        name: float(getattr(by_grid.network, name).detach()) for name in GRID
    }
    # Chosen on validation signals, measured on others.
    assert not np.array_equal(
        problem.sample(4, seed=stream(0, VALIDATION)).x, problem.sample(4, seed=stream(0, TEST)).x
    )
    assert evaluate(by_grid.network, problem, 500)["nmse_db"][-1] < -32


def test_momentum_pays(problem, by_grid):
    still = tune_hyperlista(problem, DEPTH, signals=200, momentum=False)
    assert len(still.table) == len(GRID["c1"]) * len(GRID["c3"])
    assert float(still.network.c2.detach()) == 0
    assert by_grid.nmse_db < still.nmse_db - 2


def test_the_gradient_improves_a_start_and_moves_all_three(problem):
    start = {"c1": 0.2, "c2": 0.004, "c3": 0.05}
    config = TrainingConfig(
        loss=Supervised(logarithm=True), steps=60, learning_rate=3e-3, decays=(), patience=None, validation_interval=10
    )
    untuned = tune_hyperlista(problem, DEPTH, grid={k: (v,) for k, v in start.items()}, signals=200)
    tuned = tune_hyperlista(problem, DEPTH, method="gradient", config=config, signals=200, **start)
    again = tune_hyperlista(problem, DEPTH, method="gradient", config=config, signals=200, **start)
    assert tuned.nmse_db < untuned.nmse_db - 3
    for name, value in start.items():
        assert abs(float(getattr(tuned.network, name).detach()) - value) > 1e-3
        assert torch.equal(getattr(tuned.network, name), getattr(again.network, name))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"method": "annealing"}, "annealing"),
        ({"grid": {"c4": (1.0,)}}, "unknown axes"),
        ({"grid": {"c1": ()}}, "empty"),
        ({"grid": {"c1": (-50.0,), "c2": (1e4,), "c3": (0.0,)}, "gain": 1e30}, "diverges"),
    ],
)
def test_bad_input_is_named(problem, options, named):
    with pytest.raises(InputError, match=named):
        tune_hyperlista(problem, DEPTH, signals=20, **options)
