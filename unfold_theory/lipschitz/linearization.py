"""Jacobians of a system at many inputs at once, as dense matrices or as operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from unfold_theory.networks.activations import Activation, Separable
from unfold_theory.networks.system import Matrix, System

Inputs = Float64[np.ndarray, "batch m"]
Outputs = Float64[np.ndarray, "batch r"]

DENSE = 64
"""Up to so many inputs, singular values are computed from the whole Jacobian; above, by power iteration."""
_ITERATIONS = 40
_NOTHING = np.zeros(1)


class Linearization:
    r"""Derivatives $J(u)$ of a system at a batch of inputs, in float64; at a kink, that of one side.

    Activations are gradients of convex functions, so that their derivatives are symmetric: the same slopes serve
    :meth:`forward` and :meth:`backward`.

    Args:
        system: The network.
        u: Inputs, shape (batch, m).
    """

    def __init__(self, system: System, u: Inputs):
        self.system, self.batch = system, len(u)
        states, self.preactivations = system.trace(u)
        last = states[-1]
        self.outputs: Outputs = last if system.readout is None else last @ system.readout.mid.T
        self.slopes: Sequence[Float64[np.ndarray, "batch _"] | _Rowwise] = [
            _slopes(layer.activation, v) for layer, v in zip(system.layers, self.preactivations, strict=True)
        ]

    @classmethod
    def with_slopes(cls, system: System, slopes: Sequence[Float64[np.ndarray, "batch _"]]) -> Linearization:
        """Any slopes of separable activations, those of an input or not."""
        made = cls.__new__(cls)
        made.system, made.batch, made.slopes = system, len(slopes[0]), list(slopes)
        return made

    def forward(self, d: Inputs) -> Outputs:
        r"""$J(u_i)d_i$ for every row i."""
        return self.tangents(d)[-1]

    def tangents(self, d: Inputs) -> list[Float64[np.ndarray, "batch _"]]:
        r"""$\mathrm dv^0,\dots,\mathrm dv^{K-1}$, and the output's derivative, along $d_i$."""
        system = self.system
        state = np.zeros((self.batch, system.layers[0].sizes[0])) if system.start is None else d @ system.start.mid.T
        found = []
        for k, layer in enumerate(system.layers):
            dv = state @ layer.preactivation.mid.T + _rows(d, layer.injection)
            found.append(dv)
            state = (
                _rows(self._activate(k, dv), layer.emission, identity=True)
                + _rows(state, layer.transition)
                + _rows(d, layer.passage)
            )
        found.append(_rows(state, system.readout, identity=True))
        return found

    def backward(self, z: Outputs) -> Inputs:
        r"""$J(u_i)^Tz_i$ for every row i."""
        return self.cotangents(z)[-1]

    def cotangents(self, z: Outputs) -> list[Float64[np.ndarray, "batch _"]]:
        r"""Derivatives of $\langle z_i,\text{output}\rangle$ in $w^0,\dots,w^{K-1}$, and in the input."""
        system = self.system
        state, found, u = _back(z, system.readout, identity=True), [], np.zeros((self.batch, system.inputs))
        for k in reversed(range(system.depth)):
            layer = system.layers[k]
            dw = _back(state, layer.emission, identity=True)
            found.append(dw)
            dv = self._activate(k, dw)
            u = u + _back(dv, layer.injection) + _back(state, layer.passage)
            state = dv @ layer.preactivation.mid + _back(state, layer.transition)
        return [*found[::-1], u + _back(state, system.start)]

    def jacobians(self) -> Float64[np.ndarray, "batch r m"]:
        """All of them, dense."""
        m = self.system.inputs
        wide = Linearization.__new__(Linearization)
        wide.system, wide.batch = self.system, self.batch * m
        wide.slopes = [np.repeat(s, m, axis=0) if isinstance(s, np.ndarray) else s.repeated(m) for s in self.slopes]
        columns = wide.forward(np.tile(np.eye(m), (self.batch, 1)))
        return np.swapaxes(columns.reshape(self.batch, m, -1), 1, 2)

    def norms(
        self, start: Inputs | None = None, *, iterations: int | None = None
    ) -> tuple[Float64[np.ndarray, " batch"], Inputs]:
        r"""$\|J(u_i)\|_2$ and unit directions that attain it: to rounding up to 64 inputs, else by power iteration.

        Args:
            start: Directions from which the power iteration starts.
            iterations: How many; 40 by default, 10 from given directions.
        """
        if self.system.inputs <= DENSE:
            J = self.jacobians()
            values, vectors = np.linalg.eigh(np.swapaxes(J, 1, 2) @ J)
            return np.sqrt(np.maximum(values[:, -1], 0.0)), vectors[:, :, -1]
        d = np.ones((self.batch, self.system.inputs)) if start is None else start
        d = d + 1e-3 * np.random.default_rng(0).standard_normal(d.shape)
        for _ in range(iterations or (_ITERATIONS if start is None else _ITERATIONS // 4)):
            d = _unit(self.backward(self.forward(_unit(d))))
        return np.linalg.norm(self.forward(d), axis=1), d

    def _activate(self, k: int, moved: np.ndarray) -> np.ndarray:
        slopes = self.slopes[k]
        return slopes * moved if isinstance(slopes, np.ndarray) else slopes(moved)


class _Rowwise:
    """The derivative of an activation that mixes neurons, row by row."""

    def __init__(self, activation: Activation, v: np.ndarray):
        self.activation, self.v, self.m = activation, v, 1

    def repeated(self, m: int) -> _Rowwise:
        """The same for m tangents at each row."""
        made = _Rowwise(self.activation, self.v)
        made.m = m
        return made

    def __call__(self, moved: np.ndarray) -> np.ndarray:
        blocks = moved.reshape(-1, self.m, moved.shape[1])
        done = [self.activation.derivative(v, block.T).T for v, block in zip(self.v, blocks, strict=True)]
        return np.concatenate(done).reshape(moved.shape)


def _slopes(activation: Activation, v: np.ndarray) -> np.ndarray | _Rowwise:
    return activation.slope(v) if isinstance(activation, Separable) else _Rowwise(activation, v)


def _rows(rows: np.ndarray, matrix: Matrix | None, *, identity: bool = False) -> np.ndarray:
    if matrix is None:
        return rows if identity else _NOTHING
    return rows @ matrix.mid.T


def _back(rows: np.ndarray, matrix: Matrix | None, *, identity: bool = False) -> np.ndarray:
    if matrix is None:
        return rows if identity else _NOTHING
    return rows @ matrix.mid


def _unit(d: np.ndarray) -> np.ndarray:
    return d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), np.finfo(float).tiny)
