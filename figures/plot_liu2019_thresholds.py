"""Thresholds of trained ALISTA against the threshold law of Liu et al. (2019).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.liu2019_thresholds`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "liu2019_thresholds", *sys.argv[1:]])
