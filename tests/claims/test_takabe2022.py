"""Chebyshev steps (Takabe and Wadayama 2022): where they hold, what fails, and false variants refuted."""

import numpy as np
import pytest

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import takabe2022
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista, Ista
from unfold_theory.problems import BernoulliGaussian, Dictionary, KSparse, SparseRecovery
from unfold_theory.rates.step_polynomial import chebyshev_steps, chebyshev_value
from unfold_theory.verified import smallest_singular_value_squared, spectral_norm_squared

CLAIMS = (takabe2022.learned_steps_contract, takabe2022.chebyshev_rate, takabe2022.no_steps_do_better)
GRID = np.linspace(0.1, 2.0, 41)
DENSE = BernoulliGaussian(1.0)


def diagonal(steps, *, noise=0.0, lam=0.0):
    """One signal for each eigenvalue of a grid on [0.1, 2]: the largest is attained up to the grid."""
    matrix = np.diag(np.sqrt(GRID))
    where = SparseRecovery(matrix, KSparse(1))
    network = Ista(matrix, len(steps), steps=np.asarray(steps), lam=lam)
    rows = np.full((len(GRID), len(GRID)), noise)
    # A dense batch shares the active set of all coordinates: one interval for all.
    codes = np.eye(len(GRID)) + 1e-13
    return Setting(network, where, given(codes, rows, matrix=matrix))


def tall(count=6, *, repeats=1, m=60, n=25, seed=0, order=None, snr=None):
    """Least squares on a tall Gaussian dictionary with Chebyshev steps of its certified spectrum."""
    where = SparseRecovery.gaussian(m, n, law=DENSE, seed=seed, snr_db=snr)
    ends = smallest_singular_value_squared(where.dictionary).lo, spectral_norm_squared(where.dictionary).hi
    steps = chebyshev_steps(*ends, count)
    if order is not None:
        steps = np.random.default_rng(order).permutation(steps)
    network = Ista(where.dictionary, count * repeats, steps=np.tile(steps, repeats), lam=0.0)
    return Setting(network, where, where.sample(24, seed=seed + 1))


@pytest.mark.parametrize("options", [{}, {"repeats": 3}, {"order": 4}, {"count": 1, "repeats": 5}])
def test_all_hold_for_chebyshev_steps(options):
    setting = tall(**options)
    for claimed in CLAIMS:
        verdict = verify(claimed, setting)
        assert verdict.status is Status.HOLDS, verdict
    bound = verify(takabe2022.chebyshev_rate, setting).conclusion.rhs
    assert (bound.hi[-1] < 0.9 * setting.initial_error(2).lo).all()


def test_any_steps_are_certified_but_only_chebyshev_ones_are_optimal():
    setting = tall()
    for k, step in enumerate(setting.network.steps):
        step.data.mul_(1 + 0.1 * (-1) ** k)
    assert verify(takabe2022.learned_steps_contract, setting).status is Status.HOLDS
    assert verify(takabe2022.no_steps_do_better, setting).status is Status.HOLDS
    verdict = verify(takabe2022.chebyshev_rate, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "steps_are_chebyshev: refuted" in verdict.reason


def test_the_bound_is_attained_at_the_worst_eigenvalue():
    # T = 1: the worst eigenvalues are the ends, which the grid contains.
    verdict = verify(takabe2022.learned_steps_contract, diagonal(chebyshev_steps(0.1, 2.0, 1)))
    assert verdict.status is Status.HOLDS
    assert verdict.tightness > 1 - 1e-8


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (takabe2022.learned_steps_contract.scaled(0.9), diagonal(chebyshev_steps(0.1, 2.0, 4))),
        (takabe2022.learned_steps_contract.without("noise_free"), diagonal(np.ones(30), noise=0.05)),
        (
            takabe2022.learned_steps_contract.without("linear_on_active_set"),
            diagonal(chebyshev_steps(0.1, 2.0, 8), lam=0.1),
        ),
        (takabe2022.chebyshev_rate.scaled(0.9), diagonal(chebyshev_steps(0.1, 2.0, 4))),
        (takabe2022.chebyshev_rate.without("steps_are_chebyshev"), diagonal(np.full(6, 0.5) + 0.01 * np.arange(6))),
        (
            takabe2022.chebyshev_rate.concluding(
                lambda s: s.error(2)[-1:] <= chebyshev_value(0.1, 2.0, 5)[4] * s.initial_error(2), "one-step-more"
            ),
            diagonal(chebyshev_steps(0.1, 2.0, 4)),
        ),
        (takabe2022.no_steps_do_better.scaled(0.99), tall()),
        (
            takabe2022.no_steps_do_better.concluding(
                lambda s: s.cached(takabe2022.least)[:-1][-1:] <= s.cached(takabe2022.common_polynomial)[-1:],
                "one-step-less",
            ),
            tall(),
        ),
    ],
    ids=[
        "contract-constant",
        "contract-noise",
        "contract-thresholds",
        "rate-constant",
        "rate-other-steps",
        "rate-exponent",
        "optimum-constant",
        "optimum-exponent",
    ],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_what_fails_is_named():
    named = {
        "noise_free: refuted": verify(takabe2022.learned_steps_contract, tall(snr=30.0)),
        "linear_on_active_set: refuted": verify(
            takabe2022.learned_steps_contract, diagonal(chebyshev_steps(0.1, 2.0, 8), lam=0.3)
        ),
    }
    for reason, verdict in named.items():
        assert verdict.status is Status.NOT_APPLICABLE
        assert reason in verdict.reason


def test_wide_dictionaries_have_a_singular_spectrum():
    where = SparseRecovery.gaussian(10, 20, law=DENSE)
    setting = Setting(Ista(where.dictionary, 4, steps=0.3, lam=0.0), where, where.sample(5, seed=0))
    for claimed in CLAIMS:
        verdict = verify(claimed, setting)
        assert verdict.status is not Status.HOLDS
        assert "spectrum_positive" in verdict.reason


def test_an_identified_support_is_gradient_descent_on_it():
    """Support selection that bypasses exactly the support: the interval is that of A_S^T A_S, far inside A^T A."""
    matrix = np.kron(np.eye(4), np.array([[1.0, 0.6], [0.0, 0.8]]))
    where = SparseRecovery(Dictionary.of(matrix), KSparse(2))
    codes = np.zeros((3, 8))
    codes[0, :2], codes[1, 2:4], codes[2, 4] = (3.0, -2.0), (1.0, 1.0), 5.0
    ends = 1 - 0.6, 1 + 0.6
    network = Alista(
        matrix, 6, weights=matrix, gains=chebyshev_steps(*ends, 6)[::-1].copy(), thresholds=1e-3, selected=8, gated=True
    )
    setting = Setting(network, where, given(codes, matrix=matrix))
    verdict = verify(takabe2022.learned_steps_contract, setting)
    assert verdict.status is Status.HOLDS
    assert (verdict.conclusion.rhs.hi[-1] < 0.01 * setting.initial_error(2).lo).all()
    # On the way the third signal's entry drags its neighbour along, which is active then as well.
    assert takabe2022.active_sets(setting).sum(axis=1).tolist() == [2, 2, 2]
    np.testing.assert_allclose(takabe2022.spectrum(setting).mid, [ends] * 3)


def test_networks_with_other_weights_are_told_apart():
    where = SparseRecovery.gaussian(10, 20, law=KSparse(2))
    setting = Setting(Alista.for_problem(where, 3), where, where.sample(4, seed=0))
    verdict = verify(takabe2022.learned_steps_contract, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "weight" in verdict.reason


def test_ten_thousand_cells_of_random_steps():
    """Attack: 8 dictionaries, random steps of any size, 12 layers, 110 signals: 10,560 cells."""
    largest = 0.0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        where = SparseRecovery.gaussian(14, 8, law=DENSE, seed=seed)
        network = Ista(where.dictionary, 12, steps=rng.uniform(-0.1, 1.2, 12), lam=0.0)
        setting = Setting(network, where, where.sample(110, seed=seed))
        found = takabe2022.learned_steps_contract.conclude(setting)
        assert not found.refuted.any()
        largest = max(largest, float((found.lhs.hi / found.rhs.lo).max()))
    assert 0.5 < largest <= 1.0
    assert isinstance(found.rhs, Enclosure)
