r"""Training on the bound: weights, steps and code lengths that make the Occam bound small together.

Coordinates are rounded in every forward pass, with the straight-through gradient for themselves and for their step; the
length of a Laplace law whose scale is learned stands for the code's. With the surrogate risk r and length $\ell$ what
is minimised is $\mathrm{kl}^{-1}(r|(\ell+\ln\frac1\delta)/N)$, by its two partial derivatives at running means: a mean
over minibatches inside the inverse would be biased. What comes out is certified afterwards, and nothing of this enters
the certificate.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from unfold_theory.errors import InputError
from unfold_theory.generalization.code_search import search_word
from unfold_theory.generalization.codes import NetworkCode
from unfold_theory.generalization.coordinates import Coordinates, Group
from unfold_theory.generalization.kl import kl_upper
from unfold_theory.generalization.losses import BoundedLoss, Failure
from unfold_theory.generalization.occam import OccamCertificate, occam_certificate
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch
from unfold_theory.problems.checks import Number


@dataclass(frozen=True)
class BoundTraining:
    r"""How a network is trained on its bound.

    Attributes:
        steps: Steps of Adam.
        batch_size: Signals a step, drawn from the sample with replacement.
        learning_rate: Of all coordinates but residuals, and of the logarithms of steps and scales.
        residual_rate: Factor of the rate for groups of more than 100 coordinates in one layer.
        tolerance: $\tau$ of the loss $1\{\|\hat x-x\|^2>\tau\|x\|^2\}$ that is certified.
        temperature: T of its surrogate $\mathrm{sigmoid}((\|\hat x-x\|^2/\|x\|^2-\tau)/T)$.
        warm: Share of the steps that minimise the relative error itself, at the same code length.
        exponent: Of the steps that training begins with.
        delta: Failure probability that the bound is trained for.
        seed: Of minibatches.
    """

    steps: int = 2000
    batch_size: int = 512
    learning_rate: float = 1e-2
    residual_rate: float = 0.1
    tolerance: Number = 0.05
    temperature: float = 0.01
    warm: float = 0.3
    exponent: int = 6
    delta: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate", "residual_rate", "tolerance", "temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"A {name} of {getattr(self, name)!r}", "Choose a positive number")
        if not 0 <= self.warm < 1 or not 0 < self.delta < 1:
            raise InputError(f"A warm share of {self.warm} and delta {self.delta}", "Choose both in (0, 1)")


@dataclass(frozen=True, eq=False)
class BoundTrained:
    """What training on the bound gave: a network not yet rounded, and the steps it was trained for.

    Attributes:
        network: Float64.
        exponents: k of the step of each group, one of the code's.
        history: Rows of (step, surrogate risk, length in nats, bound).
    """

    network: UnfoldedNetwork
    exponents: dict[str, int]
    history: list[tuple[int, float, float, float]]


def train_on_bound(
    code: NetworkCode, sample: Batch, config: BoundTraining, *, start: UnfoldedNetwork | None = None
) -> BoundTrained:
    """Trains on a sample what its own certificate will bound.

    Args:
        code: The prior; its centre is where training starts unless told otherwise.
        sample: All signals that training may look at.
        config: How.
        start: Another network to start from.

    Raises:
        InputError: The code's centre has seen the sample, or the start has another architecture.
    """
    code.check_unseen(sample)
    run = _CodeRun(code, sample, config, start or code.centre.network)
    run.run()
    return BoundTrained(run.trained(), run.exponents(code.exponents), run.history)


def train_and_certify(
    code: NetworkCode,
    sample: Batch,
    config: BoundTraining,
    *,
    loss: BoundedLoss | None = None,
    start: UnfoldedNetwork | None = None,
    all_depths: bool = False,
    look: int = 10_000,
    sweeps: int = 0,
) -> OccamCertificate:
    r"""Trains on the bound, looks for a good word nearby and certifies it: all from one sample.

    Args:
        code: The prior.
        sample: N independent signals.
        config: Of the training.
        loss: What is certified; the failure at the configuration's tolerance by default.
        start: As in :func:`train_on_bound`.
        all_depths: As in :func:`~unfold_theory.generalization.occam.occam_certificate`.
        look: As in :func:`~unfold_theory.generalization.code_search.search_word`.
        sweeps: Likewise.

    Raises:
        InputError: As these three raise it.
    """
    loss = loss or Failure(config.tolerance)
    trained = train_on_bound(code, sample, config, start=start)
    word = search_word(
        code,
        trained.network,
        sample,
        loss=loss,
        delta=config.delta,
        exponents=trained.exponents,
        look=look,
        sweeps=sweeps,
    )
    return occam_certificate(code, word, sample, loss=loss, delta=config.delta, all_depths=all_depths)


class BoundRun(ABC):
    """One training on a bound of the form kl^-1(risk | complexity / N): what codes and posteriors share.

    Args:
        coordinates: What is trained.
        sample: N signals.
        config: How.
        start: Where from.
    """

    def __init__(self, coordinates: Coordinates, sample: Batch, config: BoundTraining, start: UnfoldedNetwork):
        self.coordinates, self.config, self.count = coordinates, config, len(sample.y)
        self.x, self.y = (torch.tensor(part, dtype=torch.float32) for part in (sample.x, sample.y))
        self.energy = self.x.square().sum(1)
        self.values = {name: found.float().requires_grad_() for name, found in coordinates.encode(start).items()}
        self.network = copy.deepcopy(coordinates.reference).float()
        entropy = np.random.SeedSequence(config.seed).generate_state(1, np.uint64)[0]
        self.generator = torch.Generator().manual_seed(int(entropy >> np.uint64(1)))
        self.history: list[tuple[int, float, float, float]] = []

    @abstractmethod
    def perturbed(self) -> tuple[dict[str, Tensor], Tensor]:
        """Coordinates for one forward pass, and the complexity in nats."""

    @abstractmethod
    def widths(self) -> list[Tensor]:
        """What trains beside the coordinates: logarithms of steps, scales, deviations."""

    def run(self) -> None:
        """Trains ``values`` and ``widths()``."""
        config, rate = self.config, self.config.learning_rate
        dense = {g.name for g in self.coordinates.groups if _is_residual(g)}
        slow = [self.values[name] for name in dense]
        fast = [v for name, v in self.values.items() if name not in dense]
        groups = [{"params": fast, "lr": rate}, {"params": self.widths(), "lr": 2 * rate}]
        if slow:
            groups.append({"params": slow, "lr": rate * config.residual_rate})
        optimiser = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
        risk_mean = nats_mean = 0.5
        for step in range(config.steps):
            values, nats = self.perturbed()
            risk, error = self._losses(values)
            fading = max(0.01, 1 / (step + 1))
            risk_mean += fading * (risk.item() - risk_mean)
            nats_mean += fading * (nats.item() - nats_mean)
            bound, by_risk, by_nats = self._slopes(risk_mean, nats_mean)
            fitted = 10 * error if step < config.warm * config.steps else by_risk * risk
            optimiser.zero_grad()
            (fitted + by_nats * nats).backward()
            torch.nn.utils.clip_grad_norm_([*fast, *slow], 1.0)
            optimiser.step()
            schedule.step()
            if (step + 1) % max(config.steps // 20, 1) == 0:
                self.history.append((step + 1, risk_mean, nats_mean, bound))

    def trained(self) -> UnfoldedNetwork:
        """The network at the values, float64."""
        return self.coordinates.network({name: v.detach().double() for name, v in self.values.items()})

    def _losses(self, values: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Surrogate risk and relative error on a minibatch."""
        rows = torch.randint(self.count, (self.config.batch_size,), generator=self.generator)
        found = functional_call(self.network, self.coordinates.decode(values), (self.y[rows],))
        error = (found - self.x[rows]).square().sum(1) / self.energy[rows].clamp_min(1e-12)
        risk = torch.sigmoid((error - self.config.tolerance) / self.config.temperature).mean()
        return risk, error.clamp(max=4.0).mean()

    def _slopes(self, risk: float, nats: float) -> tuple[float, float, float]:
        """The bound and its derivatives in the risk and in the complexity."""
        q = min(max(risk, 1e-6), 1 - 1e-6)
        level = (max(nats, 0.0) - math.log(self.config.delta)) / self.count
        p = min(float(np.asarray(kl_upper(q, level)).item()), 1 - 1e-9)
        p = max(p, q * (1 + 1e-9))
        slope = p * (1 - p) / (p - q)
        return p, slope * (math.log(p / q) + math.log1p(-q) - math.log1p(-p)), slope / self.count


class _CodeRun(BoundRun):
    """Rounded coordinates, and the length of their integers under Laplace laws with learned scales."""

    def __init__(self, code: NetworkCode, sample: Batch, config: BoundTraining, start: UnfoldedNetwork):
        super().__init__(code.coordinates, sample, config, start)
        first = -config.exponent * math.log(2)
        self.log_step = {name: torch.tensor(first, requires_grad=True) for name in self.values}
        self.log_scale = {n: torch.tensor(_scale(v, first), requires_grad=True) for n, v in self.values.items()}

    def widths(self) -> list[Tensor]:
        return [*self.log_step.values(), *self.log_scale.values()]

    def perturbed(self) -> tuple[dict[str, Tensor], Tensor]:
        rounded, nats = {}, torch.zeros(())
        for name, value in self.values.items():
            step = self.log_step[name].exp()
            z = value / step
            near = torch.round(z).detach()
            # Forward: the rounded value. Backward: the value's own gradient, and near - z for the step.
            rounded[name] = (
                (value - value.detach()) + (step - step.detach()) * (near - z.detach()) + near * step.detach()
            )
            nats = nats + _laplace_nats(z, self.log_scale[name].exp()).sum()
        return rounded, nats

    def exponents(self, allowed: tuple[int, ...]) -> dict[str, int]:
        """The allowed steps nearest to the learned ones."""
        grid = np.array(allowed)
        wanted = {name: -float(v.detach()) / math.log(2) for name, v in self.log_step.items()}
        return {name: int(grid[np.abs(grid - k).argmin()]) for name, k in wanted.items()}


def _is_residual(group: Group) -> bool:
    return group.size > 100 and len(set(group.layers.tolist())) == 1


def _scale(values: Tensor, log_step: float) -> float:
    """Logarithm of the Laplace scale in steps that fits the values, at least half a step."""
    return math.log(max(float(values.detach().abs().mean()) / math.exp(log_step), 0.5))


def _laplace_nats(z: Tensor, scale: Tensor) -> Tensor:
    r"""$-\ln(F(z+\frac12)-F(z-\frac12))$ for the Laplace law of a scale in steps, bounded below."""
    b = scale.clamp(0.08, 1e6)
    size = z.abs()
    half = 0.5 / b
    outer = size / b - torch.log(torch.sinh(half))
    inside = torch.clamp(size, max=0.5) / b
    inner = -torch.log1p(-0.5 * (torch.exp(inside - half) + torch.exp(-inside - half)))
    return torch.where(size >= 0.5, outer, inner)
