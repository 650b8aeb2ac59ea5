"""Giselsson and Boyd 2017: ADMM's rate on overdetermined problems: met, not applicable, refuted if false."""

import numpy as np
import pytest

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import giselsson2017
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Admm, Ista
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery

CLAIMS = (giselsson2017.contraction, giselsson2017.linear_rate, giselsson2017.residual_rate)


def setting(shape=(40, 20), depth=40, *, lam=0.1, seed=3, count=20, **options):
    where = SparseRecovery.gaussian(*shape, law=BernoulliGaussian(0.2), snr_db=30.0, seed=seed)
    made = Admm.for_problem(where, depth, lam=lam, **options)
    return Setting(made, where, where.sample(count, seed=1), lam=lam)


def diagonal(curvatures, signals, *, rho, alpha=1.0, depth=8, lam=1e-9):
    """Columns that do not interact, and hardly any shrinkage: a direction of curvature g has its own factor."""
    matrix = np.diag(np.sqrt(curvatures))
    where = SparseRecovery(matrix, KSparse(1))
    network = Admm(matrix, depth, penalties=rho, relaxations=alpha, lam=lam)
    return Setting(network, where, given(np.array(signals, dtype=float), matrix=matrix), lam=lam)


@pytest.mark.parametrize("claimed", CLAIMS, ids=lambda c: c.id)
@pytest.mark.parametrize("alpha", [0.7, 1.0, 1.6])
def test_rates_hold_with_constant_parameters(claimed, alpha):
    verdict = verify(claimed, setting(relaxations=alpha, depth=60))
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage == 1.0


def test_learned_penalties_may_change():
    rng = np.random.default_rng(0)
    made = setting(penalties=rng.uniform(0.3, 2.0, 60), relaxations=rng.uniform(0.8, 1.9, 60), depth=60)
    assert verify(giselsson2017.contraction, made).status is Status.HOLDS
    assert verify(giselsson2017.linear_rate, made).status in (Status.HOLDS, Status.VACUOUS)
    verdict = verify(giselsson2017.residual_rate, made)
    assert verdict.coverage == pytest.approx(1 / 60)


def test_the_best_penalty_has_the_papers_factor():
    made = setting()
    mu, L = made.cached(giselsson2017.least_curvature).mid.item(), made.lipschitz.mid.item()
    root = np.sqrt(L / mu)
    factors = {
        rho: setting(penalties=rho, relaxations=1.0).cached(giselsson2017.reflection_factors).hi[0]
        for rho in (np.sqrt(mu * L), 0.7 * np.sqrt(mu * L), 1.4 * np.sqrt(mu * L))
    }
    best = min(factors.values())
    assert best == pytest.approx((root - 1) / (root + 1), rel=1e-9)
    assert next(iter(factors.values())) == best


@pytest.mark.parametrize("rho", [0.25, 4.0])
def test_the_factor_is_attained(rho):
    # rho below the curvatures: L decides; above: mu. Without shrinkage R_g is the identity.
    signals = [[0.0, 9.0], [9.0, 0.0]]
    made = diagonal([1.0, 2.0], signals, rho=rho, alpha=2.0)
    verdict = verify(giselsson2017.contraction, made)
    assert verdict.status is Status.HOLDS, verdict.reason
    ratio = verdict.conclusion.lhs.mid / verdict.conclusion.rhs.mid
    assert ratio[1:4].max() > 0.999


@pytest.mark.parametrize(
    ("false_variant", "where"),
    [
        (giselsson2017.contraction.scaled(0.95), diagonal([1.0, 2.0], [[9.0, 0.0]], rho=4.0)),
        (
            giselsson2017.contraction.concluding(
                lambda s: (
                    s.cached(giselsson2017.outputs)
                    <= s.cached(giselsson2017.reflection_factors)[:, None] * s.cached(giselsson2017.inputs)
                ),
                "without-averaging",
            ),
            diagonal([1.0, 2.0], [[9.0, 0.0]], rho=4.0),
        ),
        (
            giselsson2017.contraction.concluding(
                lambda s: (
                    s.cached(giselsson2017.outputs)
                    <= s.cached(giselsson2017.factors)[:, None] ** 2 * s.cached(giselsson2017.inputs)
                ),
                "squared",
            ),
            diagonal([1.0, 2.0], [[9.0, 0.0]], rho=4.0),
        ),
        (giselsson2017.linear_rate.scaled(0.2), diagonal([1.0, 2.0], [[9.0, 0.0]], rho=4.0)),
        (
            giselsson2017.linear_rate.concluding(
                lambda s: (
                    Enclosure.exact(np.linalg.norm(s.iterates[1:] - 1.0 * s.truth, axis=-1))
                    <= (s.cached(giselsson2017.factors) ** 2).cumprod()[:, None] * s.cached(giselsson2017.inputs)[0]
                ),
                "exponent-doubled",
            ),
            diagonal([1.0, 2.0], [[9.0, 0.0]], rho=4.0),
        ),
        (giselsson2017.residual_rate.scaled(0.5), diagonal([1.0, 2.0], [[9.0, 0.0]], rho=0.1)),
        (
            giselsson2017.residual_rate.concluding(
                lambda s: (
                    giselsson2017.residuals(s) <= giselsson2017.residual_rate.conclude(s).rhs / s.depth / s.depth.sqrt()
                ),
                "exponent",
            ),
            diagonal([0.01, 2.0], [[9.0, 0.0]], rho=0.1, depth=30),
        ),
        (
            giselsson2017.residual_rate.without("constant_parameters"),
            diagonal([0.01, 2.0], [[9.0, 0.0]], rho=np.array([5.0] * 7 + [0.001]), depth=8),
        ),
    ],
    ids=[
        "constant",
        "relaxation-misread",
        "exponent",
        "rate-constant",
        "rate-exponent",
        "residual-constant",
        "residual-exponent",
        "changing-penalties",
    ],
)
def test_false_variants_are_violated(false_variant, where):
    verdict = verify(false_variant, where)
    assert verdict.status is Status.VIOLATED, verdict.reason


def test_more_columns_than_rows_leave_only_o_of_one_over_k():
    made = setting((20, 40), depth=60, relaxations=1.6)
    for claimed in CLAIMS[:2]:
        verdict = verify(claimed, made)
        assert verdict.status is Status.NOT_APPLICABLE
        assert "full_column_rank: refuted (0 < 0)" in verdict.reason
    assert verify(giselsson2017.residual_rate, made).status is Status.HOLDS


def test_other_networks_and_weights_are_named():
    made = setting(depth=3)
    ista = Setting(Ista.for_problem(made.problem, 3, lam=0.1), made.problem, made.batch, lam=0.1)
    assert "splitting" in verify(giselsson2017.contraction, ista).reason
    other = Setting(made.network, made.problem, made.batch, lam=0.2)
    assert "0.2" in verify(giselsson2017.contraction, other).reason
    for alpha in (2.0, 2.5):
        relaxed = verify(giselsson2017.residual_rate, setting(depth=3, relaxations=alpha))
        assert "relaxation_below_two: refuted" in relaxed.reason
        assert verify(giselsson2017.contraction, setting(depth=3, relaxations=alpha)).status is not Status.VIOLATED


def test_layers_that_are_not_what_they_declare_are_found():
    class Liar(Admm):
        def splitting(self, lam):
            rho, alpha = super().splitting(lam)
            return rho * 1.01, alpha

    where = setting(depth=3).problem
    made = Setting(Liar.for_problem(where, 3, lam=0.1), where, where.sample(4, seed=0), lam=0.1)
    assert "layers_are_admm: refuted" in verify(giselsson2017.contraction, made).reason


@pytest.mark.parametrize("shape", [(6, 5), (5, 5), (5, 9)])
def test_never_violated_under_attack(shape):
    """Random and extreme penalties and relaxations, ill-scaled columns; dense, single-atom and large signals."""
    cells = 0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        n = shape[1]
        where = SparseRecovery(rng.standard_normal(shape) * rng.uniform(0.3, 3.0, n), KSparse(1))
        signals = np.concatenate(
            [rng.standard_normal((15, n)), np.eye(n)[rng.integers(n, size=15)], 100 * rng.standard_normal((10, n))]
        )
        changing = seed % 2 == 1
        rho = np.exp(rng.uniform(-3, 3, 16)) if changing else float(np.exp(rng.uniform(-3, 3)))
        alpha = rng.uniform(0.1, 1.99, 16) if changing else float(rng.uniform(0.1, 1.99))
        network = Admm(where.dictionary, 16, penalties=rho, relaxations=alpha, lam=0.1)
        made = Setting(network, where, given(signals, matrix=where.dictionary), lam=0.1)
        for claimed in CLAIMS:
            verdict = verify(claimed, made)
            assert verdict.status is not Status.VIOLATED, verdict.reason
            cells += int(verdict.applicable.sum()) if verdict.applicable is not None else 0
    assert cells > 600
