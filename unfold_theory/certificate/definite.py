"""Positive semidefinite or not, exactly."""

from __future__ import annotations

from flint import fmpq

Matrix = list[list[fmpq]]


def is_positive_semidefinite(matrix: Matrix) -> tuple[bool, int]:
    r"""Symmetric elimination $M=LDL^T$ over the rationals, and the bits of its largest pivot.

    In the order as given, M is positive semidefinite iff every pivot is nonnegative and the remaining row of a zero
    pivot is zero (a negative 2 x 2 minor would be left otherwise).
    """
    n = len(matrix)
    rows = [row[:] for row in matrix]
    bits = 0
    for k in range(n):
        pivot_row = rows[k]
        pivot = pivot_row[k]
        if pivot < 0:
            return False, bits
        if pivot == 0:
            if any(entry != 0 for entry in pivot_row[k + 1 :]):
                return False, bits
            continue
        bits = max(bits, int(pivot.p).bit_length() + int(pivot.q).bit_length())
        for i in range(k + 1, n):
            if pivot_row[i] == 0:
                continue
            factor, row = pivot_row[i] / pivot, rows[i]
            for j in range(i, n):
                if pivot_row[j] != 0:
                    row[j] -= factor * pivot_row[j]
    return True, bits
