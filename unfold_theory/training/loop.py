"""The training loop: fresh signals, Adam, stages, best weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.config import Stage, TrainingConfig, plan
from unfold_theory.training.progress import ProgressCallback, ProgressEvent
from unfold_theory.training.seeds import TRAIN, VALIDATION, stream
from unfold_theory.training.snapshot import Snapshot, read_snapshot, training_identity, write_snapshot

ROLLBACKS = 3


class TrainingDiverged(InputError):
    """Loss or gradient became NaN or infinite, also after restarts at lower rates."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave.

    Attributes:
        network: The trained network in the data type of the one that was passed, which is left as it was. Buffers
            (dictionary, analytic weights) keep their float64 values; parameters that moved hold float32 numbers.
        config: How it was trained.
        history: One row a validation: stage, depth, step, rate, loss (mean training loss since the last row, None in
            the first of a stage), validation (loss), seconds.
        metrics: ``validation_loss`` (best of the last stage; None if nothing is trainable), ``steps``, ``rollbacks``
            and ``seconds`` of the whole training.
    """

    network: UnfoldedNetwork
    config: TrainingConfig
    history: list[dict[str, Any]] = field(repr=False)
    metrics: dict[str, Any]


def train(
    network: UnfoldedNetwork,
    problem: Any,
    config: TrainingConfig,
    *,
    progress: ProgressCallback | None = None,
    threads: int = 1,
    snapshot: str | Path | None = None,
) -> TrainingResult:
    """Trains a copy of ``network`` in float32 on fresh signals of ``problem``.

    Every stage ends with the weights of its best validation, which may be those it began with, so no stage makes the
    validation loss at its depth worse. A non-finite loss or gradient puts the best weights back and halves the rate;
    after the third time in one stage the training is given up. The same arguments give the same bits on one machine.
    A network may define ``project_parameters()``, which is called after every step to keep parameters in their range.

    Args:
        network: What to train; without trainable parameters (ISTA) it comes back as it is.
        problem: Gives ``sample(count, seed=...)`` and ``torch_sampler(batch_size, seed=..., dtype=...)``.
        config: Loss, scheme, rates, seeds.
        progress: Called after every validation.
        threads: Threads of torch meanwhile. One is fastest for the sizes of the literature on a busy machine.
        snapshot: File that is replaced after every stage. If it holds stages of this very training (same configuration,
            problem and initial parameters), these are not repeated; the result is the same, bit by bit.

    Raises:
        InputError: The snapshot cannot be written.
        TrainingDiverged: Loss or gradient stayed non-finite, or the initial network's loss already is.
        MissingStructure: The loss compares with planted codes and the problem has none.
    """
    if config.loss.needs_truth and not getattr(problem, "planted", True):
        raise MissingStructure(
            f"The {config.loss.name} loss", "this problem", "planted codes", "Train with an objective loss"
        )
    started = time.perf_counter()
    history: list[dict[str, Any]] = []
    metrics: dict[str, Any] = {"validation_loss": None, "steps": 0, "rollbacks": 0, "seconds": 0.0}
    file = None if snapshot is None else Path(snapshot)
    with _threads(threads):
        work = copy.deepcopy(network).to(torch.float32)
        stages = plan(work, config)
        identity = "" if file is None else training_identity(work, problem, config)
        found = None if file is None else read_snapshot(file, identity, work)
        done = 0
        if found is not None:
            done, history, metrics = found.stages, found.history, found.metrics
            started -= metrics["seconds"]
        for parameter in work.parameters():
            parameter.requires_grad_(False)
        batch = problem.sample(config.validation_size, seed=stream(config.seed, VALIDATION))
        held_out = (torch.tensor(batch.x, dtype=torch.float32), torch.tensor(batch.y, dtype=torch.float32))
        for number, stage in list(enumerate(stages))[done:]:
            seed = stream(config.seed, TRAIN, stage.depth, stage.index)
            sampler = iter(problem.torch_sampler(config.batch_size, seed=seed, dtype=torch.float32))
            runner = _StageRunner(work, stage, config, held_out, sampler)

            def report(row: dict[str, Any], best: float, finished: bool, number: int = number) -> None:
                history.append({"stage": number} | row | {"seconds": time.perf_counter() - started})
                if progress is not None:
                    progress(
                        ProgressEvent(number, len(stages), **row, steps=config.steps, best=best, finished=finished)
                    )

            metrics["validation_loss"] = runner.run(report)
            metrics["steps"] += runner.steps_done
            metrics["rollbacks"] += runner.rollbacks
            metrics["seconds"] = time.perf_counter() - started
            if file is not None:
                write_snapshot(file, identity, work, Snapshot(number + 1, history, metrics))
    return TrainingResult(_with_parameters(network, work), config, history, metrics)


class _StageRunner:
    """One stage of one training."""

    def __init__(
        self,
        network: UnfoldedNetwork,
        stage: Stage,
        config: TrainingConfig,
        held_out: tuple[Tensor, Tensor],
        sampler: Iterator[tuple[Tensor, Tensor]],
    ):
        self.network, self.stage, self.config = network, stage, config
        self.held_out, self.sampler = held_out, sampler
        self.parameters = [p for _, group in stage.groups for p in group]
        self.steps_done = 0
        self.rollbacks = 0

    def run(self, report: Callable[[dict[str, Any], float, bool], None]) -> float:
        """Trains the stage, leaves the best weights in the network and returns their validation loss."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        try:
            return self._run(report)
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(False)
                parameter.grad = None

    def _run(self, report: Callable[[dict[str, Any], float, bool], None]) -> float:
        config = self.config
        best = self._validate()
        if not math.isfinite(best):
            raise self._diverged("before its first step")
        best_weights = self._weights()
        optimiser = self._optimiser()
        report(self._row(0, None, best), best, False)
        losses: list[float] = []
        stale = 0
        for step in range(config.steps):
            self._set_rates(optimiser, step)
            loss = self._step(optimiser)
            if loss is not None:
                losses.append(loss)
            self.steps_done += 1
            due = (step + 1) % config.validation_interval == 0 or step + 1 == config.steps
            value = self._validate() if due and loss is not None else None
            if loss is None or (value is not None and not math.isfinite(value)):
                self.rollbacks += 1
                if self.rollbacks > ROLLBACKS:
                    raise self._diverged(f"at step {step + 1}")
                self._restore(best_weights)
                optimiser, losses = self._optimiser(), []
                continue
            if value is None:
                continue
            stale = 0 if value < best else stale + 1
            if value < best:
                best, best_weights = value, self._weights()
            finished = step + 1 == config.steps or (config.patience is not None and stale >= config.patience)
            report(self._row(step + 1, sum(losses) / len(losses), value), best, finished)
            losses = []
            if finished:
                break
        self._restore(best_weights)
        return best

    def _step(self, optimiser: torch.optim.Optimizer) -> float | None:
        """One step; its loss, or None, with the weights as they were, where loss or gradient is not finite."""
        x, y = next(self.sampler)
        loss = self.config.loss(self.network, x, y, self.stage.depth)
        optimiser.zero_grad()
        if not loss.requires_grad:
            return loss.item()  # parameters of the stage that this loss does not depend on
        loss.backward()
        largest = math.inf if self.config.gradient_clip is None else self.config.gradient_clip
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, largest)
        value = loss.item()
        if not (math.isfinite(value) and math.isfinite(norm.item())):
            return None
        optimiser.step()
        project = getattr(self.network, "project_parameters", None)
        if project is not None:
            with torch.no_grad():
                project()
        return value

    def _validate(self) -> float:
        with torch.no_grad():
            return self.config.loss(self.network, *self.held_out, self.stage.depth).item()

    def _optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.Adam([{"params": list(group), "lr": rate} for rate, group in self.stage.groups])

    def _set_rates(self, optimiser: torch.optim.Optimizer, step: int) -> None:
        for group, (rate, _) in zip(optimiser.param_groups, self.stage.groups, strict=True):
            group["lr"] = rate * self._factor(step)

    def _factor(self, step: int) -> float:
        return self.config.anneal ** (step / max(self.config.steps - 1, 1)) * 0.5**self.rollbacks

    def _row(self, step: int, loss: float | None, validation: float) -> dict[str, Any]:
        rate = self.stage.rate * self._factor(max(step - 1, 0))
        return {"depth": self.stage.depth, "step": step, "rate": rate, "loss": loss, "validation": validation}

    def _weights(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.parameters]

    def _restore(self, weights: list[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.parameters, weights, strict=True):
                parameter.copy_(value)

    def _diverged(self, when: str) -> TrainingDiverged:
        return TrainingDiverged(
            f"The training of {type(self.network).__name__} at depth {self.stage.depth} gave a loss or gradient that "
            f"is NaN or infinite {when}",
            f"Lower the learning rate, now {self.stage.rate:g}, or look at the initial parameters",
        )


def _with_parameters(network: UnfoldedNetwork, trained: UnfoldedNetwork) -> UnfoldedNetwork:
    result = copy.deepcopy(network)
    values: dict[str, Parameter] = dict(trained.named_parameters())
    with torch.no_grad():
        for name, parameter in result.named_parameters():
            # What training did not move keeps all its digits: a step 1/L must not be rounded above it.
            if not torch.equal(values[name], parameter.to(values[name].dtype)):
                parameter.copy_(values[name])
    return result


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
