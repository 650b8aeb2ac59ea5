"""Small trained networks: trained indeed, and systems with a Lipschitz constant."""

import numpy as np

from unfold_theory.suite.small_networks import small_ista, small_lista, small_problem
from unfold_theory.training.evaluation import evaluate


def test_training_pays_and_thresholds_stay_nonnegative():
    trained, start = small_lista(3), small_ista(3)
    problem = small_problem()
    reached, before = (evaluate(network, problem, 2000)["nmse_db"][-1] for network in (trained, start))
    assert reached < -8.0 < before - 3.0
    system = trained.as_system()  # refuses negative thresholds
    assert (system.depth, system.inputs, system.outputs) == (3, 10, 20)
    y = problem.sample(5, seed=1).y
    assert np.isfinite(system(np.asarray(y))).all()
