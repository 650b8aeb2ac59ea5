"""The worst case of proximal gradient from five sides (Teboulle and Vaisbourd 2023).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.teboulle2023_rate`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "teboulle2023_rate", *sys.argv[1:]])
