"""The command line ``unfold-theory``.

Exit codes: 0 nothing violated, 1 something violated, 2 usage, input or solver error, 130 interrupted.
"""

from unfold_theory.cli.app import app, main

__all__ = ["app", "main"]
