"""Jacobian norms over data: below every bound, and no bound themselves."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import contracting, ista, lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import le2023
from unfold_theory.claims.stability import within
from unfold_theory.enclosure import Enclosure


@pytest.mark.parametrize("setting", [ista(8), lista(), contracting()], ids=["ista", "lista", "contracting"])
def test_measure_is_below_the_bound(setting):
    verdict = verify(le2023.jacobian_measure, setting)
    assert verdict.status is Status.HOLDS, verdict.reason


def test_norms_are_those_of_dense_jacobians():
    setting = lista()
    own = setting.network.as_system()
    dense = [np.linalg.norm(own.jacobian(y), 2) for y in setting.batch.y[:4]]
    np.testing.assert_allclose(le2023.jacobian_norms(setting).mid[:4], dense, rtol=1e-9)


def measure_as_bound(s):
    """The largest Jacobian norm over the data, taken for a Lipschitz constant."""
    return within(s, Enclosure.exact(np.full(s.network.depth, le2023.jacobian_norms(s).hi.max())))


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (le2023.jacobian_measure.concluding(measure_as_bound, "measure-as-bound"), lista(theta=0.3)),
        (le2023.jacobian_measure.scaled(0.5), ista(1, lam=0.0)),
    ],
    ids=["measure-as-bound", "constant"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED
