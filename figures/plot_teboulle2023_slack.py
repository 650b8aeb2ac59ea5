"""What an exact certificate costs: slack over the solver's value, and time, against the number of steps.

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.teboulle2023_slack`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "teboulle2023_slack", *sys.argv[1:]])
