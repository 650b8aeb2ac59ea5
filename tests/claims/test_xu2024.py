"""The greedy recursion: holds, between the best multipliers and the recursion of norms, false variants refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import ista, lista
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import xu2024
from unfold_theory.claims.stability import plain_system, triangle, within
from unfold_theory.claims.unfoldtheory2026_stability import law
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import recursion_bound
from unfold_theory.networks import Admm
from unfold_theory.problems import BernoulliGaussian, SparseRecovery


@pytest.mark.parametrize("setting", [ista(8), lista()], ids=["ista", "lista"])
def test_recursion_holds(setting):
    verdict = verify(xu2024.greedy_recursion, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    read = [k for k in xu2024.DEPTHS if k <= setting.network.depth]
    assert verdict.coverage == pytest.approx(len(read) / setting.network.depth)


def test_gradient_steps_of_one_over_L_attain_the_law():
    """eta |A|^2 = 1 and a kernel of A: the closed form is sqrt(eta (k + 1)/2) (errata 5)."""
    setting = ista(16, lam=0.0)
    found = xu2024.greedy_constants(setting).hi
    read = np.isfinite(found)
    np.testing.assert_allclose(found[read], law(setting).hi[read], rtol=1e-6)


def test_never_above_the_recursion_of_norms():
    for setting in (ista(8), lista(), lista(0.8)):
        found = xu2024.greedy_constants(setting).hi
        read = np.isfinite(found)
        assert (found[read] <= triangle(setting).hi[1:][read] * (1 + 1e-9)).all()


def indefinite(s):
    """Multipliers below half the curvature: the formula gives a number all the same."""
    own = plain_system(s)
    with pytest.raises(InputError, match="prove no bound"):
        recursion_bound(own, tuple(np.full(layer.activation.size, 0.4) for layer in own.layers))
    return within(s, 0.5 * xu2024.greedy_constants(s))


@pytest.mark.parametrize(
    "false_variant",
    [xu2024.greedy_recursion.scaled(0.9), xu2024.greedy_recursion.concluding(indefinite, "indefinite")],
    ids=["constant", "indefinite"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, ista(1, lam=0.0)).status is Status.VIOLATED


def test_what_fails_is_named():
    where = SparseRecovery.gaussian(10, 20, law=BernoulliGaussian(0.2))
    setting = Setting(Admm.for_problem(where, 3), where, where.sample(4, seed=0))
    assert "without memory" in verify(xu2024.greedy_recursion, setting).reason
    named = verify(xu2024.greedy_recursion, lista(depth=2, theta=-0.02)).reason
    assert "thresholds_nonnegative: refuted" in named
