"""Learned gradient steps beside Chebyshev steps, and their polynomials (Takabe and Wadayama 2022).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.takabe2022_steps`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "takabe2022_steps", *sys.argv[1:]])
