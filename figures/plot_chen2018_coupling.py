"""Weight coupling and thresholds of trained LISTA, layer by layer (Chen et al. 2018, theorem 1).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.chen2018_coupling`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "chen2018_coupling", *sys.argv[1:]])
