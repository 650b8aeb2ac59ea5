r"""Certified training: parameters of an unfolded method that are fast on data and keep a worst-case rate.

The loss is the mean of $F(x^K)-F^\star$ over training data plus a penalty on the worst case over all functions,
$c\,(\log\tau(\theta)/\tau_0)_+^2$; its gradient comes from the envelope theorem. A penalty is soft, so that the learned
parameters are drawn back towards those of the textbook afterwards until the rate is at most $\tau_0$ (Sambharya,
Bok, Matni and Pappas 2025 train with such a penalty; the repair makes the target certain).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.methods import AcceleratedProximalGradient, Method, ProximalGradient, fista_momenta
from unfold_theory.networks.thresholding import soft_threshold
from unfold_theory.problems import Lasso
from unfold_theory.rates.worst_case.classes import convex, smooth_convex
from unfold_theory.rates.worst_case.gradient import worst_case_gradient
from unfold_theory.rates.worst_case.rate import WorstCaseRate, worst_case_rate

KINDS = ("ista", "fista")
REPAIRS = 40
"""Bisections towards the textbook parameters: 2^-40 of the way is rounding."""


class LassoOracle:
    """Answers a method's questions on a batch of Lasso problems, with PyTorch, so that everything is differentiable.

    Args:
        dictionary: A, shape (m, n).
        lam: Weight of the l1 norm.
        y: Measurements, shape (batch, m).
    """

    def __init__(self, dictionary: Float[Tensor, "m n"], lam: float, y: Float[Tensor, "batch m"]):
        self.dictionary, self.lam, self.y = dictionary, lam, y

    def initial(self, name: str = "x") -> Tensor:
        """The zero code."""
        return self.y.new_zeros(len(self.y), self.dictionary.shape[1])

    def gradient(self, component: str, point: Tensor) -> Tensor:
        """Of the quadratic; a subgradient of the l1 norm."""
        if component == "f":
            return torch.addmm(self.y, point, self.dictionary.T, beta=-1) @ self.dictionary
        return self.lam * point.sign()

    def prox(self, component: str, point: Tensor, step: Any) -> Tensor:
        """The subgradient at the soft threshold."""
        step = torch.as_tensor(step)
        return (point - soft_threshold(point, self.lam * step)) / step

    def error(self, reference: Tensor, relative: Any) -> Tensor:
        """None is made."""
        return torch.zeros_like(reference)

    def objective(self, x: Tensor) -> Float[Tensor, " batch"]:
        """F(x)."""
        residual = torch.addmm(self.y, x, self.dictionary.T, beta=-1)
        return 0.5 * (residual**2).sum(-1) + self.lam * x.abs().sum(-1)

    def output(self, method: Method) -> Tensor:
        """What the method returns, shape (batch, n)."""
        state = method.start(self)
        for k in range(method.depth):
            state = method.step(k, state, self)
        return method.observe(method.depth, state).point


def normalised_rate(method: Method) -> WorstCaseRate:
    r"""$\tau$ with $F(x^K)-F^\star\le\tau L\|x^0-x^\star\|^2$ for every convex g, from steps in units of 1/L.

    Raises:
        InputError: No finite worst case exists, with the reason.
    """
    return worst_case_rate(method, {"f": smooth_convex(1.0), "g": convex()}, form="chain")


class _Rate(torch.autograd.Function):
    """The worst case as a differentiable function of the parameters."""

    @staticmethod
    def forward(ctx: Any, build: Callable[..., Method], *parameters: Tensor) -> Tensor:
        method = build(*(p.detach().numpy() for p in parameters))
        rate = normalised_rate(method)
        found = worst_case_gradient(rate)
        ctx.gradients = [found.get(name, np.zeros(method.depth)) for name in method.parameter_names]
        return torch.tensor(rate.upper, dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        (output,) = outputs
        return None, *(output * torch.tensor(g) for g in ctx.gradients)


@dataclass(frozen=True)
class CertifiedTraining:
    r"""How parameters are learned.

    Args:
        kind: ``ista`` (K steps) or ``fista`` (K steps and momenta).
        depth: K.
        target: $\tau_0$ relative to the textbook's own rate at this depth: 1 keeps its guarantee; None asks for none.
        penalty: c, where the textbook's mean gap counts 1.
        iterations: Steps of Adam.
        learning_rate: Of Adam, on the logarithms of steps and on momenta.
        signals: Size of the training set.
        seed: Of the training set.

    Raises:
        InputError: A number makes no sense.
    """

    kind: str = "ista"
    depth: int = 10
    target: float | None = 1.0
    penalty: float = 1.0
    iterations: int = 300
    learning_rate: float = 0.1
    signals: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"A method named {self.kind!r}", f"Choose one of {', '.join(KINDS)}")
        if self.target is not None and not (math.isfinite(self.target) and self.target >= 1):
            raise InputError(f"A target of {self.target} times the textbook's rate", "Choose 1 or more, or None")
        counts = (self.depth, self.iterations, self.signals)
        if min(counts) < 1 or not (self.learning_rate > 0 and self.penalty >= 0):
            raise InputError("A depth, number or rate that is not positive", "Choose positive numbers")


@dataclass(frozen=True)
class CertifiedMethod:
    """Learned parameters with what is known of them.

    Attributes:
        config: How they were learned.
        method: With steps in units of 1/L.
        textbook: The method that training started from: steps 1/L, and FISTA's momenta.
        rate: The learned method's worst case; None where it has no finite one.
        textbook_rate: The textbook's.
        repaired: Share of the way back to the textbook that the target asked for after training.
        history: Mean training gap and worst case after each iteration.
    """

    config: CertifiedTraining
    method: Method
    textbook: Method
    rate: WorstCaseRate | None
    textbook_rate: WorstCaseRate
    repaired: float
    history: list[tuple[float, float]] = field(repr=False, default_factory=list)

    def scaled(self, lipschitz: float) -> Method:
        """The method with steps for a quadratic of this Lipschitz constant."""
        return scaled(self.method, lipschitz)


def scaled(method: Method, lipschitz: float) -> Method:
    """A method whose steps are in units of 1/L, for one L."""
    return method.replaced(steps=method.parameters["steps"] / lipschitz)


def textbook(kind: str, depth: int) -> Method:
    """ISTA with steps 1/L, or FISTA, in units of 1/L."""
    if kind == "ista":
        return ProximalGradient(np.ones(depth))
    return AcceleratedProximalGradient(np.ones(depth), fista_momenta(depth))


def gaps(lasso: Lasso, method: Method, y: Float64[np.ndarray, "batch m"]) -> Float64[np.ndarray, " batch"]:
    """$F(x^K)-F^*$ for each measurement, steps in absolute units."""
    oracle = LassoOracle(torch.tensor(lasso.dictionary), lasso.lam, torch.tensor(y))
    least = lasso.solve(y).dual
    return oracle.objective(oracle.output(method)).numpy() - least


def train_certified(problem: Any, lam: float, config: CertifiedTraining) -> CertifiedMethod:
    """Learn a method's parameters on a problem's Lasso, and keep its worst case at the target.

    Args:
        problem: Has ``dictionary``, ``lipschitz`` and ``sample(count, seed=...)``.
        lam: Weight of the Lasso.
        config: How.

    Raises:
        InputError: The weight is not positive, or the numbers of the configuration make no sense.
    """
    lasso, L = Lasso(problem.dictionary, lam), float(problem.lipschitz.hi)
    y = problem.sample(config.signals, seed=config.seed).y
    least = torch.tensor(lasso.solve(y).dual)
    oracle = LassoOracle(torch.tensor(lasso.dictionary), lam, torch.tensor(y))
    start = textbook(config.kind, config.depth)
    known = normalised_rate(start)
    names = start.parameter_names

    def build(*values: Any) -> Method:
        return type(start)(**dict(zip(names, values, strict=True)))

    # Steps by their logarithm, momenta as they are.
    free = [torch.tensor(np.log(v) if n == "steps" else np.array(v)) for n, v in start.parameters.items()]
    for tensor in free:
        tensor.requires_grad_(True)
    optimizer = torch.optim.Adam(free, lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.iterations, 0.05 * config.learning_rate)
    assert known.chain is not None
    # Below the textbook's exact rate whatever the solver's error, so that the certificate is no worse.
    ceiling = None if config.target is None else config.target * (known.chain.value - known.chain.residual)
    good = [tensor.detach().clone() for tensor in free]
    unit, history = None, []
    for _ in range(config.iterations):
        values = [v.exp() if n == "steps" else v for n, v in zip(names, free, strict=True)]
        running = start.replaced(**{n: v / L if n == "steps" else v for n, v in zip(names, values, strict=True)})
        gap = (oracle.objective(oracle.output(running)) - least).mean()
        unit = gap.detach() if unit is None else unit
        loss, worst = gap / unit, torch.tensor(math.nan)
        if ceiling is not None:
            try:
                worst = _Rate.apply(build, *values)
            except InputError:
                # Beyond what has a finite rate: back half the way to where it had one.
                with torch.no_grad():
                    for tensor, last in zip(free, good, strict=True):
                        tensor.copy_((tensor + last) / 2)
                history.append((float(gap.detach()), math.inf))
                continue
            good = [tensor.detach().clone() for tensor in free]
            loss = loss + config.penalty * torch.relu(torch.log(worst / ceiling)) ** 2
        history.append((float(gap.detach()), float(worst.detach())))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    values = [v.detach().exp() if n == "steps" else v.detach() for n, v in zip(names, free, strict=True)]
    learned = build(*(v.numpy() for v in values))
    method, rate, share = learned, _rate_or_none(learned), 0.0
    if ceiling is not None:
        method, rate, share = repaired(learned, start, ceiling)
    return CertifiedMethod(config, method, start, rate, known, share, history)


def _rate_or_none(method: Method) -> WorstCaseRate | None:
    try:
        return normalised_rate(method)
    except InputError:
        return None


def repaired(learned: Method, start: Method, ceiling: float) -> tuple[Method, WorstCaseRate, float]:
    """The point nearest to the learned parameters, on the way to the textbook's, whose rate is at most the ceiling.

    Args:
        learned: With steps in units of 1/L.
        start: The textbook's.
        ceiling: At least the textbook's rate.

    Returns:
        The method, its rate, and the share of the way.

    Raises:
        InputError: The textbook's rate is above the ceiling.
    """

    def between(share: float) -> tuple[Method, WorstCaseRate | None]:
        mixed = {n: (1 - share) * learned.parameters[n] + share * v for n, v in start.parameters.items()}
        method = type(start)(**mixed)
        return method, _rate_or_none(method)

    def met(rate: WorstCaseRate | None) -> bool:
        return rate is not None and rate.upper <= ceiling

    method, rate = between(0.0)
    if rate is not None and met(rate):
        return method, rate, 0.0
    # The textbook's own rate, with the solver's residual, may stand above its ceiling by just that.
    low, high, best = 0.0, 1.0, between(1.0)
    if best[1] is None or best[1].upper > ceiling * (1 + 1e-6):
        raise InputError("The textbook's rate is above the ceiling", "Choose a ceiling of at least its rate")
    for _ in range(REPAIRS):
        middle = (low + high) / 2
        method, rate = between(middle)
        if met(rate):
            high, best = middle, (method, rate)
        else:
            low = middle
        if high - low < 1e-9:
            break
    method, rate = best
    assert rate is not None
    return method, rate, high
