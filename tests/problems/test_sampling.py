"""Laws of every problem, and the measurements of sparse recovery."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError
from unfold_theory.problems import (
    PROBLEMS,
    Batch,
    BernoulliGaussian,
    FiniteSample,
    ImageSparseCoding,
    KSparse,
    SparseRecovery,
    WorstCase,
    gaussian,
    nmse_db,
    problem_from_recipe,
    replay,
)

SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def problems():
    pytest.importorskip("skimage")
    return {
        "gaussian": SparseRecovery.gaussian(20, 50, snr_db=30.0, seed=1),
        "ill-conditioned": SparseRecovery.ill_conditioned(20, 50, 10.0, law=WorstCase(3), seed=1),
        "images": ImageSparseCoding(["camera", "coins"], patch=4, n=36, lam=0.1, pool=64),
        "finite": FiniteSample(SparseRecovery.gaussian(20, 50, snr_db=30.0, seed=1), 20_000, seed=4),
    }


NAMES = ["gaussian", "ill-conditioned", "images", "finite"]


def test_every_problem_is_tested(problems):
    assert {problem.kind for problem in problems.values()} == set(PROBLEMS)


@pytest.mark.parametrize("name", NAMES)
def test_signals_do_not_depend_on_their_number(problems, name):
    problem = problems[name]
    many = problem.sample(300, seed=7)
    assert (many.x.shape, many.y.shape) == ((300, problem.n), (300, problem.m))
    np.testing.assert_allclose(many.y, many.x @ problem.dictionary.T + many.noise, atol=1e-12)
    few = problem.sample(5, seed=7)
    some = problem.signals([299, 4, 257], seed=7)
    for field in ("x", "y", "noise"):
        np.testing.assert_array_equal(getattr(few, field), getattr(many, field)[:5])
        np.testing.assert_array_equal(getattr(some, field), getattr(many, field)[[299, 4, 257]])
    assert not np.allclose(problem.sample(5, seed=8).y, few.y)
    assert len(np.unique(many.y.round(9), axis=0)) > 290  # blocks do not repeat


@pytest.mark.parametrize("name", NAMES)
def test_witnesses_replay_from_json(problems, name):
    problem = problems[name]
    batch = problem.sample(260, seed=3)
    recipe = json.loads(json.dumps(batch.recipe))
    np.testing.assert_array_equal(replay(recipe).y, batch.y)
    np.testing.assert_array_equal(replay(recipe, 258).x, batch.x[258:259])
    part = batch.subset([258, 2]).subset(np.array([False, True]))
    np.testing.assert_array_equal(replay(json.loads(json.dumps(part.recipe))).y, batch.y[2:3])
    with pytest.raises(InputError, match="Count signals from 0"):
        replay(recipe, 260)


@pytest.mark.parametrize("name", NAMES)
def test_recipes_rebuild_the_problem(problems, name):
    problem = problems[name]
    again = problem_from_recipe(json.loads(json.dumps(problem.recipe)))
    assert again.fingerprint == problem.fingerprint
    np.testing.assert_array_equal(again.dictionary, problem.dictionary)
    assert repr(again) == repr(problem)
    assert problem.lipschitz.basis is Basis.CERTIFIED
    assert problem.lipschitz.contains(np.linalg.norm(problem.dictionary, 2) ** 2)
    assert problem.lipschitz.width < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_training_streams(problems, name):
    problem = problems[name]
    stream = problem.torch_sampler(8, seed=5)
    first, second = next(stream), next(stream)
    assert first[0].shape == (8, problem.n)
    assert first[1].shape == (8, problem.m)
    assert first[1].dtype == torch.float32
    assert not torch.equal(first[1], second[1])
    again = problem.torch_sampler(8, seed=5)
    assert torch.equal(first[1], next(again)[1])
    assert torch.equal(second[0], next(again)[0])
    assert not torch.equal(first[1], next(problem.torch_sampler(8, seed=6))[1])
    assert next(problem.torch_sampler(8, seed=5, dtype=torch.float64))[1].dtype == torch.float64


def test_fingerprints_tell_problems_apart():
    base = {"m": 20, "n": 50, "seed": 1}
    made = [
        SparseRecovery.gaussian(**base),
        SparseRecovery.gaussian(**base, snr_db=40.0),
        SparseRecovery.gaussian(**base, law=BernoulliGaussian(0.2)),
        SparseRecovery.gaussian(20, 50, seed=2),
        SparseRecovery(gaussian(20, 50, 1)),
        SparseRecovery(np.nextafter(gaussian(20, 50, 1), 1)),
    ]
    assert len({problem.fingerprint for problem in made}) == len(made)


# -- noise -------------------------------------------------------------------------------------------------------------
def noise_level(clean, noise):
    """Measured noise variance of each signal over the variance of its measurements (mean removed, divisor m - 1)."""
    return (noise**2).mean(axis=1) / clean.var(axis=1, ddof=1)


@pytest.mark.parametrize("snr", [20, 40.0, 0, -3])
def test_noise_has_the_stated_level_in_each_signal(snr):
    # Signals of unlike size: scaling by the batch would leave the small ones far below the stated ratio.
    problem = SparseRecovery.gaussian(200, 300, law=KSparse(5), snr_db=snr)
    batch = problem.sample(500, seed=0)
    level = noise_level(batch.y - batch.noise, batch.noise) * 10 ** (snr / 10)
    assert level.mean() == pytest.approx(1, abs=0.02)
    assert level.std() == pytest.approx(np.sqrt(2 / 200), rel=0.15)
    x, y = next(problem.torch_sampler(500, seed=0, dtype=torch.float64))
    clean = x.numpy() @ problem.dictionary.T
    level = noise_level(clean, y.numpy() - clean) * 10 ** (snr / 10)
    assert level.mean() == pytest.approx(1, abs=0.02)


def test_noise_free_means_no_noise():
    problem = SparseRecovery.gaussian(20, 30)
    batch = problem.sample(10, seed=0)
    assert not batch.noise.any()
    x, y = next(problem.torch_sampler(4, seed=0, dtype=torch.float64))
    np.testing.assert_allclose(y, x @ torch.tensor(problem.dictionary).T, atol=1e-14)


def test_signals_without_measurements_get_no_noise():
    problem = SparseRecovery.gaussian(20, 30, law=BernoulliGaussian(0.01), snr_db=10.0)
    batch = problem.sample(300, seed=0)
    empty = ~batch.x.any(axis=1)
    assert empty.any()
    assert not batch.y[empty].any()


# -- files and codes ---------------------------------------------------------------------------------------------------
def test_codes_in_both_orientations(tmp_path):
    problem = SparseRecovery.gaussian(20, 30, snr_db=30.0)
    codes = problem.sample(7, seed=0).x
    np.save(tmp_path / "tall.npy", codes.T)
    given, read = problem.batch_from_codes(codes, seed=4), problem.batch_from_codes(tmp_path / "tall.npy", seed=4)
    np.testing.assert_array_equal(given.y, read.y)
    np.testing.assert_array_equal(given.y[:3], problem.batch_from_codes(codes[:3], seed=4).y)
    assert not np.array_equal(given.y, problem.batch_from_codes(codes, seed=5).y)
    np.testing.assert_array_equal(replay(json.loads(json.dumps(read.recipe)), 6).y, read.y[6:])
    np.testing.assert_array_equal(replay(given.subset([2]).recipe, codes=codes).y, given.y[2:3])
    with pytest.raises(InputError, match="codes="):
        replay(given.recipe)
    np.save(tmp_path / "tall.npy", 2 * codes.T)
    with pytest.raises(InputError, match="not those of the recipe"):
        replay(read.recipe)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published matrices are not beside the project")
@pytest.mark.parametrize("path", ["alista/D.mat", "hyperlista/A_sc.mat", "na_alista/phi_250x500.npy"])
def test_published_matrices(path):
    problem = SparseRecovery.from_file(SHARED / path, snr_db=40.0)
    assert problem.shape == (250, 500)
    np.testing.assert_allclose(np.linalg.norm(problem.dictionary, axis=0), 1, atol=1e-6)
    batch = problem.batch_from_codes(SHARED / "alista/xtest_n500_p10.npy", seed=0)
    assert len(batch) == 1000
    assert nmse_db(np.zeros((1000, 500)), batch.x) == 0
    assert (batch.x != 0).mean() == pytest.approx(0.1, abs=0.002)
    again = SparseRecovery.from_recipe(json.loads(json.dumps(problem.recipe)))
    np.testing.assert_array_equal(again.dictionary, problem.dictionary)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SparseRecovery.gaussian(5, 8, snr_db="loud"),
        lambda: SparseRecovery.gaussian(5, 8, snr_db=float("nan")),
        lambda: SparseRecovery.gaussian(5, 8, snr_db=float("inf")),
        lambda: SparseRecovery.gaussian(1, 8, snr_db=10.0),
        lambda: SparseRecovery.gaussian(5, 8, law=WorstCase(9)),
        lambda: SparseRecovery(np.zeros((3, 3))),
        lambda: SparseRecovery.from_file("absent.npy"),
        lambda: SparseRecovery.gaussian(5, 8).sample(0, seed=0),
        lambda: SparseRecovery.gaussian(5, 8).sample(2, seed=-1),
        lambda: SparseRecovery.gaussian(5, 8).sample(2, seed=1.5),
        lambda: SparseRecovery.gaussian(5, 8).signals([-1], seed=0),
        lambda: SparseRecovery.gaussian(5, 8).signals([], seed=0),
        lambda: SparseRecovery.gaussian(5, 8).torch_sampler(0, seed=0),
        lambda: SparseRecovery.gaussian(5, 8).batch_from_codes(np.ones((2, 7))),
        lambda: SparseRecovery.gaussian(5, 8).batch_from_codes(np.full((2, 8), np.nan)),
        lambda: SparseRecovery.from_recipe({"kind": "sparse-recovery"}),
        lambda: problem_from_recipe({"kind": "unknown"}),
        lambda: replay({}),
        lambda: SparseRecovery.gaussian(5, 8).sample(3, seed=0).subset([3]),
        lambda: Batch(np.ones((2, 3)), np.ones((2, 2)), np.full((2, 2), np.inf)),
    ],
)
def test_bad_input_is_named(make):
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.remedy


def test_a_finite_sample_gives_its_own_signals_only():
    origin = SparseRecovery.gaussian(10, 20, snr_db=30.0)
    sample = FiniteSample(origin, 7, seed=3)
    np.testing.assert_array_equal(sample.batch.y, origin.sample(7, seed=3).y)
    own = {row.tobytes() for row in sample.batch.y}
    drawn = sample.sample(500, seed=1)
    assert {row.tobytes() for row in drawn.y} == own
    _, y = next(sample.torch_sampler(500, seed=1, dtype=torch.float64))
    assert {row.tobytes() for row in y.numpy()} == own
    counts = np.unique(drawn.y[:, 0], return_counts=True)[1]
    assert counts.min() > 40  # 71 expected, standard deviation 8
    others = [FiniteSample(origin, 8, seed=3), FiniteSample(origin, 7, seed=4), FiniteSample(sample, 7, seed=3)]
    assert len({sample.fingerprint, origin.fingerprint, *(other.fingerprint for other in others)}) == 5
    with pytest.raises(InputError, match="sample size"):
        FiniteSample(origin, 0, seed=1)
