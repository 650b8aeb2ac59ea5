r"""Sensitivities in the parameters are attacked: random pairs, small and large steps, and ascent on the ratio."""

import numpy as np
import pytest
import scipy.linalg

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.generalization import (
    coupled_weights,
    free_weights,
    orthogonal_dictionary,
    scalar_networks,
    tied_weights,
)
from unfold_theory.problems.dictionaries import gaussian
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.verified import spectral_norm_squared

RNG = np.random.default_rng(7)


def shrink(v, theta):
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


def project(x):
    return x / max(1.0, np.linalg.norm(x))


def ista(phi, A, y, lam, tau, depth):
    B, z, outputs = A @ phi, np.zeros(A.shape[1]), []
    for _ in range(depth):
        z = shrink(z - tau * B.T @ (B @ z - y), tau * lam)
        outputs.append((project(phi @ z), np.linalg.norm(z), np.linalg.norm(B @ z - y)))
    return outputs


def orthogonal_class(A, y, lam, depth):
    norm = spectral_norm_squared(A).sqrt()
    length = Enclosure.exact(y).norm(2)
    return orthogonal_dictionary.OrthogonalClass(A.shape[1], depth, norm, length, Enclosure.exact(lam))


def rotations(n, size):
    skew = RNG.standard_normal((n, n))
    skew -= skew.T
    return scipy.linalg.expm(skew * size / np.linalg.norm(skew, 2))


def test_orthogonal_sensitivity_holds_on_random_and_adversarial_pairs():
    worst = 0.0
    for trial in range(120):
        m, n, depth = [(2, 2, 6), (4, 6, 8), (8, 16, 12)][trial % 3]
        A = RNG.standard_normal((m, n)) / np.sqrt(m)
        y, lam = RNG.standard_normal(m), float(RNG.choice([0.01, 0.1, 0.5]))
        tau = float((1 / spectral_norm_squared(A)).lo)
        c = orthogonal_class(A, y, lam, depth)
        bounds, states = orthogonal_dictionary.sensitivities(c).hi, orthogonal_dictionary.state_bounds(c).hi
        phi = np.linalg.qr(RNG.standard_normal((n, n)))[0]
        # Ascent by random search on the ratio at the last layer, from a random small rotation.
        best, direction = 0.0, rotations(n, float(RNG.choice([1e-4, 1e-2, 1.0])))
        mine = ista(phi, A, y, lam, tau, depth)
        assert all(s <= states[k + 1] * (1 + 1e-12) for k, (_, s, _) in enumerate(mine))
        assert all(r <= c.measurement.hi * (1 + 1e-12) for _, _, r in mine)
        for _ in range(12):
            candidate = direction @ rotations(n, 1e-3 * float(RNG.choice([0.1, 1.0])))
            other = ista(phi @ candidate, A, y, lam, tau, depth)
            distance = np.linalg.norm(phi @ candidate - phi, 2)
            if distance < 1e-6:  # rotations of the plane may cancel
                continue
            ratios = np.array([np.linalg.norm(a - b) for (a, *_), (b, *_) in zip(mine, other, strict=True)]) / distance
            assert (ratios <= bounds * (1 + 1e-9) + 1e-9).all()
            if ratios[-1] > best:
                best, direction = ratios[-1], candidate
            worst = max(worst, (ratios / bounds).max())
    assert 0.1 < worst <= 1


def test_the_first_layer_of_the_orthogonal_class_is_nearly_attained():
    # One layer, m = n = 2, no threshold to speak of: output Phi Phi^T A^T y does not move, but half of it does.
    A, y = np.eye(2), np.array([0.6, 0.0])
    c = orthogonal_class(A, y, 1e-3, 1)
    assert np.isclose(orthogonal_dictionary.sensitivities(c).hi[0], 2 * 0.6, atol=1e-9)
    # Phi^T y has one entry below the threshold: it is cut, and the output turns with Phi.
    worst = 0.0
    for angle in np.linspace(0, np.pi, 400):
        a, b = (np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]) for t in (angle, angle + 1e-3))
        pair = [ista(phi, A, y, 0.2, 1.0, 1)[0][0] for phi in (a, b)]
        worst = max(worst, np.linalg.norm(pair[0] - pair[1]) / np.linalg.norm(a - b, 2))
    assert 0.25 < worst / 1.2 <= 1


def test_uniform_sensitivity_is_coarser_and_both_are_logarithmic_in_the_bound():
    A = gaussian(25, 50, 0)
    norm = spectral_norm_squared(A).sqrt()
    values = []
    for depth in (10, 100, 1000):
        c = orthogonal_dictionary.OrthogonalClass(50, depth, norm, norm, Enclosure.exact(0.05))
        assert orthogonal_dictionary.sensitivities(c)[-1].hi <= orthogonal_dictionary.uniform_sensitivity(c).hi
        values.append(float(orthogonal_dictionary.single_scale(c, 1e6, delta=0.01).hi))
    first, second = np.diff(np.array(values) ** 2)
    assert 0.4 < second / first < 1.1  # squares grow with ln L: two steps of the same size, roughly


def test_covering_of_the_orthogonal_group_is_above_a_packing_of_the_circle():
    # O(2) is two circles: arcs of half-width arcsin gives ceil(pi / (2 asin(eta/2))) points each, exactly.
    for eta in (0.05, 0.3, 1.0):
        least = 2 * np.ceil(np.pi / (2 * np.arcsin(eta / 2)))
        assert np.log(least) <= orthogonal_dictionary.log_covering(2, Enclosure.exact(eta)).hi


def scalar_outputs(A, W, y, gains, thresholds):
    x, found = np.zeros(A.shape[1]), []
    for gain, theta in zip(gains, thresholds, strict=True):
        x = shrink(x - gain * W.T @ (A @ x - y), theta)
        found.append(x)
    return found


def test_scalar_sensitivities_hold_one_number_at_a_time_and_jointly():
    worst = {"gain": 0.0, "threshold": 0.0, "joint": 0.0}
    for trial in range(60):
        m, n, depth = [(1, 1, 3), (5, 10, 4), (25, 50, 6)][trial % 3]
        A = np.ones((1, 1)) if n == 1 else gaussian(m, n, trial)
        W = A if n == 1 else frobenius_weight(A)
        y = A @ RNG.standard_normal(n)
        y *= RNG.choice([1.0, 0.1]) / np.linalg.norm(y)
        c = scalar_networks.ScalarClass.of(A, W, depth, measurement=Enclosure.exact(y).norm(2))
        sensitive = [e.hi for e in scalar_networks.sensitivities(c)]
        states = scalar_networks.state_bounds(c).hi
        for attempt in range(20):
            gains = RNG.choice([0.0, 1.0, 2.0], depth) if attempt % 2 else RNG.uniform(0, 2, depth)
            thresholds = RNG.choice([0.0, 1e-3, 0.1], depth)
            base = scalar_outputs(A, W, y, gains, thresholds)
            assert all(np.linalg.norm(x) <= states[k + 1] * (1 + 1e-12) for k, x in enumerate(base))
            moved, moves = base[-1], np.zeros((2, depth))
            for kind, name in enumerate(("gain", "threshold")):
                for layer in range(depth):
                    change = np.array([gains, thresholds])
                    step = float(RNG.choice([1e-6, 1e-2, 0.5]))
                    change[kind, layer] += step if change[kind, layer] + step <= (2, 1)[kind] else -step
                    out = scalar_outputs(A, W, y, *change)[-1]
                    ratio = np.linalg.norm(out - moved) / (abs(step) * sensitive[kind][layer])
                    assert ratio <= 1 + 1e-9
                    worst[name] = max(worst[name], ratio)
                    moves[kind, layer] = change[kind, layer] - (gains, thresholds)[kind][layer]
            joint = scalar_outputs(A, W, y, gains + moves[0], thresholds + moves[1])[-1]
            allowed = sum((abs(m) * s).sum() for m, s in zip(moves, sensitive, strict=True))
            assert np.linalg.norm(joint - moved) <= allowed * (1 + 1e-9)
            worst["joint"] = max(worst["joint"], np.linalg.norm(joint - moved) / allowed)
    assert worst["gain"] > 0.9  # attained in dimension 1
    assert worst["threshold"] > 0.5


def test_scalar_expansion_is_at_an_end():
    A = gaussian(25, 50, 0)
    W = frobenius_weight(A)
    c = scalar_networks.ScalarClass.of(A, W, 1, measurement=1.0)
    inside = max(np.linalg.norm(np.eye(50) - g * W.T @ A, 2) for g in np.linspace(0, 2, 41))
    assert inside <= c.expansion.hi
    assert np.isclose(inside, c.expansion.hi)


def test_free_sensitivity_holds():
    worst = 0.0
    for trial in range(60):
        m, n, depth = [(1, 1, 3), (5, 8, 5)][trial % 2]
        y, a = RNG.standard_normal(m), float(RNG.choice([0.5, 2.0]))
        c = free_weights.FreeClass(n, m, depth, Enclosure.exact(a), Enclosure.exact(y).norm(2))

        def unit(k, m=m, n=n):
            M = RNG.standard_normal((n, (n, m)[k]))
            return M / max(1.0, np.linalg.norm(M, 2)) if n > 1 else np.ones((1, 1)) * RNG.choice([1.0, 0.5])

        first = [(unit(0), a * unit(1), float(RNG.choice([0.0, 0.1]))) for _ in range(depth)]
        size = float(RNG.choice([1e-3, 0.2]))
        second = [
            ((1 - size) * w + size * unit(0), (1 - size) * v + size * a * unit(1), abs(t - size * RNG.random()))
            for w, v, t in first
        ]
        outputs = []
        for layers in (first, second):
            x = np.zeros(n)
            for w, v, t in layers:
                x = shrink(w @ x + v @ y, t)
            outputs.append(x)
        distance = max(
            max(np.linalg.norm(w - w2, 2), np.linalg.norm(v - v2, 2) / a, abs(t - t2))
            for (w, v, t), (w2, v2, t2) in zip(first, second, strict=True)
        )
        if distance:
            ratio = np.linalg.norm(outputs[0] - outputs[1]) / (free_weights.sensitivity(c).hi * distance)
            worst = max(worst, ratio)
    assert 0.05 < worst <= 1
    assert (
        free_weights.parameters(free_weights.FreeClass(50, 25, 5, Enclosure.exact(1.0), Enclosure.exact(1.0))) == 18755
    )


def test_bad_classes_are_named():
    one = Enclosure.exact(1.0)
    long = orthogonal_dictionary.OrthogonalClass(4, 2, one, one, one, step=Enclosure.exact(2.0))
    with pytest.raises(InputError, match="steps above"):
        orthogonal_dictionary.single_scale(long, 100, delta=0.1)
    with pytest.raises(InputError, match="depth"):
        orthogonal_dictionary.OrthogonalClass(4, 0, one, one, one)
    with pytest.raises(InputError, match="ranges"):
        scalar_networks.ScalarClass.of(np.eye(3), np.eye(3), 2, measurement=1.0, largest_gain=0.0)
    with pytest.raises(InputError, match="positive"):
        free_weights.FreeClass(4, 4, 1, Enclosure.exact(0.0), one)


def test_coupled_and_tied_sensitivities_hold():
    worst = {"coupled": 0.0, "own": 0.0, "tied": 0.0}
    for trial in range(40):
        m, n, depth = [(1, 1, 3), (5, 8, 4)][trial % 2]
        A = np.ones((1, 1)) if n == 1 else gaussian(m, n, trial)
        W = A if n == 1 else frobenius_weight(A)
        y, r = A @ RNG.standard_normal(n), 0.5
        for tied in (True, False):
            c = coupled_weights.CoupledClass.of(
                A, W, depth, radius=r, measurement=Enclosure.exact(y).norm(2), tied=tied
            )
            weights, thresholds = (e.hi for e in coupled_weights.sensitivities(c))

            def draw(A=A, W=W, r=r, depth=depth, tied=tied):
                moves = RNG.standard_normal((1 if tied else depth, *A.shape))
                moves *= r / np.linalg.norm(moves, 2, axis=(1, 2))[:, None, None]
                return np.broadcast_to(W + moves, (depth, *A.shape)), RNG.uniform(0, 0.1, depth)

            (first, t1), (second, t2) = draw(), draw()
            if trial % 3:
                second, t2 = first + 1e-3 * (second - first), t1
            outputs = []
            for matrices, thetas in ((first, t1), (second, t2)):
                x = np.zeros(n)
                for V, t in zip(matrices, thetas, strict=True):
                    x = shrink(x + V.T @ (y - A @ x), t)
                outputs.append(x)
            off = np.array([np.linalg.norm(a - b, 2) for a, b in zip(first, second, strict=True)]) / r
            allowed = (weights * off).sum() + (thresholds * np.abs(t1 - t2)).sum()
            if allowed == 0:  # in dimension 1 both may draw the same end
                continue
            ratio = np.linalg.norm(outputs[0] - outputs[1]) / allowed
            assert ratio <= 1 + 1e-9
            worst["coupled" if tied else "own"] = max(worst["coupled" if tied else "own"], ratio)
        s, a = float(RNG.choice([0.7, 1.0, 1.4])), 0.8
        pair, size = [], float(RNG.choice([1e-4, 0.1]))
        base = [RNG.standard_normal(k) for k in ((n, n), (n, m))]
        for factor in (1.0, 1.0 - size):
            w2, w1 = (b / np.linalg.norm(b, 2) * scale * factor for b, scale in zip(base, (s, a), strict=True))
            if n == 1:
                w2, w1 = np.abs(w2), np.abs(w1)
            x = np.zeros(n)
            for _ in range(depth):
                x = shrink(w2 @ x + w1 @ y, 0.0)
            pair.append(x)
        t = tied_weights.TiedClass(n, m, depth, Enclosure.exact(s), Enclosure.exact(a), Enclosure.exact(y).norm(2))
        # Thresholds are not moved: their share of the sensitivity, the root of n in every layer, is left out.
        root = sum(s**j for j in range(depth)) * np.sqrt(n)
        ratio = np.linalg.norm(pair[0] - pair[1]) / (size * (tied_weights.sensitivity(t).hi - root * (1 - 1e-12)))
        assert ratio <= 1 + 1e-6
        worst["tied"] = max(worst["tied"], ratio)
    assert worst["tied"] > 0.9  # attained in dimension 1
    assert worst["coupled"] > 0.05
    assert worst["own"] > 0.05
