"""The numbers that prove Lipschitz bounds, as they stand in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unfold_theory.certificate.document import fields
from unfold_theory.certificate.lipschitz.statement import Network, Vector, read_vector
from unfold_theory.certificate.rationals import text
from unfold_theory.errors import InputError

Triangle = tuple[Vector, ...]


@dataclass(frozen=True)
class Dissipation:
    r"""Multipliers and quadratic forms.

    Attributes:
        multipliers: $\Lambda_k$ of every layer, one number for each block.
        forms: Lower triangles of $P_1,\dots,P_{K-1}$ over (state, input): $V_k(\xi,u)$ of the theorem in
            :mod:`.exact`.
    """

    multipliers: tuple[Vector, ...]
    forms: tuple[Triangle, ...]

    @classmethod
    def read(cls, record: Any, network: Network) -> Dissipation:
        """From JSON, strictly.

        Raises:
            InputError: Something is missing, unknown, malformed, or of another size than the network.
        """
        rows, triangles = fields(record, ("multipliers", "forms"), "The proof")
        layers = network.layers
        if not isinstance(rows, list) or len(rows) != len(layers):
            raise InputError(f"There is not one list of multipliers for each of {len(layers)} layers", "Give one each")
        if not isinstance(triangles, list) or len(triangles) != len(layers) - 1:
            raise InputError(f"There are not {len(layers) - 1} forms", "Give one for each state between two layers")
        multipliers = tuple(
            read_vector(row, max(layer.blocks) + 1, f"The multipliers of layer {k}")
            for k, (row, layer) in enumerate(zip(rows, layers, strict=True))
        )
        forms = tuple(
            _triangle(rows, layer.sizes[0] + network.inputs, k + 1)
            for k, (rows, layer) in enumerate(zip(triangles, layers[1:], strict=True))
        )
        return cls(multipliers, forms)

    def to_json(self) -> dict[str, Any]:
        """As :meth:`read` reads it."""
        return {
            "multipliers": [[text(v) for v in row] for row in self.multipliers],
            "forms": [[[text(v) for v in row] for row in triangle] for triangle in self.forms],
        }


@dataclass(frozen=True)
class Witness:
    """Two inputs.

    Attributes:
        first, second: u and u', shape (m,).
    """

    first: Vector
    second: Vector

    @classmethod
    def read(cls, record: Any, network: Network) -> Witness:
        """From JSON, strictly.

        Raises:
            InputError: Something is missing, unknown, malformed, or both inputs are the same.
        """
        first, second = fields(record, ("first", "second"), "The proof")
        made = cls(
            read_vector(first, network.inputs, "The first input"),
            read_vector(second, network.inputs, "The second input"),
        )
        if made.first == made.second:
            raise InputError("Both inputs are the same", "Give two that differ")
        return made

    def to_json(self) -> dict[str, Any]:
        """As :meth:`read` reads it."""
        return {"first": [text(v) for v in self.first], "second": [text(v) for v in self.second]}


def _triangle(rows: Any, size: int, k: int) -> Triangle:
    if not isinstance(rows, list) or len(rows) != size:
        raise InputError(f"The form {k} is no lower triangle of {size} rows", "Give rows of 1, 2, 3, ... numbers")
    return tuple(read_vector(row, i + 1, f"Row {i} of the form {k}") for i, row in enumerate(rows))
