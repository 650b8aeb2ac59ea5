"""How a network is trained, and the stages that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from torch.nn import Parameter

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.layers import parameters_by_layer
from unfold_theory.training.losses import Loss, Supervised, loss_from_recipe

SCHEMES = ("end-to-end", "layer-wise")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that determines a training beside network and problem; JSON-able through :meth:`recipe`.

    Attributes:
        loss: What is minimised, on fresh signals in every step.
        scheme: "end-to-end" trains all layers at once, in one stage for each entry of (1, *decays).
            "layer-wise" does so for depth 1, 2, ..., K in turn, with a first stage at the full rate that trains the new
            layer's parameters only (Chen et al. 2018, section 4; Borgerding et al. 2017).
        batch_size: Signals a step.
        steps: Most steps a stage.
        learning_rate: Adam's rate, about the size of one step of every parameter.
        decays: Factors of the rate in the stages that follow the first, in which all parameters so far are trained.
        layer_decay: The rate of a layer is multiplied by this once for each layer above it. 1 treats all alike.
        matrix_rate: Factor of the rate for parameters with two or more axes, whose entries are smaller than scalars.
        anneal: Ratio of the last rate of a stage to its first; the rate falls geometrically in between.
        patience: A stage ends after this many validations in a row without a better one; None never does.
        validation_size: Signals of the fixed validation set, which decides what the best weights are.
        validation_interval: Steps between validations.
        gradient_clip: Largest Euclidean norm of the gradient of one step; None does not clip.
        seed: Of the streams of training and validation signals.

    Raises:
        InputError: A value is out of range.
    """

    loss: Loss = field(default_factory=Supervised)
    scheme: Literal["end-to-end", "layer-wise"] = "end-to-end"
    batch_size: int = 64
    steps: int = 400
    learning_rate: float = 1e-2
    decays: tuple[float, ...] = (0.2, 0.02)
    layer_decay: float = 1.0
    matrix_rate: float = 1.0
    anneal: float = 1.0
    patience: int | None = 10
    validation_size: int = 1000
    validation_interval: int = 50
    gradient_clip: float | None = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in _checked({f.name: getattr(self, f.name) for f in fields(self)}).items():
            object.__setattr__(self, name, value)

    def recipe(self) -> dict[str, Any]:
        """JSON-able; :meth:`from_recipe` is its inverse."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {"loss": self.loss.recipe(), "decays": list(self.decays)}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> TrainingConfig:
        """The configuration that ``recipe()`` came from.

        Raises:
            InputError: An option is unknown or invalid.
        """
        options = dict(recipe)
        if "loss" in options:
            options["loss"] = loss_from_recipe(options["loss"])
        unknown = sorted(set(options) - {f.name for f in fields(cls)})
        if unknown:
            raise InputError(
                f"Unknown training options {', '.join(unknown)}",
                f"Choose among {', '.join(f.name for f in fields(cls))}",
            )
        return cls(**_checked(options))


_LEAST = {"batch_size": 1, "steps": 1, "validation_size": 1, "validation_interval": 1, "patience": 1, "seed": 0}
_POSITIVE = ("learning_rate", "layer_decay", "matrix_rate", "anneal", "gradient_clip")
_OPTIONAL = ("patience", "gradient_clip")


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with numbers as floats and decays as a tuple, once each has been found in range."""
    values = dict(options)
    if not isinstance(values.get("loss", Supervised()), Loss):
        raise InputError(f"The loss {values['loss']!r} is no Loss", "Pass for example Supervised()")
    if values.get("scheme", SCHEMES[0]) not in SCHEMES:
        raise InputError(f"There is no training scheme {values['scheme']!r}", f"Choose one of {', '.join(SCHEMES)}")
    for name, value in values.items():
        if name in _OPTIONAL and value is None:
            continue
        if name in _LEAST and (isinstance(value, bool) or not isinstance(value, int) or value < _LEAST[name]):
            raise InputError(f"A training option {name} of {value!r}", f"Choose an integer of at least {_LEAST[name]}")
        if name in _POSITIVE:
            values[name] = _positive(name, value)
    if "decays" in values:
        decays = values["decays"]
        if not isinstance(decays, list | tuple):
            raise InputError(f"A training option decays of {decays!r}", "Pass a list of positive numbers")
        values["decays"] = tuple(_positive("decays", decay) for decay in decays)
    return values


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"A training option {name} of {value!r}", "Choose a positive, finite number")
    return float(value)


@dataclass(frozen=True)
class Stage:
    """Some steps with one optimiser.

    Attributes:
        depth: Layers that run.
        index: 0 for the first stage at this depth.
        groups: Pairs of a learning rate and the parameters that move at it; the others rest.
    """

    depth: int
    index: int
    groups: tuple[tuple[float, tuple[Parameter, ...]], ...]

    @property
    def rate(self) -> float:
        """The largest learning rate."""
        return max(rate for rate, _ in self.groups)


def plan(network: UnfoldedNetwork, config: TrainingConfig) -> list[Stage]:
    """The stages of a training; none for a network without trainable parameters.

    Rates differ by optimiser parameter groups. Scaling gradients instead would change nothing: Adam divides by the
    gradient's own size.
    """
    layers = parameters_by_layer(network)
    layerwise = config.scheme == "layer-wise"
    stages = []
    for depth in range(1, network.depth + 1) if layerwise else [network.depth]:
        for index, decay in enumerate((1.0, *config.decays)):
            first = depth - 1 if layerwise and index == 0 else 0
            groups = []
            for k in range(first, depth):
                rate = config.learning_rate * decay * config.layer_decay ** (depth - 1 - k)
                scalars = tuple(p for p in layers[k] if p.ndim < 2)
                matrices = tuple(p for p in layers[k] if p.ndim >= 2)
                groups += [(rate, scalars), (rate * config.matrix_rate, matrices)]
            groups = tuple((rate, parameters) for rate, parameters in groups if parameters)
            if groups:
                stages.append(Stage(depth, index, groups))
    return stages
