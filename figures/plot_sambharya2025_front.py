"""Learned parameters: mean gap against certified worst case (Sambharya et al. 2025).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.sambharya2025_front`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "sambharya2025_front", *sys.argv[1:]])
