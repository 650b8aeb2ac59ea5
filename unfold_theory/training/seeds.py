"""One independent stream of random numbers for each purpose.

Streams are addressed by axis and cell, not drawn one after another: a deeper network, a longer training or a larger
test set changes no other stream.
"""

from __future__ import annotations

import numpy as np

TRAIN, VALIDATION, TEST = 1, 2, 3


def stream(seed: int, *cell: int) -> int:
    """The seed of the stream at ``cell``, such as ``(TRAIN, depth, stage)``; below 2**63.

    Args:
        seed: Nonnegative seed that the user gave.
        cell: Nonnegative axis numbers.
    """
    state = np.random.SeedSequence(entropy=seed, spawn_key=cell).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
