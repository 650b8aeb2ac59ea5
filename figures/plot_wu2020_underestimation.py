"""Support entries that come out too small, with gates and without (Wu et al. 2020).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.wu2020_underestimation`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "wu2020_underestimation", *sys.argv[1:]])
