"""Check trained deep-unfolded networks against their theorems: hypotheses, bounds, verdicts."""

__version__ = "0.1.0"
