import json
from dataclasses import replace

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS, build
from unfold_theory.problems import BernoulliGaussian, SparseRecovery, WorstCase
from unfold_theory.training import RECIPES, Objective, TrainingConfig, evaluate, quick_recipe, recipe, train
from unfold_theory.training.recipes import alista_snr40, falling_thresholds

TRAINED = sorted(set(NETWORKS) - {"ista", "fista", "oista", "slista", "admm", "orthogonal-dictionary"})
"""Of these the recipes minimise the error; StepLISTA and ADMM minimise the Lasso (``test_lasso_solvers.py``), and an
orthogonal dictionary is ISTA where signals are sparse themselves (``tests/networks/test_orthogonal_dictionary.py``)."""


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_builds_and_is_json(name):
    entry = recipe(name)
    problem = entry.problem()
    network = entry.untrained(problem)
    assert (entry.name, network.depth, problem.shape) == (name, entry.depth, (250, 500))
    assert json.loads(json.dumps(entry.options)) == entry.options
    assert TrainingConfig.from_recipe(json.loads(json.dumps(entry.training.recipe()))) == entry.training


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="alista-snr40"):
        recipe("alista")
    with pytest.raises(InputError, match="no network"):
        quick_recipe("alitsa", 4)


def small(law, snr_db=40.0):
    return SparseRecovery.gaussian(30, 60, law=law, snr_db=snr_db, seed=2)


@pytest.mark.parametrize("name", TRAINED)
def test_quick_training_beats_ista_and_its_own_start(name):
    problem = small(BernoulliGaussian(0.08))
    entry = quick_recipe(name, 4, problem.recipe)
    start = entry.untrained()
    trained = train(start, problem, entry.training).network
    ista = evaluate(build("ista", problem, 4, lam=0.05), problem, 1000)["nmse_db"][-1]
    before, after = (evaluate(net, problem, 1000)["nmse_db"][-1] for net in (start, trained))
    assert after < before - 0.5
    assert after < ista - 6


def test_quick_thresholds_follow_the_size_of_the_codes():
    thetas = [
        quick_recipe("alista", 3, small(WorstCase(2, magnitude=size), None).recipe).options["theta"]
        for size in (1.0, 5.0)
    ]
    assert np.allclose(np.array(thetas[1]), 5 * np.array(thetas[0]))
    assert thetas[0] == falling_thresholds(3)


def test_quick_training_without_truth_starts_as_published():
    entry = quick_recipe("lista", 3, small(BernoulliGaussian(0.1)).recipe, loss=Objective(0.05))
    assert entry.options == {}
    assert entry.training.loss == Objective(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "target"), [("alista-snr40", -39.0), ("lista-cpss-noisefree", -45.0)])
def test_recipes_reach_their_targets_on_fresh_signals(name, target):
    entry = recipe(name)
    problem = entry.problem()
    trained = train(entry.untrained(problem), problem, entry.training).network
    assert evaluate(trained, problem, 10_000)["nmse_db"][-1] <= target


@pytest.mark.parametrize("depth", [1, 3])
def test_the_noisy_recipe_exists_at_every_depth_and_on_other_problems(depth):
    problem = small(BernoulliGaussian(0.1))
    entry = alista_snr40(depth, problem.recipe)
    network = entry.untrained()
    assert (network.depth, network.dictionary.shape) == (depth, (30, 60))
    # 1.2 times the mean support of 6, reached in the last layer.
    assert [layer.selected for layer in network.affine_layers()][-1] == 7
    assert alista_snr40(16) == replace(recipe("alista-snr40"), reached="")
