"""Averagedness by eigenvalues: holds on gradient steps, above the square-root-of-depth law, false variants refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import chain, ista, lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import chouzenoux2024
from unfold_theory.claims.stability import within
from unfold_theory.claims.unfoldtheory2026_stability import gradient_steps, law


@pytest.mark.parametrize(
    "setting", [ista(16), ista(16, lam=0.0), ista(8, c=1.7, lam=0.0)], ids=["c=1", "free", "c=1.7"]
)
def test_bound_holds(setting):
    assert verify(chouzenoux2024.eigenvalue_bound, setting).status is Status.HOLDS


def test_the_law_is_smaller():
    setting = ista(32)
    assert (law(setting).hi <= chouzenoux2024.eigenvalue_constants(setting).lo * (1 + 1e-9)).all()


def attained_growth(s):
    """The constant of one layer at every depth."""
    return within(s, gradient_steps(s).sqrt())


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (chouzenoux2024.eigenvalue_bound.scaled(0.9), ista(1, lam=0.0)),
        (chouzenoux2024.eigenvalue_bound.concluding(attained_growth, "no-growth"), chain(1.0, 12, sigma=0.3)),
    ],
    ids=["constant", "no-growth"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_what_fails_is_named():
    assert "steps_below_two: refuted" in verify(chouzenoux2024.eigenvalue_bound, ista(4, c=2.5)).reason
    assert "W_1 = eta A^T" in verify(chouzenoux2024.eigenvalue_bound, lista()).reason
    assert np.isfinite(chouzenoux2024.eigenvalue_constants(ista(4)).hi).all()
