"""Time of worst-case rates beside PEPit (Taylor, Hendrickx and Glineur 2018).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.taylor2018_time`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "taylor2018_time", *sys.argv[1:]])
