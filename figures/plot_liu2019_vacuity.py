"""What sparsities the coherence theory covers, and what published experiments use (Liu et al. 2019, theorem 1; Welch).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.liu2019_vacuity`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "liu2019_vacuity", *sys.argv[1:]])
