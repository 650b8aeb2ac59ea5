r"""Codes of quantised networks: a prior over countably many networks, fixed before the data.

A word names, for every group of coordinates, whether it is there (mass 1/2), and if so a step $2^{-k}$, a law of
integers and the integers; the coordinates of an absent group are zero. Its mass is the product of these choices'
masses, so that $\sum_h\pi(h)\le1$ over all networks (several words may name one). The word's length at depth d is
$-\ln$ of the mass of that part of it which the first d layers need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfold_theory.enclosure import Enclosure, stack
from unfold_theory.errors import InputError
from unfold_theory.generalization.coordinates import Coordinates, Group
from unfold_theory.generalization.integer_codes import LONG, SHORT, IntegerCode, best_code
from unfold_theory.generalization.priors import Centre
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch

EXPONENTS = tuple(range(1, 13))
"""Steps 1/2, ..., 1/4096."""
_FEW = 100


@dataclass(frozen=True, eq=False)
class Word:
    """A quantised network: for each group the exponent k of its step, the index of its law, and its integers.

    A group without a law is absent: all its integers are zero.
    """

    exponents: Mapping[str, int]
    laws: Mapping[str, int | None]
    integers: Mapping[str, NDArray[np.int64]]


class NetworkCode:
    """A prior over the quantised networks of one architecture around a centre.

    It holds nothing of a sample: it is made first, and is asked about networks later. Steps and laws of integers are
    part of the word and paid for, so that they may be chosen after looking at the data.

    Args:
        centre: What the words' integers are measured from.
        exponents: Of the steps that a word may name.

    Raises:
        InputError: The centre has nothing to code, or there are no exponents.
    """

    def __init__(self, centre: Centre, *, exponents: tuple[int, ...] = EXPONENTS):
        self.centre = centre
        self.coordinates = Coordinates(centre.network)
        self.exponents = tuple(int(k) for k in exponents)
        if not self.exponents or len(set(self.exponents)) < len(self.exponents):
            raise InputError(f"Steps with the exponents {exponents!r}", "Pass at least one, each once")

    @property
    def depth(self) -> int:
        """Layers of the architecture."""
        return self.centre.network.depth

    def laws(self, group: Group) -> tuple[IntegerCode, ...]:
        """The laws of integers that a word may name for a group."""
        return SHORT if group.size <= _FEW else LONG

    # -- between networks and words --------------------------------------------------------------------------------
    def quantise(
        self,
        network: UnfoldedNetwork,
        exponents: Mapping[str, int],
        *,
        dead_zone: float = 0.5,
    ) -> Word:
        """The word nearest to a network at given steps, with the laws of integers that make it shortest.

        Args:
            network: Of the centre's architecture.
            exponents: k for each group.
            dead_zone: In units of the step; coordinates up to this become zero.

        Raises:
            InputError: The network has another architecture, or an exponent is not one of the code's.
        """
        integers: dict[str, list[NDArray[np.int64]]] = {group.name: [] for group in self.coordinates.groups}

        def rounded(name: str, values: Tensor) -> Tensor:
            step = 2.0 ** -exponents[name]
            found = torch.where(values.abs() <= dead_zone * step, torch.zeros_like(values), torch.round(values / step))
            integers[name].append(found.numpy().astype(np.int64))
            return found * step

        self._known(exponents)
        self.coordinates.encode(network, rounded)
        return self.word(exponents, {name: np.concatenate(parts) for name, parts in integers.items()})

    def word(self, exponents: Mapping[str, int], integers: Mapping[str, NDArray[np.int64]]) -> Word:
        """The word of given steps and integers, with the laws that make it shortest.

        Raises:
            InputError: An exponent is not one of the code's, or a group has another number of integers.
        """
        self._known(exponents)
        for group in self.coordinates.groups:
            if len(integers[group.name]) != group.size:
                raise InputError(
                    f"{len(integers[group.name])} integers for the {group.size} coordinates of {group.name}",
                    "Give each coordinate one",
                )
        laws = {
            g.name: best_code(self.laws(g), integers[g.name])[0] if integers[g.name].any() else None
            for g in self.coordinates.groups
        }
        return Word(dict(exponents), laws, dict(integers))

    def network(self, word: Word) -> UnfoldedNetwork:
        """The network that a word is, float64."""
        values = {
            name: torch.from_numpy(z.astype(np.float64)) * 2.0 ** -word.exponents[name]
            for name, z in word.integers.items()
        }
        return self.coordinates.network(values)

    # -- length ----------------------------------------------------------------------------------------------------
    def nats(self, word: Word) -> Enclosure:
        r"""$-\ln\pi$ of the word cut to its first 1, ..., K layers, shape (K,); certified.

        A group enters with the choice of its step and law once the first layer needs it.
        """
        return stack([self._nats(word, depth) for depth in range(1, self.depth + 1)])

    def full_nats(self, word: Word) -> float:
        """The length of the whole word, in float64, for a search."""
        return float(self._nats(word, self.depth).hi)

    def _nats(self, word: Word, depth: int) -> Enclosure:
        total = Enclosure.exact(0.0)
        for group in self.coordinates.groups:
            used = group.layers < depth
            if not used.any():
                continue
            total = total + Enclosure.exact(2.0).log()
            law, laws = word.laws[group.name], self.laws(group)
            integers = word.integers[group.name][used]
            if law is None:
                if integers.any():
                    raise InputError(f"The absent group {group.name} has integers", "Make words with word()")
                continue
            total = total + Enclosure.exact(float(len(self.exponents) * len(laws))).log() + laws[law].nats(integers)
        return total

    def check_unseen(self, sample: Batch) -> None:
        """Refuse a sample that the centre has seen.

        Raises:
            InputError: It has.
        """
        self.centre.check_unseen(sample)

    def _known(self, exponents: Mapping[str, int]) -> None:
        names = {group.name for group in self.coordinates.groups}
        if set(exponents) != names or not set(exponents.values()) <= set(self.exponents):
            raise InputError(
                f"Steps with the exponents {dict(exponents)}",
                f"Give one of {self.exponents} for each of {', '.join(sorted(names))}",
            )
