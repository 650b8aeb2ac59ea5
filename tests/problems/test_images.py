import sys

import numpy as np
import pytest

from unfold_theory.errors import InputError
from unfold_theory.problems import IMAGES, ImageSparseCoding, image_patches
from unfold_theory.problems.images import load_image

skimage = pytest.importorskip("skimage")


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_images_lie_in_the_wheel(name):
    grey = load_image(name)
    assert grey.ndim == 2
    assert min(grey.shape) > 100
    assert 0 <= grey.min() < grey.max() <= 1
    assert grey.std() > 0.03


def test_patches_are_parts_of_the_image():
    camera = load_image("camera")
    patches = image_patches(["camera"], 5, 40, seed=0)
    assert patches.shape == (40, 25)
    np.testing.assert_allclose(patches.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(patches, axis=1), 1)
    # Found again in the image: the best normalised correlation over all places is 1.
    windows = np.lib.stride_tricks.sliding_window_view(camera, (5, 5)).reshape(-1, 25)
    windows = windows - windows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(windows, axis=1)
    windows = windows[norms > 0.1] / norms[norms > 0.1, None]
    assert (windows @ patches[:3].T).max(axis=0) == pytest.approx(1)
    np.testing.assert_array_equal(patches, image_patches(["camera"], 5, 40, seed=0))


def test_truth_is_the_lasso_minimiser():
    problem = ImageSparseCoding(["camera", "grass"], patch=8, n=256, lam=0.05)
    batch = problem.sample(20, seed=0)
    correlation = batch.noise @ problem.dictionary
    assert np.abs(correlation).max() <= 0.05 * (1 + 1e-9)
    active = batch.x != 0
    np.testing.assert_allclose(correlation[active], 0.05 * np.sign(batch.x)[active], rtol=1e-7)
    assert 2 < active.sum(axis=1).mean() < 64
    # Real patches are sparse in cosines: white noise of the same norm needs far more atoms.
    noise = np.random.default_rng(0).standard_normal((20, 64))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    assert (problem.truth.solve(noise).x != 0).sum() > 1.3 * active.sum()


@pytest.mark.parametrize(
    "make",
    [
        lambda: image_patches(["lena"], 8, 4, 0),
        lambda: image_patches([], 8, 4, 0),
        lambda: image_patches("camera", 8, 4, 0),
        lambda: image_patches(["camera"], 1, 4, 0),
        lambda: image_patches(["camera"], 2000, 4, 0),
        lambda: image_patches(["camera"], 8, 0, 0),
        lambda: ImageSparseCoding(["camera"], n=250),
        lambda: ImageSparseCoding(["camera"], lam=0.0),
    ],
)
def test_bad_input_is_named(make):
    with pytest.raises(InputError):
        make()


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    load_image.cache_clear()
    with pytest.raises(InputError, match=r"unfold_theory\[images\]"):
        load_image("camera")
