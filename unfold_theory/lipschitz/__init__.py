"""Lipschitz constants of unfolded networks, from above by multipliers and from below by pairs of inputs."""

from unfold_theory.lipschitz.averaged import averaged_bound
from unfold_theory.lipschitz.bound import LowerBound, Multipliers, UpperBound, block_indicator, per_neuron
from unfold_theory.lipschitz.by_depth import upper_bounds_by_depth
from unfold_theory.lipschitz.certify import certify
from unfold_theory.lipschitz.greedy import greedy_bound
from unfold_theory.lipschitz.joint import joint_bound
from unfold_theory.lipschitz.lower import lower_bound
from unfold_theory.lipschitz.multipliers import optimised_bound
from unfold_theory.lipschitz.recursion import recursion_bound
from unfold_theory.lipschitz.spectral import spectral_bound, square_root_bound
from unfold_theory.lipschitz.triangle import triangle_bound

__all__ = [
    "LowerBound",
    "Multipliers",
    "UpperBound",
    "averaged_bound",
    "block_indicator",
    "certify",
    "greedy_bound",
    "joint_bound",
    "lower_bound",
    "optimised_bound",
    "per_neuron",
    "recursion_bound",
    "spectral_bound",
    "square_root_bound",
    "triangle_bound",
    "upper_bounds_by_depth",
]
