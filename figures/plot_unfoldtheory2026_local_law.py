"""Predicted and measured gain of a layer: the local law on known supports and in networks.

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.unfoldtheory2026_local_law`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "unfoldtheory2026_local_law", *sys.argv[1:]])
