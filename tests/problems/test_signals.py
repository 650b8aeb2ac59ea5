import json
import math

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.problems import LAWS, BernoulliGaussian, KSparse, SignalLaw, UnitNorm, WorstCase, law_from_recipe

N = 40
ALL = [
    BernoulliGaussian(0.2, scale=3.0),
    WorstCase(5, magnitude=2.5),
    KSparse(4, "normal", scale=0.5),
    KSparse(6, "uniform", scale=2.0, smallest=0.5),
    UnitNorm(3),
]


def draw(law, how, count=4000):
    if how == "numpy":
        return law.sample(count, N, np.random.default_rng(1))
    return law.torch_sample(count, N, torch.Generator().manual_seed(1), torch.float64).numpy()


def test_every_law_is_tested():
    assert {law.kind for law in ALL} == set(LAWS)


@pytest.mark.parametrize("how", ["numpy", "torch"])
@pytest.mark.parametrize("law", ALL, ids=repr)
def test_laws_keep_what_they_say(law, how):
    x = draw(law, how)
    support = (x != 0).sum(axis=1)
    assert support.max() <= law.support_bound(N)
    assert np.abs(x).max() <= law.magnitude_bound
    assert support.mean() == pytest.approx(law.expected_support(N), rel=0.03)
    # Uniform over places and signs: standard errors are about 1.5 % of the largest frequency.
    frequency = (x != 0).mean(axis=0) * N / law.expected_support(N)
    np.testing.assert_allclose(frequency, 1, atol=0.25)
    assert abs(np.sign(x).sum() / (x != 0).sum()) < 0.05
    np.testing.assert_array_equal(x, draw(law, how))


@pytest.mark.parametrize("how", ["numpy", "torch"])
def test_amplitudes(how):
    values = draw(ALL[0], how)
    assert values[values != 0].std() == pytest.approx(3, rel=0.03)
    assert set(np.unique(draw(ALL[1], how))) == {-2.5, 0.0, 2.5}
    assert ((draw(ALL[1], how) != 0).sum(axis=1) == 5).all()
    values = draw(ALL[2], how)
    assert values[values != 0].std() == pytest.approx(0.5, rel=0.03)
    values = np.abs(draw(ALL[3], how))
    assert values[values > 0].min() >= 0.5
    assert values[values > 0].mean() == pytest.approx(1.25, rel=0.02)


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_recipes_rebuild_the_law(law):
    assert law_from_recipe(json.loads(json.dumps(law.recipe()))) == law


def test_a_law_of_the_users_own_needs_two_methods():
    class Ones(SignalLaw):
        kind = "ones"

        def sample(self, count, n, rng):
            return rng.random((count, n))

        def expected_support(self, n):
            return float(n)

    law = Ones()
    drawn = [law.torch_sample(3, 4, torch.Generator().manual_seed(s), torch.float32) for s in (0, 0, 1)]
    assert drawn[0].dtype == torch.float32
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert law.magnitude_bound == math.inf
    assert law.support_bound(4) == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: BernoulliGaussian(0.0),
        lambda: BernoulliGaussian(1.1),
        lambda: BernoulliGaussian(math.nan),
        lambda: BernoulliGaussian("p"),
        lambda: BernoulliGaussian(0.1, scale=0),
        lambda: WorstCase(0),
        lambda: WorstCase(2.5),
        lambda: WorstCase(3, magnitude=-1.0),
        lambda: WorstCase(3, magnitude=math.inf),
        lambda: KSparse(3, "cauchy"),
        lambda: KSparse(3, "normal", smallest=0.1),
        lambda: KSparse(3, "uniform", smallest=2.0),
        lambda: WorstCase(N + 1).sample(1, N, np.random.default_rng(0)),
        lambda: law_from_recipe({"kind": "unknown"}),
        lambda: law_from_recipe({"kind": "worst-case", "p": 0.1}),
    ],
)
def test_bad_input_is_named(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("how", ["numpy", "torch"])
@pytest.mark.parametrize("s", [1, 3, 8])
def test_unit_norm(how, s):
    x = draw(UnitNorm(s), how)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-14)
    assert (x**2)[x != 0].mean() == pytest.approx(1 / s, rel=0.02)
    if s == 3:  # Archimedes: a coordinate on the sphere is uniform
        assert UnitNorm(3).amplitude_density == pytest.approx(0.5)
        assert np.mean(np.abs(x[x != 0]) < 0.25) == pytest.approx(0.25, abs=0.02)
    assert math.isinf(UnitNorm(2).amplitude_density)
