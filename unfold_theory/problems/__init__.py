"""Problems: dictionaries, laws of signals, samplers, and ground truth with its duality gap."""

from unfold_theory.problems.base import CodingProblem
from unfold_theory.problems.batch import Batch
from unfold_theory.problems.dictionaries import (
    DICTIONARIES,
    Dictionary,
    gaussian,
    ill_conditioned,
    load_matrix,
    overcomplete_dct,
    unit_columns,
)
from unfold_theory.problems.finite_sample import FiniteSample
from unfold_theory.problems.images import IMAGES, ImageSparseCoding, image_patches
from unfold_theory.problems.lasso import Lasso, LassoSolution, MinimizerDistance
from unfold_theory.problems.metrics import nmse_db
from unfold_theory.problems.registry import PROBLEMS, problem_from_recipe, replay
from unfold_theory.problems.signals import (
    LAWS,
    BernoulliGaussian,
    KSparse,
    SignalLaw,
    UnitNorm,
    WorstCase,
    law_from_recipe,
)
from unfold_theory.problems.sparse import SparseRecovery

__all__ = [
    "DICTIONARIES",
    "IMAGES",
    "LAWS",
    "PROBLEMS",
    "Batch",
    "BernoulliGaussian",
    "CodingProblem",
    "Dictionary",
    "FiniteSample",
    "ImageSparseCoding",
    "KSparse",
    "Lasso",
    "LassoSolution",
    "MinimizerDistance",
    "SignalLaw",
    "SparseRecovery",
    "UnitNorm",
    "WorstCase",
    "gaussian",
    "ill_conditioned",
    "image_patches",
    "law_from_recipe",
    "load_matrix",
    "nmse_db",
    "overcomplete_dct",
    "problem_from_recipe",
    "replay",
    "unit_columns",
]
