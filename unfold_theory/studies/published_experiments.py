"""Sizes and sparsities of published experiments on learned sparse coding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Experiment:
    """One set-up of a paper.

    Attributes:
        title: Short name, for tables and figures.
        sources: BibTeX keys.
        m, n: Shape of the dictionary.
        s: Nonzeros of a signal (expected ones under a Bernoulli law).
    """

    title: str
    sources: tuple[str, ...]
    m: int
    n: int
    s: int


EXPERIMENTS = (
    # Bernoulli(0.1) supports; HyperLISTA (Chen et al. 2021) as well.
    Experiment("CPSS, ALISTA", ("chen2018", "liu2019"), 250, 500, 50),
    Experiment("NA-ALISTA", ("behrens2021",), 250, 1000, 50),
    Experiment("NA-ALISTA", ("behrens2021",), 250, 2000, 50),
    # Bernoulli(0.1) supports: 51.2 and 102.4 nonzeros are expected.
    Experiment("Open-L2O", ("chen2022",), 256, 512, 51),
    Experiment("Open-L2O", ("chen2022",), 512, 1024, 102),
    Experiment("Ada-LISTA", ("aberdam2021",), 50, 70, 4),
)
"""Where codes are planted and their sparsity is stated. Experiments on the Lasso objective (64 x 256, Ablin et al.
2019) plant dense codes: the theorems on planted sparse codes do not speak of them at any size."""
