"""``unfold-theory verify``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from unfold_theory.claim import Claim, Setting, Status, Verdict, find_claims
from unfold_theory.claim.presentation import SYMBOL
from unfold_theory.cli.console import output
from unfold_theory.cli.progress import prepare_with_progress, verify_with_progress
from unfold_theory.errors import InputError
from unfold_theory.networks.user_files import load_user_file, user_networks
from unfold_theory.suite import Entry, MethodSubject, Subject, entries_for, method_entries, suite, versions
from unfold_theory.training import load_checkpoint, write_atomically

COLOURS = {
    Status.HOLDS: "green",
    Status.VIOLATED: "bold red",
    Status.VACUOUS: "yellow",
    Status.NOT_APPLICABLE: "bright_black",
    Status.INCONCLUSIVE: "magenta",
}

ClaimNames = Annotated[
    list[str] | None, typer.Argument(help="Claims, sources, or FILE.py with claims of your own; all without any.")
]
NetworkName = Annotated[
    str | None, typer.Option("--network", help="Only this network: a name, FILE.py or FILE.py:NAME.")
]
ScaleName = Annotated[str, typer.Option("--scale", help="Size of the networks: quick or paper.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Worker processes for trainings.")]


def verify_claims(
    claims: ClaimNames = None,
    network: NetworkName = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="The network of a checkpoint, on its own problem.")
    ] = None,
    scale: ScaleName = "quick",
    signals: Annotated[int | None, typer.Option("--signals", help="Signals a setting (128).")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of these signals (2026).")] = None,
    lam: Annotated[float | None, typer.Option("--lam", help="Lasso weight followed for a checkpoint.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdicts to this file as well.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show hypotheses, numbers and witnesses.")] = False,
    jobs: Jobs = 2,
) -> int:
    """Check claims on trained networks; exit code 1 if one is violated."""
    chosen = choose_claims(claims or [])
    if json_file is not None and json_file.is_dir():
        raise InputError(f"{json_file} is a folder", "Name a file")
    for name, value in (("--signals", signals), ("--seed", seed)):
        if value is not None and value < (1 if name == "--signals" else 0):
            raise InputError(f"{name} {value}", "Choose a positive number of signals and a nonnegative seed")
    if checkpoint is not None:
        subjects: list[Subject | MethodSubject] = [_of_checkpoint(checkpoint, network, signals, seed, lam)]
    else:
        if lam is not None:
            raise InputError("--lam belongs to a checkpoint", "Add --checkpoint, or leave it out")
        entries = [
            _changed(e, signals, seed) for e in (suite(scale) if network is None else entries_for(network, scale))
        ]
        subjects = list(prepare_with_progress(entries, jobs=jobs))
        if network is None and signals is None and seed is None:
            subjects += [MethodSubject(entry, entry.setting()) for entry in method_entries()]
    verdicts = verify_with_progress(chosen, subjects)
    if json_file is not None:
        record = {"versions": versions(), "verdicts": [verdict.to_dict() for verdict in verdicts]}
        write_atomically(json_file, (json.dumps(record, indent=1, allow_nan=False) + "\n").encode())
    _print(verdicts, explain)
    return int(any(verdict.status is Status.VIOLATED for verdict in verdicts))


def choose_claims(names: Sequence[str]) -> list[Claim]:
    """Registered claims by id or source, and those of files.

    Raises:
        InputError: A name is unknown, or a file does not import or states no claim.
    """
    import unfold_theory.claims  # noqa: F401  registers the literature's

    registered = [name for name in names if not name.endswith(".py")]
    chosen = find_claims(registered) if registered or not names else []
    for path in names:
        if path.endswith(".py"):
            chosen += _claims_of_file(path)
    return list({claim.id: claim for claim in chosen}.values())


def _claims_of_file(path: str) -> list[Claim]:
    module = load_user_file(path)
    found = {
        value.id: value
        for value in vars(module).values()
        if isinstance(value, Claim) and value.conclude.__module__ == module.__name__
    }
    if not found:
        raise InputError(f"{path} states no claim", "Decorate a function of a setting with @claim(...)")
    return list(found.values())


def _changed(entry: Entry, signals: int | None, seed: int | None) -> Entry:
    return replace(entry, signals=signals or entry.signals, seed=entry.seed if seed is None else seed)


def _of_checkpoint(
    path: Path, network: str | None, signals: int | None, seed: int | None, lam: float | None
) -> Subject:
    own = None
    if network is not None:
        if not network.endswith(".py"):
            raise InputError(
                "--checkpoint names its network itself",
                "Leave --network out, or give the FILE.py that defines its class",
            )
        own = user_networks(load_user_file(network))
    loaded, problem, manifest = load_checkpoint(path, networks=own)
    count, drawn = signals or Entry.signals, Entry.seed if seed is None else seed
    weight = float(getattr(loaded, "lam", Entry.lam)) if lam is None else lam
    setting = Setting(loaded, problem, problem.sample(count, seed=drawn), lam=weight, name=path.name)
    entry = Entry(
        name=path.name,
        regime="checkpoint",
        network=loaded.name,
        problem_recipe=problem.recipe,
        depth=loaded.depth,
        origin="trained",
        signals=count,
        seed=drawn,
        lam=weight,
    )
    return Subject(entry, setting, manifest)


def _print(verdicts: Sequence[Verdict], explain: bool) -> None:
    console = output()
    if explain:
        for verdict in verdicts:
            console.print(verdict.explain(), markup=False, soft_wrap=True)
            console.print()
    else:
        console.print(_table(verdicts, console.width))
    counts = Counter(verdict.status for verdict in verdicts)
    shown = [f"[{COLOURS[s]}]{SYMBOL[s]} {counts[s]} {s.value}[/]" for s in Status if counts[s]]
    console.print(", ".join(shown))


def _table(verdicts: Sequence[Verdict], width: int) -> Table:
    """One line a verdict; as much of the reason as there is room for."""
    rows = [
        (
            v.claim.id,
            v.setting,
            f"{SYMBOL[v.status]} {v.status.value}",
            v.proof,
            "–" if v.conclusion is None else f"{v.coverage:.0%}",
            "–" if v.observed is None else f"{v.observed:.0%}",
            v.reason,
        )
        for v in sorted(verdicts, key=lambda v: v.claim.id)
    ]
    titles = ("claim", "setting", "verdict", "proof", "applies", "observed", "why")
    taken = sum(max(len(row[i]) for row in (titles, *rows)) + 2 for i in range(len(titles) - 1))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, justify="right" if i in (4, 5) else "left", no_wrap=i < 2, overflow="fold")
    for row, v in zip(rows, sorted(verdicts, key=lambda v: v.claim.id), strict=True):
        why = shorten(row[-1], max(width - taken, 40), placeholder=" …")
        cells = [escape(cell) for cell in (*row[:-1], why)]
        cells[2] = f"[{COLOURS[v.status]}]{cells[2]}[/]"
        table.add_row(*cells)
    return table
