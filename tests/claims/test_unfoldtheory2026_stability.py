"""The project's theorems on stability: they hold on pairs that try to break them, and false variants are refuted."""

import numpy as np
import pytest

from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import unfoldtheory2026_stability as stability
from unfold_theory.claims.stability import apart, moved, pairs, within
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Admm, Fista, Ista, Lista, ListaCpss
from unfold_theory.problems import BernoulliGaussian, SparseRecovery

LAWS = (stability.square_root_law, stability.nonexpansive_law, stability.spectral_bound)


def problem(m=20, n=40, seed=0):
    return SparseRecovery.gaussian(m, n, law=BernoulliGaussian(0.1), seed=seed)


def chain(c, depth, *, sigma=1.0, scale=1.0):
    """One gradient-step chain with a small singular value beside the large one, thresholds 0: all pass is exact."""
    where = SparseRecovery(np.diag([scale, sigma]), BernoulliGaussian(0.5))
    steps = np.full(depth, c / scale**2)
    network = Ista(where.dictionary, depth, steps=steps, lam=1e-12)
    return Setting(network, where, where.sample(64, seed=1))


def ista(depth=16, *, c=1.0, lam=0.02, where=None):
    where = where or problem()
    steps = np.full(depth, c / float(where.lipschitz.hi))
    return Setting(Ista(where.dictionary, depth, steps=steps, lam=lam), where, where.sample(64, seed=1))


def lista(spread=0.3, depth=6, theta=0.05, seed=0, where=None):
    where = where or problem()
    m, n = where.dictionary.shape
    draw, eta = np.random.default_rng(seed), 1 / float(where.lipschitz.hi)
    A = where.dictionary
    network = Lista(
        A,
        depth,
        input_weights=np.stack([eta * A.T + spread * draw.standard_normal((n, m)) / np.sqrt(n) for _ in range(depth)]),
        state_weights=np.stack(
            [np.eye(n) - eta * A.T @ A + spread * draw.standard_normal((n, n)) / np.sqrt(n) for _ in range(depth)]
        ),
        thresholds=np.full(depth, theta),
    )
    return Setting(network, where, where.sample(64, seed=1))


@pytest.mark.parametrize("claimed", LAWS, ids=lambda c: c.id)
@pytest.mark.parametrize(("depth", "lam"), [(1, 0.02), (16, 0.02), (16, 1e-4), (64, 0.0)])
def test_laws_hold_on_ista(claimed, depth, lam):
    verdict = verify(claimed, ista(depth, lam=lam))
    assert verdict.status is (Status.VACUOUS if depth == 1 else Status.HOLDS), verdict.reason
    assert verdict.coverage == 1.0


def test_spectral_bound_is_between_all_pass_and_the_law():
    setting = ista(64, lam=0.0)
    law, spectral = stability.law(setting), stability.spectral_constants(setting)
    floor = stability.all_pass_pairs(setting)[0]
    assert (spectral.hi <= law.hi * (1 + 1e-9)).all()
    assert (floor.lo <= spectral.hi).all()
    # Depth against depth: the law is sqrt(eta (k + 1) / 2).
    eta = 1 / float(setting.lipschitz.mid)
    np.testing.assert_allclose(law.mid, np.sqrt(eta * (np.arange(64) + 2) / 2), rtol=1e-10)


def test_pairs_move_as_far_as_networks_allow():
    """The attack is worth something: within a few per cent of the spectral bound at depth 1."""
    setting = ista(8, lam=1e-3)
    ratio = (moved(setting).mid / apart(setting).mid).max(axis=1)
    bound = stability.spectral_constants(setting).hi
    assert (ratio <= bound).all()
    assert ratio[0] > 0.97 * bound[0]
    assert ratio[-1] > 0.8 * bound[-1]


def test_pairs_do_not_depend_on_the_batch():
    setting = ista(4)
    alone = setting.subset([3])
    np.testing.assert_allclose(pairs(alone).second[0], pairs(setting).second[3], rtol=1e-9)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (stability.square_root_law.scaled(0.9), ista(1, lam=0.0)),
        # Steps beyond 1/L: the chain of sigma = ||A|| alternates and grows.
        (stability.square_root_law.without("steps_at_most_inverse_lipschitz"), chain(2.4, 12)),
        (stability.nonexpansive_law.scaled(0.5), ista(1, lam=0.0)),
        (
            stability.nonexpansive_law.without("steps_below_two").concluding(
                lambda s: within(s, stability.gradient_steps(s).cumsum().sqrt()), "steps-unbounded"
            ),
            chain(2.4, 12),
        ),
        (stability.spectral_bound.scaled(0.97), ista(1, lam=0.0)),
        (
            # The same without growth in depth: sqrt(eta) at every depth.
            stability.spectral_bound.concluding(lambda s: within(s, stability.gradient_steps(s).sqrt()), "no-growth"),
            chain(1.0, 12, sigma=0.3),
        ),
    ],
    ids=["law-constant", "law-steps", "nonexpansive-constant", "nonexpansive-steps", "spectral-constant", "no-growth"],
)
def test_false_laws_are_violated(false_variant, setting):
    verdict = verify(false_variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason
    assert verdict.witness is not None
    assert verdict.witness.replay().refuted


@pytest.mark.parametrize(
    ("claimed", "setting", "named"),
    [
        (stability.square_root_law, ista(4, c=1.5), "steps_at_most_inverse_lipschitz: refuted"),
        (stability.nonexpansive_law, ista(4, c=2.5), "steps_below_two: refuted"),
        (stability.square_root_law, lista(), "W_1 = eta A^T"),
        (stability.all_pass_floor, lista(theta=-0.02), "thresholds_nonnegative: refuted"),
    ],
    ids=["steps", "steps-two", "weights", "thresholds"],
)
def test_what_fails_is_named(claimed, setting, named):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert named in verdict.reason


def test_learned_steps_are_covered_by_the_nonexpansive_law():
    verdict = verify(stability.nonexpansive_law, ista(8, c=1.6, lam=0.0))
    assert verdict.status is Status.HOLDS, verdict.reason


# -- the floor -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [Ista, Fista, Admm])
def test_floor_holds_with_and_without_memory(make):
    where = problem()
    setting = Setting(make.for_problem(where, 8), where, where.sample(32, seed=0))
    verdict = verify(stability.all_pass_floor, setting)
    assert verdict.status is Status.HOLDS, verdict.reason


def test_floor_holds_on_free_weights():
    assert verify(stability.all_pass_floor, lista()).status is Status.HOLDS


def test_false_floors_are_violated():
    # 1 per cent more than the all-pass gain is not reached.
    assert verify(stability.all_pass_floor.scaled(0.99), lista()).status is Status.VIOLATED

    def bounded(s):
        """The floor claimed where thresholds act: at the measurements as they are."""
        linear = Enclosure.exact(stability.all_pass(s)).norm(2)
        return linear <= Enclosure.exact(s.iterates[1:]).norm(2)

    assert verify(stability.all_pass_floor.concluding(bounded, "bounded-input"), lista()).status is Status.VIOLATED


def test_selection_is_named():
    where = problem()
    network = ListaCpss.for_problem(where, 4, selected=[2] * 4)
    verdict = verify(stability.all_pass_floor, Setting(network, where, where.sample(8, seed=0)))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "no_selection: refuted" in verdict.reason


def test_training_costs_stability_where_weights_grew():
    verdict = verify(stability.training_costs_stability, lista(0.8))
    assert verdict.status is Status.HOLDS, verdict.reason
    assert "not_ista: refuted" in verify(stability.training_costs_stability, ista(4)).reason


def test_false_costs_are_violated():
    claimed = stability.training_costs_stability
    assert verify(claimed.without("not_ista", "all_pass_gain_beyond_the_law"), ista(8)).status is Status.VIOLATED
    # Ten times the law is not reached by a small perturbation.
    assert verify(claimed.scaled(0.05).without("all_pass_gain_beyond_the_law"), lista(0.1)).status is Status.VIOLATED


# -- every depth ---------------------------------------------------------------------------------------------------
def contracting(q=0.5, depth=40, where=None):
    where = where or SparseRecovery(np.eye(4), BernoulliGaussian(0.5))
    n = where.dictionary.shape[1]
    network = Lista(
        where.dictionary,
        depth,
        input_weights=np.stack([np.eye(n)] * depth),
        state_weights=np.stack([q * np.eye(n)] * depth),
        thresholds=np.full(depth, 1e-9),
    )
    return Setting(network, where, where.sample(32, seed=0))


def test_contraction_bounds_every_depth():
    verdict = verify(stability.contraction_bounds_every_depth, contracting())
    assert verdict.status is Status.HOLDS, verdict.reason
    assert "layers_contract: refuted" in verify(stability.contraction_bounds_every_depth, contracting(1.1)).reason


def test_false_contractions_are_violated():
    claimed = stability.contraction_bounds_every_depth
    assert verify(claimed.scaled(0.9), contracting()).status is Status.VIOLATED
    # Without a contraction 1/(1 - q) is no bound: 1/(1 - 1/2) at q = 1.
    wrong = claimed.without("layers_contract").concluding(
        lambda s: within(s, Enclosure.exact(np.full(s.network.depth, 2.0))), "expansive"
    )
    assert verify(wrong, contracting(1.0)).status is Status.VIOLATED
