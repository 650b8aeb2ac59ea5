"""Objective gap of ISTA and FISTA beside their rates (Beck and Teboulle 2009, theorems 3.1 and 4.4).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.beck2009_gap`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "beck2009_gap", *sys.argv[1:]])
