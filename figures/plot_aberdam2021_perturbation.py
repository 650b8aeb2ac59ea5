"""Ada-LISTA and ALISTA on perturbed dictionaries, with certified bounds (derived from Aberdam et al. 2021).

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.aberdam2021_perturbation`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "aberdam2021_perturbation", *sys.argv[1:]])
