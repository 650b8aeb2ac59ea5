"""Where a prior comes from: made before and without the sample, or fitted on signals that it remembers."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from unfold_theory.errors import InputError
from unfold_theory.networks import build
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch


def _digests(batch: Batch) -> frozenset[bytes]:
    rows = np.ascontiguousarray(batch.y)
    return frozenset(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows)


@dataclass(frozen=True, eq=False)
class Centre:
    """The network that a prior is centred at, with the digests of the signals that it has seen.

    It is made by :meth:`initial`, from the problem and options alone, or by :meth:`fitted`, which asks for the signals.
    A bound on signals that the centre has seen is refused: its prior would not have been fixed before the sample.

    Attributes:
        network: The network.
        seen: Digests of the measurements that it was fitted on; empty for :meth:`initial`.
    """

    network: UnfoldedNetwork
    seen: frozenset[bytes]

    @classmethod
    def initial(cls, network: str | type[UnfoldedNetwork], problem: Any, depth: int, **options: Any) -> Centre:
        """The start of an architecture on a problem, before any signal was drawn.

        Args:
            network: A registered name, or a class.
            problem: Gives dictionary and constants.
            depth: Number of layers.
            options: Of the class's ``for_problem``.

        Raises:
            InputError: As ``build`` raises it.
        """
        return cls(build(network, problem, depth, **options), frozenset())

    @classmethod
    def fitted(cls, network: UnfoldedNetwork, *samples: Batch) -> Centre:
        """A network that was trained on these signals, validation included: a prior for signals that are none of them.

        Raises:
            InputError: No signals are given.
        """
        if not samples or not any(len(batch.y) for batch in samples):
            raise InputError(
                "A fitted prior without the signals that it was fitted on",
                "Pass all batches that training looked at, or use Centre.initial",
            )
        return cls(copy.deepcopy(network), frozenset().union(*(_digests(batch) for batch in samples)))

    def overlap(self, sample: Batch) -> int:
        """Number of different signals of a sample that the centre has seen."""
        return len(self.seen & _digests(sample)) if self.seen else 0

    def check_unseen(self, sample: Batch) -> None:
        """Refuse a sample that the prior has seen a part of.

        Raises:
            InputError: Some of its signals are among those that the centre was fitted on.
        """
        overlap = self.overlap(sample)
        if overlap:
            raise InputError(
                f"The prior has seen {overlap} of the {len(sample.y)} signals of the sample",
                "Fit it on a disjoint part, or centre it at the initial network",
            )
