"""A setting of generalization: a network, the signals that it was trained on, and signals that it has never seen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float64

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.generalization import BoundedLoss, failure_probability, mean_loss, risk_limits
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch, CodingProblem
from unfold_theory.problems.checks import Number

Kind = TypeVar("Kind")
_CHUNK = 2048


class RiskSetting(AnySetting):
    r"""A trained network cut after 1, ..., K layers, and its risk $R_k=E\,\ell(x^k,x^\star)$ under a loss in [0, 1].

    Cells have shape (depth, 1): a risk belongs to a depth, not to a signal. The risk is that of the network as float64
    computes it. What is bounded must be what was certified: a code speaks of the quantised network, which then is
    ``network``.

    Args:
        network: Evaluated as a float64 copy; the caller's stays as it is.
        problem: The problem that the held-out signals were drawn from.
        sample: All signals that training looked at, validation included.
        held_out: Independent signals that nothing looked at.
        loss: With values in [0, 1].
        delta: Failure probability of :attr:`risk`, of all depths together, and of every bound that reads it.
        certificates: What else is known of the network: its code, its posterior, a class that contains it. Claims
            look for theirs by type, see :meth:`certificate`.
        name: Shown in tables; the network's title by default.

    Raises:
        InputError: A batch is empty or of other sizes than the network's, or delta lies outside (0, 1).
    """

    network: UnfoldedNetwork
    problem: CodingProblem
    sample: Batch
    held_out: Batch
    loss: BoundedLoss

    def __init__(
        self,
        network: torch.nn.Module,
        problem: CodingProblem,
        sample: Batch,
        held_out: Batch,
        *,
        loss: BoundedLoss,
        delta: Number = 0.01,
        certificates: Sequence[Any] = (),
        name: str | None = None,
    ):
        if not isinstance(network, UnfoldedNetwork):
            raise InputError(
                f"{type(network).__name__} is no unfolded network",
                "Make it a subclass of UnfoldedNetwork with step(k, x, y); docs/examples/my_network.py shows how",
            )
        for what, batch in (("training sample", sample), ("held-out sample", held_out)):
            sizes = batch.y.shape[1], batch.x.shape[1]
            if len(batch) == 0:
                raise InputError(f"A {what} of N = 0 signals", "Draw at least one signal")
            if sizes != tuple(network.dictionary.shape):
                raise InputError(
                    f"The {what} has sizes (m, n) = {sizes}, the network {tuple(network.dictionary.shape)}",
                    "Draw it from the network's problem",
                )
        self.network = copy.deepcopy(network).double().eval().requires_grad_(False)
        self.problem, self.sample, self.held_out, self.loss = problem, sample, held_out, loss
        self.delta = failure_probability(delta)
        self.certificates = tuple(certificates)
        self.name = name or network.title
        self._memory = {}

    # -- sizes and names -------------------------------------------------------------------------------------------
    @property
    def subject(self) -> str:
        """The network's registered name."""
        return self.network.name

    @property
    def title(self) -> str:
        """The network's title."""
        return self.network.title

    @property
    def place(self) -> str:
        """The problem, and how many signals were trained on."""
        return f"{self.problem}, trained on {self.training_size} signals"

    @property
    def shape(self) -> tuple[int, int]:
        """(K, 1)."""
        return self.network.depth, 1

    @property
    def depth(self) -> Enclosure:
        """1, ..., K, shape (depth, 1)."""
        return Enclosure.exact(np.arange(1, self.network.depth + 1, dtype=np.float64)[:, None])

    @property
    def training_size(self) -> int:
        """N."""
        return len(self.sample)

    @property
    def delta_each(self) -> float:
        r"""$\delta/K$: what each depth may fail with, so that all hold together with $1-\delta$ (rounded down)."""
        return float(np.nextafter(self.delta / self.network.depth, 0.0))

    def subset(self, indices: Sequence[int]) -> RiskSetting:
        """The setting itself: a risk is one cell a depth, and belongs to all signals together.

        Raises:
            InputError: An index is not 0.
        """
        if any(index != 0 for index in indices) or not len(indices):
            raise InputError(f"Samples {list(indices)!r} of a risk", "A risk has the one cell 0 at each depth")
        return self

    def certificate(self, kind: type[Kind]) -> Kind:
        """The certificate of a type.

        Raises:
            MissingStructure: There is none.
        """
        for held in self.certificates:
            if isinstance(held, kind):
                return held
        raise MissingStructure(self.name, "a bound that reads it", f"a certificate of type {kind.__name__}")

    # -- what is measured ------------------------------------------------------------------------------------------
    def losses_on(self, batch: Batch) -> Float64[np.ndarray, "depth sample"]:
        """Losses of the codes at depth 1, ..., K.

        Raises:
            InputError: A loss is NaN or outside [0, 1].
            MissingStructure: A layer produced NaN or infinity.
        """
        found = []
        for first in range(0, len(batch), _CHUNK):
            rows = slice(first, first + _CHUNK)
            with torch.no_grad():
                codes = self.network.iterates(torch.tensor(batch.y[rows])).numpy()[1:]
            if not np.isfinite(codes).all():
                layer = int(np.argmin(np.isfinite(codes).all(axis=(1, 2)))) + 1
                lacks, remedy = f"finite values at depth {layer}", "It diverges: look at its steps"
                raise MissingStructure(self.name, "a claim on its risk", lacks, remedy)
            found.append(self.loss(codes, batch.x[rows]))
        return np.concatenate(found, axis=-1)

    @cached_property
    def training_losses(self) -> Float64[np.ndarray, "depth sample"]:
        """On the signals that it was trained on."""
        return self.losses_on(self.sample)

    @cached_property
    def held_out_losses(self) -> Float64[np.ndarray, "depth sample"]:
        """On signals that it has never seen."""
        return self.losses_on(self.held_out)

    @cached_property
    def empirical_risk(self) -> Enclosure:
        r"""$\hat R_k$ on the training sample, shape (depth, 1); certified."""
        return mean_loss(self.training_losses)[:, None]

    @cached_property
    def risk(self) -> Enclosure:
        r"""$R_k$, shape (depth, 1), from the held-out signals: all depths together with probability $1-\delta$.

        Clopper-Pearson for losses that are 0 or 1, else empirical Bernstein, at $\delta/K$ each, two-sided.
        """
        method = "clopper-pearson" if self.loss.binary else "empirical-bernstein"
        limits = risk_limits(self.held_out_losses, self.delta_each, method)
        return Enclosure.confidence(limits.lo[:, None], limits.hi[:, None], delta=self.delta)

    @cached_property
    def gap(self) -> Enclosure:
        r"""$R_k-\hat R_k$, shape (depth, 1)."""
        return self.risk - self.empirical_risk

    # -- what is assumed -------------------------------------------------------------------------------------------
    @cached_property
    def signals_seen(self) -> Enclosure:
        """Number of held-out measurements that are in the training sample as well, shape ()."""
        known = {row.tobytes() for row in self.sample.y}
        return Enclosure.exact(float(sum(row.tobytes() in known for row in self.held_out.y)))

    @property
    def law_changed(self) -> Enclosure:
        """0 where both samples were drawn from one problem, 1 where from two, [0, 1] where their recipes do not say."""
        laws = [batch.recipe.get("problem") for batch in (self.sample, self.held_out)]
        if None in laws or any("codes" in batch.recipe for batch in (self.sample, self.held_out)):
            return Enclosure(np.array(0.0), np.array(1.0))
        return Enclosure.exact(float(laws[0] != laws[1]))

    def recipe(self) -> dict[str, Any]:
        """JSON-able: both samples, loss and delta."""
        return {
            "problem": self.problem.recipe,
            "batch": self.held_out.recipe,
            "sample": self.sample.recipe,
            "loss": self.loss.recipe(),
            "delta": self.delta,
        }
