"""Training unfolded networks: losses, schemes, checkpoints and recipes."""

from unfold_theory.training.atomic import write_atomically
from unfold_theory.training.checkpoint import Checkpoint, load_checkpoint, read_manifest, save_checkpoint
from unfold_theory.training.config import SCHEMES, Stage, TrainingConfig, plan
from unfold_theory.training.evaluation import evaluate
from unfold_theory.training.layers import parameters_by_layer
from unfold_theory.training.loop import TrainingDiverged, TrainingResult, train
from unfold_theory.training.losses import LOSSES, IterationWeighted, Loss, Objective, Supervised, loss_from_recipe
from unfold_theory.training.progress import ProgressEvent, RichProgress
from unfold_theory.training.recipes import RECIPES, Recipe, quick_recipe, recipe
from unfold_theory.training.stability import LipschitzPenalised, greedy_bound
from unfold_theory.training.tuning import Tuned, tune_hyperlista

__all__ = [
    "LOSSES",
    "RECIPES",
    "SCHEMES",
    "Checkpoint",
    "IterationWeighted",
    "LipschitzPenalised",
    "Loss",
    "Objective",
    "ProgressEvent",
    "Recipe",
    "RichProgress",
    "Stage",
    "Supervised",
    "TrainingConfig",
    "TrainingDiverged",
    "TrainingResult",
    "Tuned",
    "evaluate",
    "greedy_bound",
    "load_checkpoint",
    "loss_from_recipe",
    "parameters_by_layer",
    "plan",
    "quick_recipe",
    "read_manifest",
    "recipe",
    "save_checkpoint",
    "train",
    "tune_hyperlista",
    "write_atomically",
]
