"""The project's theorems on attacks: supports, errors, jumps and encodings; met, not applicable, and refuted."""

import numpy as np
import pytest

from tests.claims.test_unfoldtheory2026_stability import ista, lista, problem
from unfold_theory.claim import Status, verify
from unfold_theory.claims import unfoldtheory2026_robustness as robustness
from unfold_theory.claims.unfoldtheory2026_stability import law
from unfold_theory.enclosure import Enclosure


# -- jumps ---------------------------------------------------------------------------------------------------------
def test_negative_thresholds_jump():
    setting = lista(theta=-0.02)
    verdict = verify(robustness.negative_threshold_jumps, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    gap, seen, near = robustness.jumps(setting)
    # The pair are a few floats apart, and the quotient is astronomical; a jump further up adds to this layer's.
    assert (near < 1e-12).all()
    assert (seen >= gap * (1 - 1e-6)).all()
    np.testing.assert_allclose(seen[0], gap[0], rtol=1e-6)


def test_false_jumps_are_violated():
    claimed = robustness.negative_threshold_jumps
    assert verify(claimed.scaled(0.9), lista(theta=-0.02)).status is Status.VIOLATED
    assert "threshold_negative: refuted" in verify(claimed, lista(theta=0.02)).reason

    def any_sign(s):
        """The jump of 2 |theta| claimed for nonnegative thresholds."""
        near = np.full((s.network.depth, 1), 1e-12)
        moved = np.zeros((s.network.depth, 1))
        return Enclosure.exact(0.04 / near) <= Enclosure.exact(moved / near)

    free = claimed.without("threshold_negative", "preactivation_crosses_zero").concluding(any_sign, "nonnegative")
    assert verify(free, lista(theta=0.02)).status is Status.VIOLATED


# -- supports ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", [ista(16), lista(0.1, 3)], ids=["ista", "lista"])
def test_supports_stay_within_their_radius(setting):
    verdict = verify(robustness.support_radius, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    assert (robustness.support_radii(setting) > 0).mean() > 0.9


def test_false_radii_are_violated():
    claimed = robustness.support_radius

    def wider(s):
        radii = robustness.support_radii(s)
        s._memory[robustness.support_radii] = 1e3 * radii
        return Enclosure.exact(robustness.support_changes(s)) <= 0.0

    assert verify(claimed.concluding(wider, "radius-times-1000"), ista(8)).status is Status.VIOLATED
    assert "thresholds_nonnegative: refuted" in verify(claimed, lista(theta=-0.02)).reason

    def without_memory(s):
        """Only the injection counted: the radius of the last layer alone, attacked at five times."""
        values, _ = s.preactivations
        rows = []
        for k, layer in enumerate(s.network.affine_layers()):
            rate = np.linalg.norm(layer.gain * layer.weight, axis=0)
            rows.append((np.abs(np.abs(values[k]) - layer.threshold) / rate).min(axis=1))
        s._memory[robustness.support_radii] = 5 * np.stack(rows)
        return Enclosure.exact(robustness.support_changes(s)) <= 0.0

    assert verify(claimed.concluding(without_memory, "no-memory"), lista(0.8)).status is Status.VIOLATED


# -- errors --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", [ista(16), lista(0.1, 3)], ids=["ista", "lista"])
def test_attacks_stay_below_the_gain(setting):
    verdict = verify(robustness.attack_gain, setting)
    assert verdict.status is Status.HOLDS, verdict.reason


def test_false_gains_are_violated():
    claimed = robustness.attack_gain

    def no_gain(s):
        codes, _ = robustness.attacked(s)
        return (Enclosure.exact(codes[1:]) - s.truth).norm(2) <= s.error(2)

    def euclidean(s):
        """The l-infinity radius taken for the Euclidean one: sqrt(m) forgotten, and the constant of one layer."""
        codes, reach = robustness.attacked(s)
        return (Enclosure.exact(codes[1:]) - s.truth).norm(2) <= s.error(2) + 0.1 * law(s)[:, None] * reach

    assert verify(claimed.concluding(no_gain, "no-gain"), ista(8, lam=1e-3)).status is Status.VIOLATED
    assert verify(claimed.concluding(euclidean, "euclidean"), ista(8, lam=1e-3)).status is Status.VIOLATED


# -- encodings -----------------------------------------------------------------------------------------------------
def test_pairs_of_relus_are_exponentially_loose():
    setting = ista(16, where=problem())
    verdict = verify(robustness.relu_pairs_are_exponentially_loose, setting)
    assert verdict.status is Status.HOLDS, verdict.reason
    ratio = robustness.pair_floor(setting).lo / law(setting).hi
    assert ratio[-1] > 1.4**16 / 10


def test_false_encodings_are_violated():
    claimed = robustness.relu_pairs_are_exponentially_loose

    def doubled(s):
        eta = float(s.network.affine_layers()[0].gain)
        grown = np.sqrt(eta) * 2.0 ** (s.depth.lo[:, 0] + 1)
        return Enclosure.exact(grown)[:, None] <= robustness.pair_floor(s)[:, None]

    setting = ista(16)
    assert verify(claimed.concluding(doubled, "rate-two"), setting).status is Status.VIOLATED

    def single(s):
        """One slope in [0, 1] for the pair, as soft thresholds have it: no exponential growth."""
        eta = float(s.network.affine_layers()[0].gain)
        lhs = np.sqrt(eta) * (1.5 ** s.depth.lo[:, 0] - 1)
        return Enclosure.exact(lhs)[:, None] <= law(s)[:, None]

    assert verify(claimed.concluding(single, "single-slope"), setting).status is Status.VIOLATED
    assert "one_step: refuted" not in verify(claimed, setting).reason
