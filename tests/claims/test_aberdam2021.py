"""Ada-LISTA and ALISTA on perturbed dictionaries: where the derived rates hold, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.settings import HADAMARD, alista_setting, given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import aberdam2021
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import AdaListaSingle, Alista
from unfold_theory.networks.ada_lista import on_dictionary, symmetric_frobenius_weight
from unfold_theory.problems import SparseRecovery, WorstCase, gaussian
from unfold_theory.rates.perturbation import adapted_movement, fixed_movement, perturbed_thresholds

PAIR = (aberdam2021.perturbed_rate, aberdam2021.fixed_weight_rate)


def perturbation(shape, size, seed=0):
    """Random columns of norm ``size``."""
    drawn = np.random.default_rng(seed).standard_normal(shape)
    return size * drawn / np.linalg.norm(drawn, axis=0)


def setting(
    size=0.01, *, fixed=False, own=HADAMARD, weight=None, error=None, sparsity=2, scale=1.0, depth=8, codes=None
):
    """A network made for ``own`` and run on a perturbed dictionary, with the law's thresholds times ``scale``."""
    moved = own + (perturbation(own.shape, size) if error is None else error)
    weight = (own if fixed else np.eye(len(own))) if weight is None else weight
    found = (fixed_movement if fixed else adapted_movement)(weight, own, moved)
    theta = scale * perturbed_thresholds(found, depth, magnitude=1.0, sparsity=sparsity)
    made = (Alista if fixed else AdaListaSingle)(own, depth, weights=weight, gains=1.0, thresholds=theta)
    where = SparseRecovery(moved, WorstCase(sparsity))
    batch = where.sample(48, seed=1) if codes is None else given(codes, matrix=moved)
    return Setting(on_dictionary(made, moved), where, batch)


@pytest.mark.parametrize("size", [0.0, 0.003, 0.01, 0.03])
@pytest.mark.parametrize("fixed", [False, True], ids=["ada-lista", "alista"])
def test_the_derived_rates_hold(size, fixed):
    made = setting(size, fixed=fixed)
    verdict = verify(PAIR[fixed], made)
    assert verdict.status is Status.HOLDS, verdict
    assert verify(PAIR[not fixed], made).status is Status.NOT_APPLICABLE
    if not fixed:
        assert verify(aberdam2021.no_false_positives, made).status is Status.HOLDS


def test_a_weight_that_is_no_identity():
    own = gaussian(150, 200, seed=0)
    weight = symmetric_frobenius_weight(own)
    made = setting(0.0005, own=own, weight=weight, sparsity=1)
    assert verify(aberdam2021.perturbed_rate, made).status is Status.HOLDS
    # The closed form is normalised and costs less than the identity, which is normalised as well.
    products = own.T @ weight @ own
    np.testing.assert_allclose(np.diag(products), 1.0, atol=1e-9)
    assert np.linalg.norm(products) < np.linalg.norm(own.T @ own)


def shrunk(fixed, size=0.05):
    """D = W = I, E = -eps I, one nonzero entry: the rate is attained (for Ada-LISTA up to eps^2)."""
    own = np.eye(6)
    return setting(fixed=fixed, own=own, error=-size * own, sparsity=1, codes=np.eye(6), depth=4)


def with_shift(factor):
    """The rate with delta multiplied, the thresholds as they are."""

    def conclude(s):
        found, c = s.cached(aberdam2021.movement), s.signal_class
        shift = found.shift * factor
        rate = (2 * c.sparsity - 1) * (found.coherence + shift) + shift
        # The slack that thresholds are granted above their law.
        powers = (rate * (1 + 1e-8)) ** np.arange(1, s.network.depth + 1)
        return s.error(2) <= s.up_to_rounding(powers * (c.magnitude * c.sparsity), 2)

    return conclude


@pytest.mark.parametrize("fixed", [False, True], ids=["ada-lista", "alista"])
def test_false_variants_are_violated(fixed):
    claimed, made = PAIR[fixed], shrunk(fixed)
    assert verify(claimed, made).status is Status.HOLDS
    assert verify(claimed.concluding(with_shift(1.0), "as-it-is"), made).status is Status.HOLDS
    for factor in (0.0, 0.5, 0.9):
        assert verify(claimed.concluding(with_shift(factor), "shift"), made).status is Status.VIOLATED
    assert verify(claimed.scaled(0.9), made).status is Status.VIOLATED
    # Thresholds may not be larger than their law either.
    large = setting(fixed=fixed, scale=3.0)
    assert verify(claimed.without("thresholds_not_larger"), large).status is Status.VIOLATED


def test_thresholds_that_ignore_the_perturbation_let_false_entries_pass():
    # Made for D = W = I, where mu = 0 and no threshold is needed; E rotates columns into each other.
    own = np.eye(6)
    error = np.roll(0.04 * own, 1, axis=0)
    made = setting(own=own, error=error, sparsity=1, scale=0.4)
    assert "thresholds_large_enough: refuted" in verify(aberdam2021.no_false_positives, made).reason
    variant = aberdam2021.no_false_positives.without("thresholds_large_enough")
    assert verify(variant, made).status is Status.VIOLATED
    assert verify(variant, setting(own=own, error=error, sparsity=1, scale=0.0)).status is Status.VIOLATED


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda: setting(0.2), "perturbation_small: refuted"),
        (lambda: setting(0.01, scale=0.5), "thresholds_large_enough: refuted"),
        (lambda: setting(0.01, scale=2.0), "thresholds_not_larger: refuted"),
        (lambda: setting(0.01, weight=1.01 * np.eye(64)), "normalised_before: refuted"),
        (lambda: alista_setting(2), "one weight of shape (m, m)"),
    ],
    ids=["perturbation", "small-thresholds", "large-thresholds", "normalisation", "network"],
)
def test_what_fails_is_named(made, named):
    verdict = verify(aberdam2021.perturbed_rate, made())
    assert verdict.status is Status.NOT_APPLICABLE
    assert named in verdict.reason


def test_unmoved_networks_are_left_to_liu2019():
    assert "made for another dictionary" in verify(aberdam2021.fixed_weight_rate, alista_setting(2)).reason


def test_products_stay_within_delta():
    """Attack: 60 random and aligned perturbations of any size with unsymmetric weights; delta is nearly attained."""
    largest, rng = 0.0, np.random.default_rng(0)
    for trial in range(60):
        m, n = int(rng.integers(2, 5)), int(rng.integers(2, 7))
        own, weight = rng.standard_normal((m, n)), rng.standard_normal((m, m))
        error = rng.standard_normal((m, n)) * rng.choice([1e-3, 0.1, 1.0])
        if trial % 2:
            # The leading singular direction for all columns: every product of norms is attained together.
            left, _, right = np.linalg.svd(weight)
            own[:, 0], error[:, 0], own[:, 1], error[:, 1] = right[0], 0.3 * right[0], left[:, 0], 0.3 * left[:, 0]
            own, error = own[:, :2], error[:, :2]
        found = adapted_movement(weight, own, own + error)
        moved = (own + error).T @ weight.T @ (own + error) - own.T @ weight.T @ own
        ratio = np.abs(moved).max() / found.shift.lo
        largest = max(largest, float(ratio))
        still = fixed_movement(weight @ own, own, own + error)
        assert np.abs((weight @ own).T @ error).max() <= still.shift.hi * (1 + 1e-9)
        assert ratio <= 1 + 1e-9
    assert largest > 0.999


@pytest.mark.parametrize("fixed", [False, True], ids=["ada-lista", "alista"])
def test_ten_thousand_cells(fixed):
    """Attack: 6 perturbations, 8 layers and 220 worst-case signals each, 10,560 cells for each claim."""
    largest = 0.0
    for seed in range(6):
        error = perturbation(HADAMARD.shape, 0.004 * (seed + 1), seed)
        made = setting(fixed=fixed, error=error)
        made = Setting(made.network, made.problem, made.problem.sample(220, seed=seed))
        verdict = verify(PAIR[fixed], made)
        assert verdict.status is Status.HOLDS
        largest = max(largest, float((verdict.conclusion.lhs.hi / verdict.conclusion.rhs.lo).max()))
    assert 0.3 < largest <= 1.0
    assert isinstance(verdict.conclusion.rhs, Enclosure)
