"""``unfold-theory list`` and ``show``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated

import typer
from pybtex.richtext import Text
from rich.markup import escape
from rich.table import Table

import unfold_theory.claims  # noqa: F401  registers the literature's
from unfold_theory.claim import CLAIMS, Claim
from unfold_theory.claim.sources import bibliography, citation
from unfold_theory.cli.console import output
from unfold_theory.cli.verification import choose_claims
from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS, UnfoldedNetwork
from unfold_theory.plotting import FIGURES, STUDY_FIGURES, find_figure
from unfold_theory.problems import DICTIONARIES, LAWS
from unfold_theory.suite import SCALES, STUDIES, resolve_network
from unfold_theory.training import RECIPES


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    return table


def _claims() -> Table:
    table = _table("Claims", "id", "source", "proof")
    for claim in sorted(CLAIMS.values(), key=lambda c: c.id):
        table.add_row(claim.id, escape(f"{citation(claim)}, {claim.theorem}"), claim.proof_status)
    return table


def _networks() -> Table:
    table = _table("Networks", "name", "title", "paradigm", "source")
    for network in NETWORKS.values():
        table.add_row(network.name, network.title, network.paradigm, network.source)
    return table


def _problems() -> Table:
    table = _table("Problems", "part", "kind")
    table.add_row("dictionary", ", ".join(DICTIONARIES))
    table.add_row("law of codes", ", ".join(LAWS))
    for scale in SCALES.values():
        for regime, problem in scale.problems().items():
            table.add_row(f"{scale.name}: {regime}", escape(str(problem)))
    return table


def _figures() -> Table:
    table = _table("Figures", "name", "what it shows")
    for figure in (*FIGURES.values(), *STUDY_FIGURES.values()):
        table.add_row(figure.name, figure.title)
    return table


def _studies() -> Table:
    table = _table("Studies", "name", "what it measures")
    for made in STUDIES.values():
        table.add_row(made.name, escape(made.title))
    return table


def _recipes() -> Table:
    table = _table("Recipes", "name", "what is trained")
    for recipe in RECIPES.values():
        table.add_row(recipe.name, escape(recipe.title))
    return table


KINDS: dict[str, Callable[[], Table]] = {
    "claims": _claims,
    "networks": _networks,
    "problems": _problems,
    "figures": _figures,
    "studies": _studies,
    "recipes": _recipes,
}


def list_(
    kind: Annotated[str | None, typer.Argument(help=f"Only one of: {', '.join(KINDS)}.")] = None,
) -> int:
    """What there is: claims, networks, problems, figures and training recipes."""
    if kind is not None and kind not in KINDS:
        raise InputError(f"There is nothing called {kind!r} to list", f"Choose one of {', '.join(KINDS)}")
    console = output()
    for name, make in KINDS.items():
        if kind in (None, name):
            console.print(make())
            console.print()
    return 0


def show(
    name: Annotated[str, typer.Argument(help="A claim, a source key, a network, a figure, or a FILE.py.")],
) -> int:
    """What a claim states and assumes, or what a network computes and which options it has."""
    if name in NETWORKS or (name.endswith(".py") and _defines_network(name)):
        _show_network(resolve_network(name))
    elif name in FIGURES or name in STUDY_FIGURES:
        output().print(f"{name}: {find_figure(name).title}", markup=False)
    elif name.endswith(".py") or any(name in (claim.id, claim.source) for claim in CLAIMS.values()):
        for claim in choose_claims([name]):
            _show_claim(claim)
    else:
        raise InputError(
            f"There is no claim, network or figure {name!r}",
            f"Choose one of {', '.join([*sorted(CLAIMS), *NETWORKS, *FIGURES, *STUDY_FIGURES])}",
        )
    return 0


def _defines_network(path: str) -> bool:
    from unfold_theory.networks.user_files import load_user_file, user_networks

    return bool(user_networks(load_user_file(path)))


def _show_claim(claim: Claim) -> None:
    console = output()
    console.print(
        f"[bold]{claim.id}[/]  {escape(citation(claim))}, {escape(claim.theorem)}; proof: {claim.proof_status}"
    )
    console.print(f"  states   {claim.statement}", markup=False, soft_wrap=True)
    if claim.about:
        console.print(f"           {' '.join(claim.about.split())}", markup=False, soft_wrap=True)
    for hypothesis in claim.hypotheses:
        console.print(f"  assumes  {hypothesis.name}: {hypothesis.statement}", markup=False, soft_wrap=True)
    if claim.proof:
        console.print(f"  proof    {claim.proof}", markup=False)
    console.print()


def _show_network(network: type[UnfoldedNetwork]) -> None:
    console = output()
    console.print(f"[bold]{network.name}[/]  {escape(network.title)}; {network.paradigm}")
    if network.source in bibliography().entries:
        entry = bibliography().entries[network.source]
        title = Text.from_latex(entry.fields.get("title", ""))
        console.print(f"  {title} ({network.source})", markup=False, soft_wrap=True)
    console.print(inspect.cleandoc(network.__doc__ or ""), markup=False, soft_wrap=True)
    parameters = inspect.signature(network.for_problem).parameters.values()
    options = [f"{p.name}={p.default!r}" for p in parameters if p.kind is p.KEYWORD_ONLY]
    console.print(f"\nOptions (--option NAME=VALUE): {', '.join(options) or 'none'}", markup=False, soft_wrap=True)
