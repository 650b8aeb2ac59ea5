"""Distance to the Lasso solution with predicted local rates (Liang, Fadili, Peyre 2014).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.liang2014_local`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "liang2014_local", *sys.argv[1:]])
