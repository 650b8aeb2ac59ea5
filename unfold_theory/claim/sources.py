"""The package's bibliography."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from pybtex.database import BibliographyData, Entry, parse_string
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from unfold_theory.claim.statement import Claim
from unfold_theory.errors import InputError


@cache
def bibliography() -> BibliographyData:
    """Entries of ``references.bib``."""
    text = resources.files("unfold_theory").joinpath("references.bib").read_text(encoding="utf-8")
    return parse_string(text, "bibtex")


def entry_of(claim: Claim) -> Entry | None:
    """The claim's own entry if it brings one, else the package's; None where neither exists.

    Raises:
        InputError: The claim's entry cannot be parsed.
    """
    if claim.bibtex is not None:
        try:
            entries = parse_string(claim.bibtex, "bibtex").entries
        except PybtexError as broken:
            raise InputError(f"The BibTeX entry of {claim.id} cannot be parsed: {broken}", "Mend it") from broken
        return entries.get(claim.source)
    return bibliography().entries.get(claim.source)


def citation(claim: Claim) -> str:
    """Authors and year, for tables: ``Chen et al. 2018``; the key where no entry is known."""
    entry = entry_of(claim)
    if entry is None:
        return claim.source
    people = (entry.persons or {}).get("author", [])
    # Braces and escapes are for BibTeX; tables show plain text.
    names = [str(Text.from_latex(" ".join(p.last_names))) for p in people]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{who} {(entry.fields or {}).get('year', '')}".strip()


def bibtex(claims: list[Claim]) -> str:
    """The entries of several claims' sources, each once."""
    return to_bibtex({c.source: entry for c in claims if (entry := entry_of(c)) is not None})


def to_bibtex(entries: Mapping[str, Entry]) -> str:
    """Entries by key as the text of a BibTeX file."""
    # Pybtex escapes the backslash of an escaped underscore once more.
    return BibliographyData(entries=dict(entries)).to_string("bibtex").replace(r"\\_", r"\_")
