"""What all coding problems share: a dictionary, a recipe, signals that can be drawn again, a stream for training."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.checks import Integer, positive_integer, seed_integer
from unfold_theory.problems.dictionaries import Dictionary

if TYPE_CHECKING:
    from unfold_theory.problems.lasso import Lasso

# Signals are drawn in blocks, each from its own child of the seed, so that signal i is the same in every batch.
BLOCK = 256

Signals = tuple[Float64[np.ndarray, "count n"], Float64[np.ndarray, "count m"], Float64[np.ndarray, "count m"]]


class CodingProblem(ABC):
    """Codes x, shape (n,), of measurements y, shape (m,), over a dictionary A.

    A subclass implements :meth:`block`, :meth:`stream` and its part of the recipe. Laws, tested on each: signal i
    depends on the seed and on i only; ``from_recipe(recipe)`` draws the same signals.

    Args:
        dictionary: A, shape (m, n): a :class:`Dictionary` (its recipe can rebuild it), or an array.

    Raises:
        InputError: The dictionary is not finite or has a zero column.
    """

    kind: ClassVar[str]

    def __init__(self, dictionary: Dictionary | np.ndarray | Tensor):
        made = Dictionary.of(dictionary)
        self.dictionary: Float64[np.ndarray, "m n"] = made.matrix
        self.dictionary_recipe = made.recipe

    # -- to implement ----------------------------------------------------------------------------------------------
    @abstractmethod
    def block(self, seeds: tuple[np.random.SeedSequence, np.random.SeedSequence]) -> Signals:
        """(x, y, noise) of ``BLOCK`` signals; the seeds are for codes and for noise."""

    @abstractmethod
    def stream(self, size: int, generator: torch.Generator, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless (x, y) of shapes (size, n) and (size, m) on the generator's device."""

    @property
    @abstractmethod
    def recipe(self) -> dict[str, Any]:
        """JSON-able description with ``kind`` and ``dictionary``; :meth:`from_recipe` rebuilds the problem from it."""

    @classmethod
    @abstractmethod
    def from_recipe(cls, recipe: dict[str, Any], matrix: Any = None) -> CodingProblem:
        """The problem of a recipe; ``matrix`` is its dictionary, where the recipe holds only the SHA-256.

        Raises:
            InputError: The recipe is damaged or of another problem, or its file has changed.
        """

    @classmethod
    def _checked(cls, recipe: dict[str, Any], *keys: str) -> None:
        missing = {"dictionary", *keys} - set(recipe)
        if recipe.get("kind") != cls.kind or missing:
            raise InputError(
                f"A recipe of kind {recipe.get('kind')!r}"
                + (f" without {', '.join(sorted(missing))}" if missing else ""),
                f"Pass the recipe of a {cls.__name__}",
            )

    # -- identity --------------------------------------------------------------------------------------------------
    @property
    def m(self) -> int:
        """Number of measurements."""
        return self.dictionary.shape[0]

    @property
    def n(self) -> int:
        """Length of a code."""
        return self.dictionary.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.m, self.n

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the recipe without file paths, and of the dictionary rounded to 3 decimals.

        A file or an array enters the recipe by the hash of its exact entries. Generated matrices differ in the last
        bits between machines; the rounding keeps one fingerprint for all of them.
        """
        recipe = self.recipe
        recipe["dictionary"].pop("path", None)
        text = json.dumps(recipe, sort_keys=True, default=str)
        rounded = np.round(self.dictionary * 1e3).astype("<i8")
        return hashlib.sha256(text.encode() + rounded.tobytes()).hexdigest()

    # -- constants -------------------------------------------------------------------------------------------------
    @cached_property
    def lipschitz(self) -> Enclosure:
        r"""$\|A\|_2^2$, the Lipschitz constant of the gradient of $\tfrac12\|Ax-y\|^2$; certified."""
        from unfold_theory.verified import spectral_norm_squared

        return spectral_norm_squared(self.dictionary)

    def lasso(self, lam: float) -> Lasso:
        r"""The Lasso $\tfrac12\|Ax-y\|^2+\lambda\|x\|_1$ on this dictionary."""
        from unfold_theory.problems.lasso import Lasso

        return Lasso(self.dictionary, lam)

    # -- signals ---------------------------------------------------------------------------------------------------
    def sample(self, count: Integer, *, seed: Integer) -> Batch:
        """``count`` signals; signal i depends on the seed and on i, not on ``count``.

        Raises:
            InputError: The count is not a positive integer, or the seed is negative.
        """
        count = positive_integer("number of signals", count)
        return self._gather(np.arange(count), seed, {"count": count})

    def signals(self, indices: Sequence[int] | np.ndarray, *, seed: Integer) -> Batch:
        """The signals number ``indices`` of the seed, equal to those rows of :meth:`sample`.

        Raises:
            InputError: There is no index, or one is negative.
        """
        wanted = np.atleast_1d(np.asarray(indices))
        if wanted.ndim != 1 or not wanted.size or wanted.dtype.kind not in "iu" or (wanted < 0).any():
            raise InputError(f"Signal indices {indices!r}", "Pass nonnegative integers")
        return self._gather(wanted, seed, {"count": len(wanted), "indices": wanted.tolist()})

    def _gather(self, wanted: np.ndarray, seed: Integer, extent: dict[str, Any]) -> Batch:
        seed = seed_integer(seed)
        block_of, row_of = np.divmod(wanted, BLOCK)
        x, y, noise = (np.empty((len(wanted), size)) for size in (self.n, self.m, self.m))
        for number in np.unique(block_of):
            here = block_of == number
            # Whole blocks are computed: products of other shapes may round differently.
            drawn = self.block(block_seeds(seed, int(number)))
            for target, source in zip((x, y, noise), drawn, strict=True):
                target[here] = source[row_of[here]]
        return Batch(x, y, noise, {"problem": self.recipe, "seed": seed, **extent})

    def torch_sampler(
        self,
        batch_size: Integer,
        *,
        seed: Integer,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless fresh batches (x, y) of shapes (batch_size, n) and (batch_size, m), for training.

        The stream belongs to (seed, dtype, device, batch_size); its numbers are not those of :meth:`sample`.

        Raises:
            InputError: The batch size is not a positive integer, or the seed is negative.
        """
        size = positive_integer("batch size", batch_size)
        entropy = np.random.SeedSequence(seed_integer(seed)).generate_state(1, np.uint64)[0]
        generator = torch.Generator(device=device).manual_seed(int(entropy >> np.uint64(1)))
        return self.stream(size, generator, dtype)


def block_seeds(seed: int, number: int) -> tuple[np.random.SeedSequence, np.random.SeedSequence]:
    """Seeds of a block, for codes and for noise."""
    codes, noise = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(2)
    return codes, noise
