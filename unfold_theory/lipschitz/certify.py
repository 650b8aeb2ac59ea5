"""From a solver's multipliers to a bound that holds in exact arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.lipschitz.bound import Multipliers, UpperBound, per_neuron
from unfold_theory.lipschitz.dissipation import dissipation_bound
from unfold_theory.networks.system import System

# A solver may leave multipliers on the boundary, where no rounding error can be afforded.
LIFTS = (0.0, 2.0**-40, 2.0**-33, 2.0**-26, 2.0**-20)


def certify(system: System, given: UpperBound | Multipliers) -> UpperBound:
    r"""The bound that multipliers prove, with every rounding error accounted for.

    The value is computed anew from the multipliers (:mod:`unfold_theory.lipschitz.dissipation`); the value that a
    solver claims plays no part. Time and memory are those of one backward recursion, linear in depth, a second at
    16 layers of 250 x 500.

    Args:
        system: The network; the bound holds for every choice of matrices in their enclosures.
        given: An upper bound with multipliers, or these themselves: one number for each block of each layer.

    Returns:
        The upper bound, ``certified``, with the multipliers that prove it: those given, or ones lifted by up to
        $2^{-20}$ of the largest where these prove nothing for float64.

    Raises:
        InputError: The bound carries no multipliers, their shapes do not fit, one is negative or not finite, an
            activation is not firmly nonexpansive, or they prove nothing.
    """
    method, multipliers = (given.method, given.multipliers) if isinstance(given, UpperBound) else ("multipliers", given)
    if multipliers is None:
        raise InputError(f"The bound by {method} carries no multipliers", "Certify one that does, such as greedy_bound")
    multipliers = tuple(np.asarray(part, dtype=np.float64) for part in multipliers)
    largest = max((float(part.max(initial=0.0)) for part in multipliers), default=0.0)
    for lift in LIFTS:
        used = tuple(part + lift * largest for part in multipliers) if lift else multipliers
        rho = dissipation_bound(system, per_neuron(system, used))
        if rho is not None:
            value = rho.sqrt()
            upper = replace(value, lo=value.hi)
            return UpperBound(upper, method, used)
    raise InputError(
        f"The multipliers of {system.title} prove no bound: 2 Lambda_k - B^T Q B is not definite in some layer",
        "Enlarge them, or start from those of greedy_bound",
    )
