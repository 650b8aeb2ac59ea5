"""Lipschitz constants of unfolded networks, from above by multipliers and from below by pairs of inputs."""

from unfold_theory.lipschitz.bound import LowerBound, Multipliers, UpperBound, block_indicator, per_neuron
from unfold_theory.lipschitz.certify import certify

__all__ = ["LowerBound", "Multipliers", "UpperBound", "block_indicator", "certify", "per_neuron"]
