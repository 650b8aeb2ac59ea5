r"""What Lipschitz certificates state: a system with input injection, exactly, and a number.

Layer k of K: $v=C\xi+Du+c$, $w=\varphi(v)$, $\xi\leftarrow A\xi+Bw+Eu$ from $\xi=Fu$, with output $z=G\xi$.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from unfold_theory.certificate.document import fields
from unfold_theory.certificate.rationals import fraction, text
from unfold_theory.errors import InputError

Vector = tuple[Fraction, ...]
Matrix = tuple[Vector, ...]
MATRICES = ("preactivation", "injection", "transition", "emission", "passage")
"""C, D, A, B, E; null stands for zero, and for the identity in place of B."""
ACTIVATIONS = ("soft threshold", "ReLU")
LARGEST = 400
"""Coordinates of one layer's inequality: exact elimination takes minutes beyond."""
DEEPEST = 200
MOST = 2**400
"""Bounds above are not read: floats would not hold their squares."""


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        preactivation: C, shape (q, p).
        injection, transition, emission, passage: D, A, B, E, or None.
    """

    preactivation: Matrix
    injection: Matrix | None
    transition: Matrix | None
    emission: Matrix | None
    passage: Matrix | None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(p, q, p'): state, neurons, next state."""
        q, p = len(self.preactivation), len(self.preactivation[0])
        return p, q, q if self.emission is None else len(self.emission)

    def to_json(self) -> dict[str, Any]:
        """The matrices as text."""
        return {name: matrix_text(getattr(self, name)) for name in MATRICES}


@dataclass(frozen=True)
class BoundedLayer(Layer):
    """A layer of an upper bound.

    Attributes:
        preactivation_radius, injection_radius: By how much each entry of C and D may differ from what is stated, or
            None: not at all.
        blocks: The block of each neuron, 0, 1, ...: the activation is any map that is firmly nonexpansive on each.
    """

    preactivation_radius: Matrix | None
    injection_radius: Matrix | None
    blocks: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is read."""
        return super().to_json() | {
            "preactivation_radius": matrix_text(self.preactivation_radius),
            "injection_radius": matrix_text(self.injection_radius),
            "blocks": list(self.blocks),
        }


@dataclass(frozen=True)
class RunLayer(Layer):
    r"""A layer of a lower bound, which is run.

    Attributes:
        bias: c, or None for zero.
        activation: ``soft threshold`` or ``ReLU``.
        threshold: $\theta\ge0$, shape (q,); None for ReLU.
    """

    bias: Vector | None
    activation: str
    threshold: Vector | None

    def to_json(self) -> dict[str, Any]:
        """As it is read."""
        return super().to_json() | {
            "bias": None if self.bias is None else [text(v) for v in self.bias],
            "activation": self.activation,
            "threshold": None if self.threshold is None else [text(v) for v in self.threshold],
        }


@dataclass(frozen=True)
class Network:
    r"""A system $u\mapsto z$.

    Attributes:
        inputs: m.
        layers: The K layers.
        start: F, or None for zero.
        readout: G, or None for the identity.
        bound: L, the number claimed.
    """

    inputs: int
    layers: tuple[Any, ...]
    start: Matrix | None
    readout: Matrix | None
    bound: Fraction

    @classmethod
    def read(cls, record: Any, layer: Callable[[Any, int, int], Layer]) -> Network:
        """From JSON, strictly; ``layer`` reads one, given the sizes of input and state.

        Raises:
            InputError: Something is missing, unknown, malformed, or shapes do not chain.
        """
        names = ("inputs", "layers", "start", "readout", "bound")
        inputs, layers, start, readout, bound = fields(record, names, "The statement")
        if not is_index(inputs) or not 1 <= inputs <= LARGEST:
            raise InputError(f"A network of {str(inputs)[:40]} inputs", f"Give 1 to {LARGEST}")
        if not isinstance(layers, list) or not 1 <= len(layers) <= DEEPEST:
            raise InputError("The layers are no list, or too many", f"Give 1 to {DEEPEST} layers")
        made: list[Layer] = []
        for k, entry in enumerate(layers):
            made.append(layer(entry, inputs, k))
            p, q, after = made[-1].sizes
            if k and p != made[-2].sizes[2]:
                raise InputError(f"Layer {k} reads {p} states of {made[-2].sizes[2]}", "Let them agree")
            if p + q + inputs > LARGEST or after + inputs > LARGEST:
                raise InputError(
                    f"Layer {k} has {p + q + inputs} coordinates", f"Exact checks are for at most {LARGEST}"
                )
        first, last = made[0].sizes[0], made[-1].sizes[2]
        network = cls(
            inputs,
            tuple(made),
            read_matrix(start, first, inputs, "The start"),
            read_matrix(readout, None, last, "The readout"),
            fraction(bound, "The bound"),
        )
        if not 0 <= network.bound <= MOST:
            raise InputError("A Lipschitz bound that is negative or astronomic", "Rescale the network")
        return network

    def to_json(self) -> dict[str, Any]:
        """As :meth:`read` reads it."""
        return {
            "inputs": self.inputs,
            "layers": [layer.to_json() for layer in self.layers],
            "start": matrix_text(self.start),
            "readout": matrix_text(self.readout),
            "bound": text(self.bound),
        }

    @property
    def title(self) -> str:
        """Its sizes."""
        neurons = sorted({layer.sizes[1] for layer in self.layers})
        return f"{len(self.layers)} layers of {' or '.join(map(str, neurons))} neurons on {self.inputs} inputs"


def read_bounded(record: Any, inputs: int, k: int) -> BoundedLayer:
    """A layer of an upper bound, strictly.

    Raises:
        InputError: Something is missing, unknown, malformed or out of range.
    """
    names = (*MATRICES, "preactivation_radius", "injection_radius", "blocks")
    *matrices, seen, injected, blocks = fields(record, names, f"Layer {k}")
    layer = _layer(matrices, inputs, k)
    p, q, _ = layer.sizes
    radii = (
        read_matrix(seen, q, p, f"The radius of C in layer {k}"),
        read_matrix(injected, q, inputs, f"The radius of D in layer {k}"),
    )
    for radius in radii:
        if radius is not None and min(min(row) for row in radius) < 0:
            raise InputError(f"A radius in layer {k} is negative", "Radii are nonnegative")
    if radii[1] is not None and layer.injection is None:
        raise InputError(f"Layer {k} has a radius of an injection that it lacks", "Give null for both")
    if not isinstance(blocks, list) or len(blocks) != q or not all(is_index(b) for b in blocks):
        raise InputError(f"The blocks of layer {k} are no list of {q} labels", "Label each neuron's block 0, 1, ...")
    if set(blocks) != set(range(max(blocks) + 1)):
        raise InputError(f"The blocks of layer {k} skip a label", "Label them 0, 1, ...")
    C, D, A, B, E = _matrices(layer)
    seen, injected = radii
    return BoundedLayer(C, D, A, B, E, seen, injected, tuple(blocks))


def read_run(record: Any, inputs: int, k: int) -> RunLayer:
    """A layer of a lower bound, strictly.

    Raises:
        InputError: Something is missing, unknown, malformed or out of range.
    """
    *matrices, bias, activation, threshold = fields(
        record, (*MATRICES, "bias", "activation", "threshold"), f"Layer {k}"
    )
    layer = _layer(matrices, inputs, k)
    q = layer.sizes[1]
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise InputError(f"The activation {str(activation)[:40]!r} of layer {k}", f"Known: {', '.join(ACTIVATIONS)}")
    thresholds = None if threshold is None else read_vector(threshold, q, f"The threshold of layer {k}")
    if (thresholds is None) != (activation == "ReLU"):
        raise InputError(f"The threshold of layer {k} does not fit a {activation}", "Soft thresholds have one")
    if thresholds is not None and min(thresholds) < 0:
        raise InputError(f"A threshold of layer {k} is negative", "Thresholds are nonnegative")
    biases = None if bias is None else read_vector(bias, q, f"The bias of layer {k}")
    C, D, A, B, E = _matrices(layer)
    return RunLayer(C, D, A, B, E, biases, activation, thresholds)


def _matrices(layer: Layer) -> list[Any]:
    return [getattr(layer, name) for name in MATRICES]


def _layer(matrices: list[Any], m: int, k: int) -> Layer:
    C, D, A, B, E = matrices
    seen = read_matrix(C, None, None, f"C of layer {k}")
    if seen is None:
        raise InputError(f"Layer {k} has no C", "Give a matrix of zeros where the state is not read")
    q, p = len(seen), len(seen[0])
    emission = read_matrix(B, None, q, f"B of layer {k}")
    after = q if emission is None else len(emission)
    return Layer(
        seen,
        read_matrix(D, q, m, f"D of layer {k}"),
        read_matrix(A, after, p, f"A of layer {k}"),
        emission,
        read_matrix(E, after, m, f"E of layer {k}"),
    )


def is_index(value: Any) -> bool:
    """Whether it is a nonnegative integer, and no Boolean."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_vector(entries: Any, size: int | None, what: str) -> Vector:
    """A list of exact numbers.

    Raises:
        InputError: It is none, of another length, or an entry is malformed.
    """
    if not isinstance(entries, list) or not entries or (size is not None and len(entries) != size):
        raise InputError(f"{what} is no list of {size or 'some'} numbers", "Give exact numbers as text")
    return tuple(fraction(entry, what) for entry in entries)


def read_matrix(rows: Any, height: int | None, width: int | None, what: str) -> Matrix | None:
    """A list of rows, or null.

    Raises:
        InputError: It is none, of another shape, or an entry is malformed.
    """
    if rows is None:
        return None
    if not isinstance(rows, list) or not rows or (height is not None and len(rows) != height):
        raise InputError(f"{what} is no list of {height or 'some'} rows", "Give rows of exact numbers")
    width = len(rows[0]) if width is None and isinstance(rows[0], list) else width
    return tuple(read_vector(row, width, what) for row in rows)


def matrix_text(matrix: Matrix | None) -> list[list[str]] | None:
    """As :func:`read_matrix` reads it."""
    return None if matrix is None else [[text(v) for v in row] for row in matrix]
