"""Per-layer certificates of constructed and trained networks beside measured errors.

Takes the options of `unfold-theory figure`: --style, --out, --scale.
The drawing is `unfold_theory.plotting.unfoldtheory2026_certificate`.
"""

import sys

from unfold_theory.cli import app

if __name__ == "__main__":
    app(["figure", "unfoldtheory2026_certificate", *sys.argv[1:]])
