"""Checks of user input that the problems share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfold_theory.errors import InputError

if TYPE_CHECKING:
    Number = float
    Integer = int
else:
    # A user's numbers are checked by value, with one message for every wrong one; run-time type checks let them pass.
    Number = Integer = object


def positive_integer(name: str, value: Any) -> int:
    """``value`` as a positive int.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"A {name} of {value!r}", "Choose a positive integer")
    return int(value)


def seed_integer(value: Any) -> int:
    """``value`` as a nonnegative int.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 0:
        raise InputError(f"A seed of {value!r}", "Choose a nonnegative integer")
    return int(value)


def real_number(name: str, value: Any) -> float:
    """``value`` as a finite float.

    Raises:
        InputError: It is none.
    """
    kinds = (int, float, np.integer, np.floating)
    if isinstance(value, bool | np.bool_) or not isinstance(value, kinds) or not math.isfinite(value):
        raise InputError(f"A {name} of {value!r} is not a finite number", "Pass a number such as 1.0")
    return float(value)


def positive_number(name: str, value: Any) -> float:
    """``value`` as a positive, finite float.

    Raises:
        InputError: It is none.
    """
    number = real_number(name, value)
    if number <= 0:
        raise InputError(f"A {name} of {value!r}", "Choose a positive number")
    return number


def finite_matrix(name: str, value: Any) -> NDArray[np.float64]:
    """A read-only float64 copy of a finite, nonempty matrix in C order.

    Raises:
        InputError: It is not numeric, has not two axes, is empty, or holds NaN or infinity.
    """
    if np.iscomplexobj(value):
        raise InputError(f"{name} is complex", "Pass real numbers")
    try:
        matrix = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not a numeric array: {error}", "Pass an array of real numbers") from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"{name} has shape {matrix.shape}", "Pass a matrix: two axes, at least one row and one column")
    if not np.isfinite(matrix).all():
        raise InputError(f"{name} holds NaN or infinity", "Remove the non-finite entries")
    matrix.setflags(write=False)
    return matrix


def finite_rows(name: str, value: Any, length: int) -> NDArray[np.float64]:
    """A float64 array of shape (count, length) without NaN or infinity.

    Raises:
        InputError: It is not.
    """
    try:
        rows = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not a numeric array: {error}", "Pass an array of real numbers") from error
    if rows.ndim != 2 or rows.shape[1] != length:
        raise InputError(f"{name} has shape {rows.shape}", f"Pass one row of {length} numbers a signal")
    if not np.isfinite(rows).all():
        raise InputError(f"{name} holds NaN or infinity", "Remove the non-finite entries")
    return rows
