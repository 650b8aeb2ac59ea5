"""Upper bounds on the first k layers of a network, for every k at once."""

from __future__ import annotations

from collections.abc import Callable

from unfold_theory.errors import InputError
from unfold_theory.lipschitz.averaged import averaged_bound
from unfold_theory.lipschitz.bound import UpperBound
from unfold_theory.lipschitz.certify import certify
from unfold_theory.lipschitz.greedy import greedy_bound
from unfold_theory.lipschitz.joint import joint_bounds
from unfold_theory.lipschitz.multipliers import optimised_bound
from unfold_theory.lipschitz.triangle import triangle_bounds
from unfold_theory.networks.system import System

METHODS = ("triangle", "joint", "averaged", "greedy", "layer", "neuron")


def upper_bounds_by_depth(system: System, method: str = "greedy") -> list[UpperBound]:
    """Certified bounds on the first 1, ..., K layers, the readout applied after each.

    Args:
        system: The network.
        method: "triangle" and "joint" take one forward pass; "averaged", "greedy", and "layer" and "neuron" (the
            optimised multipliers of a layer or of each neuron) treat each depth on its own.

    Returns:
        K bounds, ``certified`` (or the weaker basis of a matrix).

    Raises:
        InputError: There is no such method.
    """
    if method == "triangle":
        return triangle_bounds(system)
    if method == "joint":
        return joint_bounds(system)
    single: dict[str, Callable[[System], UpperBound]] = {
        "averaged": averaged_bound,
        "greedy": lambda s: certify(s, greedy_bound(s)),
        "layer": lambda s: certify(s, optimised_bound(s, layerwise=True)),
        "neuron": lambda s: certify(s, optimised_bound(s)),
    }
    if method not in single:
        raise InputError(f"{method!r} is no method", f"Take one of {', '.join(METHODS)}")
    return [single[method](system.truncated(depth)) for depth in range(1, system.depth + 1)]
