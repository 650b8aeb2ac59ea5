"""Linear rates of LISTA-CP, LISTA-CPSS and ALISTA beside what is measured (Liu et al. 2019, theorem 1).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.liu2019_bound`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "liu2019_bound", *sys.argv[1:]])
