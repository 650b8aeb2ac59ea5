"""The options that describe a problem, shared by commands."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from unfold_theory.errors import InputError
from unfold_theory.problems import (
    LAWS,
    BernoulliGaussian,
    KSparse,
    SignalLaw,
    SparseRecovery,
    WorstCase,
    problem_from_recipe,
)

ProblemFile = Annotated[
    Path | None, typer.Option("--problem", help="JSON file with a problem's recipe, instead of the options below.")
]
Rows = Annotated[int | None, typer.Option("--m", help="Number of measurements (100).")]
Columns = Annotated[int | None, typer.Option("--n", help="Length of a code (200).")]
Condition = Annotated[
    float | None, typer.Option("--condition", help="Condition number of the dictionary; Gaussian without it.")
]
DictionaryFile = Annotated[
    Path | None, typer.Option("--dictionary", help="Dictionary from a .npy or .mat file instead of a random one.")
]
Key = Annotated[str | None, typer.Option("--key", help="Variable of the .mat file.")]
DictionarySeed = Annotated[int | None, typer.Option("--dictionary-seed", help="Seed of a random dictionary (0).")]
Law = Annotated[str | None, typer.Option("--law", help=f"Law of the codes: {', '.join(LAWS)} (bernoulli-gaussian).")]
Sparsity = Annotated[
    float | None,
    typer.Option("--sparsity", help="Probability of a nonzero entry (0.1), or their number for the other laws."),
]
Magnitude = Annotated[float | None, typer.Option("--magnitude", help="Size of the nonzero entries (1).")]
Snr = Annotated[float | None, typer.Option("--snr", help="Signal-to-noise ratio in dB; noise-free without it.")]


@dataclass(frozen=True)
class ProblemOptions:
    """What was given on the command line; None where nothing was."""

    problem: Path | None = None
    m: int | None = None
    n: int | None = None
    condition: float | None = None
    dictionary: Path | None = None
    key: str | None = None
    dictionary_seed: int | None = None
    law: str | None = None
    sparsity: float | None = None
    magnitude: float | None = None
    snr: float | None = None

    @property
    def given(self) -> list[str]:
        """Names of the options that were given, as they are spelled."""
        return ["--" + f.name.replace("_", "-") for f in fields(self) if getattr(self, f.name) is not None]

    def build(self) -> Any:
        """The problem.

        Raises:
            InputError: Options exclude one another, the file is no recipe, or a number is out of range.
        """
        if self.problem is not None:
            others = [name for name in self.given if name != "--problem"]
            if others:
                raise InputError(f"--problem and {', '.join(others)} exclude one another", "Leave one out")
            return read_problem(self.problem)
        law = self._law()
        if self.dictionary is not None:
            others = {"--m", "--n", "--condition", "--dictionary-seed"} & set(self.given)
            if others:
                raise InputError(f"--dictionary and {', '.join(sorted(others))} exclude one another", "Leave one out")
            return SparseRecovery.from_file(self.dictionary, key=self.key, law=law, snr_db=self.snr)
        if self.key is not None:
            raise InputError("--key names a variable of a file, and there is none", "Add --dictionary FILE.mat")
        m, n = (default if size is None else size for size, default in ((self.m, 100), (self.n, 200)))
        options: dict[str, Any] = {"law": law, "snr_db": self.snr, "seed": self.dictionary_seed or 0}
        if self.condition is None:
            return SparseRecovery.gaussian(m, n, **options)
        return SparseRecovery.ill_conditioned(m, n, self.condition, **options)

    def _law(self) -> SignalLaw:
        kind = self.law or BernoulliGaussian.kind
        size = 1.0 if self.magnitude is None else self.magnitude
        if kind == BernoulliGaussian.kind:
            return BernoulliGaussian(0.1 if self.sparsity is None else self.sparsity, size)
        if kind not in LAWS:
            raise InputError(f"There is no law {kind!r}", f"Choose one of {', '.join(LAWS)}")
        if self.sparsity is None or not self.sparsity.is_integer():
            raise InputError(
                f"The law {kind} needs a whole number of nonzero entries, not {self.sparsity}", "Give --sparsity 5, say"
            )
        s = int(self.sparsity)
        return WorstCase(s, magnitude=size) if kind == WorstCase.kind else KSparse(s, scale=size)


def read_problem(path: Path) -> Any:
    """The problem of a JSON file.

    Raises:
        InputError: The file is absent or damaged, or its recipe is none.
    """
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}", "Check the path") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a JSON file: {error}", "Write the recipe of a problem to it") from error
    if not isinstance(recipe, dict):
        raise InputError(f"{path} holds no recipe", 'Write an object such as {"kind": "sparse-recovery", ...} to it')
    return problem_from_recipe(recipe)
