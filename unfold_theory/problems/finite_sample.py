"""A finite sample as a problem: what a network sees that is trained on N signals and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unfold_theory.problems.base import BLOCK, CodingProblem, Signals
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.checks import Integer, positive_integer, seed_integer
from unfold_theory.problems.dictionaries import Dictionary
from unfold_theory.problems.images import ImageSparseCoding
from unfold_theory.problems.sparse import SparseRecovery


class FiniteSample(CodingProblem):
    """The empirical distribution of N signals of a problem: draws, with replacement, from these signals alone.

    Training on it, validation included, is training on the sample ``batch``: bounds on generalization need that
    nothing else was looked at.

    Args:
        origin: The problem whose signals they are.
        count: N.
        seed: Of the sample: ``origin.sample(count, seed=seed)``.

    Raises:
        InputError: N is not a positive integer, or the seed is negative.
    """

    kind = "finite-sample"

    def __init__(self, origin: CodingProblem, count: Integer, *, seed: Integer):
        super().__init__(Dictionary(origin.dictionary, dict(origin.dictionary_recipe)))
        self.origin, self.count, self.seed = origin, positive_integer("sample size", count), seed_integer(seed)

    @cached_property
    def batch(self) -> Batch:
        """The N signals."""
        return self.origin.sample(self.count, seed=self.seed)

    @property
    def planted(self) -> bool:
        """Whether the codes are planted ones."""
        return getattr(self.origin, "planted", True)

    @property
    def recipe(self) -> dict[str, Any]:
        """JSON-able description."""
        return {
            "kind": self.kind,
            "dictionary": dict(self.dictionary_recipe),
            "origin": self.origin.recipe,
            "count": self.count,
            "seed": self.seed,
        }

    @classmethod
    def from_recipe(cls, recipe: dict[str, Any], matrix: Any = None) -> FiniteSample:
        """The sample of a recipe.

        Raises:
            InputError: The recipe is damaged or of another problem.
        """
        cls._checked(recipe, "origin", "count", "seed")
        kinds = {SparseRecovery.kind: SparseRecovery, ImageSparseCoding.kind: ImageSparseCoding}
        origin = kinds.get(recipe["origin"].get("kind"), SparseRecovery).from_recipe(recipe["origin"], matrix)
        return cls(origin, recipe["count"], seed=recipe["seed"])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the origin's fingerprint, N and the seed."""
        return hashlib.sha256(f"{self.origin.fingerprint} {self.count} {self.seed}".encode()).hexdigest()

    def __repr__(self) -> str:
        return f"FiniteSample({self.count} signals of {self.origin!r}, seed={self.seed})"

    def block(self, seeds: tuple[np.random.SeedSequence, np.random.SeedSequence]) -> Signals:
        """Signals of the sample, uniformly and with replacement."""
        rows = np.random.default_rng(seeds[0]).integers(self.count, size=BLOCK)
        return self.batch.x[rows], self.batch.y[rows], self.batch.noise[rows]

    def stream(self, size: int, generator: torch.Generator, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        """Minibatches, uniformly and with replacement."""
        device = generator.device
        x, y = (torch.tensor(part, dtype=dtype, device=device) for part in (self.batch.x, self.batch.y))
        while True:
            rows = torch.randint(self.count, (size,), generator=generator, device=device)
            yield x[rows], y[rows]
