"""Momentum on an identified support: three rules on the same spectra, and their predicted slopes.

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.chen2021_momentum`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "chen2021_momentum", *sys.argv[1:]])
