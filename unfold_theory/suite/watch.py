"""How long work in worker processes is watched."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import joblib
import numpy as np

from unfold_theory.errors import InputError


@dataclass(frozen=True)
class Done:
    """A piece of long work that has ended.

    Attributes:
        title: What it was.
        seconds: How long it took.
        number: How many have ended by now.
        total: How many there are.
    """

    title: str
    seconds: float
    number: int
    total: int


@dataclass(frozen=True)
class Watch:
    """What hears of long work.

    Attributes:
        on_start: Called once with the number of pieces.
        on_done: Called after each piece, in the order in which they end.
        on_fraction: Called several times a second with the share of all pieces that is done, from 0 to 1.
    """

    on_start: Callable[[int], None] = lambda total: None
    on_done: Callable[[Done], None] = lambda done: None
    on_fraction: Callable[[float], None] = lambda fraction: None


class Board:
    """A file of numbers from 0 to 1 that worker processes write their progress into."""

    def __init__(self, path: Path):
        self.path = path

    def post(self, place: int, fraction: float) -> None:
        """Note how far the piece at ``place`` is."""
        np.memmap(self.path, dtype=np.float64, mode="r+")[place] = fraction

    def share(self) -> float:
        """Share of all pieces that is done."""
        return float(np.memmap(self.path, dtype=np.float64, mode="r").mean())


Work = Callable[..., tuple[str, float, Any]]


def run_pieces(work: Work, pieces: Sequence[tuple[Any, ...]], jobs: int, watch: Watch) -> list[Any]:
    """``work(board, place, *piece)`` for every piece in ``jobs`` processes with one thread each; results in order.

    Args:
        work: An importable function that returns (title, seconds, result).
        pieces: Arguments, which must pickle.
        jobs: Processes; with 1 everything runs in this one.
        watch: Hears of the progress.

    Raises:
        InputError: A piece of work raised it; the others are given up.
    """
    if not pieces:
        return []
    watch.on_start(len(pieces))
    results: list[Any] = [None] * len(pieces)
    with _board(len(pieces)) as board, _reporting(board, watch.on_fraction):
        tasks = (joblib.delayed(_placed)(work, board, i, piece) for i, piece in enumerate(pieces))
        options: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
        pool: Any = joblib.Parallel(n_jobs=min(jobs, len(pieces)), **options)
        for number, (place, found) in enumerate(pool(tasks), start=1):
            if isinstance(found, _Refusal):
                raise InputError(found.cause, found.remedy)
            title, seconds, results[place] = found
            watch.on_done(Done(title, seconds, number, len(pieces)))
    return results


@dataclass(frozen=True)
class _Refusal:
    """An error of the user's on its way between processes, without what may not pickle."""

    cause: str
    remedy: str


def _placed(
    work: Work, board: Board, place: int, piece: tuple[Any, ...]
) -> tuple[int, tuple[str, float, Any] | _Refusal]:
    try:
        found = work(board, place, *piece)
    except InputError as error:
        return place, _Refusal(error.cause, error.remedy)
    board.post(place, 1.0)
    return place, found


@contextmanager
def _board(count: int) -> Iterator[Board]:
    folder = Path(tempfile.mkdtemp(prefix="unfold_theory-"))
    try:
        path = folder / "progress"
        path.write_bytes(np.zeros(count).tobytes())
        yield Board(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _reporting(board: Board, on_fraction: Callable[[float], None]) -> Iterator[None]:
    over = Event()

    def loop() -> None:
        while not over.wait(0.3):
            on_fraction(board.share())

    thread = Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
