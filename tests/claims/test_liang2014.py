"""Liang, Fadili, Peyre 2014 on the Lasso: identification and the local rate: met, not applicable, refuted if false."""

import numpy as np
import pytest

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import liang2014
from unfold_theory.claims.lasso import distances, minimizers, on_support, steps
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Fista, Ista, Oista, StepLista, build
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery

CLAIMS = (liang2014.local_linear_rate, liang2014.support_is_identified, liang2014.finite_identification)
LAM = 0.1


def setting(network=Ista, depth=200, *, shape=(20, 40), seed=4, count=20, **options):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.1), snr_db=30.0, seed=seed)
    made = network.for_problem(where, depth, lam=LAM, **options)
    return Setting(made, where, where.sample(count, seed=1), lam=LAM)


def two_columns(code, *, correlation=0.0, lam=1.0, step=None, depth=6, curvature=1.0):
    """x* = (z, 0): the second column's product with the residual is the given share of lam."""
    matrix = np.diag([curvature, 1.0])
    where = SparseRecovery(matrix, KSparse(1))
    signals = np.array([[code, correlation * lam]])
    step = step or float((1 / where.lipschitz).lo)
    return Setting(StepLista(matrix, depth, steps=step, lam=lam), where, given(signals, matrix=matrix), lam=lam)


def both_columns(step, depth=6):
    """Both columns in the support, of curvatures 1 and 1/4."""
    matrix = np.diag([1.0, 0.5])
    where = SparseRecovery(matrix, KSparse(1))
    batch = given(np.array([[3.0, 3.0]]), matrix=matrix)
    return Setting(StepLista(matrix, depth, steps=step, lam=0.01), where, batch, lam=0.01)


def wrong_support(depth=3):
    """A first step that lets a column pass which the minimiser does not use."""
    matrix = np.array([[1.0, 0.8], [0.0, 0.6]])
    where = SparseRecovery(matrix, KSparse(1))
    return Setting(
        Ista.for_problem(where, depth, lam=0.5), where, given(np.array([[5.0, 0.0]]), matrix=matrix), lam=0.5
    )


def test_claims_hold_on_ista():
    made = setting()
    rate, identified, counted = (verify(claimed, made) for claimed in CLAIMS)
    assert rate.status is Status.HOLDS, rate.reason
    assert identified.status is Status.HOLDS, identified.reason
    assert identified.coverage > 0.05
    # So few layers decide nothing about a number that is in the thousands.
    assert counted.status is Status.VACUOUS, counted.reason


def test_a_negative_step_has_a_threshold_that_is_expansive():
    """A = 1, x* = 0.9: from 0 a step of -1/2 leads to -0.55, farther than 1.5 times 0.9."""
    where = SparseRecovery(np.eye(1), KSparse(1))
    made = Setting(Ista(np.eye(1), 1, steps=-0.5, lam=LAM), where, given(np.ones((1, 1)), matrix=np.eye(1)), lam=LAM)
    verdict = verify(liang2014.local_linear_rate, made)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "step_positive: refuted" in verdict.reason
    assert verify(liang2014.local_linear_rate.without("step_positive"), made).status is Status.VIOLATED


def test_the_rate_is_attained_in_the_long_run():
    made = setting(depth=600)
    d, factor = made.cached(distances), made.cached(liang2014.local_factors)
    resolved = d.lo[-2] > 1e-8
    ratio = d.mid[-1] / d.mid[-2] / factor.mid[-1]
    assert resolved.any()
    assert (ratio[resolved] <= 1 + 1e-6).all()
    assert ratio[resolved].max() > 0.999


def test_oracle_steps_follow_their_own_factor_and_beat_ista():
    made, plain = setting(Oista), setting()
    assert verify(liang2014.local_linear_rate, made).status is Status.HOLDS
    assert np.median(made.cached(distances).mid[-1]) < np.median(plain.cached(distances).mid[-1])


def test_finite_identification_says_something_once_there_are_enough_layers():
    made = two_columns(3.0, lam=1.0, depth=12)
    assert verify(liang2014.finite_identification, made).status is Status.HOLDS


def test_fista_is_told_that_momentum_is_not_covered():
    verdict = verify(liang2014.local_linear_rate, setting(Fista, depth=5))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "FISTA" in verdict.reason


@pytest.mark.parametrize(
    ("false_variant", "where"),
    [
        (liang2014.local_linear_rate.scaled(0.9), two_columns(3.0, curvature=0.6)),
        (
            liang2014.local_linear_rate.concluding(
                lambda s: s.cached(distances)[1:] <= s.cached(liang2014.local_factors) ** 2 * s.cached(distances)[:-1],
                "squared",
            ),
            two_columns(3.0, curvature=0.6),
        ),
        (
            liang2014.local_linear_rate.concluding(
                lambda s: (
                    s.cached(distances)[1:]
                    <= abs(1.0 - Enclosure.exact(s.cached(steps)) * s.cached(minimizers).curvature)
                    * s.cached(distances)[:-1]
                ),
                "long-step",
            ),
            both_columns(1.9),
        ),
        (liang2014.support_is_identified.without("within_identification_radius"), wrong_support()),
        (liang2014.support_is_identified.without("step_nonexpansive", "within_identification_radius"), wrong_support()),
        (
            liang2014.finite_identification.concluding(
                lambda s: liang2014.finite_identification.conclude(s).lhs * 1e6 <= s.cached(distances)[0] ** 2, "price"
            ),
            wrong_support(),
        ),
        (
            liang2014.finite_identification.concluding(
                lambda s: liang2014.finite_identification.conclude(s).lhs <= 0.01 * s.cached(distances)[-1] ** 2, "end"
            ),
            wrong_support(depth=40),
        ),
    ],
    ids=["constant", "exponent", "one-end-only", "radius-dropped", "both-dropped", "price-raised", "distance-at-end"],
)
def test_false_variants_are_violated(false_variant, where):
    verdict = verify(false_variant, where)
    assert verdict.status is Status.VIOLATED, verdict.reason


def test_the_radius_is_not_twice_as_large():
    """The false variant of the hypothesis: twice the radius admits a code whose successor has another support."""
    step, lam = 0.1, 1.0
    matrix = np.eye(2)
    where = SparseRecovery(matrix, KSparse(2))
    signals = np.array([[3.0, 0.5]])  # c_2 = 0.5: omega = 0.5, radius 0.05
    made = Setting(StepLista(matrix, 400, steps=step, lam=lam), where, given(signals, matrix=matrix), lam=lam)
    assert made.cached(liang2014.margin).mid[0] == pytest.approx(0.5)
    verdict = verify(liang2014.support_is_identified, made)
    assert verdict.status in (Status.HOLDS, Status.VACUOUS)
    assert 0 < verdict.coverage < 1


def test_degenerate_minimisers_are_not_decided():
    """No strict complementarity, or many minimisers: the claims do not speak."""
    tied = two_columns(3.0, correlation=1.0)
    twins = SparseRecovery(np.array([[1.0, 1.0]]), KSparse(1))
    many = Setting(
        Ista.for_problem(twins, 5, lam=0.1), twins, given(np.array([[2.0, 0.0]]), matrix=twins.dictionary), lam=0.1
    )
    for made in (tied, many):
        for claimed in CLAIMS:
            verdict = verify(claimed, made)
            assert verdict.status is Status.INCONCLUSIVE, verdict.reason
            assert "strictly_complementary" in verdict.reason or "support_injective" in verdict.reason


def test_other_layers_are_named():
    where = setting(depth=2).problem
    made = Setting(build("alista", where, 3, percent=0), where, where.sample(4, seed=0), lam=LAM)
    assert "proximal_layers: refuted" in verify(liang2014.local_linear_rate, made).reason


@pytest.mark.parametrize(("shape", "longest"), [((6, 9), 1.0), ((6, 9), 3.0), ((9, 6), 2.0), ((4, 4), 3.0)])
def test_never_violated_under_attack(shape, longest):
    """Random steps up to 3 / L, also beyond what converges; dense, sparse, single-atom and large signals."""
    cells = 0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        n = shape[1]
        where = SparseRecovery(rng.standard_normal(shape) * rng.uniform(0.2, 3.0, n), KSparse(1))
        signals = np.concatenate(
            [
                rng.standard_normal((12, n)),
                np.eye(n)[rng.integers(n, size=12)] * rng.choice([-1.0, 1.0, 0.11], size=(12, 1)),
                100 * np.where(rng.random((12, n)) < 0.2, rng.standard_normal((12, n)), 0.0),
            ]
        )
        taken = rng.uniform(0.3, longest, 40) / float(where.lipschitz.hi)
        batch = given(signals, matrix=where.dictionary)
        made = Setting(StepLista(where.dictionary, 40, steps=taken, lam=LAM), where, batch, lam=LAM)
        assert made.cached(on_support).shape == (41, 36)
        for claimed in CLAIMS:
            verdict = verify(claimed, made)
            assert verdict.status is not Status.VIOLATED, verdict.reason
            cells += int(verdict.applicable.sum()) if verdict.applicable is not None else 0
    assert cells > 250
