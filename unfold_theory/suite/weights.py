"""Minimax weights that need not be computed again."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError
from unfold_theory.problems import SparseRecovery, load_matrix
from unfold_theory.store import Store
from unfold_theory.training import write_atomically


def minimax_path(problem: SparseRecovery, store: Store) -> Path:
    """Where the weight of the problem's dictionary is, or would be; problems with one dictionary share it."""
    return store.root / "weights" / f"minimax-{hashlib.sha256(problem.dictionary.tobytes()).hexdigest()}.npy"


def minimax(problem: SparseRecovery, store: Store) -> Float64[np.ndarray, "m n"]:
    r"""The least coherent $W$ of the problem's dictionary, from the cache or computed now and put there.

    Theorems hold for every normalised W with its own coherence, which claims read from W itself: a weight from the
    cache is never taken at its word.
    """
    from unfold_theory.problems.coherence import minimax_weight

    path = minimax_path(problem, store)
    if path.exists():
        try:
            weight = load_matrix(path)
            if weight.shape == problem.dictionary.shape:
                return weight
        except InputError as error:
            warnings.warn(f"A cached weight is damaged and is computed anew ({error})", stacklevel=2)
    weight = minimax_weight(problem.dictionary).weight
    buffer = io.BytesIO()
    np.save(buffer, weight, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return weight
