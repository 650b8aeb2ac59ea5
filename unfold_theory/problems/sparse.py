"""Sparse recovery: codes x from measurements y = Ax + noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.problems.base import BLOCK, CodingProblem, Signals, block_seeds
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.checks import Integer, Number, finite_rows, real_number, seed_integer
from unfold_theory.problems.dictionaries import Dictionary, load_matrix, matrix_sha256
from unfold_theory.problems.signals import BernoulliGaussian, SignalLaw, law_from_recipe


class SparseRecovery(CodingProblem):
    r"""$y = Ax + \varepsilon$ with x from a law of sparse codes and white noise at a given signal-to-noise ratio.

    **Convention of the SNR.** The noise of signal i has standard deviation $\mathrm{std}(y_i)\,10^{-\mathrm{snr}/20}$,
    where $\mathrm{std}(y_i)$ is the sample standard deviation over the m entries of the signal's own noise-free
    measurements (mean removed, divisor m - 1). The released code of NA-ALISTA scales its noise in this way; that of
    LISTA-CPSS and ALISTA divides by m, which is weaker noise by 0.017 dB at m = 250. Noise is therefore scaled
    for each signal, not for the batch, and a signal y = 0 has none.

    Args:
        dictionary: A, shape (m, n): a :class:`Dictionary` (its recipe can rebuild it), or an array.
        law: Law of the codes.
        snr_db: Signal-to-noise ratio in dB, or None for noise-free measurements.

    Raises:
        InputError: The dictionary is not finite or has a zero column, the law has no codes of length n, or the SNR
            is not a number or is given for m = 1.
    """

    kind = "sparse-recovery"

    def __init__(
        self,
        dictionary: Dictionary | np.ndarray | Tensor,
        law: SignalLaw | None = None,
        snr_db: Number | None = None,
    ):
        super().__init__(dictionary)
        self.law = BernoulliGaussian() if law is None else law
        if not isinstance(self.law, SignalLaw):
            raise InputError(f"{self.law!r} is no law of signals", "Pass an instance of a SignalLaw")
        self.snr_db = None if snr_db is None else real_number("signal-to-noise ratio in dB", snr_db)
        if self.snr_db is not None and self.m == 1:
            raise InputError(
                "One measurement has no standard deviation to scale noise by", "Use more rows or snr_db=None"
            )
        self.law.sample(1, self.n, np.random.default_rng(0))

    @classmethod
    def gaussian(
        cls, m: Integer, n: Integer, *, law: SignalLaw | None = None, snr_db: Number | None = None, seed: Integer = 0
    ) -> SparseRecovery:
        """A Gaussian dictionary with unit columns; ``seed`` is the dictionary's."""
        return cls(Dictionary.make("gaussian", m=m, n=n, seed=seed), law, snr_db)

    @classmethod
    def ill_conditioned(
        cls,
        m: Integer,
        n: Integer,
        condition: Number,
        *,
        law: SignalLaw | None = None,
        snr_db: Number | None = None,
        seed: Integer = 0,
    ) -> SparseRecovery:
        """Unit columns and exactly this condition number, see :func:`ill_conditioned`."""
        made = Dictionary.make("ill-conditioned", m=m, n=n, condition=condition, seed=seed)
        return cls(made, law, snr_db)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        key: str | None = None,
        law: SignalLaw | None = None,
        snr_db: Number | None = None,
    ) -> SparseRecovery:
        """The matrix of a .npy or .mat file, kept as it is; see :func:`load_matrix`."""
        parameters = {"path": str(path)} | ({} if key is None else {"key": key})
        return cls(Dictionary.make("file", **parameters), law, snr_db)

    @property
    def recipe(self) -> dict[str, Any]:
        """JSON-able description; :meth:`from_recipe` rebuilds the problem from it."""
        return {
            "kind": self.kind,
            "dictionary": dict(self.dictionary_recipe),
            "law": self.law.recipe(),
            "snr_db": self.snr_db,
        }

    @classmethod
    def from_recipe(cls, recipe: dict[str, Any], matrix: Any = None) -> SparseRecovery:
        """The problem of a recipe; ``matrix`` is its dictionary, where the recipe holds only the SHA-256.

        Raises:
            InputError: The recipe is damaged or of another problem, or its file has changed.
        """
        cls._checked(recipe, "law", "snr_db")
        dictionary = Dictionary.from_recipe(recipe["dictionary"], matrix)
        return cls(dictionary, law_from_recipe(recipe["law"]), recipe["snr_db"])

    def __repr__(self) -> str:
        noise = "noise-free" if self.snr_db is None else f"SNR {self.snr_db:g} dB"
        name = self.dictionary_recipe["kind"]
        return f"{type(self).__name__}({name} {self.m} x {self.n}, {self.law!r}, {noise})"

    # -- signals ---------------------------------------------------------------------------------------------------
    def block(self, seeds: tuple[np.random.SeedSequence, np.random.SeedSequence]) -> Signals:
        """Codes of the law, their measurements and noise."""
        codes = self.law.sample(BLOCK, self.n, np.random.default_rng(seeds[0]))
        clean, noise = self._measure(codes, np.random.default_rng(seeds[1]))
        return codes, clean + noise, noise

    def _measure(
        self, codes: Float64[np.ndarray, "count n"], rng: np.random.Generator
    ) -> tuple[Float64[np.ndarray, "count m"], Float64[np.ndarray, "count m"]]:
        clean = codes @ self.dictionary.T
        if self.snr_db is None:
            return clean, np.zeros_like(clean)
        spread = clean.std(axis=1, ddof=1, keepdims=True) * 10 ** (-self.snr_db / 20)
        return clean, spread * rng.standard_normal(clean.shape)

    def batch_from_codes(self, codes: Any, *, seed: Integer = 0, key: str | None = None) -> Batch:
        """Measurements of given codes, with this problem's noise.

        Args:
            codes: Array (count, n), or the path of a .npy or .mat file of shape (count, n) or (n, count); files of
                shape (n, n) are read as (count, n).
            seed: Of the noise; that of signal i depends on i, not on the number of codes.
            key: Name of the variable in a .mat file.

        Raises:
            InputError: The codes are not finite, or no axis has length n.
        """
        origin: dict[str, Any] = {}
        if isinstance(codes, str | Path):
            origin = {"path": str(codes)} | ({} if key is None else {"key": key})
            codes = load_matrix(codes, key)
            if codes.shape[1] != self.n and codes.shape[0] == self.n:
                codes = codes.T
        codes = finite_rows("The array of codes", codes, self.n)
        origin["sha256"] = matrix_sha256(codes)
        seed = seed_integer(seed)
        noise, y = np.empty((2, len(codes), self.m))
        for start in range(0, len(codes), BLOCK):
            rows = slice(start, min(start + BLOCK, len(codes)))
            rng = np.random.default_rng(block_seeds(seed, start // BLOCK)[1])
            padded = np.zeros((BLOCK, self.n))
            padded[: rows.stop - start] = codes[rows]
            clean, added = self._measure(padded, rng)
            noise[rows] = added[: rows.stop - start]
            y[rows] = clean[: rows.stop - start] + noise[rows]
        recipe = {"problem": self.recipe, "seed": seed, "count": len(codes), "codes": origin}
        return Batch(codes, y, noise, recipe)

    def stream(self, size: int, generator: torch.Generator, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        """Fresh codes and their measurements; noise is scaled as :class:`SparseRecovery` says."""
        device = generator.device
        matrix = torch.tensor(self.dictionary.T.copy(), dtype=dtype, device=device)
        while True:
            x = self.law.torch_sample(size, self.n, generator, dtype)
            y = x @ matrix
            if self.snr_db is not None:
                white = torch.randn(size, self.m, generator=generator, dtype=dtype, device=device)
                y = y + y.std(dim=1, keepdim=True) * 10 ** (-self.snr_db / 20) * white
            yield x, y
