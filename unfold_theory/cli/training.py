"""``unfold-theory train``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from unfold_theory.cli.console import messages, output
from unfold_theory.cli.problem_options import (
    Columns,
    Condition,
    DictionaryFile,
    DictionarySeed,
    Key,
    Law,
    Magnitude,
    ProblemFile,
    ProblemOptions,
    Rows,
    Snr,
    Sparsity,
)
from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS, build
from unfold_theory.suite import resolve_network
from unfold_theory.suite.scales import OWN_TRAINING
from unfold_theory.training import (
    LOSSES,
    RECIPES,
    SCHEMES,
    RichProgress,
    TrainingConfig,
    evaluate,
    loss_from_recipe,
    quick_recipe,
    read_manifest,
    save_checkpoint,
    train,
)

NMSE = "10 log10(sum ||e||^2 / sum ||x*||^2), a ratio of means"


def train_network(
    network: Annotated[
        str, typer.Argument(help="A registered network, FILE.py or FILE.py:NAME for your own, or a recipe.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The checkpoint to write, FILE.safetensors.")],
    problem: ProblemFile = None,
    m: Rows = None,
    n: Columns = None,
    condition: Condition = None,
    dictionary: DictionaryFile = None,
    key: Key = None,
    dictionary_seed: DictionarySeed = None,
    law: Law = None,
    sparsity: Sparsity = None,
    magnitude: Magnitude = None,
    snr: Snr = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Number of layers (16).")] = None,
    scheme: Annotated[str | None, typer.Option("--scheme", help=f"Schedule: {', '.join(SCHEMES)}.")] = None,
    loss: Annotated[str | None, typer.Option("--loss", help=f"What is minimised: {', '.join(LOSSES)}.")] = None,
    lam: Annotated[float | None, typer.Option("--lam", help="Lasso weight of the objective loss (0.05).")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Steps a stage.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Signals a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Adam's rate.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of training and validation signals (0).")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="NAME=VALUE for the network's start; repeat as needed.")
    ] = None,
    test_signals: Annotated[int, typer.Option("--test-signals", help="Fresh signals to evaluate on.")] = 10_000,
) -> int:
    """Train a network in float32 and write a checkpoint with its manifest; evaluate it in float64 on fresh signals."""
    if out.suffix != ".safetensors":
        raise InputError(f"The checkpoint {out} does not end in .safetensors", "Name it FILE.safetensors")
    if out.is_dir():
        raise InputError(f"{out} is a folder", "Name a file")
    if out.exists():
        try:
            read_manifest(out)
        except InputError:
            raise InputError(f"{out} is no checkpoint and would be lost", "Choose another place with --out") from None
    if scheme not in (None, *SCHEMES):
        raise InputError(f"There is no training scheme {scheme!r}", f"Choose one of {', '.join(SCHEMES)}")
    if test_signals < 1:
        raise InputError(f"A number of test signals of {test_signals}", "Choose a positive integer")
    options = ProblemOptions(problem, m, n, condition, dictionary, key, dictionary_seed, law, sparsity, magnitude, snr)
    made, layers, training, start = _starting_point(network, options, depth, seed)
    changes = {"scheme": scheme, "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    training = replace(training, **{name: value for name, value in changes.items() if value is not None})
    if loss is not None:
        training = replace(training, loss=_loss(loss, lam))
    elif lam is not None:
        raise InputError("--lam belongs to the objective loss", "Add --loss objective")
    start |= dict(_network_option(text) for text in option or [])
    cls = RECIPES[network].network if network in RECIPES else resolve_network(network)
    untrained = build(cls, made, layers, **start)
    with RichProgress(f"Training {untrained.title}", console=messages()) as bar:
        result = train(untrained, made, training, progress=bar)
    planted = getattr(made, "planted", True)
    metrics = evaluate(result.network, made, test_signals) if planted else {}
    save_checkpoint(out, result.network, made, training=result, metrics=metrics, extra={"options": start})
    console = output()
    console.print(f"{untrained.title}, {layers} layers, on {escape(str(made))}")
    if metrics:
        console.print(f"NMSE {metrics['nmse_db'][-1]:.2f} dB on {test_signals} fresh signals ({NMSE})")
    console.print(
        f"{result.metrics['steps']} steps in {result.metrics['seconds']:.0f} s; written to {escape(str(out))}"
    )
    return 0


def _starting_point(
    network: str, options: ProblemOptions, depth: int | None, seed: int | None
) -> tuple[Any, int, TrainingConfig, dict[str, Any]]:
    """Problem, depth, training and the network's own options, before what the command line changes."""
    if network in RECIPES:
        recipe = RECIPES[network]
        if depth not in (None, recipe.depth):
            raise InputError(
                f"The recipe {network} is one for {recipe.depth} layers", f"Train {recipe.network} with --depth instead"
            )
        made = options.build() if options.given else recipe.problem()
        return made, recipe.depth, recipe.training, dict(recipe.options)
    if network not in NETWORKS:
        # An unknown name is the likelier mistake: it is named before anything about the problem.
        resolve_network(network)
    layers = 16 if depth is None else depth
    if layers < 1:
        raise InputError(f"A depth of {layers}", "Choose at least one layer")
    made = options.build()
    if network in NETWORKS:
        quick = quick_recipe(network, layers, made.recipe, seed=seed or 0)
        return made, layers, quick.training, dict(quick.options)
    return made, layers, OWN_TRAINING, {}


def _loss(name: str, lam: float | None) -> Any:
    if name not in LOSSES:
        raise InputError(f"There is no loss {name!r}", f"Choose one of {', '.join(LOSSES)}")
    if name == "objective":
        return loss_from_recipe({"loss": name, "lam": 0.05 if lam is None else lam})
    if lam is not None:
        raise InputError(f"--lam does not belong to the {name} loss", "Leave it out, or choose --loss objective")
    return loss_from_recipe({"loss": name})


def _network_option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise InputError(f"The network option {text!r} is not NAME=VALUE", "Write --option tied=false, say")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
