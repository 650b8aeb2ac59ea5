r"""Trained networks against their logs and every claim: those of a folder in the form of a release, or our own.

The grids hold ALISTA networks that this package trains, one for each depth and noise; :func:`audit_of` makes the same
study of a folder such as the one that Behrens, Sauder and Jung (ICLR 2021) released.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.released import Released, ReleasedLog, build_released, read_entries
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.suite import Cell, Row, Study, study
from unfold_theory.suite.audit import audit_network
from unfold_theory.training import Recipe, quick_recipe
from unfold_theory.training.recipes import alista_snr40

AUDITED, LOG_ONLY, UNREADABLE = "audited", "log only", "unreadable"
_GRIDS: dict[str, dict[str, Any]] = {
    "tiny": {"m": 40, "n": 60, "depths": (2, 3), "snrs": (40,)},
    "quick": {"m": 100, "n": 200, "depths": (2, 4, 8, 16), "snrs": (40,)},
    "paper": {"m": 250, "n": 500, "depths": (2, 4, 8, 12, 16), "snrs": (20, 40)},
}


def _cells(scale: str) -> Sequence[Cell]:
    grid = _GRIDS[scale]
    return [
        {"m": grid["m"], "n": grid["n"], "depth": depth, "snr_db": snr, "scale": scale, "seed": 0}
        for snr in grid["snrs"]
        for depth in grid["depths"]
    ]


@study(cells=_cells)
def behrens2021_audit(cell: Cell, store: Store) -> Sequence[Row]:
    """Trained networks against their logs and every claim."""
    if "folder" in cell:
        return _of_folder(Path(str(cell["folder"])), int(cell["entry"] or 0))
    recipe = _recipe(cell)
    found = store.recipe(recipe)
    problem = recipe.problem()
    logged = found.manifest["metrics"]["nmse_db"][-1]
    sparsity = round(problem.law.p * problem.n)
    log = ReleasedLog("ALISTA", problem.m, problem.n, sparsity, recipe.depth, problem.snr_db, logged)
    return _rows(log, audit_network(Released(found.network, problem, log)))


def _recipe(cell: Cell) -> Recipe:
    m, n, depth, snr = (int(cell[key] or 0) for key in ("m", "n", "depth", "snr_db"))
    law = BernoulliGaussian(0.1 if cell["scale"] == "paper" else 0.05)
    problem = SparseRecovery.gaussian(m, n, law=law, snr_db=float(snr), seed=int(cell["seed"] or 0)).recipe
    if cell["scale"] == "paper":
        return alista_snr40(depth, problem)
    made = quick_recipe("alista", depth, problem)
    if cell["scale"] == "tiny":
        made = replace(made, training=replace(made.training, steps=4, validation_interval=4, validation_size=64))
    return made


# -- a folder ------------------------------------------------------------------------------------------------------
def audit_of(folder: str | Path) -> Study:
    """The study whose cells are the networks of a folder, those that take longest first.

    Cells hold a digest of the entry and of its matrices, so that what has changed is audited anew.

    Raises:
        InputError: There is no ``networks.json`` that can be read, or it holds no network.
    """
    place = Path(folder).expanduser().resolve()
    entries = read_entries(place)
    if not entries:
        raise InputError(f"{place / 'networks.json'} holds no network", "Point to a folder with trained networks")
    known: dict[Path, str] = {}
    cells: list[Cell] = []
    for index, entry in enumerate(entries):
        digest = hashlib.sha256(json.dumps(repr(entry)).encode())
        if isinstance(entry, ReleasedLog):
            digest.update(json.dumps(entry.parameters, sort_keys=True).encode())
            for path in (place / f"{name}_{entry.m}x{entry.n}.npy" for name in ("phi", "W_frob")):
                if path not in known:
                    known[path] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
                digest.update(known[path].encode())
        title = str(entry) if isinstance(entry, ReleasedLog) else f"entry {index}"
        cells.append({"folder": str(place), "entry": index, "title": title, "digest": digest.hexdigest()})
    # The largest first; networks with one matrix follow each other, so that a worker has its constants at hand.
    sizes = [(-e.n, e.kind, -e.depth) if isinstance(e, ReleasedLog) else (0, "", 0) for e in entries]
    order = sorted(range(len(cells)), key=lambda i: sizes[i])
    return replace(behrens2021_audit, cells=lambda scale: [cells[i] for i in order])


def _of_folder(place: Path, index: int) -> list[Row]:
    entry = read_entries(place)[index]
    if not isinstance(entry, ReleasedLog):
        return [{"part": "network", "kind": "?", "state": UNREADABLE, "note": entry.cause}]
    if not entry.readable:
        note = "no weights in the release: only its log is shown"
        if entry.parameters:
            note = f"{entry.kind} is no architecture that is known here: only its log is shown"
        return _rows(entry, [{"part": "network", "logged_db": entry.nmse_db_best, "note": note}], LOG_ONLY)
    try:
        # The code's rule of support selection is the one behind the logs.
        released = build_released(place, entry, selection="code")
        rows = audit_network(released, rebuild=lambda rule: build_released(place, entry, selection=rule).network)
    except (InputError, MissingStructure) as error:
        rows = [{"part": "network", "logged_db": entry.nmse_db_best, "note": error.cause}]
        return _rows(entry, rows, UNREADABLE)
    return _rows(entry, rows)


def _rows(log: ReleasedLog, rows: Sequence[Row], state: str = AUDITED) -> list[Row]:
    own = {
        "kind": log.kind,
        "m": log.m,
        "n": log.n,
        "sparsity": log.sparsity,
        "depth": log.depth,
        "snr_db": log.snr_db,
        "state": state,
    }
    return [own | dict(row) for row in rows]
