"""The commands, and what becomes of errors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unfold_theory.cli.audit import audit_networks
from unfold_theory.cli.console import complain, warn
from unfold_theory.cli.draw import draw_figure
from unfold_theory.cli.inspection import list_, show
from unfold_theory.cli.proofs import prove
from unfold_theory.cli.reporting import write
from unfold_theory.cli.studies import run_study
from unfold_theory.cli.training import train_network
from unfold_theory.cli.verification import verify_claims
from unfold_theory.cli.weights import audit
from unfold_theory.errors import InputError
from unfold_theory.suite import versions

VIOLATED, WRONG_INPUT, INTERRUPTED = 1, 2, 130


class Commands(TyperGroup):
    """Turns the number that a command returns into the exit code, and every error of the user's into one line."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        """Run, and leave with an exit code."""
        extra["standalone_mode"] = False
        sys.exit(self._run(args, prog_name or "unfold-theory", extra))

    def _run(self, args: Sequence[str] | None, name: str, extra: dict[str, Any]) -> int:
        with warnings.catch_warnings():
            warnings.showwarning = warn
            try:
                code = int(super().main(args=args, prog_name=name, **extra) or 0)
            except InputError as error:
                complain(error.cause, error.remedy)
                return WRONG_INPUT
            except (KeyboardInterrupt, typer.Abort):
                code = INTERRUPTED
            except Exception as error:
                # Typer's errors of usage have no public base class that all of its versions share.
                if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
                    raise
                return self._usage(error, name)
        # Typer itself turns an interrupt into this code.
        if code == INTERRUPTED:
            complain("Interrupted", "What was finished is kept: the same command takes up from there")
        return code

    def _usage(self, error: Any, name: str) -> int:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else name
        if type(error).__name__ == "NoArgsIsHelpError":
            return 0
        message = " ".join(str(error.format_message()).split()).rstrip(".")
        complain(message, f"Run `{command} --help`")
        return WRONG_INPUT


app = typer.Typer(
    cls=Commands,
    help="Verify trained deep-unfolded networks against their theorems.",
    epilog="Exit codes: 0 nothing violated, 1 something violated or not proved, 2 usage, input or solver error.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"unfold-theory {versions()['unfold_theory']}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass


app.command("list")(list_)
app.command("show")(show)
app.command("train")(train_network)
app.command("verify")(verify_claims)
app.command("figure")(draw_figure)
app.command("study")(run_study)
app.command("report")(write)
app.command("audit")(audit_networks)
app.command("weights")(audit)
app.command("prove")(prove)


def main() -> None:
    """Entry point of ``unfold-theory``."""
    app()
