"""A setting: one network on one batch of one problem, and everything that claims measure on it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.enclosure import Basis, Enclosure, gamma
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Method
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import Batch, Lasso, LassoSolution, SparseRecovery, nmse_db

# Iterates are run in float64; a coordinate is trusted to this part of the signal's largest entry.
ITERATE_RESIDUAL = 2.0**-40


@dataclass(frozen=True)
class SignalClass:
    r"""$\mathcal X(B,s,\sigma)$: at most s nonzero entries, $|x_i^*|\le B$, noise $\|\varepsilon\|_1\le\sigma$."""

    magnitude: Enclosure
    sparsity: int
    noise: Enclosure

    @classmethod
    def of_batch(cls, batch: Batch) -> SignalClass:
        """The smallest class that contains every signal of a batch."""
        if batch.x is None:
            raise MissingStructure("A batch without planted codes", "a signal class", "x")
        return cls(
            magnitude=Enclosure.exact(np.abs(batch.x).max()),
            sparsity=max(int(np.count_nonzero(batch.x, axis=1).max()), 1),
            noise=Enclosure.exact(batch.noise).norm(1).max() if batch.noise.any() else Enclosure.exact(0.0),
        )


class Setting(AnySetting):
    r"""One network, one problem, one batch: what hypotheses and conclusions are read from.

    Measured quantities have shape (depth, sample): row k is layer k + 1, so that row -1 is the network's output.

    Args:
        network: Evaluated as a float64 copy; the caller's stays as it is.
        problem: The problem that the batch was drawn from.
        batch: Signals and measurements.
        lam: Weight of the Lasso whose objective is followed; claims on the objective need it.
        name: Shown in tables; the network's title by default.
        signal_class: The class that the batch stands for; by default the smallest that contains it.

    Raises:
        InputError: The network's dictionary is not the problem's, or the batch has other sizes.
    """

    network: UnfoldedNetwork
    problem: SparseRecovery
    batch: Batch
    lam: float | int | None

    def __init__(
        self,
        network: torch.nn.Module,
        problem: SparseRecovery,
        batch: Batch,
        *,
        lam: float | int | None = None,
        name: str | None = None,
        signal_class: SignalClass | None = None,
    ):
        m, n = problem.dictionary.shape
        if not isinstance(network, UnfoldedNetwork):
            raise InputError(
                f"{type(network).__name__} is no unfolded network",
                "Make it a subclass of UnfoldedNetwork with step(k, x, y); docs/examples/my_network.py shows how",
            )
        if batch.y.shape[1] != m:
            raise InputError(
                f"The batch has {batch.y.shape[1]} measurements a signal, the problem {m}", "Sample it from the problem"
            )
        self.network = copy.deepcopy(network).double().eval().requires_grad_(False)
        own = self.network.dictionary.cpu().numpy()
        if own.shape != (m, n) or np.abs(own - problem.dictionary).max() > 1e-6 * np.abs(problem.dictionary).max():
            raise InputError(
                f"{network.title} was built for another dictionary than the problem's",
                "Build or load the network for this problem",
            )
        # float32 training rounds the dictionary; theorems speak of the problem's.
        self.network.dictionary.copy_(torch.tensor(problem.dictionary))
        self.problem, self.batch, self.lam = problem, batch, lam
        self.name = name or network.title
        self._signal_class = signal_class
        self._check_batch()
        self._memory = {}

    def _check_batch(self) -> None:
        x, y, noise = self.batch.x, self.batch.y, self.batch.noise
        if len(y) == 0:
            raise InputError("An empty batch", "Draw at least one signal")
        if x is None:
            return
        size = np.abs(x) @ np.abs(self.problem.dictionary).T + np.abs(noise)
        off = np.abs(y - x @ self.problem.dictionary.T - noise) - 4 * gamma(x.shape[1] + 2) * size
        if off.max() > 0:
            raise InputError(
                f"The measurements of signal {int(off.max(axis=1).argmax())} are not Ax* + noise",
                "Draw the batch from the problem, or build it with batch_from_codes",
            )
        if self._signal_class is not None:
            own, given = SignalClass.of_batch(self.batch), self._signal_class
            if own.sparsity > given.sparsity or own.magnitude.lo > given.magnitude.hi or own.noise.lo > given.noise.hi:
                raise InputError("The signal class does not contain the batch", "Widen B, s or sigma")

    def subset(self, indices: Sequence[int]) -> Setting:
        """The same setting on some samples; the signal class stays that of the whole batch."""
        kept = None if self.batch.x is None else self.signal_class
        return Setting(
            self.network,
            self.problem,
            self.batch.subset(indices),
            lam=self.lam,
            name=self.name,
            signal_class=kept,
        )

    # -- sizes -----------------------------------------------------------------------------------------------------
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
        """The problem."""
        return str(self.problem)

    @property
    def depth(self) -> Enclosure:
        """1, ..., K, shape (depth, 1)."""
        return Enclosure.exact(np.arange(1, self.network.depth + 1)[:, None])

    @property
    def shape(self) -> tuple[int, int]:
        """(K, N): layers and samples."""
        return self.network.depth, len(self.batch.y)

    @property
    def lipschitz(self) -> Enclosure:
        r"""$L=\|A\|_2^2$, shape ()."""
        return self.problem.lipschitz

    @property
    def method(self) -> Method:
        """The first-order method that the network runs.

        Raises:
            MissingStructure: It is none, with the reason.
        """
        return self.network.as_method()

    @cached_property
    def signal_class(self) -> SignalClass:
        """The class that the batch stands for."""
        return self._signal_class or SignalClass.of_batch(self.batch)

    # -- codes and errors ------------------------------------------------------------------------------------------
    @cached_property
    def iterates(self) -> Float64[np.ndarray, "iterate sample n"]:
        """Codes at depth 0, ..., K in float64.

        Raises:
            MissingStructure: A layer produced NaN or infinity.
        """
        with torch.no_grad():
            codes = self.network.iterates(torch.tensor(self.batch.y)).numpy()
        if not np.isfinite(codes).all():
            layer = int(np.argmin(np.isfinite(codes).all(axis=(1, 2))))
            raise MissingStructure(
                self.name,
                "a claim on its iterates",
                f"finite values at depth {layer}",
                "It diverges: look at its steps",
            )
        return codes

    @property
    def truth(self) -> Float64[np.ndarray, "sample n"]:
        """The planted codes x*.

        Raises:
            MissingStructure: The batch has none (real data).
        """
        if self.batch.x is None:
            raise MissingStructure("A batch without planted codes", "an error against x*", "x")
        return self.batch.x

    @cached_property
    def preactivations(self) -> tuple[Float64[np.ndarray, "depth sample n"], Float64[np.ndarray, "depth sample"]]:
        r"""$v^k=W_2^kx^k+W_1^ky$ that the declared layers threshold, and what float64 may change in any entry of it.

        The second is $\gamma_{m+n+4}\max_i(|x^k|+|W_1|(|y|+|A|(|x^k|+|x^*|)+|\varepsilon|))_i$: the products, and y,
        which is $Ax^*+\varepsilon$ but for its rounding. For free weights $|W_2||x^k|$ replaces the coupled terms.

        Raises:
            MissingStructure: The network declares no affine layers.
        """
        A, y = self.problem.dictionary, self.batch.y
        m, n = A.shape
        given = np.abs(y) + np.abs(self.batch.noise) + np.abs(self.truth) @ np.abs(A).T
        values, slack = [], []
        for layer, x in zip(self.network.affine_layers(), self.iterates, strict=False):
            gain, weight = float(layer.gain), np.asarray(layer.weight)
            if layer.state_weight is None:
                v = x + gain * ((y - x @ A.T) @ weight)
                size = np.abs(x) + abs(gain) * ((given + np.abs(x) @ np.abs(A).T) @ np.abs(weight))
            else:
                v = x @ layer.state_weight.T + gain * (y @ weight)
                size = np.abs(x) @ np.abs(layer.state_weight).T + abs(gain) * (given @ np.abs(weight))
            values.append(v)
            slack.append(gamma(m + n + 4) * size.max(axis=-1))
        return np.stack(values), np.stack(slack)

    @cached_property
    def rounding(self) -> Float64[np.ndarray, "depth sample"]:
        """What float64 is allowed per coordinate, all layers so far together (their amplification is not followed)."""
        size = np.maximum.accumulate(np.abs(self.iterates).max(axis=-1), axis=0)[1:]
        least = ITERATE_RESIDUAL * np.maximum(size, np.abs(self.truth).max(axis=-1))
        try:
            return np.maximum(least, np.cumsum(self.preactivations[1], axis=0))
        except MissingStructure:
            return least

    def error(self, order: float | int) -> Enclosure:
        r"""$\|x^k-x^*\|_p$ of the float64 iterates, p = ``order`` in {1, 2, inf}; shape (depth, sample), certified."""
        return (Enclosure.exact(self.iterates[1:]) - self.truth).norm(order)

    def up_to_rounding(self, bound: Enclosure, order: float | int) -> Enclosure:
        r"""A bound on the exact iterates' error, plus what float64 may add: what the float64 iterates must obey.

        Args:
            bound: Bound on $\|x^k-x^*\|_p$, shape (depth,) or (depth, sample).
            order: p.
        """
        n = self.truth.shape[1]
        allowance = self.rounding * (n ** (1 / order) if np.isfinite(order) else 1.0)
        return (bound[:, None] if bound.ndim == 1 else bound) + Enclosure.exact(allowance).with_basis(Basis.NUMERICAL)

    def initial_error(self, order: float | int) -> Enclosure:
        r"""$\|x^0-x^*\|_p$, shape (sample,); exact codes, certified norm."""
        return (Enclosure.exact(self.iterates[0]) - self.truth).norm(order)

    @cached_property
    def off_support(self) -> Enclosure:
        r"""$\max_{i\notin S}|x_i^k|$, shape (depth, sample): zero where no false positive exists."""
        outside = np.where(self.truth == 0, np.abs(self.iterates[1:]), 0.0)
        return Enclosure.exact(outside.max(axis=-1))

    @cached_property
    def nmse_db(self) -> Float64[np.ndarray, " iterate"]:
        r"""$10\log_{10}(\sum\|x^k-x^*\|^2/\sum\|x^*\|^2)$ at depth 0, ..., K (a ratio of means)."""
        return np.array([nmse_db(codes, self.truth) for codes in self.iterates])

    # -- the Lasso -------------------------------------------------------------------------------------------------
    @cached_property
    def lasso(self) -> Lasso:
        """The Lasso whose objective is followed.

        Raises:
            MissingStructure: The setting has no weight.
        """
        if self.lam is None:
            raise MissingStructure(f"The setting {self.name!r}", "a claim on the objective", "lam", "Pass lam=...")
        return Lasso(self.problem.dictionary, self.lam)

    @cached_property
    def optimum(self) -> LassoSolution:
        """Minimisers with their duality gaps."""
        return self.lasso.solve(self.batch.y)

    @cached_property
    def optimal_value(self) -> Enclosure:
        """F*, shape (sample,), between dual and primal value."""
        return self.lasso.enclose_optimum(self.batch.y, self.optimum)

    def _gap(self, codes: Float64[np.ndarray, "*batch n"]) -> Enclosure:
        gap = self.lasso.enclose_objective(codes, self.batch.y) - self.optimal_value
        return Enclosure(np.maximum(gap.lo, 0.0), np.maximum(gap.hi, 0.0), gap.basis)

    @cached_property
    def objective_gap(self) -> Enclosure:
        """F(x_k) - F*, shape (depth, sample)."""
        gap = self._gap(self.iterates[1:])
        rounding = self._gap_residual
        return Enclosure(np.maximum(gap.lo - rounding, 0.0), gap.hi + rounding, Basis.NUMERICAL)

    @property
    def _gap_residual(self) -> Float64[np.ndarray, " sample"]:
        return ITERATE_RESIDUAL * 0.5 * (self.batch.y**2).sum(axis=-1)

    @property
    def gap_allowance(self) -> Enclosure:
        """Twice the residual of a gap, shape (sample,): with it a rate that is attained is decided."""
        return Enclosure.exact(2 * self._gap_residual).with_basis(Basis.NUMERICAL)

    @cached_property
    def initial_gap(self) -> Enclosure:
        """F(x_0) - F*, shape (sample,)."""
        return self._gap(self.iterates[0])

    @cached_property
    def initial_distance(self) -> Enclosure:
        r"""$\|x_0-x^\star\|_2$ to the Lasso minimiser, shape (sample,), numerical (law 3: uniqueness is checked)."""
        return self.lasso.minimizer_distance(self.batch.y, self.optimum, self.iterates[0]).distance

    def recipe(self) -> dict[str, Any]:
        """JSON-able: how to draw this batch again."""
        return {"problem": self.problem.recipe, "batch": self.batch.recipe, "lam": self.lam}
