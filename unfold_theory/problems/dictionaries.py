"""Dictionaries: Gaussian, ill-conditioned, overcomplete DCT, and from files."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from jaxtyping import Float64

from unfold_theory.errors import InputError
from unfold_theory.problems.checks import Integer, Number, finite_matrix, positive_integer, real_number, seed_integer

Matrix = Float64[np.ndarray, "m n"]


def unit_columns(matrix: Matrix) -> Matrix:
    """The matrix with every column divided by its Euclidean norm.

    Raises:
        InputError: A column is zero.
    """
    norms = np.linalg.norm(matrix, axis=0)
    if (norms == 0).any():
        raise InputError(
            f"Column {int(np.argmin(norms))} of the matrix is zero", "Remove it: it can explain no measurement"
        )
    return _frozen(matrix / norms)


def _frozen(matrix: Matrix) -> Matrix:
    matrix = np.ascontiguousarray(matrix)
    matrix.setflags(write=False)
    return matrix


def gaussian(m: Integer, n: Integer, seed: Integer = 0) -> Matrix:
    """Independent normal entries, columns scaled to unit norm; shape (m, n), read-only.

    Raises:
        InputError: m or n is not a positive integer, or the seed is negative.
    """
    shape = positive_integer("number of rows m", m), positive_integer("number of columns n", n)
    rng = np.random.default_rng(np.random.SeedSequence(seed_integer(seed)))
    return unit_columns(rng.standard_normal(shape))


def ill_conditioned(
    m: Integer,
    n: Integer,
    condition: Number,
    seed: Integer = 0,
    *,
    columns: str = "rotated",
) -> Matrix:
    r"""A matrix with Gaussian singular vectors and singular values from a geometric sequence; unit columns.

    The singular values of a Gaussian matrix are replaced by $c\,\kappa^{-i/(r-1)}$, i = 0..r-1, r = min(m, n), with
    $\sum_i\sigma_i^2=n$. The columns then have unit norm on average only; ``columns`` says what is done about it:

    - ``"rotated"``: pairs of columns are rotated into each other until all have unit norm (Bendel and Mickey, 1978;
      the diagonal of $A^TA$ can be made constant by Givens rotations). Rotations keep singular values, so that the
      condition number $\sigma_1/\sigma_r$ **is** ``condition``, up to rounding.
    - ``"rescaled"``: columns are divided by their norms, as in the experiments of LISTA-CPSS (Chen et al. 2018) and
      ALISTA (Liu et al. 2019). The condition number that results **is another one**: at 250 x 500, 50 comes out as
      49.0 to 49.7 in five draws, and 1 as 1.14.

    Args:
        m, n: Shape of the matrix.
        condition: $\kappa\ge 1$, the ratio of the largest to the smallest of the min(m, n) singular values.
        seed: Nonnegative integer.
        columns: How columns get their unit norm.

    Raises:
        InputError: A size or the seed is out of range, or the condition number is not in [1, 1e12], or exceeds 1 for
            a matrix with one singular value.
    """
    m, n = positive_integer("number of rows m", m), positive_integer("number of columns n", n)
    condition = real_number("condition number", condition)
    if not 1 <= condition <= 1e12:
        raise InputError(f"A condition number of {condition:g}", "Choose a number in [1, 1e12]")
    rank = min(m, n)
    if rank == 1 and condition > 1:
        raise InputError(
            f"A {m} x {n} matrix has one singular value and condition number 1", "Choose condition=1 or more rows"
        )
    if columns not in ("rotated", "rescaled"):
        raise InputError(f"Columns {columns!r}", "Choose rotated or rescaled")
    rng = np.random.default_rng(np.random.SeedSequence(seed_integer(seed)))
    left, _, right = np.linalg.svd(rng.standard_normal((m, n)), full_matrices=False)
    values = condition ** -np.linspace(0, 1, rank)
    values *= math.sqrt(n) / np.linalg.norm(values)
    matrix = (left * values) @ right
    return unit_columns(_rotate_to_unit_columns(matrix) if columns == "rotated" else matrix)


def _rotate_to_unit_columns(matrix: Matrix) -> Matrix:
    """Givens rotations among the columns that bring every norm to 1, where their squares sum to n."""
    rows = matrix.T.copy()
    squares = np.einsum("ij,ij->i", rows, rows)
    open_ = np.ones(len(rows), dtype=bool)
    for _ in range(len(rows) - 1):
        candidates = np.flatnonzero(open_)
        i, j = candidates[np.argmin(squares[candidates])], candidates[np.argmax(squares[candidates])]
        if squares[j] - squares[i] <= 1e-14 or squares[i] >= 1 or squares[j] <= 1:
            break
        # tan t solves (sq_j - 1) t^2 + 2 <a_i, a_j> t + (sq_i - 1) = 0: then |c a_i + s a_j| = 1.
        product = float(rows[i] @ rows[j])
        root = math.sqrt(product**2 - (squares[j] - 1) * (squares[i] - 1))
        leading = squares[j] - 1
        tangent = (-product - math.copysign(root, product)) / leading
        if abs(tangent) > 1:  # the smaller rotation of the two, by the product of the roots
            tangent = (squares[i] - 1) / (leading * tangent)
        cosine = 1 / math.hypot(1.0, tangent)
        sine = cosine * tangent
        rows[i], rows[j] = cosine * rows[i] + sine * rows[j], cosine * rows[j] - sine * rows[i]
        squares[i], squares[j] = 1.0, float(rows[j] @ rows[j])
        open_[i] = False
    return rows.T


def overcomplete_dct(patch: Integer, n: Integer) -> Matrix:
    r"""Separable overcomplete cosine dictionary for patch x patch images; shape (patch^2, n), unit columns.

    Atoms are products of two of the $k=\sqrt n$ sampled cosines $\cos(\pi j(2i+1)/(2k))$, i = 0..patch-1, whose mean
    is removed for j > 0; for k = patch this is the orthonormal DCT-II. Patches are flattened row by row.

    Raises:
        InputError: The patch is smaller than 2, or n is not the square of an integer k >= patch.
    """
    patch, n = positive_integer("patch size", patch), positive_integer("number of atoms n", n)
    k = math.isqrt(n)
    if patch < 2:
        raise InputError(f"A patch size of {patch}", "Choose at least 2")
    if k * k != n or k < patch:
        nearest = max(patch, round(math.sqrt(n))) ** 2
        raise InputError(f"{n} atoms for patches of {patch} x {patch}", f"Choose n = k^2, k >= {patch}: {nearest}")
    samples = np.arange(patch)[:, None]
    cosines = np.cos(np.pi * np.arange(k) * (2 * samples + 1) / (2 * k))
    cosines[:, 1:] -= cosines[:, 1:].mean(axis=0)
    atoms = unit_columns(cosines)
    return unit_columns(np.kron(atoms, atoms))


def load_matrix(path: str | Path, key: str | None = None) -> Matrix:
    """A real matrix from a .npy or .mat file, as it stands there (not normalised), as float64; read-only.

    Args:
        path: A ``.npy`` file, or a ``.mat`` file up to version 7.2.
        key: Name of the variable in a ``.mat`` file; not needed where it holds one matrix only.

    Raises:
        InputError: The file is absent, truncated, pickled or of another type, the key is missing or needed, or the
            array is not a finite, nonempty real matrix.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}", "Check the path")
    if path.suffix not in (".npy", ".mat"):
        raise InputError(f"{path} is neither .npy nor .mat", "Save the matrix with numpy.save or scipy.io.savemat")
    if path.suffix == ".npy":
        if key is not None:
            raise InputError(f"A key {key!r} for {path}, which holds one array", "Leave the key out")
        try:
            array = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path} cannot be read: {error}", "Save it again with numpy.save") from error
    else:
        array = _from_mat(path, key)
    return finite_matrix(f"The matrix in {path}", array)


def _from_mat(path: Path, key: str | None) -> np.ndarray:
    try:
        content = scipy.io.loadmat(path)
    except NotImplementedError as error:
        raise InputError(f"{path} is a MATLAB 7.3 file", "Save it again with save(..., '-v7')") from error
    except Exception as error:  # scipy raises many kinds for damaged files
        raise InputError(f"{path} cannot be read: {error}", "Save it again") from error
    matrices = {
        name: value
        for name, value in content.items()
        if not name.startswith("__") and isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "fiu"
    }
    names = ", ".join(sorted(matrices)) or "none"
    if key is None:
        large = {name: value for name, value in matrices.items() if min(value.shape) > 1} or matrices
        if len(large) != 1:
            raise InputError(f"{path} does not hold exactly one matrix", f"Pass its name as key; there is {names}")
        (key,) = large
    if key not in matrices:
        raise InputError(f"{path} holds no real matrix {key!r}", f"Choose one of its matrices: {names}")
    return matrices[key]


def matrix_sha256(matrix: np.ndarray) -> str:
    """SHA-256 of shape and little-endian float64 entries in C order."""
    data = np.ascontiguousarray(matrix, dtype="<f8")
    return hashlib.sha256(repr(data.shape).encode() + data.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Dictionary:
    """A matrix, shape (m, n), with the recipe that makes it again.

    Raises:
        InputError: The matrix is not finite, or one of its columns is zero.
    """

    matrix: Matrix
    recipe: dict[str, Any]

    def __post_init__(self) -> None:
        matrix = finite_matrix("The dictionary", self.matrix)
        empty = np.flatnonzero(~matrix.any(axis=0))
        if len(empty):
            raise InputError(f"Column {empty[0]} of the dictionary is zero", "Remove it: it can explain no measurement")
        object.__setattr__(self, "matrix", matrix)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.matrix, dtype=dtype)

    @classmethod
    def of(cls, value: Any) -> Dictionary:
        """``value`` itself, or an array with a recipe that holds its shape and SHA-256 only."""
        if isinstance(value, Dictionary):
            return value
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        matrix = finite_matrix("The dictionary", value)
        return cls(matrix, {"kind": "array", "shape": list(matrix.shape), "sha256": matrix_sha256(matrix)})

    @classmethod
    def make(cls, kind: str, **parameters: Any) -> Dictionary:
        """The dictionary of a kind in ``DICTIONARIES``: gaussian, ill-conditioned, dct or file.

        Raises:
            InputError: The kind is unknown, or its parameters do not fit it.
        """
        if kind not in DICTIONARIES:
            raise InputError(f"The dictionary {kind!r} is unknown", f"Choose one of {', '.join(DICTIONARIES)}")
        sha256 = parameters.pop("sha256", None)
        try:
            matrix = DICTIONARIES[kind](**parameters)
        except TypeError as error:
            raise InputError(f"The dictionary {kind} cannot be built: {error}", "Correct the recipe") from error
        recipe = {"kind": kind, **{k: str(v) if isinstance(v, Path) else v for k, v in parameters.items()}}
        if kind == "file":
            recipe["sha256"] = matrix_sha256(matrix)
            if sha256 not in (None, recipe["sha256"]):
                raise InputError(
                    f"{parameters['path']} has changed since the recipe was written", "Restore the file it names"
                )
        return cls(matrix, recipe)

    @classmethod
    def from_recipe(cls, recipe: dict[str, Any], matrix: Any = None) -> Dictionary:
        """The dictionary that a recipe describes.

        Args:
            recipe: A ``recipe`` attribute.
            matrix: The matrix, where the recipe only knows its SHA-256 (kind "array").

        Raises:
            InputError: The recipe is damaged, or the matrix is needed, or is another one.
        """
        parameters = dict(recipe)
        kind = parameters.pop("kind", None)
        if kind != "array":
            return cls.make(str(kind), **parameters)
        if matrix is None:
            raise InputError("A dictionary given as an array cannot be rebuilt", "Pass the matrix with its recipe")
        given = cls.of(matrix)
        if given.recipe["sha256"] != recipe.get("sha256"):
            raise InputError("The matrix is not the one of the recipe", "Pass the matrix that it was written for")
        return given


DICTIONARIES: dict[str, Callable[..., Matrix]] = {
    "gaussian": gaussian,
    "ill-conditioned": ill_conditioned,
    "dct": overcomplete_dct,
    "file": load_matrix,
}
