"""Every claim on every entry, in parallel processes, with verdicts that need not be computed again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import torch

from unfold_theory.claim import CLAIMS, verify
from unfold_theory.store import Store
from unfold_theory.suite.entry import Entry
from unfold_theory.suite.methods import MethodEntry, method_entries
from unfold_theory.suite.prepare import prepare
from unfold_theory.suite.records import VerdictRecord
from unfold_theory.suite.versions import versions
from unfold_theory.suite.watch import Board, Watch, run_pieces
from unfold_theory.training import write_atomically


def registered_verdicts(
    entries: Sequence[Entry | MethodEntry], store: Store | None = None, *, jobs: int = 2, watch: Watch | None = None
) -> list[VerdictRecord]:
    """Records of every claim of the literature on every entry, entries outermost.

    They are kept in the cache and found there as long as no line of the package and no version has changed.

    Args:
        entries: Prepared before, so that nothing is trained here.
        store: The cache; the user's by default.
        jobs: Worker processes; with 1 everything runs in this one.
        watch: Hears of the progress.

    Raises:
        InputError: A setting cannot be evaluated, or the cache cannot be written.
    """
    store = store or Store()
    known = {entry.name: _read(_path(entry, store), entry) for entry in entries}
    missing = [entry for entry in entries if known[entry.name] is None]
    # A method's functions do not travel between processes: its name does.
    pieces = [(entry.name if isinstance(entry, MethodEntry) else entry, str(store.root)) for entry in missing]
    found = run_pieces(_verify, pieces, jobs, watch or Watch())
    known |= {entry.name: records for entry, records in zip(missing, found, strict=True)}
    return [record for entry in entries for record in known[entry.name] or []]


def _verify(board: Board, place: int, chosen: Entry | str, root: str) -> tuple[str, float, list[VerdictRecord]]:
    import unfold_theory.claims  # noqa: F401  registers them in this process

    torch.set_num_threads(1)
    started = time.perf_counter()
    store = Store(root)
    entry = {e.name: e for e in method_entries()}[chosen] if isinstance(chosen, str) else chosen
    setting = entry.setting() if isinstance(entry, MethodEntry) else prepare([entry], store, jobs=1)[0].setting
    records = []
    for claim_id in literature():
        records.append(VerdictRecord.of(verify(CLAIMS[claim_id], setting)))
        board.post(place, len(records) / len(literature()))
    content = {"state": _state(entry), "records": [record.to_json() for record in records]}
    write_atomically(_path(entry, store), json.dumps(content).encode())
    return f"verified {entry.name}", time.perf_counter() - started, records


def literature() -> list[str]:
    """Ids of the claims that this package states, sorted; not those of a user's file that was loaded as well."""
    import unfold_theory.claims  # noqa: F401

    return sorted(c.id for c in CLAIMS.values() if c.conclude.__module__.startswith("unfold_theory.claims."))


# -- the cache -----------------------------------------------------------------------------------------------------
_SHOWING = ("cli", "plotting", "report")


def _path(entry: Entry | MethodEntry, store: Store) -> Path:
    text = json.dumps(entry.recipe(), sort_keys=True)
    return store.root / "verdicts" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def _state(entry: Entry | MethodEntry) -> dict[str, Any]:
    """All that verdicts depend on beside the entry's recipe."""
    own = Path(entry.network.rpartition(":")[0] or entry.network)
    source = hashlib.sha256(own.read_bytes()).hexdigest() if own.suffix == ".py" and own.is_file() else None
    return {"code": code_sha256(), "versions": versions(), "network": source, "problem": entry.fingerprint}


def _read(path: Path, entry: Entry | MethodEntry) -> list[VerdictRecord] | None:
    try:
        content = json.loads(path.read_bytes())
        if content["state"] != _state(entry):
            return None
        return [VerdictRecord.from_json(record) for record in content["records"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def code_sha256() -> str:
    """SHA-256 of every line of Python in this package, except for what only shows verdicts."""
    return _digest(showing=False)


@cache
def package_sha256() -> str:
    """SHA-256 of every file of this package, templates and sources included."""
    return _digest(showing=True)


def _digest(*, showing: bool) -> str:
    digest = hashlib.sha256()

    def add(folder: Traversable, prefix: str) -> None:
        for item in sorted(folder.iterdir(), key=lambda i: i.name):
            if item.is_dir():
                if item.name != "__pycache__" and (showing or prefix + item.name not in _SHOWING):
                    add(item, f"{prefix}{item.name}/")
            elif showing or item.name.endswith(".py"):
                digest.update(f"{prefix}{item.name}\n".encode() + item.read_bytes())

    add(resources.files("unfold_theory"), "")
    return digest.hexdigest()
