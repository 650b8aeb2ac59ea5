"""Rows in l1 balls: holds, does not grow with depth below 1, names what fails."""

import numpy as np
import pytest

from tests.claims.gap_settings import clipped_rows, failing, fitted, largest_input, lista, setting, where
from unfold_theory.claim import Status, verify
from unfold_theory.claims import shultzman2023
from unfold_theory.claims.shultzman2023 import RowClass
from unfold_theory.enclosure import Enclosure

THETA = 0.02


def rows(count=12, depth=3, *, alpha=3.0, beta=2.0, steps=200, theta=THETA, shape=(10, 16), held_out=4000, inputs=None):
    problem = where(shape)
    sample = problem.sample(count, seed=1)
    network = lista(problem, depth, theta=THETA, learn_thresholds=False)
    fitted(network, sample, steps, 0.02, keep=lambda n: clipped_rows(n, alpha, beta))
    c = RowClass(
        Enclosure.exact(alpha),
        Enclosure.exact(beta),
        largest_input(problem) if inputs is None else inputs,
        np.full(depth, theta),
    )
    return setting(network, problem, sample, c, held_out=held_out)


OVERFITTED = rows()


def test_it_is_vacuous_on_few_signals_and_holds_on_many():
    verdict = verify(shultzman2023.rows_gap, OVERFITTED)
    assert verdict.status is Status.VACUOUS
    assert verdict.coverage == 1
    many = rows(count=100_000, depth=4, alpha=0.5, beta=0.5, steps=1, shape=(4, 6), held_out=500)
    verdict = verify(shultzman2023.rows_gap, many)
    assert verdict.status is Status.HOLDS
    bound = verdict.conclusion.rhs.hi[:, 0]
    assert bound[-1] - bound[-2] < (bound[1] - bound[0]) / 3  # the design rule: it stops growing


@pytest.mark.parametrize(
    "false_variant",
    [shultzman2023.rows_gap.scaled(0.001), shultzman2023.rows_gap.without("state_rows_in_ball").scaled(0.001)],
    ids=["scaled", "scaled-any-rows"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED


def test_what_fails_is_named():
    wide = rows(steps=1)
    wide.network.state_weights[1].mul_(20.0)
    for made, name in (
        (wide, "state_rows_in_ball"),
        (rows(steps=0, alpha=1e-3), "input_rows_in_ball"),
        (rows(steps=1, theta=0.3), "thresholds_fixed"),
        (rows(steps=1, inputs=Enclosure.exact(1e-3)), "inputs_bounded"),
    ):
        assert name in failing(verify(shultzman2023.rows_gap, made))
