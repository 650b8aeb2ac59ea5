"""Generalization: bounds on the risk of a trained network, and on the gap to its training risk."""
