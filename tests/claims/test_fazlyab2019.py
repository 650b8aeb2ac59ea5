"""The matrix inequality with input injection: certified multipliers hold, better than greedy ones; variants refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import chain, ista, lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import fazlyab2019
from unfold_theory.claims.stability import plain_system, within
from unfold_theory.claims.unfoldtheory2026_stability import law
from unfold_theory.lipschitz import greedy_bound, recursion_bound


@pytest.mark.parametrize("setting", [ista(8), lista(), lista(0.8)], ids=["ista", "lista", "large"])
def test_inequality_holds(setting):
    verdict = verify(fazlyab2019.injected_inequality, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage == pytest.approx(1 / setting.network.depth)


def test_multipliers_improve_on_the_greedy_ones():
    setting = ista(6)
    own = plain_system(setting)
    greedy = greedy_bound(own).upper
    found = fazlyab2019.final_constant(setting).hi[-1]
    assert found <= greedy * (1 + 1e-6)
    # What is certified is what the recursion says, to rounding; on gradient steps never above the law.
    assert found == pytest.approx(recursion_bound(own, fazlyab2019.tilted(setting).multipliers).upper, rel=1e-5)
    assert found <= law(setting).hi[-1] * (1 + 1e-6)


def one_layer(s):
    """The constant of the last layer alone, as if earlier layers added nothing."""
    return within(s, fazlyab2019.final_constant(s) * 0.3)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (fazlyab2019.injected_inequality.scaled(0.9), ista(1, lam=0.0)),
        (fazlyab2019.injected_inequality.concluding(one_layer, "one-layer"), chain(1.0, 8, sigma=0.3)),
        (
            fazlyab2019.injected_inequality.without("thresholds_nonnegative", "layers_as_the_system"),
            lista(depth=3, theta=-3.0),
        ),
    ],
    ids=["constant", "one-layer", "negative-threshold"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_depth_is_named():
    assert "last_layer: refuted" in verify(fazlyab2019.injected_inequality, ista(25)).reason
    assert np.isinf(fazlyab2019.final_constant(ista(3)).hi[:-1]).all()
