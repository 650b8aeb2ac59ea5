"""Learned steps of StepLISTA against 1/L and the steps that supports allow (Ablin et al. 2019).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.ablin2019_steps`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "ablin2019_steps", *sys.argv[1:]])
