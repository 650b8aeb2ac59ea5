"""``unfold-theory prove``."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

import unfold_theory
from unfold_theory.certificate import Certificate, check
from unfold_theory.cli.console import output
from unfold_theory.errors import InputError

FOLDER = Path(unfold_theory.__file__).parents[1] / "proofs_checks"


def prove(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Certificates; without any, every proof of the source tree.")
    ] = None,
) -> int:
    """Check certificates on their own, or run every machine-checked proof; exit code 1 if one proves nothing."""
    return _certificates(files) if files else _scripts(FOLDER)


def _certificates(files: list[Path]) -> int:
    # All are read first: a wrong name among many costs no time.
    read = [(path, Certificate.load(path)) for path in files]
    console, refused = output(), 0
    for path, certificate in read:
        finding = check(certificate)
        if finding.accepted:
            verdict = f"[green]✓ proved[/] by {' and '.join(finding.checkers)}"
            detail = f"between {finding.bound.lo:.17g} and {finding.bound.hi:.17g}; checked in {finding.seconds:.2f} s"
        else:
            refused += 1
            verdict, detail = "[bold red]✗ refused[/]", finding.reason
        console.print(f"{escape(str(path))}: {verdict}: {escape(finding.title)}\n  {escape(detail)}", soft_wrap=True)
    return int(refused > 0)


def _scripts(folder: Path) -> int:
    scripts = sorted(folder.glob("check_*.py"))
    if not scripts:
        raise InputError(
            f"{folder} holds no proofs: they are part of the source tree, not of the installed package",
            "Run this in a clone, or name certificates",
        )
    if not __debug__:
        raise InputError("Python was started with -O, which skips every assertion", "Start it without")
    console, failed, total = output(), 0, 0
    for script in scripts:
        module = _load(script)
        console.print(f"[bold]{escape(script.stem.removeprefix('check_'))}[/]: {escape(_first(module.__doc__))}")
        for name, function in vars(module).items():
            if not name.startswith("check_") or not inspect.isfunction(function):
                continue
            began, total = time.perf_counter(), total + 1
            problem = _failure(function)
            failed += problem is not None
            mark = "[green]✓[/]" if problem is None else "[bold red]✗[/]"
            what = _first(function.__doc__) or name.removeprefix("check_").replace("_", " ")
            late = f" ({time.perf_counter() - began:.1f} s)" if time.perf_counter() - began > 1 else ""
            console.print(f"  {mark} {escape(what)}{late}", soft_wrap=True)
            if problem:
                console.print(f"    {escape(problem)}", soft_wrap=True)
    console.print(f"{total - failed} of {total} checks passed in {len(scripts)} scripts")
    return int(failed > 0)


def _load(script: Path) -> Any:
    name = f"unfold_theory_proofs_{script.stem}"
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _first(text: str | None) -> str:
    return " ".join((inspect.cleandoc(text or "").split("\n\n")[0]).split())


def _failure(function: Callable[..., Any]) -> str | None:
    """What went wrong in one check, over all of its parameters."""
    for arguments in _cases(function):
        try:
            function(**arguments)
        except Exception as error:
            given = f" with {arguments}" if arguments else ""
            return f"{type(error).__name__}{given}: {error}".rstrip(": ")
    return None


def _cases(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """The arguments that pytest's ``parametrize`` would give."""
    cases: list[dict[str, Any]] = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names, values = mark.args[:2]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        rows = [getattr(v, "values", v) for v in values]
        rows = [row if len(names) > 1 or isinstance(row, tuple) else (row,) for row in rows]
        cases = [case | dict(zip(names, row, strict=True)) for case in cases for row in rows]
    yield from cases
