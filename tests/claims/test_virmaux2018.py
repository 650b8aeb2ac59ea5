"""AutoLip with an input in every layer: holds on pairs that try to break it, false variants are refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import contracting, ista, lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import virmaux2018
from unfold_theory.claims.stability import layer_norms, triangle, within
from unfold_theory.enclosure import Enclosure


@pytest.mark.parametrize("setting", [ista(8), lista(), contracting()], ids=["ista", "lista", "contracting"])
def test_autolip_holds(setting):
    assert verify(virmaux2018.autolip, setting).status is Status.HOLDS


def test_recursion_is_attained():
    """W_1 = I, W_2 = qI: positive measurements add up exactly."""
    norms = triangle(contracting(0.5, 10)).mid
    np.testing.assert_allclose(norms, 2 * (1 - 0.5 ** np.arange(11)), rtol=1e-12)


def product_of_norms(s):
    """The chain's product, which forgets that every layer reads the measurement."""
    first, second = layer_norms(s)
    later = Enclosure.exact(np.cumprod(np.concatenate([[1.0], second.hi[1:]])))
    return within(s, later * first[0])


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (virmaux2018.autolip.scaled(0.9), contracting()),
        (virmaux2018.autolip.concluding(product_of_norms, "no-injection"), contracting()),
        (
            virmaux2018.autolip.without("thresholds_nonnegative", "layers_as_the_system").scaled(0.3),
            lista(theta=-3.0),
        ),
    ],
    ids=["constant", "no-injection", "negative-threshold"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_negative_thresholds_are_named():
    verdict = verify(virmaux2018.autolip, lista(theta=-0.02))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "thresholds_nonnegative: refuted" in verdict.reason
