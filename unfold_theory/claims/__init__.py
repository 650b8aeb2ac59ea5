"""Claims of the literature, one file a paper, named by its BibTeX key; importing this package registers them all."""

from unfold_theory.claims import beck2009, chen2018, liu2019, unfoldtheory2026

__all__ = ["beck2009", "chen2018", "liu2019", "unfoldtheory2026"]
