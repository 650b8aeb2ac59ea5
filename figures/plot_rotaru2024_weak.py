"""Gradient descent between convex and nonconvex functions (Rotaru, Glineur and Patrinos 2024).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.rotaru2024_weak`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "rotaru2024_weak", *sys.argv[1:]])
