r"""Unfolded networks as systems with input injection: the form in which Lipschitz bounds read them.

Layer k of K acts on a state $\xi^k\in\mathbb R^{p_k}$, and the input $u\in\mathbb R^m$ enters every layer:
$$v^k=C_k\xi^k+D_ku+c_k,\qquad w^k=\varphi_k(v^k),\qquad \xi^{k+1}=A_k\xi^k+B_kw^k+E_ku,\qquad \xi^0=Fu,$$
and the output is $z=G\xi^K$. LISTA has $A=E=F=0$, $B=G=I$, $C=W_2$, $D=W_1$; momentum and multipliers are further
components of the state. Matrices are enclosures, because some networks hold factors only ($I-\gamma W^TA$, an inverse).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.networks.activations import Activation, SoftThreshold
from unfold_theory.networks.layers import AffineLayer

Matrix = Enclosure


@dataclass(frozen=True, eq=False)
class SystemLayer:
    r"""One layer of a :class:`System`.

    Attributes:
        preactivation: C, shape (q, p).
        activation: $\varphi$, of q neurons.
        injection: D, shape (q, m); None for zero.
        transition: A, shape (p', p); None for zero.
        emission: B, shape (p', q); None for the identity.
        passage: E, shape (p', m); None for zero.
        bias: c, shape (q,); None for zero.
    """

    preactivation: Matrix
    activation: Activation
    injection: Matrix | None = None
    transition: Matrix | None = None
    emission: Matrix | None = None
    passage: Matrix | None = None
    bias: Float64[np.ndarray, " q"] | None = None

    @property
    def plain(self) -> bool:
        """Whether the next state is the activation's value: no memory besides it."""
        return self.transition is None and self.emission is None and self.passage is None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(p, q, p'): state, neurons, next state."""
        q, p = self.preactivation.shape
        return p, q, q if self.emission is None else self.emission.shape[0]


@dataclass(frozen=True, eq=False)
class System:
    r"""A K-layer network $u\mapsto G\xi^K$ with input injection.

    Attributes:
        layers: The K layers.
        inputs: m.
        start: F, shape (p_0, m); None for zero.
        readout: G, shape (r, p_K) for every K; None for the identity.
        title: As messages and tables name the network.

    Raises:
        InputError: There is no layer, shapes do not chain, or an entry is not finite.
    """

    layers: tuple[SystemLayer, ...]
    inputs: int
    start: Matrix | None = None
    readout: Matrix | None = None
    title: str = "A network"

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError(f"{self.title} has no layers", "Pass at least one")
        m, p = self.inputs, self.layers[0].sizes[0]
        if self.start is not None:
            self._expect(self.start, (p, m), "The start")
        for k, layer in enumerate(self.layers):
            before, q, after = layer.sizes
            if layer.activation.size != q:
                raise InputError(
                    f"Layer {k} of {self.title} has {q} preactivations and an activation of {layer.activation.size}",
                    "Let them agree",
                )
            self._expect(layer.preactivation, (q, p), f"C of layer {k}")
            for matrix, shape, what in (
                (layer.injection, (q, m), "D"),
                (layer.transition, (after, before), "A"),
                (layer.emission, (after, q), "B"),
                (layer.passage, (after, m), "E"),
            ):
                if matrix is not None:
                    self._expect(matrix, shape, f"{what} of layer {k}")
            if layer.bias is not None and (layer.bias.shape != (q,) or not np.isfinite(layer.bias).all()):
                raise InputError(f"The bias of layer {k} of {self.title}", f"Pass {q} finite numbers")
            p = after
        if self.readout is not None:
            self._expect(self.readout, (self.readout.shape[0], p), "The readout")

    def _expect(self, matrix: Matrix, shape: tuple[int, ...], what: str) -> None:
        if matrix.shape != shape:
            raise InputError(f"{what} of {self.title} has shape {matrix.shape}", f"Pass one of shape {shape}")
        if not (np.isfinite(matrix.lo).all() and np.isfinite(matrix.hi).all()):
            raise InputError(f"{what} of {self.title} has an entry that is not finite", "Look at its training")

    # -- making ----------------------------------------------------------------------------------------------------
    @classmethod
    def of_matrices(
        cls,
        input_weights: Sequence[Float64[np.ndarray, "_ m"]],
        state_weights: Sequence[Float64[np.ndarray, "_ _"]],
        activations: Sequence[Activation],
        *,
        title: str = "A network",
    ) -> System:
        r"""$x^{k+1}=\varphi_k(W_1^ku+W_2^kx^k)$, $x^0=0$: floats are exact numbers here."""
        if not len(input_weights) == len(state_weights) == len(activations):
            raise InputError(f"{len(input_weights)} input and {len(state_weights)} state weights", "One a layer each")
        layers = tuple(
            SystemLayer(Enclosure.exact(second), activation, Enclosure.exact(first))
            for first, second, activation in zip(input_weights, state_weights, activations, strict=True)
        )
        return cls(layers, np.shape(input_weights[0])[1] if len(input_weights) else 0, title=title)

    @classmethod
    def of_affine_layers(
        cls, layers: Sequence[AffineLayer], dictionary: Float64[np.ndarray, "m n"], *, title: str = "A network"
    ) -> System:
        r"""Layers $\eta_\theta(W_1u+W_2x)$ as networks declare them; $I-\gamma W^TA$ is enclosed where it is coupled.

        Raises:
            InputError: A layer selects a support (it jumps), or has a negative threshold.
        """
        n = dictionary.shape[1]
        made, seen = [], {}
        for k, layer in enumerate(layers):
            if layer.selected:
                raise InputError(
                    f"Layer {k} of {title} lets {layer.selected} entries bypass the threshold, and jumps where their "
                    "order changes: it has no Lipschitz constant",
                    "Bound it between jumps, or build the network without support selection",
                )
            key = (
                layer.weight.tobytes(),
                float(layer.gain),
                None if layer.state_weight is None else layer.state_weight.tobytes(),
            )
            if key not in seen:
                transposed = Enclosure.exact(np.ascontiguousarray(layer.weight.T))
                first = transposed if layer.gain == 1 else float(layer.gain) * transposed
                second = (
                    np.eye(n) - first @ dictionary
                    if layer.state_weight is None
                    else Enclosure.exact(layer.state_weight)
                )
                seen[key] = first, second
            first, second = seen[key]
            threshold = np.broadcast_to(np.asarray(layer.threshold, dtype=np.float64), (n,))
            try:
                activation = SoftThreshold(threshold)
            except InputError as error:
                raise InputError(f"Layer {k} of {title}: {error.cause}", error.remedy) from None
            made.append(SystemLayer(second, activation, first))
        return cls(tuple(made), dictionary.shape[0], title=title)

    def truncated(self, depth: int) -> System:
        """The first layers."""
        if not 1 <= depth <= self.depth:
            raise InputError(f"{self.title} has {self.depth} layers, not {depth}", f"Ask for 1 to {self.depth}")
        return replace(self, layers=self.layers[:depth])

    def from_initial_state(self) -> System:
        r"""The same layers with $\xi^0$ as the input and u held fixed: sensitivity to the initial point."""
        layers = tuple(replace(layer, injection=None, passage=None) for layer in self.layers)
        p = self.layers[0].sizes[0]
        return replace(self, layers=layers, inputs=p, start=Enclosure.exact(np.eye(p)))

    # -- reading ---------------------------------------------------------------------------------------------------
    @property
    def depth(self) -> int:
        """K."""
        return len(self.layers)

    @property
    def plain(self) -> bool:
        """Whether it is $x^{k+1}=\\varphi(W_1u+W_2x^k)$ from zero, the output being $x^K$ or $Gx^K$."""
        return self.start is None and all(layer.plain for layer in self.layers)

    @property
    def outputs(self) -> int:
        """r."""
        return self.layers[-1].sizes[2] if self.readout is None else self.readout.shape[0]

    def trace(
        self, u: Float64[np.ndarray, "batch m"]
    ) -> tuple[list[Float64[np.ndarray, "batch p"]], list[Float64[np.ndarray, "batch q"]]]:
        r"""States $\xi^0,\dots,\xi^K$ and preactivations $v^0,\dots,v^{K-1}$ in float64."""
        p = self.layers[0].sizes[0]
        states = [np.zeros((len(u), p)) if self.start is None else u @ self.start.mid.T]
        preactivations = []
        for layer in self.layers:
            v = _plus(states[-1] @ layer.preactivation.mid.T, u, layer.injection)
            v = v if layer.bias is None else v + layer.bias
            w = layer.activation(v)
            after = w if layer.emission is None else w @ layer.emission.mid.T
            states.append(_plus(_plus(after, states[-1], layer.transition), u, layer.passage))
            preactivations.append(v)
        return states, preactivations

    def __call__(self, u: Float64[np.ndarray, "batch m"]) -> Float64[np.ndarray, "batch r"]:
        """Outputs in float64."""
        last = self.trace(u)[0][-1]
        return last if self.readout is None else last @ self.readout.mid.T

    def jacobian(self, u: Float64[np.ndarray, " m"]) -> Float64[np.ndarray, "r m"]:
        """Derivative of the output at one input in float64; at a kink, that of one side."""
        preactivations = self.trace(u[None])[1]
        identity = np.eye(self.inputs)
        state = np.zeros((self.layers[0].sizes[0], self.inputs)) if self.start is None else self.start.mid
        for layer, v in zip(self.layers, preactivations, strict=True):
            moved = layer.preactivation.mid @ state + (0.0 if layer.injection is None else layer.injection.mid)
            w = layer.activation.derivative(v[0], moved)
            after = w if layer.emission is None else layer.emission.mid @ w
            after = after if layer.transition is None else after + layer.transition.mid @ state
            state = after if layer.passage is None else after + layer.passage.mid @ identity
        return state if self.readout is None else self.readout.mid @ state


def _plus(value: np.ndarray, rows: np.ndarray, matrix: Matrix | None) -> np.ndarray:
    return value if matrix is None else value + rows @ matrix.mid.T


def with_memory(system: System, momentum: Callable[[int], float], *, inside: bool) -> System:
    r"""A plain system that keeps the code before the last one, as momentum does.

    Args:
        system: Layers $\varphi(W_1u+W_2x)$ of square $W_2$.
        momentum: $\beta_k$ of layer k.
        inside: Whether the layer acts at $x^k+\beta_k(x^k-x^{k-1})$ (Nesterov), or adds $\beta_k(x^k-x^{k-1})$ to its
            preactivation (heavy ball).
    """
    n = system.layers[0].sizes[0]
    identity, nothing = np.eye(n), np.zeros((n, n))
    layers = []
    for k, layer in enumerate(system.layers):
        beta = Enclosure.exact(momentum(k))
        C = layer.preactivation
        now, before = ((1.0 + beta) * C, -beta * C) if inside else (C + beta * identity, -beta * identity)
        layers.append(
            replace(
                layer,
                preactivation=beside(now, before),
                transition=Enclosure.exact(np.block([[nothing, nothing], [identity, nothing]])),
                emission=Enclosure.exact(np.vstack([identity, nothing])),
            )
        )
    return replace(system, layers=tuple(layers), readout=Enclosure.exact(np.hstack([identity, nothing])))


def beside(*matrices: Matrix) -> Matrix:
    """Columns of enclosures side by side."""
    basis = min(matrix.basis for matrix in matrices)
    return Enclosure(np.hstack([m.lo for m in matrices]), np.hstack([m.hi for m in matrices]), basis)


def above(*matrices: Matrix) -> Matrix:
    """Rows of enclosures on top of each other."""
    return beside(*(matrix.T for matrix in matrices)).T
