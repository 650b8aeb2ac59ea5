"""What a rate is about: how far the start may be, and how the output is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unfold_theory.errors import InputError


@dataclass(frozen=True)
class Measure:
    r"""A nonnegative combination of $\|x-x^*\|^2$, $F(x)-F^*$ and the squared residual.

    The residual is the (sub)gradient of the objective, or $x-Tx$ for operators. As a measure of the start, the
    combination is at most 1 (times the square of the radius); as one of the output it is what the rate bounds.

    Args:
        distance: Weight of the squared distance.
        gap: Weight of the objective's gap.
        residual: Weight of the squared residual.
        best: As a measure of the output: the least over all iterates instead of the last one (residuals only).
        decrease: As a measure of the start: $F(x^0)-F(x^K)$ instead of the gap.

    Raises:
        InputError: A weight is negative, all are zero, or an option does not go with the weights.
    """

    distance: float = 0.0
    gap: float = 0.0
    residual: float = 0.0
    best: bool = False
    decrease: bool = False

    def __post_init__(self) -> None:
        weights = (self.distance, self.gap, self.residual)
        if not all(w >= 0 for w in weights) or not any(w > 0 for w in weights):
            raise InputError(f"A measure with weights {weights}", "Choose nonnegative weights, not all zero")
        if self.best and (self.distance or self.gap):
            raise InputError("The best iterate by a distance or a gap", "Take the best by the residual only")
        if self.decrease and not self.gap:
            raise InputError("A decrease without a weight of the gap", "Give gap a positive weight")

    @property
    def label(self) -> str:
        """For tables."""
        names = {"distance": "|x-x*|^2", "gap": "F-F*", "residual": "|r|^2"}
        if self.decrease:
            names["gap"] = "F(x0)-F(xK)"
        parts = [f"{'' if w == 1 else f'{w:g} '}{names[n]}" for n, w in self.weights.items() if w]
        return ("min over k of " if self.best else "") + " + ".join(parts)

    @property
    def weights(self) -> dict[str, float]:
        """The weights by name."""
        return {"distance": self.distance, "gap": self.gap, "residual": self.residual}


MEASURES = {
    "gap": Measure(gap=1.0),
    "distance": Measure(distance=1.0),
    "residual": Measure(residual=1.0),
    "best residual": Measure(residual=1.0, best=True),
    "decrease": Measure(gap=1.0, decrease=True),
}
"""Measures by name: as ones of the output, of the start, or both."""


def output_measure(value: Any) -> Measure:
    """A measure of the output from its name or itself.

    Raises:
        InputError: It is none, or measures a start.
    """
    measure = _named(value)
    if measure.decrease:
        raise InputError("A decrease as a measure of the output", "Measure the gap")
    return measure


def start_measure(value: Any) -> Measure:
    """A measure of the start from its name or itself.

    Raises:
        InputError: It is none, or measures an output.
    """
    measure = _named(value)
    if measure.best:
        raise InputError("The best iterate as a measure of the start", "Measure the residual")
    return measure


def _named(value: Any) -> Measure:
    if isinstance(value, Measure):
        return value
    if value not in MEASURES:
        raise InputError(f"There is no measure named {value!r}", f"Choose one of {', '.join(MEASURES)}")
    return MEASURES[value]
