"""Worst-case bounds on the generalization gap against training signals and depth, and when they begin to speak.

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.unfoldtheory2026_capacity`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "unfoldtheory2026_capacity", *sys.argv[1:]])
