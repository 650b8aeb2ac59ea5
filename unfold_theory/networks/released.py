r"""The released networks of NA-ALISTA (Behrens, Sauder and Jung, ICLR 2021).

A folder holds ``networks.json``, a list of one object for each trained network, and for each n the dictionary
``phi_{m}x{n}.npy`` and the weight ``W_frob_{m}x{n}.npy``. ALISTA, ALISTA_AT and AGLISTA networks are built from their
per-layer scalars. ISTA and FISTA have nothing trained; the release ran them with $\lambda=0.4$ and step $1/L$.
NA-ALISTA's weights are those of a recurrent network and no per-layer scalars: such entries are refused. The logged
figures of FISTA are up to 0.4 dB better than Beck and Teboulle's momentum at small K (0.2 dB at K = 2, where the latter
is ISTA), and agree with it to 0.1 dB at K = 16; those of ISTA agree throughout.

Support selection is ungated. The paper lets the $p_i$ largest entries of a row bypass the threshold; the released code
asks that they be *strictly* larger than the $p_i$-th largest, so that $p_i-1$ pass. The logged figures are the code's.
At n = 500, K = 16 and SNR 40 dB the paper's rule is 0.5 dB better with the same weights, at K = 2 it is 0.1 dB worse.

With the code's rule ALISTA_AT and AGLISTA agree with their logs to 0.4 dB on 1000 fresh signals at n = 500, but one:
AGLISTA with K = 16 at 40 dB gives -39.5 dB where its log says -41.3. No other count of selected entries mends it, so
that its scalars do not seem to be those of the logged run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.aglista import Aglista
from unfold_theory.networks.alista import Alista
from unfold_theory.networks.alista_at import AlistaAt
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.fista import Fista
from unfold_theory.networks.ista import Ista
from unfold_theory.networks.tensors import Number
from unfold_theory.networks.thresholding import linear_schedule
from unfold_theory.problems.dictionaries import load_matrix
from unfold_theory.problems.signals import BernoulliGaussian
from unfold_theory.problems.sparse import SparseRecovery

SOURCE = "behrens2021"
CLASSICAL_LAM = 0.4
"""The Lasso weight of the released runs of ISTA and FISTA."""

_REMEDY = "Point to a folder with the released networks.json, unchanged"
_ADAPTED: dict[str, tuple[type[Alista], dict[str, str]]] = {
    "ALISTA": (Alista, {"gains": "gamma", "thresholds": "theta"}),
    "ALISTA_AT": (AlistaAt, {"gains": "gamma", "thresholds": "theta"}),
    "AGLISTA": (
        Aglista,
        {"gains": "gamma", "thresholds": "theta", "gate_sizes": "vu", "gate_rates": "v", "overshoots": "a"},
    ),
}
"""Class of a kind, and under which name the release has each of its arguments.

AGLISTA's ``theta_initial`` is left out: it enters the gain of the first layer only, which multiplies a zero code.
"""
_CLASSICAL = {"ISTA": Ista, "FISTA": Fista}
_READABLE = (*_ADAPTED, *_CLASSICAL)
_NEEDED: dict[str, type | tuple[type, ...]] = {
    "network": str,
    "m": int,
    "n": int,
    "s": int,
    "K": int,
    "snr_db": (int, float),
}


@dataclass(frozen=True)
class ReleasedLog:
    """One entry of ``networks.json``.

    Attributes:
        kind: Name of the architecture in the release.
        m: Number of measurements.
        n: Length of a code.
        sparsity: Mean number of nonzero entries.
        depth: Number of layers.
        snr_db: Signal-to-noise ratio of training and test.
        nmse_db_best: Test NMSE in dB (ratio of sums over the test set) at the best epoch, whose weights were released;
            None where the release has no log.
        nmse_db_last: The same at the last epoch.
        epochs: Number of epochs.
        parameters: Per-layer scalars by name; empty where the release has none.
    """

    kind: str
    m: int
    n: int
    sparsity: int
    depth: int
    snr_db: float
    nmse_db_best: float | None = None
    nmse_db_last: float | None = None
    epochs: int | None = None
    parameters: dict[str, list[float]] = field(default_factory=dict, repr=False)

    @property
    def readable(self) -> bool:
        """Whether the entry can be built as a network."""
        return self.kind in _READABLE

    def __str__(self) -> str:
        return f"{self.kind} {self.m} x {self.n}, K = {self.depth}, SNR {self.snr_db:g} dB"


class Released(NamedTuple):
    """A released network, the problem it was trained for, and what its authors logged."""

    network: UnfoldedNetwork
    problem: SparseRecovery
    log: ReleasedLog


def read_log(folder: str | Path) -> list[ReleasedLog]:
    """Every entry of a folder's ``networks.json``, readable or not.

    Raises:
        InputError: The file is missing or damaged.
    """
    logs = []
    for entry in read_entries(folder):
        if isinstance(entry, InputError):
            raise entry
        logs.append(entry)
    return logs


def read_entries(folder: str | Path) -> list[ReleasedLog | InputError]:
    """As :func:`read_log`, with the error in the place of an entry that is damaged.

    Raises:
        InputError: The file is missing, or no list of JSON.
    """
    path = Path(folder) / "networks.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", _REMEDY) from error
    if not isinstance(entries, list):
        raise InputError(f"{path} holds no list of networks", _REMEDY)
    found: list[ReleasedLog | InputError] = []
    for index, value in enumerate(entries):
        try:
            found.append(_entry(value, f"Entry {index} of {path}"))
        except InputError as error:
            found.append(error)
    return found


def _entry(value: Any, what: str) -> ReleasedLog:
    if not isinstance(value, dict):
        raise InputError(f"{what} is not an object", _REMEDY)
    for key, kind in _NEEDED.items():
        if not isinstance(value.get(key), kind) or isinstance(value[key], bool):
            raise InputError(f"{what} has {value.get(key)!r} for {key!r}", _REMEDY)
    scalars = value.get("parameters", {})
    if not isinstance(scalars, dict) or not all(isinstance(entries, list) for entries in scalars.values()):
        raise InputError(f"{what} has parameters that are no lists of numbers", _REMEDY)
    for key in ("test_nmse_db_best", "test_nmse_db_last"):
        logged = value.get(key)
        if logged is not None and (isinstance(logged, bool) or not isinstance(logged, int | float)):
            raise InputError(f"{what} has {logged!r} for {key!r}", _REMEDY)
    if value["K"] < 1 or not 0 < value["s"] <= value["n"] or value["m"] < 1:
        raise InputError(f"{what} has impossible sizes", _REMEDY)
    return ReleasedLog(
        value["network"],
        value["m"],
        value["n"],
        value["s"],
        value["K"],
        float(value["snr_db"]),
        value.get("test_nmse_db_best"),
        value.get("test_nmse_db_last"),
        value.get("epochs"),
        scalars,
    )


def load_released(
    folder: str | Path,
    *,
    kind: str = "ALISTA",
    n: int = 500,
    depth: int = 16,
    snr_db: Number = 40.0,
    selection: str = "paper",
) -> Released:
    """One of the released networks.

    Args:
        folder: Where ``networks.json`` and the matrices are.
        kind: "ALISTA", "ALISTA_AT", "AGLISTA", "ISTA" or "FISTA".
        n: Length of a code.
        depth: Number of layers.
        snr_db: Signal-to-noise ratio that it was trained for.
        selection: "paper" for $p_i$ entries that bypass the threshold, "code" for $p_i-1$, which reproduces the log.

    Returns:
        The network in float64, its problem (dictionary, Bernoulli-Gaussian codes, SNR), and the log entry.

    Raises:
        InputError: A file is missing or damaged, or there is no such network.
        MissingStructure: The network is not made of scalars in each layer.
    """
    logs = read_log(folder)
    found = [log for log in logs if (log.kind, log.n, log.depth, log.snr_db) == (kind, n, depth, float(snr_db))]
    if not found:
        sizes = sorted({(log.n, log.depth, log.snr_db) for log in logs if log.kind == kind})
        listed = ", ".join(f"({a}, {b}, {c:g})" for a, b, c in sizes)
        choices = f"(n, depth, snr_db) from {listed}" if sizes else f"a kind from {', '.join(_READABLE)}"
        raise InputError(
            f"{folder} has no {kind} for n = {n}, depth {depth} and SNR {snr_db:g} dB", f"Choose {choices}"
        )
    return build_released(folder, found[0], selection=selection)


def build_released(folder: str | Path, log: ReleasedLog, *, selection: str = "paper") -> Released:
    """The network of a log entry; see :func:`load_released`.

    Raises:
        InputError: A matrix is missing or has another shape, the entry lacks its scalars, or the selection is unknown.
        MissingStructure: The network is not made of scalars in each layer.
    """
    if selection not in ("paper", "code"):
        raise InputError(f"A support selection named {selection!r}", 'Choose "paper" or "code"')
    missing = int(selection == "code")
    if not log.readable:
        raise MissingStructure(
            f"The released {log}",
            "the reader",
            "scalars in each layer",
            f"Choose {', '.join(_READABLE)}",
        )
    problem = SparseRecovery.from_file(
        _matrix_path(folder, "phi", log), law=BernoulliGaussian(p=log.sparsity / log.n), snr_db=log.snr_db
    )
    _check_shape(problem.dictionary, log, "phi")
    if log.kind in _CLASSICAL:
        return Released(_CLASSICAL[log.kind].for_problem(problem, log.depth, lam=CLASSICAL_LAM), problem, log)
    weight = load_matrix(_matrix_path(folder, "W_frob", log))
    _check_shape(weight, log, "W_frob")
    cls, names = _ADAPTED[log.kind]
    scalars: dict[str, Any] = {argument: _scalars(log, name) for argument, name in names.items()}
    network = cls(
        problem.dictionary,
        log.depth,
        weights=weight,
        **scalars,
        selected=[max(p - missing, 0) for p in linear_schedule(log.sparsity, log.depth)],
        gated=False,
    )
    return Released(network, problem, log)


def _matrix_path(folder: str | Path, name: str, log: ReleasedLog) -> Path:
    path = Path(folder) / f"{name}_{log.m}x{log.n}.npy"
    if not path.is_file():
        raise InputError(f"The matrix {path} of the released {log} is missing", "Put it beside networks.json")
    return path


def _check_shape(matrix: np.ndarray, log: ReleasedLog, name: str) -> None:
    if matrix.shape != (log.m, log.n):
        raise InputError(
            f"{name}_{log.m}x{log.n}.npy has shape {matrix.shape}", "Put the released matrix beside networks.json"
        )


def _scalars(log: ReleasedLog, name: str) -> list[float]:
    values = log.parameters.get(name, [])
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    if len(values) != log.depth or not numbers:
        raise InputError(f"The released {log} lacks its {log.depth} finite values of {name}", _REMEDY)
    return [float(value) for value in values]
