"""From entries to settings: train what is not in the cache, in parallel processes, and draw the batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from unfold_theory.claim import Setting, SignalClass
from unfold_theory.networks import UnfoldedNetwork, build
from unfold_theory.problems import Batch, SparseRecovery
from unfold_theory.rates.theory_networks import alista_of_theory, lista_cp_of_theory
from unfold_theory.store import Store
from unfold_theory.suite.entry import Entry, resolve_network
from unfold_theory.suite.watch import Board, Watch, run_pieces
from unfold_theory.suite.weights import minimax, minimax_path


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
    store = store or Store()
    run_pieces(_compute, [(entry, str(store.root)) for entry in _missing(entries, store)], jobs, watch or Watch())
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
    sizes: dict[str, Any] = {"magnitude": float(signals.magnitude.hi), "sparsity": signals.sparsity}
    sizes["depth"] = entry.depth
    weight = minimax(problem, store)
    if entry.network == "alista":
        return alista_of_theory(problem, weight, **sizes, **entry.options)
    return lista_cp_of_theory(problem, weight, noise=float(signals.noise.hi), **sizes, **entry.options)


def _missing(entries: Sequence[Entry], store: Store) -> list[Entry]:
    """Entries with work to do, one for each file of the cache; those that take longest first."""
    found: dict[Path, Entry] = {}
    for entry in entries:
        if entry.origin == "theory":
            path = minimax_path(entry.problem(), store)
        elif entry.training is not None:
            cls = resolve_network(entry.network)
            path = store.path(store.key(cls, entry.problem(), entry.depth, entry.training, entry.options))
        else:
            continue
        if not path.exists():
            found.setdefault(path, entry)
    return sorted(found.values(), key=lambda e: (e.origin != "theory", e.network == "alista"))


def _compute(board: Board, place: int, entry: Entry, root: str) -> tuple[str, float, None]:
    """Train one network, or compute one weight, into the cache."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    store = Store(root)
    title = entry.name
    if entry.origin == "theory":
        minimax(entry.problem(), store)
        title = f"minimax weight, {entry.regime}"
    else:
        assert entry.training is not None
        store.trained(
            resolve_network(entry.network),
            entry.problem(),
            entry.depth,
            entry.training,
            entry.options,
            progress=lambda event: board.post(place, event.fraction),
        )
    return title, time.perf_counter() - started, None
