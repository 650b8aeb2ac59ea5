"""Sparse recovery: codes x from measurements y = Ax + noise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.checks import finite_rows, positive_integer, real_number, seed_integer
from unfold_theory.problems.dictionaries import Dictionary, load_matrix, matrix_sha256
from unfold_theory.problems.signals import BernoulliGaussian, SignalLaw, law_from_recipe

if TYPE_CHECKING:
    from unfold_theory.problems.lasso import Lasso

# Signals are drawn in blocks, each from its own child of the seed, so that signal i is the same in every batch.
_BLOCK = 256


class SparseRecovery:
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
        snr_db: float | None = None,
    ):
        made = Dictionary.of(dictionary)
        self.dictionary: Float64[np.ndarray, "m n"] = made.matrix
        self.dictionary_recipe = made.recipe
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
        cls, m: int, n: int, *, law: SignalLaw | None = None, snr_db: float | None = None, seed: int = 0
    ) -> SparseRecovery:
        """A Gaussian dictionary with unit columns; ``seed`` is the dictionary's."""
        return cls(Dictionary.make("gaussian", m=m, n=n, seed=seed), law, snr_db)

    @classmethod
    def ill_conditioned(
        cls,
        m: int,
        n: int,
        condition: float,
        *,
        law: SignalLaw | None = None,
        snr_db: float | None = None,
        seed: int = 0,
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
        snr_db: float | None = None,
    ) -> SparseRecovery:
        """The matrix of a .npy or .mat file, kept as it is; see :func:`load_matrix`."""
        parameters = {"path": str(path)} | ({} if key is None else {"key": key})
        return cls(Dictionary.make("file", **parameters), law, snr_db)

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
        """The problem of a recipe.

        Args:
            recipe: A ``recipe`` attribute.
            matrix: The dictionary, if it was given as an array: then the recipe holds only its SHA-256.

        Raises:
            InputError: The recipe is damaged or of another problem, or its file has changed.
        """
        if recipe.get("kind") != cls.kind or not {"dictionary", "law", "snr_db"} <= set(recipe):
            raise InputError(f"A recipe of kind {recipe.get('kind')!r}", f"Pass the recipe of a {cls.__name__}")
        dictionary = Dictionary.from_recipe(recipe["dictionary"], matrix)
        return cls(dictionary, law_from_recipe(recipe["law"]), recipe["snr_db"])

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

    def __repr__(self) -> str:
        noise = "noise-free" if self.snr_db is None else f"SNR {self.snr_db:g} dB"
        name = self.dictionary_recipe["kind"]
        return f"{type(self).__name__}({name} {self.m} x {self.n}, {self.law!r}, {noise})"

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
    def sample(self, count: int, *, seed: int) -> Batch:
        """``count`` signals; signal i depends on the seed and on i, not on ``count``.

        Raises:
            InputError: The count is not a positive integer, or the seed is negative.
        """
        count = positive_integer("number of signals", count)
        return self._gather(np.arange(count), seed, {"count": count})

    def signals(self, indices: Sequence[int] | np.ndarray, *, seed: int) -> Batch:
        """The signals number ``indices`` of the seed, equal to those rows of :meth:`sample`.

        Raises:
            InputError: There is no index, or one is negative.
        """
        wanted = np.atleast_1d(np.asarray(indices))
        if wanted.ndim != 1 or not wanted.size or wanted.dtype.kind not in "iu" or (wanted < 0).any():
            raise InputError(f"Signal indices {indices!r}", "Pass nonnegative integers")
        return self._gather(wanted, seed, {"count": len(wanted), "indices": wanted.tolist()})

    def _gather(self, wanted: np.ndarray, seed: int, extent: dict[str, Any]) -> Batch:
        seed = seed_integer(seed)
        block_of, row_of = np.divmod(wanted, _BLOCK)
        x, y, noise = (np.empty((len(wanted), size)) for size in (self.n, self.m, self.m))
        for block in np.unique(block_of):
            here = block_of == block
            code_seed, noise_seed = np.random.SeedSequence(seed, spawn_key=(int(block),)).spawn(2)
            codes = self.law.sample(_BLOCK, self.n, np.random.default_rng(code_seed))
            # Whole blocks are multiplied: a product of other shape may round differently.
            clean, added = self._measure(codes, np.random.default_rng(noise_seed))
            rows = row_of[here]
            x[here], noise[here] = codes[rows], added[rows]
            y[here] = clean[rows] + added[rows]
        return Batch(x, y, noise, {"problem": self.recipe, "seed": seed, **extent})

    def _measure(
        self, codes: Float64[np.ndarray, "count n"], rng: np.random.Generator
    ) -> tuple[Float64[np.ndarray, "count m"], Float64[np.ndarray, "count m"]]:
        clean = codes @ self.dictionary.T
        if self.snr_db is None:
            return clean, np.zeros_like(clean)
        spread = clean.std(axis=1, ddof=1, keepdims=True) * 10 ** (-self.snr_db / 20)
        return clean, spread * rng.standard_normal(clean.shape)

    def batch_from_codes(self, codes: Any, *, seed: int = 0, key: str | None = None) -> Batch:
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
        for start in range(0, len(codes), _BLOCK):
            rows = slice(start, min(start + _BLOCK, len(codes)))
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(start // _BLOCK,)).spawn(2)[1])
            padded = np.zeros((_BLOCK, self.n))
            padded[: rows.stop - start] = codes[rows]
            clean, added = self._measure(padded, rng)
            noise[rows] = added[: rows.stop - start]
            y[rows] = clean[: rows.stop - start] + noise[rows]
        recipe = {"problem": self.recipe, "seed": seed, "count": len(codes), "codes": origin}
        return Batch(codes, y, noise, recipe)

    def torch_sampler(
        self,
        batch_size: int,
        *,
        seed: int,
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
        return self._stream(size, generator, dtype)

    def _stream(
        self, size: int, generator: torch.Generator, dtype: torch.dtype
    ) -> Iterator[tuple[Tensor, Tensor]]:
        device = generator.device
        matrix = torch.tensor(self.dictionary.T.copy(), dtype=dtype, device=device)
        while True:
            x = self.law.torch_sample(size, self.n, generator, dtype)
            y = x @ matrix
            if self.snr_db is not None:
                white = torch.randn(size, self.m, generator=generator, dtype=dtype, device=device)
                y = y + y.std(dim=1, keepdim=True) * 10 ** (-self.snr_db / 20) * white
            yield x, y
