"""Audit of trained networks: measured against logged errors, and which hypotheses fail (Behrens et al. 2021).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.behrens2021_audit`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "behrens2021_audit", *sys.argv[1:]])
