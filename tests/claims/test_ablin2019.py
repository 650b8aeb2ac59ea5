"""Ablin et al. 2019: steps on the support and the coupling of Lasso solvers: met, not applicable, refuted if false."""

import numpy as np
import pytest
import torch

from tests.claims.settings import given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import ablin2019
from unfold_theory.claims.instances import acted
from unfold_theory.claims.lasso import distances, gaps, minimizers, on_support, steps
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista, Ista, Lista, ListaCp, Oista, StepLista, build
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery

RATES = (ablin2019.descent_on_support, ablin2019.sublinear_rate, ablin2019.linear_rate_on_support)
LAM = 0.1


def setting(network=Oista, depth=60, *, shape=(20, 40), law=None, seed=4, count=30, lam=LAM, **options):
    where = SparseRecovery.gaussian(*shape, law=law or BernoulliGaussian(0.1), snr_db=30.0, seed=seed)
    made = network.for_problem(where, depth, lam=lam, **options)
    return Setting(made, where, where.sample(count, seed=1), lam=lam)


def one_column(step, *, depth=6, start=3.0):
    """min (x - y)^2 / 2 + lam |x|: the top of the spectrum and the bottom are one."""
    where = SparseRecovery(np.eye(1), KSparse(1))
    batch = given(np.array([[start]]), matrix=np.eye(1))
    return Setting(Ista.for_problem(where, depth, lam=LAM, steps=step), where, batch, lam=LAM)


def slow_column(depth=12):
    """A column of small curvature beside a strong one that is never used: steps must follow the strong one."""
    matrix = np.diag([1.0, 0.3])
    where = SparseRecovery(matrix, KSparse(1))
    batch = given(np.array([[0.0, 5.0]]), matrix=matrix)
    return Setting(Ista.for_problem(where, depth, lam=1e-6), where, batch, lam=1e-6)


@pytest.mark.parametrize("claimed", RATES, ids=lambda c: c.id)
@pytest.mark.parametrize("network", [Ista, Oista])
def test_rates_hold(network, claimed):
    verdict = verify(claimed, setting(network, depth=150))
    assert verdict.status is Status.HOLDS, verdict.reason
    assert verdict.coverage > (0.1 if claimed is ablin2019.linear_rate_on_support else 0.95)


def test_oracle_steps_are_longer_and_stay_safe():
    made = setting(Oista, depth=150)
    taken = made.cached(steps) * made.lipschitz.hi
    assert np.quantile(taken[-1], 0.5) > 1.3
    assert verify(ablin2019.sublinear_rate, made).coverage == 1.0
    # Longer steps pay: the gap is below ISTA's after as many layers.
    ista = setting(Ista, depth=150)
    assert np.median(made.cached(gaps).hi[-1]) < 0.5 * np.median(ista.cached(gaps).hi[-1])


def test_sublinear_rate_with_long_steps_is_below_that_of_1_over_l():
    made = setting(Oista, depth=150)
    bound = verify(ablin2019.sublinear_rate, made).conclusion.rhs.hi[-1]
    plain = made.lipschitz.lo * made.cached(distances).lo[0] ** 2 / 300
    assert np.median(bound / plain) < 0.8


@pytest.mark.parametrize(
    ("false_variant", "where"),
    [
        (ablin2019.descent_on_support.scaled(0.05), one_column(1.0)),
        (
            ablin2019.descent_on_support.concluding(
                lambda s: (
                    s.cached(ablin2019.objectives)[1:]
                    <= s.cached(ablin2019.objectives)[:-1]
                    - ((Enclosure.exact(s.iterates[1:]) - s.iterates[:-1]) ** 2).sum(-1)
                    / Enclosure.exact(s.cached(steps))
                ),
                "whole-decrease",
            ),
            one_column(1.0),
        ),
        (ablin2019.sublinear_rate.scaled(0.1), slow_column()),
        (
            ablin2019.sublinear_rate.concluding(
                lambda s: (
                    s.cached(gaps)[1:]
                    <= s.cached(distances)[0] ** 2 / (2.0 * Enclosure.exact(s.cached(steps)).cumsum() * s.depth)
                ),
                "exponent",
            ),
            slow_column(),
        ),
        (ablin2019.sublinear_rate.without("steps_within_supports_so_far"), one_column(2.5)),
        (
            ablin2019.linear_rate_on_support.concluding(
                lambda s: (
                    s.cached(gaps)[1:]
                    <= (1.0 - 2.0 * Enclosure.exact(s.cached(steps)) * s.cached(minimizers).curvature)
                    * s.cached(gaps)[:-1]
                ),
                "twice-mu",
            ),
            slow_column(),
        ),
        (ablin2019.linear_rate_on_support.scaled(0.8), slow_column()),
        (ablin2019.linear_rate_on_support.without("step_positive", "step_within_support"), one_column(2.5)),
    ],
    ids=[
        "scaled-descent",
        "decrease-doubled",
        "constant",
        "exponent",
        "long-steps",
        "twice-mu",
        "factor-scaled",
        "long-steps-linear",
    ],
)
def test_false_variants_are_violated(false_variant, where):
    verdict = verify(false_variant, where)
    assert verdict.status is Status.VIOLATED, verdict.reason
    assert verdict.witness.replay().refuted.all()


def test_steps_beyond_the_support_are_not_applicable_there_and_only_there():
    made = setting(StepLista, depth=8)
    top = made.cached(steps)[0, 0]
    mixed = setting(StepLista, depth=8, steps=top * np.array([1.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0, 1.0]))
    # The sublinear rate counts layers from the first on, the descent is of each layer.
    assert verify(ablin2019.sublinear_rate, mixed).coverage == pytest.approx(0.25)
    assert verify(ablin2019.descent_on_support, mixed).status is Status.HOLDS
    all_long = setting(StepLista, depth=8, steps=9 * top)
    assert verify(ablin2019.descent_on_support, all_long).status is Status.VACUOUS
    verdict = verify(ablin2019.sublinear_rate, all_long)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "steps_within_supports_so_far: refuted" in verdict.reason


def test_other_networks_are_told_what_they_lack():
    where = setting().problem
    batch = where.sample(5, seed=0)
    coupled = Setting(Alista.for_problem(where, 4, percent=0), where, batch, lam=LAM)
    assert "proximal_layers: refuted" in verify(ablin2019.sublinear_rate, coupled).reason
    for name in ("fista", "admm"):
        lacking = Setting(build(name, where, 4, lam=LAM), where, batch, lam=LAM)
        assert verify(ablin2019.sublinear_rate, lacking).status is Status.NOT_APPLICABLE
    with_selection = Setting(Alista.for_problem(where, 4, selected=3), where, batch, lam=LAM)
    assert "no_momentum_no_bypass: refuted" in verify(ablin2019.weights_couple, with_selection).reason


def test_zero_measurements_are_decided():
    where = setting().problem
    batch = where.batch_from_codes(np.vstack([np.zeros(40), np.eye(40)[0]]))
    made = Setting(Oista.for_problem(where, 6, lam=LAM), where, batch, lam=LAM)
    for claimed in RATES[:2]:
        conclusion = verify(claimed, made).conclusion
        assert conclusion.holds[:, 0].all()


def test_without_a_unique_minimiser_only_descent_is_decided():
    matrix = np.array([[1.0, 1.0]])
    where = SparseRecovery(matrix, KSparse(1))
    made = Setting(Ista.for_problem(where, 5, lam=0.1), where, given(np.array([[2.0, 0.0]]), matrix=matrix), lam=0.1)
    assert verify(ablin2019.descent_on_support, made).status is Status.HOLDS
    assert verify(ablin2019.sublinear_rate, made).status is Status.INCONCLUSIVE


# -- theorem 4.4 ---------------------------------------------------------------------------------------------------
def last_layer_network(where, alpha, beta, turned=0.0, depth=120):
    """ISTA run to the Lasso solution, then one layer with W turned away from A and a threshold of beta lam."""
    A, step = where.dictionary, float((1 / where.lipschitz).lo)
    other = np.random.default_rng(0).standard_normal(A.shape) / np.sqrt(len(A))
    weights = np.stack([A * step] * (depth - 1) + [alpha * (A + turned * other)])
    thresholds = np.array([LAM * step] * (depth - 1) + [beta * LAM])
    return ListaCp(A, depth, weights=weights, thresholds=thresholds)


def coupling_setting(alpha=0.2, beta=0.2, turned=0.0):
    where = SparseRecovery.gaussian(20, 24, law=KSparse(3), snr_db=30.0, seed=6)
    return Setting(last_layer_network(where, alpha, beta, turned), where, where.sample(40, seed=2), lam=LAM)


@pytest.mark.parametrize("turned", [0.0, 0.05])
def test_coupling_holds_and_sees_what_is_not_coupled(turned):
    made = coupling_setting(turned=turned)
    verdict = verify(ablin2019.weights_couple, made)
    assert verdict.status is Status.HOLDS, verdict.reason
    last = verdict.conclusion.lhs.hi[-1][verdict.applicable[-1]]
    assert len(last) > 20
    assert (last.max() < 1e-9) == (turned == 0.0)


def test_the_coupling_bound_is_attained_from_the_solution():
    # From the exact solution the layer moves by exactly the coupling residual.
    verdict = verify(ablin2019.weights_couple, coupling_setting(turned=0.05))
    ratio = (verdict.conclusion.lhs.lo / verdict.conclusion.rhs.hi)[-1][verdict.applicable[-1]]
    assert ratio.max() > 0.99


@pytest.mark.parametrize(
    ("false_variant", "where"),
    [
        (ablin2019.weights_couple.scaled(0.9), coupling_setting(turned=0.05)),
        (
            ablin2019.weights_couple.concluding(
                lambda s: (
                    ablin2019.coupling_residual(s)
                    <= Enclosure.exact(np.linalg.norm(s.iterates[1:] - s.cached(minimizers).code.mid, axis=-1) ** 2)
                ),
                "squared",
            ),
            coupling_setting(turned=0.05),
        ),
        (ablin2019.weights_couple.without("signs_of_minimizer"), coupling_setting(beta=4.0)),
    ],
    ids=["constant", "exponent", "signs-dropped"],
)
def test_false_couplings_are_violated(false_variant, where):
    assert verify(false_variant, where).status is Status.VIOLATED


def test_uncoupled_networks_are_outside_theorem_4_4():
    where = coupling_setting().problem
    lista = Setting(Lista.for_problem(where, 3), where, where.sample(5, seed=0), lam=LAM)
    lista.network.state_weights[1].data.mul_(1.1)
    verdict = verify(ablin2019.weights_couple, lista)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "W_2 = I - W_1 A" in verdict.reason


# -- attacks -------------------------------------------------------------------------------------------------------
def worst_signals(where, count, seed):
    """Dense, sparse, single-atom, adversarial (near-tie) and tiny signals."""
    rng = np.random.default_rng(seed)
    n = where.n
    kinds = [
        rng.standard_normal((count, n)),
        np.eye(n)[rng.integers(n, size=count)] * rng.choice([-1.0, 1.0, 0.11], size=(count, 1)),
        np.where(rng.random((count, n)) < 0.1, rng.choice([-1.0, 1.0], size=(count, n)), 0.0),
        1e-3 * rng.standard_normal((count, n)),
        1e3 * np.where(rng.random((count, n)) < 0.2, rng.standard_normal((count, n)), 0.0),
    ]
    return np.concatenate(kinds)


@pytest.mark.parametrize(("shape", "longest"), [((6, 9), 1.0), ((6, 9), 4.0), ((9, 6), 4.0), ((4, 4), 1.0)])
def test_never_violated_under_attack(shape, longest):
    """Random steps between 0 and ``longest`` / L, several kinds of signals: only safe cells count."""
    cells = 0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        where = SparseRecovery(rng.standard_normal(shape) * rng.uniform(0.2, 3.0, shape[1]), KSparse(1))
        batch = given(worst_signals(where, 12, seed), matrix=where.dictionary)
        taken = rng.uniform(0, longest, 12) / float(where.lipschitz.hi)
        made = Setting(StepLista(where.dictionary, 12, steps=taken, lam=LAM), where, batch, lam=LAM)
        for claimed in (*RATES, ablin2019.weights_couple):
            verdict = verify(claimed, made)
            assert verdict.status is not Status.VIOLATED, verdict.reason
            cells += int(verdict.applicable.sum()) if verdict.applicable is not None else 0
    assert cells > 700


def test_iterates_of_the_claims_are_those_of_the_layers():
    made = setting(Oista, depth=5, count=4)
    layers = made.cached(acted).layers
    x = np.zeros((4, 40))
    for layer in layers:
        v = x + layer.gain[:, None] * ((made.batch.y - x @ made.problem.dictionary.T) @ made.problem.dictionary)
        x = np.sign(v) * np.maximum(np.abs(v) - layer.threshold, 0)
    np.testing.assert_allclose(x, made.network(torch.tensor(made.batch.y)).numpy(), atol=1e-12)
    assert made.cached(on_support).shape == (6, 4)
