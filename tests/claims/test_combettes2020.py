"""Averaged activations with an input in every layer: holds, attained at depth 1, false variants refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import contracting, ista, lista
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chouzenoux2024, combettes2020
from unfold_theory.claims.stability import within
from unfold_theory.networks import Fista
from unfold_theory.problems import BernoulliGaussian, SparseRecovery


@pytest.mark.parametrize("setting", [ista(8), lista()], ids=["ista", "lista"])
def test_bound_holds_where_it_is_read(setting):
    verdict = verify(combettes2020.averaged_bound, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage == pytest.approx(min(1.0, combettes2020.LAYERS / setting.network.depth))


def test_it_agrees_with_the_eigenvalues_on_gradient_steps():
    setting = ista(4, lam=0.0)
    dense, spectral = combettes2020.averaged(setting), chouzenoux2024.eigenvalue_constants(setting)
    np.testing.assert_allclose(dense.hi, spectral.hi, rtol=1e-9)


def halved_again(s):
    """One activation too many is thought to be averaged: another factor 1/2."""
    return within(s, 0.5 * combettes2020.averaged(s))


@pytest.mark.parametrize(
    "false_variant",
    [combettes2020.averaged_bound.scaled(0.9), combettes2020.averaged_bound.concluding(halved_again, "halved")],
    ids=["constant", "halved"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, ista(1, lam=0.0)).status is Status.VIOLATED


def test_without_firm_nonexpansiveness_it_fails():
    # Jumps of negative thresholds between measurements that are close move codes further than any constant.
    without = combettes2020.averaged_bound.without("thresholds_nonnegative", "layers_as_the_system")
    assert verify(without, lista(theta=-3.0)).status is Status.VIOLATED
    assert "thresholds_nonnegative" in verify(combettes2020.averaged_bound, lista(depth=4, theta=-3.0)).reason


def test_memory_is_refused_by_name():
    where = SparseRecovery.gaussian(10, 20, law=BernoulliGaussian(0.2))
    setting = Setting(Fista.for_problem(where, 3), where, where.sample(4, seed=0))
    assert "without memory" in verify(combettes2020.averaged_bound, setting).reason
    assert contracting(depth=3).network.depth == 3
