"""Support selection: how many entries bypass their threshold, and the error (LISTA-CP, LISTA-CPSS, HyperLISTA).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.chen2021_selection`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "chen2021_selection", *sys.argv[1:]])
