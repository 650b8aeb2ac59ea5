"""Momentum, per-instance support selection and conjugate gradients: met, not applicable, false variants refuted."""

import numpy as np
import pytest
import torch

from tests.claims.settings import HADAMARD, given, problem
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2021
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks import Alista, HyperLista, ListaCp, ListaMomentum, UnfoldedNetwork
from unfold_theory.problems import BernoulliGaussian, KSparse, SparseRecovery, WorstCase
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.rates.momentum_bound import heavy_ball_bound, local_spectrum, symmetrising_scale
from unfold_theory.rates.momentum_networks import ConjugateGradientLista, momentum_of_theory

LOCAL = [chen2021.momentum_rate, chen2021.linear_rate]
SUPPORT = [chen2021.no_false_positives, chen2021.support_selection]


def heavy_ball(sparsity=2, *, count=12, depth=10, beta=None, scale=1.0, selected=None, momentum=True, ungated=0):
    where = problem(sparsity)
    network = momentum_of_theory(
        where, HADAMARD, depth=depth, magnitude=1.0, sparsity=sparsity, momentum=momentum, selected=selected
    )
    for k in range(depth):
        network.thresholds[k].data.mul_(scale)
        if beta is not None:
            network.momenta[k].data.fill_(beta)
    if ungated:
        network.gated, network.selected = False, [ungated] * depth
    return Setting(network, where, where.sample(count, seed=0))


def cg(sparsity=3, *, count=12, depth=8, where=None, weight=HADAMARD):
    where = where or problem(sparsity)
    batch = where.sample(count, seed=0)
    network = ConjugateGradientLista(where, weight, depth=depth, magnitude=1.0, sparsity=sparsity)
    return Setting(network, where, batch)


@pytest.mark.parametrize("sparsity", [2, 3])
def test_momentum_claims_hold_on_the_network_of_theory(sparsity):
    setting = heavy_ball(sparsity)
    for claimed in LOCAL + SUPPORT:
        verdict = verify(claimed, setting)
        assert verdict.status is Status.HOLDS, verdict.reason
        assert verdict.coverage == 1


def test_the_bound_follows_the_spectrum_of_each_signal():
    setting = heavy_ball(2, beta=0.01)
    verdict = verify(chen2021.momentum_rate, setting)
    assert verdict.status is Status.HOLDS
    # mu = 1/8 or 0 between two columns: spectrum [7/8, 9/8] needs beta >= (1 - sqrt(7/8))^2 = 0.0042.
    assert verdict.coverage == 1
    # With less, only signals on orthogonal columns are left.
    less = verify(chen2021.momentum_rate, heavy_ball(2, beta=0.003))
    found = {f.hypothesis.name: f.inequality for f in less.hypotheses}
    assert found["spectrum_in_range"].refuted.any()
    assert 0 < less.coverage < 1


def exponent(claimed, factor):
    """The bound times a geometric factor: a faster rate than the one proved."""
    power = lambda s: Enclosure.exact(factor) ** s.depth.lo.astype(int)  # noqa: E731

    def conclude(s):
        found = claimed.conclude(s)
        return found.lhs <= found.rhs * power(s)

    return claimed.concluding(conclude, f"rate-times-{factor}")


def without_transient(s):
    rate = s.cached(chen2021.coherence_momentum).sqrt()
    start = Enclosure.exact(s.truth).norm(2)
    return s.error(2) <= s.up_to_rounding(rate ** s.depth.lo.astype(int) * start[None, :], 2)


def nobody_pays(s):
    """The recursion with q = s in every layer, whatever the network selects."""
    beta, sizes = float(s.network.momenta[1]), [np.abs(s.truth).sum(axis=1)] * 2
    for k in range(s.shape[0]):
        moving = beta if k else 0.0
        sizes.append((moving + 0.125) * sizes[-1] + moving * sizes[-2])
    return s.error(1) <= s.up_to_rounding(Enclosure.exact(np.stack(sizes[2:])), 1)


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (chen2021.momentum_rate.scaled(0.75), heavy_ball(2)),
        (exponent(chen2021.momentum_rate, 0.85), heavy_ball(2)),
        (chen2021.momentum_rate.without("spectrum_in_range"), heavy_ball(2, beta=1e-4)),
        (chen2021.linear_rate.concluding(without_transient, "without-transient"), heavy_ball(2)),
        (exponent(chen2021.linear_rate, 0.4), heavy_ball(2)),
        (chen2021.linear_rate.without("momentum_at_law"), heavy_ball(2, beta=0.2)),
        (chen2021.no_false_positives.without("instance_law"), heavy_ball(2, scale=0.5)),
        (
            chen2021.no_false_positives.without("instance_law", "instance_selection_safe"),
            heavy_ball(2, ungated=6),
        ),
        (chen2021.support_selection.scaled(0.9), heavy_ball(2)),
        (
            chen2021.support_selection.concluding(nobody_pays, "all-entries-bypass"),
            heavy_ball(2, selected=0),
        ),
        (chen2021.superlinear.scaled(0.9), cg(3)),
        (exponent(chen2021.superlinear, 0.9), cg(3)),
        (chen2021.superlinear.without("steps_optimal"), heavy_ball(3, momentum=False)),
    ],
    ids=[
        "constant",
        "exponent",
        "too-little-momentum",
        "no-transient",
        "law-exponent",
        "too-much-momentum",
        "short-thresholds",
        "ungated",
        "selection-constant",
        "nobody-pays",
        "cg-constant",
        "cg-exponent",
        "fixed-steps",
    ],
)
def test_false_variants_are_violated(false_variant, setting):
    verdict = verify(false_variant, setting)
    assert verdict.status is Status.VIOLATED, verdict.reason


@pytest.mark.parametrize(
    ("claimed", "setting", "named"),
    [
        (chen2021.momentum_rate, heavy_ball(2, beta=0.0), "spectrum_in_range: refuted"),
        (chen2021.momentum_rate, heavy_ball(2, selected=0), "settled_on_support: refuted"),
        (chen2021.linear_rate, heavy_ball(2, beta=0.1), "momentum_at_law: refuted"),
        (chen2021.no_false_positives, heavy_ball(2, scale=0.5), "instance_law: refuted"),
        (chen2021.no_false_positives, heavy_ball(2, ungated=6), "instance_selection_safe: refuted"),
        (chen2021.superlinear, heavy_ball(3), "settled_at_rest: refuted"),
    ],
    ids=["range", "paying", "law", "thresholds", "ungated", "momentum"],
)
def test_what_fails_is_named(claimed, setting, named):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.NOT_APPLICABLE
    assert named in verdict.reason


def test_unit_steps_are_optimal_for_orthogonal_columns_only():
    verdict = verify(chen2021.superlinear, heavy_ball(3, momentum=False))
    found = {f.hypothesis.name: f.inequality for f in verdict.hypotheses}
    assert found["steps_optimal"].refuted[1].any()
    assert 0 < verdict.coverage < 0.5


def test_momentum_of_one_or_more_is_refuted():
    verdict = verify(chen2021.momentum_rate, heavy_ball(2, beta=1.5))
    found = {f.hypothesis.name: f.inequality for f in verdict.hypotheses}
    assert found["momentum_below_one"].refuted.all()


def test_weights_that_nothing_symmetrises_are_not_applicable():
    where = SparseRecovery.gaussian(20, 30, law=WorstCase(2), seed=0)
    weight = frobenius_weight(where.dictionary) + 0.05 * np.random.default_rng(0).standard_normal((20, 30))
    network = ListaMomentum(
        where.dictionary, 6, weights=weight, gains=1.0, thresholds=0.0, momenta=0.3, selected=30, gated=False
    )
    verdict = verify(chen2021.momentum_rate, Setting(network, where, where.sample(8, seed=0)))
    assert verdict.status is Status.NOT_APPLICABLE
    found = {f.hypothesis.name: f.inequality for f in verdict.hypotheses}
    assert found["symmetrisable"].refuted.all()


def test_untied_weights_are_named():
    where = problem(2)
    weights = np.stack([HADAMARD, 1.01 * HADAMARD])
    network = ListaCp(HADAMARD, 2, weights=weights, thresholds=0.3)
    verdict = verify(chen2021.momentum_rate, Setting(network, where, where.sample(4, seed=0)))
    assert verdict.status is Status.NOT_APPLICABLE
    assert "one weight for all layers" in verdict.reason


def test_conjugate_gradients_end_after_s_layers():
    setting = cg(4)
    verdict = verify(chen2021.superlinear, setting)
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == pytest.approx(7 / 8)  # the first layer finds the support
    # Layer 1 finds the support, at most s = 4 more end it.
    worst = setting.error(2).hi.max(axis=1)
    assert worst[4] < 1e-12 < worst[1]


class _CgEverywhere(ConjugateGradientLista):
    """No thresholds: every entry belongs to the support."""

    name = "lista-cg-everywhere"

    def __init__(self, matrix, depth):
        UnfoldedNetwork.__init__(self, matrix, depth)
        self.register_fixed("weights", torch.tensor(matrix))
        self.register_fixed("metric", torch.ones(len(matrix), dtype=torch.float64))
        self.first_threshold = self.reach = 0.0


@pytest.mark.parametrize(("size", "least"), [(24, 1e-3), (24, 1e-4), (16, 1e-3)])
def test_conjugate_gradients_that_lose_orthogonality_are_no_violation(size, least):
    """Strakos's spectrum: optimal in every plane up to rounding, and not ended after s steps."""
    place = np.arange(size) / (size - 1)
    values = least + place * (1 - least) * 0.65 ** np.arange(size)[::-1]
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    matrix = (basis * np.sqrt(values)) @ basis.T
    where = SparseRecovery(matrix, KSparse(size))
    setting = Setting(_CgEverywhere(matrix, size + 8), where, where.sample(8, seed=0))
    verdict = verify(chen2021.superlinear, setting)
    found = {f.hypothesis.name: f.inequality for f in verdict.hypotheses}
    assert verdict.status in (Status.HOLDS, Status.VACUOUS), verdict.reason
    assert found["steps_optimal"].refuted[size:].all()
    assert not found["steps_optimal"].refuted[:4].any()
    assert verify(chen2021.superlinear.without("steps_optimal"), setting).status is Status.VIOLATED


@pytest.mark.parametrize("weight", ["frobenius", "symmetric"])
def test_conjugate_gradients_on_a_gaussian_dictionary(weight):
    where = SparseRecovery.gaussian(100, 160, law=WorstCase(2), seed=1)
    matrix = Alista.for_problem(where, 1, weight=weight).weights.numpy()
    verdict = verify(chen2021.superlinear, cg(2, where=where, weight=matrix))
    assert verdict.status is Status.HOLDS
    assert verdict.coverage > 0.5


def test_hyperlista_is_read_as_it_is():
    """Sparse signals: trained-like hyperparameters meet the local claim late; nothing is ever violated."""
    where = SparseRecovery.gaussian(100, 200, law=KSparse(3), seed=0)
    network = HyperLista.for_problem(where, 10, c1=0.4, c2=0.05, c3=0.5)
    setting = Setting(network, where, where.sample(48, seed=1))
    found = {c.id: verify(c, setting) for c in [*LOCAL, *SUPPORT, chen2021.superlinear]}
    assert all(v.status is not Status.VIOLATED for v in found.values())
    assert found["chen2021.no_false_positives"].coverage > 0


def test_attack_on_the_local_bound():
    """5,120 cells: random spectra in range, skew parts, forcing, extreme modes (20,000 more in the proof script)."""
    largest = 0.0
    for trial in range(160):
        rng = np.random.default_rng(trial)
        size, rate = int(rng.integers(1, 6)), rng.uniform(0.05, 0.95)
        ends = (1 - rate) ** 2, (1 + rate) ** 2
        values = rng.choice([*ends, rng.uniform(*ends)], size) if trial % 2 else rng.uniform(*ends, size)
        basis = np.linalg.qr(rng.standard_normal((size, size)))[0]
        skew = rng.standard_normal((size, size)) * (trial % 3 == 0) * 1e-3
        skew = skew - skew.T
        local = basis * values @ basis.T + skew
        now = start = basis[:, 0] if trial % 2 else rng.standard_normal(size)
        before = now if trial % 4 < 2 else rng.standard_normal(size)
        pushes = np.zeros((32, size))
        if trial % 5 == 0:
            pushes = rng.standard_normal((32, size)) * 0.1 * rate ** np.arange(32)[:, None]
        spread = np.abs((1 + rate**2 - values) / (2 * rate) - rate).max()
        point = Enclosure.exact
        bound = heavy_ball_bound(
            point(np.linalg.norm(start)),
            point(np.linalg.norm(start - before)),
            point(rate),
            point(spread),
            point(np.linalg.norm(skew, 2)),
            point(np.linalg.norm(pushes, axis=1)),
        ).hi
        for j in range(32):
            now, before = ((1 + rate**2) * now - local @ now) - rate**2 * before + pushes[j], now
            assert np.linalg.norm(now) <= bound[j] * (1 + 1e-9) + 1e-15
            largest = max(largest, np.linalg.norm(now) / bound[j])
    assert largest > 0.99


def test_local_spectrum_encloses_the_eigenvalues():
    where = SparseRecovery.gaussian(30, 50, seed=3)
    for weight in (frobenius_weight(where.dictionary), where.dictionary):
        gram = Enclosure.exact(weight.T) @ where.dictionary
        scale = symmetrising_scale(weight, where.dictionary)
        support = np.array([3, 7, 20, 41, 44])
        found = local_spectrum(gram, scale, support)
        values = np.sort(np.linalg.eigvals((weight.T @ where.dictionary)[np.ix_(support, support)]).real)
        assert (found.eigenvalues.lo <= values + 1e-10).all()
        assert (found.eigenvalues.hi >= values - 1e-10).all()
        assert found.eigenvalues.width.max() < 1e-12
        assert found.skew.hi < 1e-12


def test_the_bound_is_attained_by_the_slowest_mode():
    """lambda = (1 - rho)^2 from rest: the transient 1 + j (1 - rho) is exact."""
    rate, now, before = 0.5, 1.0, 1.0
    zero = Enclosure.exact(0.0)
    bound = heavy_ball_bound(
        Enclosure.exact(1.0), zero, Enclosure.exact(rate), Enclosure.exact(0.5), zero, Enclosure.exact(np.zeros(9))
    )
    for j in range(9):
        now, before = (1 + rate**2 - (1 - rate) ** 2) * now - rate**2 * before, now
        assert bound.mid[j] == pytest.approx(now, rel=1e-12)


def test_no_law_beyond_the_sparsity_of_the_theorem():
    for make in (
        lambda: momentum_of_theory(problem(5), HADAMARD, depth=3, magnitude=1.0, sparsity=5),
        lambda: ConjugateGradientLista(problem(9), HADAMARD, depth=3, magnitude=1.0, sparsity=9),
    ):
        with pytest.raises(InputError, match="mu ="):
            make()


def test_zero_signals_are_left_out():
    where = SparseRecovery(HADAMARD, BernoulliGaussian(0.02))
    codes = np.zeros((3, 128))
    codes[0, 5] = 1.0
    network = momentum_of_theory(where, HADAMARD, depth=4, magnitude=1.0, sparsity=1)
    for claimed in [*LOCAL, *SUPPORT, chen2021.superlinear]:
        assert verify(claimed, Setting(network, where, given(codes))).status is not Status.VIOLATED
