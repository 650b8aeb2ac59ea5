"""Progress of long work on standard error: a bar on a terminal, a line for each finished piece everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from unfold_theory.claim import Claim, Verdict, verify
from unfold_theory.cli.console import messages
from unfold_theory.store import Store
from unfold_theory.suite import Done, Entry, Subject, Watch, prepare

T = TypeVar("T")


@contextmanager
def _bar() -> Iterator[Progress]:
    console = messages()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # Where nobody watches, a bar that is redrawn would fill the log; the lines of finished pieces remain.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def prepare_with_progress(entries: Sequence[Entry], *, jobs: int, store: Store | None = None) -> list[Subject]:
    """:func:`~unfold_theory.suite.prepare`, watched."""
    console = messages()
    with _bar() as progress:
        task = progress.add_task("preparing", total=1.0)

        def start(total: int) -> None:
            progress.update(task, description=f"training and computing {total} things")
            console.print(f"{len(entries)} settings; {total} networks and weights are not in the cache yet")

        def done(piece: Done) -> None:
            console.print(f"[{piece.number}/{piece.total}] {piece.title}: {piece.seconds:.0f} s", markup=False)

        watch = Watch(start, done, lambda fraction: progress.update(task, completed=fraction))
        return prepare(entries, store, jobs=jobs, watch=watch)


def verify_with_progress(claims: Sequence[Claim], subjects: Sequence[Subject]) -> list[Verdict]:
    """Every claim on every subject's setting."""
    verdicts = []
    with _bar() as progress:
        task = progress.add_task("verifying", total=len(claims) * len(subjects))
        for subject in subjects:
            progress.update(task, description=f"verifying {escape(subject.entry.name)}")
            for claim in claims:
                verdicts.append(verify(claim, subject.setting))
                progress.advance(task)
    return verdicts
