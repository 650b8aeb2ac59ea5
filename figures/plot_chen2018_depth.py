"""Depth against error: learned networks, classical methods and bounds (Chen et al. 2018, figure 1).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.chen2018_depth`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "chen2018_depth", *sys.argv[1:]])
