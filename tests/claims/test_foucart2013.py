"""Iterative hard thresholding (Foucart and Rauhut 2013, theorem 6.18): where it holds, and false variants refuted."""

import numpy as np
import pytest
import scipy.linalg

from tests.claims.settings import alista_setting, given
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import foucart2013
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Iht
from unfold_theory.problems import KSparse, SparseRecovery, WorstCase, gaussian

WIDE = np.hstack([np.eye(256), scipy.linalg.hadamard(256) / 16])
"""Coherence 1/16: Gershgorin certifies an isometry constant of order 9 of at most 1/2."""
TALL = gaussian(300, 16, seed=0)
"""Order 6 is small enough to enumerate all supports."""
CLAIMS = (foucart2013.linear_rate, foucart2013.learned_steps, foucart2013.instance_rate)


def setting(sparsity=3, *, matrix=WIDE, steps=1.0, depth=8, count=24, law=None, own=None, seed=0, snr=None):
    where = SparseRecovery(matrix, law or WorstCase(sparsity), snr)
    network = Iht(matrix, depth, steps=steps, sparsity=own or sparsity)
    return Setting(network, where, where.sample(count, seed=seed))


@pytest.mark.parametrize(
    "made",
    [
        lambda: setting(3),
        lambda: setting(2, law=KSparse(2)),
        lambda: setting(2, snr=30.0),
        # Twice as many entries as are kept: the theorem's remainder.
        lambda: setting(2, law=KSparse(4), own=2),
        lambda: setting(2, matrix=TALL),
        lambda: setting(2, matrix=TALL, snr=20.0, law=KSparse(2)),
    ],
    ids=["wide", "normal", "noisy", "compressible", "enumerated", "enumerated-noisy"],
)
def test_all_hold_where_the_isometry_constant_is_certified(made):
    for claimed in CLAIMS:
        assert verify(claimed, made()).status is Status.HOLDS, claimed.id


def test_enumeration_gives_the_constant_itself():
    made = setting(2, matrix=TALL)
    constant = made.cached(foucart2013.triple)
    assert constant.enumerated
    assert constant.isometry_constant().width < 1e-10
    assert verify(foucart2013.linear_rate, made).conclusion.rhs.hi[-1].max() < 0.2


def test_learned_steps_are_certified_one_by_one():
    steps = np.array([1.0, 0.9, 1.1, 0.8, 1.0, 1.2, 1.0, 0.95])
    made = setting(2, steps=steps)
    assert "unit_steps: refuted" in verify(foucart2013.linear_rate, made).reason
    assert verify(foucart2013.learned_steps, made).status is Status.HOLDS
    assert verify(foucart2013.instance_rate, made).status is Status.HOLDS


def test_the_instance_form_is_the_sharpest():
    made = setting(3)
    ends = [verify(claimed, made).conclusion.rhs.hi[-1] for claimed in CLAIMS]
    assert (ends[1] < ends[0]).all()
    assert (ends[2] <= ends[1]).all()


def tight():
    r"""$v=(1,1)$ against $x_S=(\varphi,0)$: the first entry is lost, and the golden ratio is attained.

    Unit columns of inner product c: $v=(\varphi,c\varphi)$, so that nearly equal magnitudes ask for c near 1 and a step
    below 1; the codes start at 0, and the second column, slightly longer, wins.
    """
    phi = (1 + 5**0.5) / 2
    # gamma |a|^2 = 1/phi and gamma <a, b> = 1/phi (1 + 1e-9): v = (1, 1 + 1e-9).
    a, b = np.array([1.0, 0.0]), np.array([1.0 + 1e-9, 0.3])
    matrix = np.stack([a, b], axis=1)
    where = SparseRecovery(matrix, KSparse(1))
    network = Iht(matrix, 1, steps=1 / phi, sparsity=1)
    return Setting(network, where, given(np.array([[phi, 0.0]]), matrix=matrix))


def with_factor(value):
    """The instance form with another constant for lost entries."""

    def conclude(s):
        bound = foucart2013.instance_rate.conclude(s)
        return bound.lhs <= bound.rhs * (value / foucart2013.GOLDEN)

    return conclude


class _StartsBadly(Iht):
    """The first layer returns something else; the later ones are sound."""

    name = "iht-starts-badly"

    def step(self, k, state, y):
        after = super().step(k, state, y)
        return after if k else after * 50.0


def test_a_layer_that_is_another_one_ends_what_is_promised_of_the_later_ones():
    where = SparseRecovery(WIDE, WorstCase(3))
    made = Setting(_StartsBadly(WIDE, 4, steps=1.0, sparsity=3), where, where.sample(4, seed=0))
    for claimed in CLAIMS:
        verdict = verify(claimed, made)
        assert verdict.status is Status.NOT_APPLICABLE, claimed.id
        assert "first refuted in layer 1" in verdict.reason


@pytest.mark.parametrize(
    ("false_variant", "made"),
    [
        (foucart2013.linear_rate.scaled(0.01), setting(3, depth=1)),
        (
            foucart2013.linear_rate.concluding(
                lambda s: (
                    s.cached(foucart2013.errors) <= 0.02 ** np.arange(1, 9)[:, None] * s.cached(foucart2013.initial)
                ),
                "rate",
            ),
            setting(3),
        ),
        (foucart2013.linear_rate.without("isometry_small", "unit_steps"), setting(3, steps=0.01)),
        (foucart2013.learned_steps.scaled(0.01), setting(3, depth=1)),
        (
            foucart2013.learned_steps.concluding(
                lambda s: s.cached(foucart2013.errors) <= 0.02 * s.cached(foucart2013.initial), "remainder-dropped"
            ),
            setting(2, law=KSparse(8), own=2),
        ),
        (foucart2013.instance_rate.scaled(0.5), tight()),
        (foucart2013.instance_rate.concluding(with_factor(1.0), "no-factor"), tight()),
    ],
    ids=["constant", "rate", "no-isometry", "any-constant", "any-remainder", "instance-constant", "instance-factor"],
)
def test_false_variants_are_violated(false_variant, made):
    assert verify(false_variant, made).status is Status.VIOLATED


def test_the_golden_ratio_is_nearly_attained():
    made = tight()
    assert not made.iterates[1, 0, 0]
    found = foucart2013.instance_rate.conclude(made)
    # The norm of I - gamma A^T A and what it does to the error are not the same: a quarter is lost there.
    assert not found.refuted.any()
    assert float(found.lhs.lo.item() / found.rhs.hi.item()) > 0.74


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (setting(3, steps=1.1), "unit_steps: refuted"),
        (setting(12, matrix=gaussian(60, 120, seed=0)), "isometry_small: refuted"),
        (setting(4), "isometry_small: undecided"),
        (alista_setting(2), "hard thresholds"),
    ],
    ids=["steps", "isometry", "unknown", "network"],
)
def test_what_fails_is_named(made, named):
    verdict = verify(foucart2013.linear_rate, made)
    assert verdict.status in (Status.NOT_APPLICABLE, Status.INCONCLUSIVE)
    assert named in verdict.reason


def test_ten_thousand_cells_of_small_dictionaries():
    """Attack: 20 random dictionaries small enough to enumerate, steps of any sign, 12,000 cells for each form."""
    ratios = dict.fromkeys(CLAIMS[1:], 0.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        m, n, s = int(rng.integers(3, 9)), int(rng.integers(4, 11)), int(rng.integers(1, 4))
        where = SparseRecovery(gaussian(m, n, seed=seed), KSparse(min(s + seed % 2, n)), 15.0 if seed % 3 else None)
        network = Iht(where.dictionary, 5, steps=rng.uniform(-0.2, 1.5, 5), sparsity=min(s, n))
        made = Setting(network, where, where.sample(120, seed=seed))
        for claimed in ratios:
            found = claimed.conclude(made)
            assert not found.refuted.any()
            ratios[claimed] = max(ratios[claimed], float((found.lhs.hi / np.maximum(found.rhs.lo, 1e-300)).max()))
    assert all(0.3 < ratio <= 1.0 for ratio in ratios.values()), ratios
    assert isinstance(found.rhs, Enclosure)
