"""What the command line writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.markup import escape

WIDTH = 1000
"""Columns where the output is no terminal: nothing is cut off there."""


def output() -> Console:
    """Standard output."""
    return _console(sys.stdout)


def messages() -> Console:
    """Standard error."""
    return _console(sys.stderr)


def _console(file: TextIO) -> Console:
    return Console(file=file, highlight=False, width=None if file.isatty() else WIDTH)


def complain(cause: str, remedy: str) -> None:
    """One line that names the cause and the remedy."""
    text = " ".join(f"{cause.rstrip('.')}. {remedy.rstrip('.')}.".split())
    messages().print(f"[bold red]Error:[/] {escape(text)}", soft_wrap=True)


def warn(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """A warning as one line, without the place in the code where it came up."""
    messages().print(f"[bold yellow]Warning:[/] {escape(str(message))}", soft_wrap=True)
