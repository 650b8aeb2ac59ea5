"""Tied weights: hold, depth under a root where the layer expands, names what fails."""

import numpy as np
import pytest

from tests.claims.gap_settings import clipped_norms, failing, fitted, measurement, setting, where
from unfold_theory.claim import Status, verify
from unfold_theory.claims import joukovsky2021, kouni2023
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization.tied_weights import TiedClass, closed_form, single_scale
from unfold_theory.networks import ListaTied

BOTH = [kouni2023.root_of_depth, joukovsky2021.shared_over_time]


def tied(
    count=12, depth=3, *, steps=200, shape=(10, 16), norm=1.0, theta=(0.02,), largest=2.0, bound=None, held_out=4000
):
    problem = where(shape)
    sample = problem.sample(count, seed=1)
    network = ListaTied.for_problem(problem, depth, theta=np.array(theta))
    fitted(network, sample, steps, 0.02, keep=lambda n: clipped_norms(n, 2.0))
    c = TiedClass(
        problem.n,
        problem.m,
        depth,
        Enclosure.exact(norm),
        Enclosure.exact(largest),
        measurement(problem) if bound is None else bound,
    )
    return setting(network, problem, sample, c, held_out=held_out)


OVERFITTED = tied()


@pytest.mark.parametrize("claimed", BOTH, ids=lambda c: c.id)
def test_they_are_vacuous_on_few_signals_and_hold_on_many(claimed):
    verdict = verify(claimed, OVERFITTED)
    assert verdict.status is Status.VACUOUS
    assert verdict.coverage == 1
    assert verify(claimed, tied(count=100_000, steps=1, shape=(4, 6), held_out=500)).status is Status.HOLDS


@pytest.mark.parametrize(
    "false_variant",
    [
        kouni2023.root_of_depth.scaled(0.001),
        kouni2023.root_of_depth.without("state_weight_in_class").scaled(0.001),
        joukovsky2021.shared_over_time.scaled(0.004),
        joukovsky2021.shared_over_time.without("held_out_is_new").scaled(0.004),
    ],
    ids=["root", "root-any-norm", "shared", "shared-seen"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED


def test_depth_is_under_a_root_where_the_layer_expands_and_in_a_logarithm_where_not():
    def bound(depth, norm):
        one = Enclosure.exact(1.0)
        return float(closed_form(TiedClass(20, 10, depth, Enclosure.exact(norm), one, one), 1e9, delta=0.01).hi)

    assert 1.35 < bound(2000, 1.3) / bound(1000, 1.3) < 1.45
    assert bound(2000, 1.0) / bound(1000, 1.0) < 1.05


def test_one_scale_is_below_the_closed_form():
    c = OVERFITTED.certificate(TiedClass)
    sizes = np.array([1e2, 1e4, 1e6])
    assert (single_scale(c, sizes, delta=0.01).hi < closed_form(c, sizes, delta=0.01).hi).all()


def test_what_fails_is_named():
    for made, name in (
        (tied(steps=1, norm=0.5), "state_weight_in_class"),
        (tied(steps=1, largest=1e-3), "input_weight_in_class"),
        (tied(steps=0, theta=(-0.1,)), "threshold_in_range"),
        (tied(steps=1, bound=Enclosure.exact(0.1)), "measurements_bounded"),
    ):
        assert name in failing(verify(kouni2023.root_of_depth, made))
