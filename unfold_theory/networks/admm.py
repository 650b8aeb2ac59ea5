"""Unfolded ADMM for the Lasso: learned penalty and relaxation in each layer."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Admm as AdmmMethod
from unfold_theory.methods import Method
from unfold_theory.networks.activations import SoftThreshold
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.system import System, SystemLayer, above, beside
from unfold_theory.networks.tensors import Number, entry, numpy64, parameters, per_layer
from unfold_theory.networks.thresholding import soft_threshold

LEAST_PENALTY = 1e-6
"""Training cannot push a penalty below this; the linear system would lose its meaning."""


class AdmmState(NamedTuple):
    r"""The code z and the multiplier w, which tends to $A^T(y-Ax^\star)$; $w=\rho u$ with the scaled dual u."""

    z: Tensor
    w: Tensor


class Admm(UnfoldedNetwork):
    r"""ADMM for $\frac12\|Ax-y\|^2+\lambda\|z\|_1$, $x=z$, from $z^0=w^0=0$, penalty $\rho_k$, relaxation $\alpha_k$:

    $x=(A^TA+\rho_k)^{-1}(A^Ty+\rho_kz^k-w^k)$, $v=\alpha_kx+(1-\alpha_k)z^k+w^k/\rho_k$,
    $z^{k+1}=\eta_{\lambda/\rho_k}(v)$, $w^{k+1}=\rho_k(v-z^{k+1})$.

    The multiplier is carried without its scale, so that a penalty may change from layer to layer. The system is
    solved through the eigendecomposition of the smaller Gram matrix, which is made once for all layers and penalties.

    Reference: Boyd et al. (2011), sections 3.4.3 and 6.4.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        penalties: $\rho_k>0$: a number, shape (K,), or (1,) for one that all layers share.
        relaxations: $\alpha_k$, likewise; 1 is none, theory allows (0, 2).
        lam: $\lambda\ge 0$.
        learn: Whether penalties and relaxations train.

    Raises:
        InputError: A shape does not fit, an entry is not finite, a penalty is not positive, or the weight is negative.
    """

    name: ClassVar[str] = "admm"
    title: ClassVar[str] = "ADMM"
    source: ClassVar[str] = "boyd2011"
    paradigm: ClassVar[str] = "learned hyperparameters"
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("penalties", "relaxations")

    def __init__(
        self, dictionary: Any, depth: int, *, penalties: Any, relaxations: Any, lam: Number, learn: bool = True
    ):
        super().__init__(dictionary, depth)
        if not (isinstance(lam, int | float) and math.isfinite(lam) and lam >= 0):
            raise InputError(f"A Lasso weight of {lam!r}", "Choose a nonnegative number")
        self.lam, self.learn = float(lam), bool(learn)
        given = per_layer(penalties, self.depth, [()], "The penalty")
        if min(float(rho) for rho in given) <= 0:
            raise InputError("A penalty of ADMM is not positive", "Choose positive numbers")
        self.penalties = parameters(given, trained=self.learn)
        self.relaxations = parameters(per_layer(relaxations, self.depth, [()], "The relaxation"), trained=self.learn)
        self._factored: tuple[Tensor, Tensor, Tensor] | None = None

    @classmethod
    def for_problem(
        cls,
        problem: Any,
        depth: int,
        *,
        lam: Number = 0.05,
        penalties: Any = None,
        relaxations: Any = 1.6,
        learn: bool = True,
    ) -> Admm:
        r"""By default $\rho=0.6\,\mathrm{mean}_i\|A_i\|^2$, as in the package's Lasso solver, and over-relaxation.

        Args:
            problem: Has ``dictionary``.
            depth: Number of layers.
            lam: Weight of the Lasso.
            penalties: Other penalties than the default.
            relaxations: Other relaxations than 1.6.
            learn: Whether both train.
        """
        if penalties is None:
            penalties = 0.6 * float((np.asarray(problem.dictionary) ** 2).sum(axis=0).mean())
        return cls(problem.dictionary, depth, penalties=penalties, relaxations=relaxations, lam=lam, learn=learn)

    def init(self, y: Float[Tensor, "batch m"]) -> AdmmState:
        """Zeros."""
        zero = super().init(y)
        return AdmmState(zero, zero)

    def step(self, k: int, state: AdmmState, y: Float[Tensor, "batch m"]) -> AdmmState:
        """One iteration."""
        rho, alpha = entry(self.penalties, k), entry(self.relaxations, k)
        x = self._solve(rho, y @ self.dictionary + rho * state.z - state.w)
        v = alpha * x + (1 - alpha) * state.z + state.w / rho
        z = soft_threshold(v, self.lam / rho)
        return AdmmState(z, rho * (v - z))

    def _solve(self, rho: Tensor, right: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
        r"""$(A^TA+\rho)^{-1}$ times each row."""
        basis, values = self._spectrum()
        if self.dictionary.shape[0] < self.dictionary.shape[1]:
            # Woodbury: (A^T A + rho)^-1 = (I - B^T (s + rho)^-1 B) / rho with A A^T = U s U^T, B = U^T A.
            return (right - ((right @ basis.T) / (values + rho)) @ basis) / rho
        return ((right @ basis.T) / (values + rho)) @ basis

    @torch.no_grad()
    def _spectrum(self) -> tuple[Tensor, Tensor]:
        """B and s of the dictionary as it stands, from the last call where it has not changed."""
        kept = self._factored
        if kept is not None and kept[0].dtype == self.dictionary.dtype and torch.equal(kept[0], self.dictionary):
            return kept[1], kept[2]
        matrix = self.dictionary.double()
        wide = matrix.shape[0] < matrix.shape[1]
        values, vectors = torch.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix)
        basis = vectors.T @ matrix if wide else vectors.T
        made = (basis.to(self.dictionary.dtype), values.clamp(min=0.0).to(self.dictionary.dtype))
        self._factored = (self.dictionary.clone(), *made)
        return made

    def as_system(self) -> System:
        r"""State $(z^k,w^k)$: $v=\alpha x+(1-\alpha)z^k+w^k/\rho$, $z^{k+1}=\eta(v)$, $w^{k+1}=\rho(v-z^{k+1})$.

        The inverse in $x=(A^TA+\rho)^{-1}(A^Ty+\rho z^k-w^k)$ is enclosed.
        """
        A = numpy64(self.dictionary)
        n = A.shape[1]
        identity, nothing = Enclosure.exact(np.eye(n)), np.zeros((n, n))
        made: dict[tuple[float, float], SystemLayer] = {}
        layers = []
        for k in range(self.depth):
            rho, alpha = (float(entry(given, k).detach()) for given in (self.penalties, self.relaxations))
            if (rho, alpha) not in made:
                inverse = _enclosed_inverse(Enclosure.exact(A.T) @ A + rho * identity)
                scaled = Enclosure.exact(alpha) * inverse
                on_code = Enclosure.exact(rho) * scaled + (1.0 - Enclosure.exact(alpha)) * identity
                on_multiplier = identity / rho - scaled
                C, D = beside(on_code, on_multiplier), scaled @ A.T
                made[rho, alpha] = SystemLayer(
                    preactivation=C,
                    activation=SoftThreshold(np.full(n, self.lam / rho)),
                    injection=D,
                    transition=above(Enclosure.exact(np.zeros(C.shape)), Enclosure.exact(rho) * C),
                    emission=Enclosure.exact(np.vstack([np.eye(n), -rho * np.eye(n)])),
                    passage=above(Enclosure.exact(np.zeros(D.shape)), Enclosure.exact(rho) * D),
                )
            layers.append(made[rho, alpha])
        readout = Enclosure.exact(np.hstack([np.eye(n), nothing]))
        return System(tuple(layers), A.shape[0], readout=readout, title=self.title)

    def as_method(self) -> Method:
        """ADMM with the penalties and relaxations as they are."""
        layers = range(self.depth)
        penalties = [float(entry(self.penalties, k).detach()) for k in layers]
        return AdmmMethod(penalties, [float(entry(self.relaxations, k).detach()) for k in layers])

    def readout(self, state: AdmmState) -> Float[Tensor, "batch n"]:
        """The sparse code z."""
        return state.z

    def project_parameters(self) -> None:
        """Penalties stay positive in training."""
        for rho in self.penalties:
            rho.clamp_(min=LEAST_PENALTY)

    def splitting(self, lam: Number) -> tuple[Float64[np.ndarray, " depth"], Float64[np.ndarray, " depth"]]:
        r"""$\rho_k$ and $\alpha_k$, if the network was built for this weight.

        Raises:
            MissingStructure: It was built for another one.
        """
        if lam != self.lam:
            raise MissingStructure(
                f"{self.title} for a Lasso weight of {self.lam}",
                f"a theorem on the Lasso of weight {lam}",
                "steps on that objective",
                f"Build it with lam={lam}, or verify the objective of weight {self.lam}",
            )
        rows = [
            np.array([float(entry(values, k).detach()) for k in range(self.depth)])
            for values in (self.penalties, self.relaxations)
        ]
        return rows[0], rows[1]

    @torch.no_grad()
    def multipliers(self, y: Float[Tensor, "batch m"]) -> Float[Tensor, "iterate batch n"]:
        r"""w at depth 0..K."""
        state = self.init(y)
        found = [state.w]
        for k in range(self.depth):
            state = self.step(k, state, y)
            found.append(state.w)
        return torch.stack(found)

    def config(self) -> dict[str, Any]:
        """Depth, weight of the Lasso, and whether the scalars train."""
        return {"depth": self.depth, "lam": self.lam, "learn": self.learn}


def _enclosed_inverse(matrix: Enclosure) -> Enclosure:
    r"""$M^{-1}$ of every matrix in an enclosure, entry by entry.

    With X the computed inverse and $\epsilon=\|I-XM\|_\infty<1$: $M^{-1}-X=(I-XM)M^{-1}$, so that its largest entry is
    at most $\epsilon\max|X|/(1-\epsilon)$.
    """
    X = np.linalg.inv(matrix.mid)
    defect = abs(np.eye(len(X)) - Enclosure.exact(X) @ matrix).sum(-1).max()
    if not float(defect.hi) < 1:
        raise InputError("The linear system of ADMM is too ill-conditioned for float64", "Raise the penalty")
    doubt = float((defect * float(np.abs(X).max()) / (1.0 - defect)).hi)
    return Enclosure.exact(X) + Enclosure.certified(-doubt, doubt)
