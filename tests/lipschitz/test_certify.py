"""Bounds from multipliers against exact arithmetic, for every form of layer; what proves nothing is refused."""

from fractions import Fraction

import numpy as np
import pytest

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError
from unfold_theory.lipschitz import UpperBound, per_neuron
from unfold_theory.lipschitz.balls import Ball
from unfold_theory.lipschitz.certify import certify
from unfold_theory.lipschitz.dissipation import dissipation_bound
from unfold_theory.networks.activations import GroupSoftThreshold, SoftThreshold
from unfold_theory.networks.system import System, SystemLayer


def random_system(rng, kind, m=3, n=4, K=3, radius=0.0):
    """Random weights: ``plain``, ``memory`` (A, B, E, F and G too) or ``groups`` (two groups of neurons)."""

    def matrix(rows, columns):
        middle = rng.standard_normal((rows, columns)) / np.sqrt(columns)
        return Enclosure.certified(middle - radius, middle + radius) if radius else Enclosure.exact(middle)

    p = n if kind != "memory" else n + 2
    layers = []
    for _ in range(K):
        threshold = rng.uniform(0, 0.3, n)
        activation = SoftThreshold(threshold)
        if kind == "groups":
            activation = GroupSoftThreshold(threshold[:2], np.arange(n) % 2)
        extra = {}
        if kind == "memory":
            extra = {"transition": matrix(p, p), "emission": matrix(p, n), "passage": matrix(p, m)}
        layers.append(SystemLayer(matrix(n, p), activation, matrix(n, m), **extra))
    if kind == "memory":
        return System(tuple(layers), m, start=matrix(p, m), readout=matrix(2, p))
    return System(tuple(layers), m)


def fractions(matrix):
    return np.vectorize(Fraction, otypes=[object])(np.asarray(matrix, dtype=np.float64))


def exact_form(system, diagonals, draw=None):
    """V_0(F u, u) over the rationals for one choice of matrices: the recursion with exact Gaussian elimination."""

    def member(enclosure):
        lo, hi = enclosure.lo, enclosure.hi
        return fractions(lo if draw is None else np.clip(lo + draw.random(lo.shape) * (hi - lo), lo, hi))

    m = system.inputs
    last = system.layers[-1].sizes[2]
    G = fractions(np.eye(last)) if system.readout is None else member(system.readout)
    P = fractions(np.zeros((last + m, last + m)))
    P[:last, :last] = G.T @ G
    for layer, diagonal in zip(system.layers[::-1], diagonals[::-1], strict=True):
        p, q, after = layer.sizes
        A = fractions(np.zeros((after, p))) if layer.transition is None else member(layer.transition)
        B = fractions(np.eye(q)) if layer.emission is None else member(layer.emission)
        E = fractions(np.zeros((after, m))) if layer.passage is None else member(layer.passage)
        C, D, scale = member(layer.preactivation), member(layer.injection), fractions(np.diag(diagonal))
        # The form in (w, xi, u), from which w is eliminated.
        moved = np.hstack([B, A, E])
        bottom = np.hstack([fractions(np.zeros((m, q + p))), fractions(np.eye(m))])
        whole = np.vstack([moved, bottom])
        form = -(whole.T @ P @ whole)
        seen = np.hstack([-fractions(np.eye(q)), C, D])
        form[:q] -= scale @ seen
        form[:, :q] -= (scale @ seen).T
        for i in range(q):
            assert form[i, i] > 0
            form = form - np.outer(form[:, i], form[i]) / form[i, i]
        P = -form[q:, q:]
    p = system.layers[0].sizes[0]
    start = fractions(np.zeros((p, m))) if system.start is None else member(system.start)
    whole = np.vstack([start, fractions(np.eye(m))])
    return whole.T @ P @ whole


def positive_definite(form):
    form = form.copy()
    for i in range(len(form)):
        if form[i, i] <= 0:
            return False
        form = form - np.outer(form[:, i], form[i]) / form[i, i]
    return True


def below(form, rho):
    """Whether the form is below rho |u|^2, exactly."""
    return positive_definite(Fraction(rho) * fractions(np.eye(len(form))) - form)


def enough(system):
    """Multipliers for which every N is definite, doubled until they are."""
    generator = np.random.default_rng(3)
    blocks = [np.asarray(layer.activation.blocks).max() + 1 for layer in system.layers]
    multipliers = [generator.uniform(0.6, 1.4, b) for b in blocks]
    for k in range(system.depth - 1, -1, -1):
        while True:
            tail = System(system.layers[k:], system.inputs, readout=system.readout)
            if dissipation_bound(tail, per_neuron(tail, multipliers[k:])) is not None:
                break
            multipliers[k] = 2 * multipliers[k]
    return tuple(multipliers)


@pytest.mark.parametrize("kind", ["plain", "memory", "groups"])
@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_that_of_exact_elimination(kind, seed):
    system = random_system(np.random.default_rng(seed), kind)
    multipliers = enough(system)
    bound = certify(system, multipliers)
    assert bound.certified
    form = exact_form(system, per_neuron(system, bound.multipliers))
    assert below(form, bound.upper**2 * (1 + 1e-15))
    assert not below(form, bound.upper**2 * (1 - 1e-7))


@pytest.mark.parametrize("kind", ["plain", "memory"])
@pytest.mark.parametrize("radius", [1e-13, 1e-6, 1e-3])
def test_every_matrix_of_an_enclosure_is_covered(kind, radius):
    generator = np.random.default_rng(7)
    system = random_system(generator, kind, radius=radius)
    multipliers = enough(system)
    rho = dissipation_bound(system, per_neuron(system, multipliers))
    for _ in range(10):
        assert below(exact_form(system, per_neuron(system, multipliers), generator), float(rho.hi))


def test_no_jacobian_exceeds_it():
    for seed in range(40):
        generator = np.random.default_rng(seed)
        system = random_system(generator, ["plain", "memory", "groups"][seed % 3], K=1 + seed % 4)
        bound = certify(system, enough(system))
        for scale in (0.1, 1.0, 100.0):
            for u in scale * generator.standard_normal((5, system.inputs)):
                assert np.linalg.norm(system.jacobian(u), 2) <= bound.upper


def test_neurons_of_very_different_multipliers():
    system = random_system(np.random.default_rng(1), "plain", K=1)
    wide = (np.array([0.6, 1e3, 1e8, 1e-1 + 1.0]),)
    form = exact_form(system, per_neuron(system, wide))
    bound = certify(system, wide)
    assert below(form, bound.upper**2 * (1 + 1e-15))
    assert not below(form, bound.upper**2 * (1 - 1e-9))


def test_multipliers_on_the_boundary_are_lifted():
    # 2 lambda = 1 makes N vanish; the other neuron never matters to the output.
    weights = np.array([[0.0], [1.0]])
    system = System.of_matrices([weights], [np.zeros((2, 2))], [SoftThreshold(np.zeros(2))])
    bound = certify(system, (np.array([0.5, 1.0]),))
    assert bound.certified
    assert 1.0 <= bound.upper < 1 + 1e-5


class Steep(SoftThreshold):
    """Slopes up to 2."""

    @property
    def slopes(self):
        """Twice the range."""
        return np.zeros(self.size), np.full(self.size, 2.0)


def test_what_proves_nothing_is_refused():
    system = random_system(np.random.default_rng(0), "plain", K=2)
    good = enough(system)
    cases = {
        "not definite": tuple(0.1 * part for part in good),
        "layers": good[:1],
        "Multipliers of shape": (good[0][:2], good[1]),
        "layer 0": (-good[0], good[1]),
        "layer 1": (good[0], np.where(np.arange(4) == 1, np.nan, good[1])),
    }
    for message, multipliers in cases.items():
        with pytest.raises(InputError, match=message):
            certify(system, multipliers)
    with pytest.raises(InputError, match="no multipliers"):
        certify(system, UpperBound(Enclosure.numerical(1.0), "triangle"))
    steep = System.of_matrices([np.eye(2)], [np.eye(2)], [Steep(np.zeros(2))])
    with pytest.raises(InputError, match=r"slope outside \[0, 1\]"):
        certify(steep, (np.ones(2),))
    groups = random_system(np.random.default_rng(0), "groups", K=1)
    with pytest.raises(InputError, match="differ within a block"):
        dissipation_bound(groups, [np.arange(1.0, 5.0)])


def test_a_weaker_basis_is_kept():
    system = System.of_matrices([np.eye(2)], [np.eye(2)], [SoftThreshold(np.zeros(2))])
    doubtful = Enclosure(np.eye(2), np.eye(2), Basis.NUMERICAL)
    guessed = System((SystemLayer(Enclosure.exact(np.eye(2)), SoftThreshold(np.zeros(2)), doubtful),), 2)
    assert certify(system, (np.ones(2),)).certified
    assert not certify(guessed, (np.ones(2),)).certified


def test_overflow_proves_nothing():
    huge = System.of_matrices([1e300 * np.eye(2)], [np.eye(2)], [SoftThreshold(np.zeros(2))])
    with pytest.raises(InputError):
        certify(huge, (np.ones(2),))


@pytest.mark.parametrize("seed", range(3))
def test_balls_hold_exact_products(seed):
    generator = np.random.default_rng(seed)
    x, y = (10.0 ** generator.integers(-3, 4, (6, 6)) * generator.standard_normal((6, 6)) for _ in range(2))
    product = Ball(x) @ Ball(y) + Ball(y).scaled(x[0])
    exact = fractions(x) @ fractions(y) + fractions(np.diag(x[0])) @ fractions(y)
    error = (exact - fractions(product.middle)).astype(np.float64)
    assert np.linalg.norm(error, 2) <= product.radius < 1e-7
