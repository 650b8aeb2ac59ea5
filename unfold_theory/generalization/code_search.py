"""Search for a word with a small bound. Whatever it looks at, the certificate holds: the code was fixed before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import torch

from unfold_theory.generalization.codes import NetworkCode, Word
from unfold_theory.generalization.kl import kl_upper
from unfold_theory.generalization.losses import BoundedLoss
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch
from unfold_theory.problems.checks import Number

DEAD_ZONES = (0.5, 0.7, 0.9)


@dataclass
class _Score:
    """The bound of a word by kl, with the risk estimated in float32 on a part of the sample."""

    code: NetworkCode
    sample: Batch
    loss: BoundedLoss
    delta: float
    look: int
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.truth = self.sample.x[: self.look]
        self.y = torch.tensor(self.sample.y[: self.look], dtype=torch.float32)

    def __call__(self, word: Word) -> float:
        self.seen += 1
        with torch.no_grad():
            codes = self.code.network(word).float()(self.y).double().numpy()
        risk = float(self.loss(codes, self.truth).mean())
        level = (self.code.full_nats(word) - math.log(self.delta)) / len(self.sample.y)
        return float(kl_upper(risk, level))


def search_word(
    code: NetworkCode,
    network: UnfoldedNetwork,
    sample: Batch,
    *,
    loss: BoundedLoss,
    delta: Number = 0.01,
    exponents: Mapping[str, int] | None = None,
    look: int = 10_000,
    sweeps: int = 0,
) -> Word:
    """A word near a network whose bound at the last depth is small.

    Steps and dead zones on a grid, then each group's step, then (``sweeps``) single integers, as long as it improves.

    Args:
        code: The prior.
        network: The trained network.
        sample: What it was trained on.
        loss: With values in [0, 1].
        delta: Failure probability of the certificate to come.
        exponents: Of the steps that training had in mind; by default one step for all groups is looked for first.
        look: Signals of the sample that the search evaluates; the certificate evaluates all.
        sweeps: How often all nonzero integers, and all of small groups, are tried one up and one down.

    Raises:
        InputError: The code's centre has seen the sample, or the network has another architecture.
    """
    code.check_unseen(sample)
    score = _Score(code, sample, loss, float(delta), look)
    names = [group.name for group in code.coordinates.groups]
    least, most = min(code.exponents), max(code.exponents)
    starts = (
        [dict.fromkeys(names, k) for k in code.exponents]
        if exponents is None
        else [{n: min(max(exponents[n] + shift, least), most) for n in names} for shift in (-2, -1, 0, 1)]
    )
    best = math.inf, code.quantise(network, starts[0]), 0.5
    for given, zone in product(starts, DEAD_ZONES):
        word = code.quantise(network, given, dead_zone=zone)
        best = min(best, (score(word), word, zone), key=lambda found: found[0])
    value, word, zone = best
    improved = True
    while improved:
        improved = False
        for name, shift in product(names, (-1, 1)):
            moved = word.exponents[name] + shift
            if moved not in code.exponents:
                continue
            other = code.quantise(network, {**word.exponents, name: moved}, dead_zone=zone)
            if (found := score(other)) < value:
                value, word, improved = found, other, True
    for _ in range(sweeps):
        before = value
        value, word = _sweep(code, score, value, word)
        if value >= before:
            break
    return word


def _sweep(code: NetworkCode, score: _Score, value: float, word: Word) -> tuple[float, Word]:
    for group in code.coordinates.groups:
        own = word.integers[group.name]
        places = range(group.size) if group.size <= 40 and own.any() else own.nonzero()[0]
        for place in places:
            for change in (-1, 1):
                integers = word.integers[group.name].copy()
                integers[place] += change
                other = code.word(word.exponents, {**word.integers, group.name: integers})
                if (found := score(other)) < value:
                    value, word = found, other
    return value, word
