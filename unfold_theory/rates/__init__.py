"""Convergence-rate bounds: error recursions from a network's own weights, and networks built to meet them."""
