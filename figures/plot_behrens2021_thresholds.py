"""Thresholds of each signal against their law (Behrens et al. 2021).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.behrens2021_thresholds`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "behrens2021_thresholds", *sys.argv[1:]])
