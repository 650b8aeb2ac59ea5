"""Unfolded ISTA in a learned orthogonal basis that all layers share."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.networks.tensors import Number, exact, numpy64
from unfold_theory.networks.thresholding import soft_threshold


class OrthogonalDictionary(UnfoldedNetwork):
    r"""$z^{k+1}=\eta_{\tau\lambda}(z^k-\tau B^T(Bz^k-y))$, $z^0=0$, $B=A\Phi$; the code is $x^k=\sigma(\Phi z^k)$.

    Only $\Phi\in O(n)$ trains: $\Phi=\Phi_0(I+S)^{-1}(I-S)$ with a fixed $\Phi_0$ and $S=(X-X^T)/2$ of a free matrix
    X (Cayley), orthogonal whatever X is. $\sigma$ projects on the ball of the given radius. Signals are sparse in
    $\Phi$, A is how they are measured.

    Reference: Behboodi, Rauhut and Schnoor (2022), whose networks share one orthogonal dictionary in this way.

    Args:
        dictionary: A, shape (m, n).
        depth: Number of layers K.
        skew: X, shape (n, n).
        base: $\Phi_0$, shape (n, n), orthogonal; fixed. Determinant and eigenvalues -1 of $\Phi_0^T\Phi$ are out of the
            Cayley map's reach.
        step_size: $\tau>0$, fixed.
        lam: $\lambda\ge 0$, fixed.
        radius: Of the ball that codes are projected on; None for no projection.

    Raises:
        InputError: A shape does not fit, an entry is not finite, the base is not orthogonal, or a number is out of
            range.
    """

    name: ClassVar[str] = "orthogonal-dictionary"
    title: ClassVar[str] = "Orthogonal dictionary"
    source: ClassVar[str] = "behboodi2022"
    paradigm: ClassVar[str] = "learned objective parameters"
    # It thresholds in its own basis: in the coordinates of x there are no affine layers.
    adaptive: ClassVar[bool] = True
    layered: ClassVar[tuple[str, ...]] = ("skew", "base")
    base: Tensor

    def __init__(
        self,
        dictionary: Any,
        depth: int,
        *,
        skew: Any,
        base: Any,
        step_size: Number,
        lam: Number,
        radius: Number | None = None,
    ):
        super().__init__(dictionary, depth)
        n = self.dictionary.shape[1]
        free, fixed = exact(skew, "The skew part"), exact(base, "The base")
        for matrix, what in ((free, "skew part"), (fixed, "base")):
            if matrix.shape != (n, n):
                raise InputError(f"A {what} of shape {tuple(matrix.shape)}", f"Pass shape {(n, n)}")
        if torch.linalg.matrix_norm(fixed.T @ fixed - torch.eye(n, dtype=torch.float64)) > 1e-9 * n:
            raise InputError("The base is not orthogonal", "Pass the Q of a QR factorisation, or the identity")
        for value, what, least in ((step_size, "step size", 0.0), (lam, "Lasso weight", -1.0), (radius, "radius", 0.0)):
            good = isinstance(value, int | float) and math.isfinite(value) and value > least and value >= 0
            if not good and not (what == "radius" and value is None):
                raise InputError(f"A {what} of {value!r}", "Choose a positive, finite number")
        self.step_size, self.lam = float(step_size), float(lam)
        self.radius = None if radius is None else float(radius)
        self.register_fixed("base", fixed)
        self.skew = torch.nn.Parameter(free)

    @classmethod
    def for_problem(
        cls, problem: Any, depth: int, *, lam: Number = 0.05, radius: Number | None = None, base: Any = None
    ) -> OrthogonalDictionary:
        r"""ISTA: $X=0$, $\Phi_0=I$ unless given, $\tau$ the lower end of the certified $1/\|A\|^2$.

        Args:
            problem: Has ``dictionary`` and ``lipschitz``.
            depth: Number of layers.
            lam: Weight of the Lasso.
            radius: As in the constructor.
            base: Likewise.
        """
        n = problem.dictionary.shape[1]
        return cls(
            problem.dictionary,
            depth,
            skew=np.zeros((n, n)),
            base=np.eye(n) if base is None else base,
            step_size=float((1 / problem.lipschitz).lo),
            lam=lam,
            radius=radius,
        )

    @property
    def basis(self) -> Float[Tensor, "n n"]:
        r"""$\Phi$, orthogonal up to rounding."""
        half = (self.skew - self.skew.T) / 2
        eye = torch.eye(len(half), dtype=half.dtype, device=half.device)
        return self.base @ torch.linalg.solve(eye + half, eye - half)

    def init(self, y: Float[Tensor, "batch m"]) -> tuple[Tensor, Tensor]:
        r"""$(z^0,\Phi)$: the basis is the same for all layers and made once."""
        return super().init(y), self.basis

    def step(self, k: int, state: tuple[Tensor, Tensor], y: Float[Tensor, "batch m"]) -> tuple[Tensor, Tensor]:
        """One proximal gradient step in the basis."""
        z, basis = state
        matrix = self.dictionary @ basis
        residual = torch.addmm(y, z, matrix.T, alpha=-1)
        threshold = z.new_tensor(self.step_size * self.lam)
        return soft_threshold(z + self.step_size * (residual @ matrix), threshold), basis

    def readout(self, state: tuple[Tensor, Tensor]) -> Float[Tensor, "batch n"]:
        r"""$\sigma(\Phi z)$."""
        z, basis = state
        x = z @ basis.T
        if self.radius is None:
            return x
        return x * (self.radius / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=self.radius))

    def basis64(self) -> Float64[np.ndarray, "n n"]:
        r"""$\Phi$ as float64 numbers."""
        return numpy64(self.basis)

    def config(self) -> dict[str, Any]:
        """Depth, step, weight and radius."""
        return {"depth": self.depth, "step_size": self.step_size, "lam": self.lam, "radius": self.radius}
