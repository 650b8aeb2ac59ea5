"""From entries to settings: train what is not in the cache, in parallel processes, and draw the batches."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from unfold_theory.claim import Setting, SignalClass
from unfold_theory.networks import UnfoldedNetwork, build
from unfold_theory.problems import Batch, SparseRecovery
from unfold_theory.rates.theory_networks import alista_of_theory, lista_cp_of_theory
from unfold_theory.store import Store
from unfold_theory.suite.entry import Entry, resolve_network
from unfold_theory.suite.weights import minimax
from unfold_theory.training import ProgressEvent


@dataclass(frozen=True, eq=False)
class Subject:
    """An entry that is ready to be verified and drawn.

    Attributes:
        entry: What it was made from.
        setting: Its network on its batch.
        manifest: Of the trained network's checkpoint; empty where nothing was trained.
    """

    entry: Entry
    setting: Setting
    manifest: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Done:
    """A piece of long work that has ended: what ``on_done`` is told."""

    title: str
    seconds: float
    number: int
    total: int


@dataclass(frozen=True)
class Watch:
    """What hears of long work.

    Attributes:
        on_start: Called once with the number of pieces that are not in the cache.
        on_done: Called after each piece, in the order in which they end.
        on_fraction: Called several times a second with the share of all pieces that is done, from 0 to 1.
    """

    on_start: Callable[[int], None] = lambda total: None
    on_done: Callable[[Done], None] = lambda done: None
    on_fraction: Callable[[float], None] = lambda fraction: None


def prepare(
    entries: Sequence[Entry], store: Store | None = None, *, jobs: int = 2, watch: Watch | None = None
) -> list[Subject]:
    """Every entry's network, trained or from the cache, on its batch.

    Networks train in ``jobs`` worker processes with one thread each. A run that is killed loses the networks in work
    only; the next one takes up the others from the cache.

    Args:
        entries: What to prepare.
        store: The cache; the user's by default.
        jobs: Worker processes; with 1 everything runs in this one.
        watch: Hears of the progress.

    Raises:
        InputError: A network cannot be built or trained, or the cache cannot be written.
    """
    store, watch = store or Store(), watch or Watch()
    _compute(_missing(entries, store), store, jobs, watch)
    problems: dict[str, SparseRecovery] = {}
    batches: dict[Any, Batch] = {}
    subjects = []
    for entry in entries:
        problem = entry.problem()
        # Entries on one problem share it, and with it the certified constants and the batch.
        problem = problems.setdefault(problem.fingerprint, problem)
        draw = (problem.fingerprint, entry.signals, entry.seed)
        if draw not in batches:
            batches[draw] = problem.sample(entry.signals, seed=entry.seed)
        network, manifest = _network(entry, problem, batches[draw], store)
        setting = Setting(network, problem, batches[draw], lam=entry.lam, name=entry.name)
        subjects.append(Subject(entry, setting, manifest))
    return subjects


def _network(
    entry: Entry, problem: SparseRecovery, batch: Batch, store: Store
) -> tuple[UnfoldedNetwork, dict[str, Any]]:
    if entry.origin == "theory":
        return _of_theory(entry, problem, batch, store), {}
    cls = resolve_network(entry.network)
    if entry.training is None:
        return build(cls, problem, entry.depth, **entry.options), {}
    found = store.trained(cls, problem, entry.depth, entry.training, entry.options)
    return found.network, found.manifest


def _of_theory(entry: Entry, problem: SparseRecovery, batch: Batch, store: Store) -> UnfoldedNetwork:
    signals = SignalClass.of_batch(batch)
    sizes: dict[str, Any] = {
        "magnitude": float(signals.magnitude.hi),
        "sparsity": signals.sparsity,
        "depth": entry.depth,
    }
    weight = minimax(problem, store)
    if entry.network == "alista":
        return alista_of_theory(problem, weight, **sizes, **entry.options)
    return lista_cp_of_theory(problem, weight, noise=float(signals.noise.hi), **sizes, **entry.options)


# -- in worker processes -------------------------------------------------------------------------------------------
def _missing(entries: Sequence[Entry], store: Store) -> list[Entry]:
    """Entries with work to do, one for each key of the cache; those with long trainings first."""
    found: dict[Path, Entry] = {}
    for entry in entries:
        if entry.origin == "theory":
            path = store.root / "weights" / f"minimax-{entry.problem().fingerprint}.npy"
        elif entry.training is not None:
            cls = resolve_network(entry.network)
            path = store.path(store.key(cls, entry.problem(), entry.depth, entry.training, entry.options))
        else:
            continue
        if not path.exists():
            found.setdefault(path, entry)
    return sorted(found.values(), key=lambda e: (e.origin != "theory", e.network in ("alista", "tilista")))


def _compute(entries: Sequence[Entry], store: Store, jobs: int, watch: Watch) -> None:
    if not entries:
        return
    watch.on_start(len(entries))
    with _fractions(len(entries)) as board:
        tasks = (joblib.delayed(_work)(entry, str(store.root), board, i) for i, entry in enumerate(entries))
        pool = joblib.Parallel(n_jobs=min(jobs, len(entries)), return_as="generator_unordered", batch_size=1)
        with _reporting(board, watch.on_fraction):
            for number, (title, seconds) in enumerate(pool(tasks), start=1):
                watch.on_done(Done(title, seconds, number, len(entries)))


def _work(entry: Entry, root: str, board: Path, place: int) -> tuple[str, float]:
    """Train one network, or compute one weight, into the cache."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    fractions = np.memmap(board, dtype=np.float64, mode="r+")
    store = Store(root)

    def report(event: ProgressEvent) -> None:
        fractions[place] = event.fraction

    if entry.origin == "theory":
        minimax(entry.problem(), store)
        title = f"minimax weight, {entry.regime}"
    else:
        assert entry.training is not None
        cls = resolve_network(entry.network)
        store.trained(cls, entry.problem(), entry.depth, entry.training, entry.options, progress=report)
        title = entry.name
    fractions[place] = 1.0
    return title, time.perf_counter() - started


@contextmanager
def _fractions(count: int) -> Iterator[Path]:
    """A file of ``count`` numbers that worker processes write their progress into."""
    folder = Path(tempfile.mkdtemp(prefix="unfold_theory-"))
    try:
        board = folder / "progress"
        np.memmap(board, dtype=np.float64, mode="w+", shape=(count,)).flush()
        yield board
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reporting(board: Path, on_fraction: Callable[[float], None]) -> Iterator[None]:
    from threading import Event, Thread

    fractions, over = np.memmap(board, dtype=np.float64, mode="r"), Event()

    def loop() -> None:
        while not over.wait(0.3):
            on_fraction(float(fractions.mean()))

    thread = Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
