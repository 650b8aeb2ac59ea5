"""Problems by name, and signals from what a witness remembers of them."""

from __future__ import annotations

from typing import Any

from unfold_theory.errors import InputError
from unfold_theory.problems.base import CodingProblem
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.finite_sample import FiniteSample
from unfold_theory.problems.images import ImageSparseCoding
from unfold_theory.problems.sparse import SparseRecovery

PROBLEMS: dict[str, type[CodingProblem]] = {
    kind.kind: kind for kind in (SparseRecovery, ImageSparseCoding, FiniteSample)
}


def problem_from_recipe(recipe: dict[str, Any], matrix: Any = None) -> CodingProblem:
    """The problem of a recipe of any kind in ``PROBLEMS``.

    Args:
        recipe: A problem's ``recipe``.
        matrix: Its dictionary, where the recipe holds only the SHA-256.

    Raises:
        InputError: The kind is unknown, or the recipe is damaged.
    """
    kind = recipe.get("kind")
    if kind not in PROBLEMS:
        raise InputError(f"A problem of kind {kind!r}", f"Choose one of {', '.join(PROBLEMS)}")
    return PROBLEMS[kind].from_recipe(recipe, matrix)


def replay(recipe: dict[str, Any], index: int | None = None, *, matrix: Any = None, codes: Any = None) -> Batch:
    """The batch that a ``Batch.recipe`` describes, or the one signal at position ``index`` of it.

    Args:
        recipe: ``Batch.recipe``, also after a round trip through JSON.
        index: Position in the batch, or None for all of it.
        matrix: The dictionary, where the recipe holds only its SHA-256.
        codes: The codes, where they were given as an array.

    Raises:
        InputError: The recipe is damaged, or what it needs is absent or has changed.
    """
    if not {"problem", "seed", "count"} <= set(recipe):
        raise InputError("A batch recipe lacks problem, seed or count", "Pass the recipe attribute of a Batch")
    problem = problem_from_recipe(recipe["problem"], matrix)
    positions = recipe.get("indices") or list(range(recipe["count"]))
    if index is not None:
        if not 0 <= index < len(positions):
            raise InputError(f"Signal {index} of a batch of {len(positions)}", "Count signals from 0")
        positions = [positions[index]]
    if "codes" not in recipe:
        return problem.signals(positions, seed=recipe["seed"])
    if not isinstance(problem, SparseRecovery):
        raise InputError(f"Codes for {problem!r}", "Pass the recipe of a sparse recovery batch")
    origin = recipe["codes"]
    source = origin.get("path") if codes is None else codes
    if source is None:
        raise InputError("The codes of this batch were given as an array", "Pass them with codes=")
    batch = problem.batch_from_codes(source, seed=recipe["seed"], key=origin.get("key") if codes is None else None)
    if batch.recipe["codes"]["sha256"] != origin["sha256"]:
        raise InputError("The codes are not those of the recipe", "Restore the file or array it was written for")
    return batch.subset(positions)
