"""Real image patches, and their sparse coding over an overcomplete cosine dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.problems.base import BLOCK, CodingProblem, Signals
from unfold_theory.problems.checks import Integer, Number, positive_integer, positive_number, seed_integer
from unfold_theory.problems.dictionaries import Dictionary
from unfold_theory.problems.lasso import Lasso

# Photographs whose files lie in scikit-image's wheel; its other images are downloaded when asked for.
IMAGES = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "page": "page.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
    "text": "text.png",
}
# Patches flatter than this (standard deviation of grey values in [0, 1]) hold sensor noise only and are not used.
_FLATTEST = 0.02


@cache
def load_image(name: str) -> Float64[np.ndarray, "height width"]:
    """A photograph as grey values in [0, 1]; read-only, and never downloaded.

    Raises:
        InputError: scikit-image is not installed, the name is unknown, or this version does not ship the file.
    """
    try:
        import skimage
        from skimage import color, io, util
    except ImportError as error:
        raise InputError(
            "Image patches need scikit-image, which is not installed", "Run pip install unfold_theory[images]"
        ) from error
    if name not in IMAGES:
        raise InputError(f"The image {name!r} is unknown", f"Choose among {', '.join(sorted(IMAGES))}")
    path = Path(skimage.__file__).parent / "data" / IMAGES[name]
    if not path.is_file():
        raise InputError(f"This version of scikit-image does not ship the image {name!r}", "Choose another one")
    pixels = io.imread(path)
    grey = color.rgb2gray(pixels[..., :3]) if pixels.ndim == 3 else util.img_as_float64(pixels)
    grey = np.ascontiguousarray(grey, dtype=np.float64)
    grey.setflags(write=False)
    return grey


def _draw(
    images: Sequence[np.ndarray], patch: int, count: int, rng: np.random.Generator
) -> Float64[np.ndarray, "count pixels"]:
    """Patches at uniform places of uniformly chosen images, mean removed, unit norm; flat ones drawn again."""
    kept: list[np.ndarray] = []
    found = 0
    for _ in range(200):
        which = rng.integers(len(images), size=count)
        place = rng.random((count, 2))
        drawn = np.empty((count, patch * patch))
        for i, (image, corner) in enumerate(zip(which, place, strict=True)):
            top, left = (corner * (np.array(images[image].shape) - patch + 1)).astype(int)
            drawn[i] = images[image][top : top + patch, left : left + patch].ravel()
        drawn -= drawn.mean(axis=1, keepdims=True)
        drawn = drawn[drawn.std(axis=1) > _FLATTEST]
        kept.append(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
        found += len(drawn)
        if found >= count:
            return np.concatenate(kept)[:count]
    raise InputError("The images hold hardly any patch that is not flat", "Choose images with more structure")


def _loaded(names: Sequence[str], patch: int) -> list[np.ndarray]:
    if isinstance(names, str) or not len(names):
        raise InputError(f"Image names {names!r}", f"Pass a list with some of {', '.join(sorted(IMAGES))}")
    images = [load_image(name) for name in names]
    largest = min(min(image.shape) for image in images)
    if not 2 <= patch <= largest:
        raise InputError(f"A patch size of {patch}", f"Choose 2 to {largest} pixels for these images")
    return images


def image_patches(
    names: Sequence[str], patch: Integer, count: Integer, seed: Integer
) -> Float64[np.ndarray, "count pixels"]:
    """Patches of real photographs, flattened row by row: shape (count, patch^2).

    Each patch has its mean removed and is then scaled to unit Euclidean norm; patches with a standard deviation below
    0.02 (of grey values in [0, 1]) are left out. Patches may overlap.

    Args:
        names: Keys of ``IMAGES``.
        patch: Side in pixels.
        count: Number of patches.
        seed: Nonnegative integer.

    Raises:
        InputError: scikit-image is not installed, a name is unknown, or a number is out of range.
    """
    images = _loaded(names, positive_integer("patch size", patch))
    rng = np.random.default_rng(np.random.SeedSequence(seed_integer(seed)))
    return _draw(images, patch, positive_integer("number of patches", count), rng)


class ImageSparseCoding(CodingProblem):
    r"""Patches y of real images over an overcomplete DCT; the code to be found is the Lasso's.

    Nothing is planted: $x^\star$ of a signal is the minimiser of $\tfrac12\|Ax-y\|^2+\lambda\|x\|_1$ to a relative gap
    of 1e-10, and ``noise`` of a batch is what it leaves, $y-Ax^\star$.

    Args:
        names: Keys of ``IMAGES``.
        patch: Side of a patch; m = patch^2.
        n: Number of atoms, a square of an integer at least ``patch``.
        lam: $\lambda$; patches have unit norm, so that useful values lie in about [0.01, 0.3].
        pool: Number of patches whose codes are computed for a training stream, which then draws from them.

    Raises:
        InputError: As :func:`image_patches` and :func:`overcomplete_dct`, or lam or pool is not positive.
    """

    kind = "image-sparse-coding"

    def __init__(
        self,
        names: Sequence[str] = ("camera", "cat", "coffee", "grass"),
        *,
        patch: Integer = 8,
        n: Integer = 256,
        lam: Number = 0.1,
        pool: Integer = 4096,
    ):
        super().__init__(Dictionary.make("dct", patch=positive_integer("patch size", patch), n=n))
        self.lam = positive_number("Lasso weight lam", lam)
        self.names, self.patch, self.pool = tuple(names), patch, positive_integer("pool", pool)
        self._images = _loaded(self.names if not isinstance(names, str) else names, patch)
        self.truth = Lasso(self.dictionary, self.lam)

    @property
    def recipe(self) -> dict[str, Any]:
        """JSON-able description."""
        return {
            "kind": self.kind,
            "dictionary": dict(self.dictionary_recipe),
            "names": list(self.names),
            "patch": self.patch,
            "lam": self.lam,
            "pool": self.pool,
        }

    @classmethod
    def from_recipe(cls, recipe: dict[str, Any], matrix: Any = None) -> ImageSparseCoding:
        """The problem of a recipe; it needs no matrix.

        Raises:
            InputError: The recipe is damaged or of another problem.
        """
        cls._checked(recipe, "names", "patch", "lam", "pool")
        options = {key: recipe[key] for key in ("patch", "lam", "pool")}
        return cls(recipe["names"], n=recipe["dictionary"].get("n"), **options)

    def __repr__(self) -> str:
        return f"ImageSparseCoding({', '.join(self.names)}; {self.m} x {self.n}, lam={self.lam:g})"

    def block(self, seeds: tuple[np.random.SeedSequence, np.random.SeedSequence]) -> Signals:
        """Patches, their Lasso codes, and what these leave."""
        y = _draw(self._images, self.patch, BLOCK, np.random.default_rng(seeds[0]))
        x = self.truth.solve(y).x
        return x, y, y - x @ self.dictionary.T

    def stream(self, size: int, generator: torch.Generator, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches drawn with replacement from ``pool`` patches, whose codes are computed once."""
        options: dict[str, Any] = {"generator": generator, "device": generator.device}
        seed = torch.randint(2**62, (2,), **options).tolist()
        y = _draw(self._images, self.patch, self.pool, np.random.default_rng(seed))
        parts = (self.truth.solve(y).x, y)
        codes, patches = (torch.tensor(part, dtype=dtype, device=generator.device) for part in parts)
        while True:
            rows = torch.randint(self.pool, (size,), **options)
            yield codes[rows], patches[rows]
