"""Progress of long work on standard error: a bar on a terminal, a line for each finished piece everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from unfold_theory.claim import Claim, Verdict, verify
from unfold_theory.cli.console import messages
from unfold_theory.store import Store
from unfold_theory.suite import (
    Done,
    Entry,
    MethodEntry,
    MethodSubject,
    Study,
    Subject,
    VerdictRecord,
    Watch,
    prepare,
    registered_verdicts,
    run_studies,
)


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
    with _watched("training", f"{len(entries)} settings, {{}} networks and weights to train or compute") as watch:
        return prepare(entries, store, jobs=jobs, watch=watch)


def registered_with_progress(
    entries: Sequence[Entry | MethodEntry], *, jobs: int, store: Store | None = None
) -> list[VerdictRecord]:
    """:func:`~unfold_theory.suite.registered_verdicts`, watched."""
    with _watched("verifying", "{} settings to verify") as watch:
        return registered_verdicts(entries, store, jobs=jobs, watch=watch)


def studies_with_progress(
    studies: Sequence[Study], scale: str, *, jobs: int, shard: tuple[int, int] = (1, 1), store: Store | None = None
) -> dict[str, pd.DataFrame]:
    """:func:`~unfold_theory.suite.run_studies`, watched."""
    with _watched("measuring", "{} cells of studies to measure") as watch:
        return run_studies(studies, scale, store, jobs=jobs, shard=shard, watch=watch)


@contextmanager
def _watched(title: str, opening: str) -> Iterator[Watch]:
    with _bar() as progress:
        task = progress.add_task(title, total=1.0, visible=False)
        # Through the bar's console, so that lines appear above it.
        console = progress.console

        def start(total: int) -> None:
            progress.update(task, visible=True)
            console.print(opening.format(total), markup=False)

        def done(piece: Done) -> None:
            console.print(f"[{piece.number}/{piece.total}] {piece.title}: {piece.seconds:.0f} s", markup=False)

        yield Watch(start, done, lambda fraction: progress.update(task, completed=fraction))


def verify_with_progress(claims: Sequence[Claim], subjects: Sequence[Subject | MethodSubject]) -> list[Verdict]:
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
