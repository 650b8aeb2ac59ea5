"""What a network reaches on signals that it was not trained on."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.seeds import TEST, stream


def evaluate(
    network: UnfoldedNetwork, problem: Any, count: int = 10_000, seed: int = 0, *, chunk: int = 500
) -> dict[str, Any]:
    r"""NMSE at every depth on ``count`` fresh signals, in float64.

    The signals come from the test stream of ``seed``: no training and no validation, whatever its seed, has seen them.

    Args:
        network: Network; a float64 copy is evaluated.
        problem: Problem with planted codes.
        count: Signals, at least 1.
        seed: Seed of the test stream.
        chunk: Signals at a time, which bounds the memory.

    Returns:
        ``nmse_db``: list of $10\log_{10}(\sum_i\|x_i^k-x_i^\star\|^2/\sum_i\|x_i^\star\|^2)$ for k = 0..K (the ratio of
        sums, -inf where every code is exact); ``count`` and ``seed`` as passed.

    Raises:
        InputError: A layer's codes are not finite, or all codes of the problem are zero.
        MissingStructure: The problem has no planted codes.
    """
    if not getattr(problem, "planted", True):
        raise MissingStructure("The NMSE", "this problem", "planted codes")
    batch = problem.sample(count, seed=stream(seed, TEST))
    work = copy.deepcopy(network).to(torch.float64)
    errors = torch.zeros(work.depth + 1, dtype=torch.float64)
    size = 0.0
    with torch.no_grad():
        for first in range(0, count, chunk):
            x = torch.tensor(batch.x[first : first + chunk])
            y = torch.tensor(batch.y[first : first + chunk])
            errors += (work.iterates(y) - x).square().sum((1, 2))
            size += x.square().sum().item()
    if size == 0:
        raise InputError("All codes of the problem are zero", "Choose a law with nonzero entries")
    for k, error in enumerate(errors.tolist()):
        if not math.isfinite(error):
            raise InputError(
                f"The codes of {type(network).__name__} at depth {k} are not finite", "Look at the parameters before it"
            )
    return {"nmse_db": (10 * torch.log10(errors / size)).tolist(), "count": count, "seed": seed}
