r"""The table of worst-case bounds at delta = 0.01, L = 10, lambda = 0.05, B_y = ||A||, to one per cent.

The printed values came from another implementation, written before this one. Some of its rows are formulas of a style
rather than theorems of this library; they are rebuilt here from the library's tools, and the proved bound of the same
class stands beside them.
"""

import functools

import numpy as np
import pytest

from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import free_weights, orthogonal_dictionary, scalar_networks, spectral
from unfold_theory.generalization.covering import single_scale_gap, smallest_sample_size
from unfold_theory.generalization.rademacher import layerwise_l1, layerwise_l1_gap
from unfold_theory.generalization.stability import nonconvex_stability
from unfold_theory.problems.dictionaries import gaussian
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.verified import spectral_norm_squared

SIZES, DELTA = np.array([1e3, 1e4, 1e5]), 0.01


@functools.cache
def dictionary(m, n):
    return gaussian(m, n, 0)


def norm(m, n):
    return spectral_norm_squared(dictionary(m, n)).sqrt()


def orthogonal(m, n, depth=10):
    size = norm(m, n)
    return orthogonal_dictionary.OrthogonalClass(n, depth, size, size, Enclosure.exact(0.05))


def near(found, printed):
    # The printed digits are rounded: half a unit of the last one, or one per cent.
    return np.allclose(found, printed, rtol=0.01) or np.allclose(found, printed, rtol=0.01, atol=0.005)


ONE_SCALE = {
    (25, 50): ([2.43, 0.817, 0.272], 6.6e3),
    (50, 100): ([4.70, 1.59, 0.53], 2.6e4),
    (250, 500): ([21.3, 7.26, 2.45], 6.7e5),
}
CHAINED = {
    (25, 50): ([9.06, 2.87, 0.91], 8.3e4),
    (50, 100): ([18.2, 5.75, 1.82], 3.3e5),
    (250, 500): ([91, 28.78, 9.1], 8.4e6),
}
"""The last row was printed as 91, 29, 9.1: its middle entry to two digits only."""


@pytest.mark.parametrize("shape", ONE_SCALE)
def test_orthogonal_dictionary(shape):
    c = orthogonal(*shape)
    coarse = orthogonal_dictionary.uniform_sensitivity(c)
    for bound, rows in ((orthogonal_dictionary.single_scale, ONE_SCALE), (orthogonal_dictionary.dudley, CHAINED)):
        values, smallest = rows[shape]
        assert near(bound(c, SIZES, delta=DELTA, sensitivity=coarse).hi, values)
        found = smallest_sample_size(lambda n, bound=bound: bound(c, n, delta=DELTA, sensitivity=coarse))
        assert np.isclose(found, smallest, rtol=0.015)  # two printed digits
        # The sum over layers instead of its closed form is a better theorem.
        assert (bound(c, SIZES, delta=DELTA).hi < bound(c, SIZES, delta=DELTA, sensitivity=coarse).hi).all()


def test_depth_is_logarithmic_for_the_dictionary_and_linear_for_scalars():
    at = [orthogonal(25, 50, depth) for depth in (5, 10, 16)]
    one = [
        orthogonal_dictionary.single_scale(
            c, 1e4, delta=DELTA, sensitivity=orthogonal_dictionary.uniform_sensitivity(c)
        ).hi
        for c in at
    ]
    assert near(one, [0.766, 0.817, 0.850])
    A = dictionary(25, 50)
    c = scalar_networks.ScalarClass.of(A, frobenius_weight(A), 5, measurement=norm(25, 50))
    assert near(
        [scalar_networks.single_scale(c.at_depth(k), 1e4, delta=DELTA).hi for k in (5, 10, 16)], [0.0906, 0.148, 0.212]
    )


@pytest.mark.parametrize(
    ("shape", "values", "smallest"),
    [((25, 50), [0.454, 0.148, 0.048], 200), ((250, 500), [0.449, 0.146, 0.0475], 195)],
)
def test_scalars(shape, values, smallest):
    A = dictionary(*shape)
    c = scalar_networks.ScalarClass.of(A, frobenius_weight(A), 10, measurement=norm(*shape))
    assert near(scalar_networks.single_scale(c, SIZES, delta=DELTA).hi, values)
    found = smallest_sample_size(lambda n: scalar_networks.single_scale(c, n, delta=DELTA))
    assert np.isclose(found, smallest, rtol=0.01)


def test_free_weights():
    # The row used a sensitivity of 3L(2 + B_y) set by hand, and a ball of radius sqrt(n) for all parameters.
    hand = 10 * 3 * (2 + norm(25, 50).mid)
    parameters = 10 * (50 * 25 + 50 * 50 + 1)
    rows = single_scale_gap(lambda e: (2 * np.sqrt(50) * hand / e + 1.0).log() * float(parameters), SIZES, delta=DELTA)
    assert near(rows.hi, [12.9, 4.34, 1.45])
    proved = free_weights.FreeClass(50, 25, 10, 1 / norm(25, 50) + 1.0, norm(25, 50))
    assert near(free_weights.single_scale(proved, SIZES, delta=DELTA).hi, [11.81, 4.032, 1.362])
    assert smallest_sample_size(lambda n: free_weights.single_scale(proved, n, delta=DELTA)) < 2.2e5


def test_layers_with_bounded_rows():
    A = dictionary(25, 50)
    step = 1 / np.linalg.norm(A, 2) ** 2
    beta = np.abs(np.eye(50) - step * A.T @ A).sum(axis=1).max()
    alpha = np.abs(step * A.T).sum(axis=1).max()
    assert near(beta, 2.58)
    found = []
    for depth in (5, 10, 16):
        r = layerwise_l1(depth, SIZES, input_radius=alpha, state_radius=beta, largest_input=1.0, inputs=25)
        found.append(layerwise_l1_gap(r, 50, SIZES, delta=DELTA).hi)
    assert np.allclose(found[1], [4.0e4, 1.265e4, 4.0e3], rtol=0.01)
    assert np.allclose([found[1][0] / found[0][0], found[2][0] / found[1][0]], [114, 292], rtol=0.01)


def quoted(depth, radii, samples):
    """The row's formula: chain ended at 1, no ceilings, and the tail for complexities read off the data."""
    c = spectral.SpectralClass(50, 25, radii, np.ones(depth), Enclosure.exact(1.0), norm(25, 50))
    tail = 3 * np.sqrt(np.log(4 / DELTA) / (2 * samples))
    return 2 * spectral.rademacher(c, samples, smallest=1.0, ceilings=False).hi + tail, c


def test_spectral_clipped_as_tabled_and_with_its_ceilings():
    tabled = {5: 57.45, 10: 162.25, 16: 328.2}
    for depth, value in tabled.items():
        found, c = quoted(depth, Enclosure.exact(np.full(depth, 2.0)), SIZES)
        assert near(found[1], value)
        if depth == 10:
            assert near(found, [385, 162, 64.1])
            smallest = smallest_sample_size(lambda n, c=c: Enclosure.exact(quoted(10, c.radii, n)[0]))
            assert np.isclose(smallest, 1.4e9, rtol=0.03)
            # What is proved pays for the ceilings, and chains to the best scale.
            proved = smallest_sample_size(lambda n, c=c: spectral.gap(c, n, delta=DELTA))
            assert 1e8 < proved < smallest


def test_spectral_without_clipping_grows_one_power_of_depth_faster():
    # Corrected row: 131, 755, 2494 at N = 10^4.
    found = []
    for depth in (5, 10, 16):
        added = (1 / norm(25, 50) + 1.0) * norm(25, 50)
        found.append(quoted(depth, spectral.unclipped_radii(depth, Enclosure.exact(1.0), added), 1e4)[0])
    assert near(found, [131, 755, 2494])
    assert 2.3 < np.log(found[2] / found[0]) / np.log(16 / 5) < 2.6


def test_stochastic_gradient_descent():
    sizes = np.array([1e3, 1e4, 1e5])
    assert near(nonconvex_stability(5.0, 10.0, 0.1, 50 * sizes, sizes).hi, [1.0, 0.316, 0.1])
    assert near(nonconvex_stability(5.0, 10.0, 0.01, 50.0 * 1e3, 1e3).hi, 0.0157)
