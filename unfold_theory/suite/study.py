"""Studies: a grid of settings that becomes a table, cell by cell, in worker processes, resumable at any moment."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks.user_files import load_user_file
from unfold_theory.store import Store
from unfold_theory.suite.verdicts import code_sha256
from unfold_theory.suite.versions import versions
from unfold_theory.suite.watch import Board, Watch, run_pieces
from unfold_theory.training import write_atomically

Scalar = str | int | float | bool | None
Cell = Mapping[str, Scalar]
Row = Mapping[str, Scalar]
Measure = Callable[[Cell, Store], Sequence[Row]]
GRIDS = ("tiny", "quick", "paper")
"""Scales of a study: seconds (for tests), minutes at most (in a report), the literature's size."""


@dataclass(frozen=True)
class Study:
    """A grid of settings and what is measured in each.

    Attributes:
        name: BibTeX key of what it examines, then its subject.
        title: First line of the docstring.
        cells: The cells of a scale (``tiny``, ``quick``, ``paper``): flat, JSON-able, seeds included. Progress shows
            a cell's ``title`` where it has one.
        measure: Rows of one cell, from the cell alone; the store keeps what it trains. It runs in a worker process
            with one thread. Numbers may be NaN or infinite.
        origin: Module, or path of the user's file, that defines it.
    """

    name: str
    title: str
    cells: Callable[[str], Sequence[Cell]]
    measure: Measure
    origin: str


STUDIES: dict[str, Study] = {}


def study(*, cells: Callable[[str], Sequence[Cell]]) -> Callable[[Measure], Study]:
    """Decorator: a function of a cell and a store that returns rows becomes a registered study.

    Raises:
        InputError: No docstring.
    """

    def wrap(measure: Measure) -> Study:
        doc = inspect.getdoc(measure)
        if not doc:
            raise InputError(f"The study {measure.__name__!r} has no docstring", "Say in its first line what it shows")
        module = measure.__module__
        origin = module if module.startswith("unfold_theory.") else inspect.getsourcefile(measure) or module
        made = Study(measure.__name__, doc.split("\n")[0].rstrip("."), cells, measure, origin)
        STUDIES[made.name] = made
        return made

    return wrap


def find_study(name: str) -> Study:
    """The study of a name, or of a ``FILE.py`` that defines one; ``unfold_theory.studies`` registers the package's own.

    Raises:
        InputError: There is none.
    """
    if name.endswith(".py"):
        found = [value for value in vars(load_user_file(name)).values() if isinstance(value, Study)]
        own = [value for value in found if not value.origin.startswith("unfold_theory.")]
        if len(own) != 1:
            raise InputError(f"{name} defines {len(own)} studies", "Decorate one function of a cell with @study")
        return own[0]
    if name not in STUDIES:
        raise InputError(f"There is no study {name!r}", f"Choose one of {', '.join(sorted(STUDIES))}, or pass FILE.py")
    return STUDIES[name]


def run_studies(
    studies: Sequence[Study],
    scale: str,
    store: Store | None = None,
    *,
    jobs: int = 2,
    shard: tuple[int, int] = (1, 1),
    watch: Watch | None = None,
) -> dict[str, pd.DataFrame]:
    """The table of each study: cells beside their rows, in the order of the cells.

    Every finished cell is kept in the cache, so that a run that is killed loses the cells in work only; it counts as
    long as no line of the package and no version has changed.

    Args:
        studies: What to run; their cells share the worker processes.
        scale: ``tiny``, ``quick`` or ``paper``.
        store: The cache; the user's by default.
        jobs: Worker processes; with 1 everything runs in this one.
        shard: (i, n): only every n-th cell, from the i-th on (counted from 1), so that n machines share a grid.
        watch: Hears of the progress.

    Raises:
        InputError: There is no such scale or shard, a cell cannot be measured, or the cache cannot be written.
    """
    if scale not in GRIDS:
        raise InputError(f"There is no scale {scale!r} of a study", f"Choose one of {', '.join(GRIDS)}")
    first, parts = shard
    if not 1 <= first <= parts:
        raise InputError(f"There is no shard {first}/{parts}", "Choose i/n with 1 <= i <= n")
    store = store or Store()
    wanted = [(s, dict(cell)) for s in studies for cell in list(s.cells(scale))[first - 1 :: parts]]
    known = [_read(_path(s, cell, store), s) for s, cell in wanted]
    missing = [i for i, rows in enumerate(known) if rows is None]
    pieces = [(wanted[i][0].origin, wanted[i][0].name, wanted[i][1], str(store.root)) for i in missing]
    for i, rows in zip(missing, run_pieces(_measure, pieces, jobs, watch or Watch()), strict=True):
        known[i] = rows
    tables: dict[str, list[dict[str, Any]]] = {s.name: [] for s in studies}
    for (s, cell), rows in zip(wanted, known, strict=True):
        tables[s.name] += [cell | row for row in rows or []]
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def _measure(
    board: Board, place: int, origin: str, name: str, cell: dict[str, Any], root: str
) -> tuple[str, float, list[dict[str, Any]]]:
    """Measure one cell into the cache; the study is found by name, as functions do not travel between processes."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    if origin.endswith(".py"):
        made = find_study(origin)
    else:
        import_module(origin)
        made = STUDIES[name]
    store = Store(root)
    rows = [dict(row) for row in made.measure(cell, store)]
    # Through JSON in any case, so that a table does not depend on what was in the cache.
    content = json.dumps({"state": _state(made), "rows": rows}, default=_plain)
    write_atomically(_path(made, cell, store), content.encode())
    shown = cell.get("title") or ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in cell.items()
    )
    return f"{name}: {shown}", time.perf_counter() - started, json.loads(content)["rows"]


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    raise InputError(f"A study returned {type(value).__name__} in a row", "Return numbers, text, booleans or None")


def _path(made: Study, cell: Cell, store: Store) -> Path:
    for key, value in cell.items():
        if not isinstance(value, Scalar) or (isinstance(value, float) and not math.isfinite(value)):
            raise InputError(f"The cell of {made.name} has {value!r} for {key!r}", "Cells are flat and finite")
    text = json.dumps(dict(cell), sort_keys=True)
    return store.root / "studies" / made.name / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def _state(made: Study) -> dict[str, Any]:
    """All that rows depend on beside the cell."""
    own = None
    if made.origin.endswith(".py"):
        own = hashlib.sha256(Path(made.origin).read_bytes()).hexdigest()
    return {"code": code_sha256(), "versions": versions(), "file": own}


def _read(path: Path, made: Study) -> list[dict[str, Any]] | None:
    try:
        content = json.loads(path.read_bytes())
        return content["rows"] if content["state"] == _state(made) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
