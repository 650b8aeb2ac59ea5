"""How stable gradient descent is as a reasoning layer, and that the constant cannot be improved (Chen et al. 2020).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.chen2020_stability`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "chen2020_stability", *sys.argv[1:]])
