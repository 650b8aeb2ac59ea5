r"""What a certificate of a worst-case rate states: a method with its parameters, classes, two measures, and a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from unfold_theory.certificate.document import fields
from unfold_theory.certificate.rationals import fraction, text
from unfold_theory.errors import InputError

STAR = "*"
INFIMUM = "infimum"
DEEPEST = 5000
STARTS = {"distance": "|x0-x*|^2", "gap": "f(x0)-inf f"}
OUTPUTS = {"gap": "F(xN)-F*", "distance": "|xN-x*|^2", "residual": "|F'(xN)|^2", "best residual": "min_k |F'(xk)|^2"}

PARAMETERS: dict[str, tuple[str, ...]] = {
    "gradient descent": ("steps",),
    "inexact gradient descent": ("steps", "errors"),
    "heavy ball": ("steps", "momenta"),
    "accelerated gradient": ("steps", "momenta"),
    "proximal gradient": ("steps",),
    "accelerated proximal gradient": ("steps", "momenta"),
    "proximal point": ("steps",),
    "Douglas-Rachford": ("relaxations", "penalty"),
}
"""Methods and their parameters; the programs beside this module say what a method does."""
COMPONENTS = {name: ("f",) for name in PARAMETERS} | {
    name: ("f", "g") for name in ("proximal gradient", "accelerated proximal gradient", "Douglas-Rachford")
}
_SHARED = {"penalty"}
_POSITIVE = {
    ("proximal gradient", "steps"),
    ("accelerated proximal gradient", "steps"),
    ("proximal point", "steps"),
    ("Douglas-Rachford", "penalty"),
}


@dataclass(frozen=True)
class FunctionClass:
    r"""$f-\frac\mu2\|\cdot\|^2$ convex, and $\frac L2\|\cdot\|^2-f$ too; L = None: f is closed and proper only."""

    mu: Fraction
    L: Fraction | None

    @classmethod
    def read(cls, record: Any, name: str) -> FunctionClass:
        """From JSON; L is "inf" for functions without a gradient."""
        mu_text, L_text = fields(record, ("mu", "L"), f"The class of {name}")
        mu = fraction(mu_text, f"mu of {name}")
        if L_text == "inf":
            return cls(mu, None)
        L = fraction(L_text, f"L of {name}")
        if L <= 0 or mu >= L:
            raise InputError(f"The class of {name} has mu = {mu} and L = {L}", "Certificates need L > 0 and mu < L")
        return cls(mu, L)


@dataclass(frozen=True)
class Statement:
    r"""output $\le$ rate $\cdot$ start, after K steps, in every dimension and for all functions of the classes.

    Minimisers are assumed to exist where a measure or an inequality speaks of them; an infimum is not assumed to be
    attained where it says so.

    Attributes:
        method: A key of ``PARAMETERS``.
        parameters: Exact numbers by name.
        classes: By component.
        start, output: Keys of ``STARTS`` and ``OUTPUTS``.
        rate: The number claimed.
    """

    method: str
    parameters: Mapping[str, tuple[Fraction, ...]]
    classes: Mapping[str, FunctionClass]
    start: str
    output: str
    rate: Fraction

    @property
    def depth(self) -> int:
        """K."""
        return len(self.parameters[PARAMETERS[self.method][0]])

    @classmethod
    def read(cls, record: Any) -> Statement:
        """From JSON, strictly.

        Raises:
            InputError: Something is missing, unknown, malformed or out of range.
        """
        names = ("method", "parameters", "classes", "start", "output", "rate")
        method, parameters, classes, start, output, rate = fields(record, names, "The statement")
        for value, known, what in (
            (method, PARAMETERS, "method"),
            (start, STARTS, "start measure"),
            (output, OUTPUTS, "output measure"),
        ):
            if not isinstance(value, str) or value not in known:
                raise InputError(f"The {what} {str(value)[:40]!r} is unknown", f"Known: {', '.join(known)}")
        values = _parameters(method, parameters)
        functions = fields(classes, COMPONENTS[method], "The classes")
        made = cls(
            method,
            values,
            {name: FunctionClass.read(c, name) for name, c in zip(COMPONENTS[method], functions, strict=True)},
            start,
            output,
            fraction(rate, "The rate"),
        )
        made._check()
        return made

    def _check(self) -> None:
        if self.rate < 0:
            raise InputError(f"A rate of {self.rate}", "Rates are nonnegative")
        if self.start == "gap" and len(self.classes) > 1:
            raise InputError(f"A start measured by its gap for {self.method}", "Measure its distance")
        for name, c in self.classes.items():
            smooth = self.method != "proximal point" and (name == "f" and self.method != "Douglas-Rachford")
            if smooth and c.L is None:
                raise InputError(f"{self.method} needs a gradient of {name}", "Give a finite L")
            if c.mu < 0 and not smooth:
                raise InputError(f"A proximal map of a nonconvex {name}", "Certificates need mu >= 0 there")
            if c.mu < 0 and self.start != "gap":
                raise InputError(f"A nonconvex {name} with a distance", "Measure the start by its gap")
        if self.output == "best residual" and self.start != "gap":
            raise InputError("The best residual from a distance", "Measure the start by its gap")

    def to_json(self) -> dict[str, Any]:
        """As :meth:`read` reads it."""
        return {
            "method": self.method,
            "parameters": {name: [text(v) for v in values] for name, values in self.parameters.items()},
            "classes": {
                name: {"mu": text(c.mu), "L": "inf" if c.L is None else text(c.L)} for name, c in self.classes.items()
            },
            "start": self.start,
            "output": self.output,
            "rate": text(self.rate),
        }

    @property
    def title(self) -> str:
        """In one line."""
        classes = ", ".join(
            f"{name} in F({_short(c.mu)}, {'inf' if c.L is None else _short(c.L)})" for name, c in self.classes.items()
        )
        bound = f"{OUTPUTS[self.output]} <= {_short(self.rate)} {STARTS[self.start]}"
        return f"{bound} for {self.depth} steps of {self.method}, {classes}"


def _short(number: Fraction) -> str:
    exact = str(number)
    return exact if len(exact) <= 12 else f"{float(number):.17g}"


def _parameters(method: str, record: Any) -> dict[str, tuple[Fraction, ...]]:
    names = PARAMETERS[method]
    values = fields(record, names, "The parameters")
    read: dict[str, tuple[Fraction, ...]] = {}
    for name, entries in zip(names, values, strict=True):
        if not isinstance(entries, list) or not entries:
            raise InputError(f"The {name} are no list of numbers", "Give one number a step")
        read[name] = tuple(fraction(entry, f"{name}[{i}]") for i, entry in enumerate(entries))
        expected = 1 if name in _SHARED else len(read[names[0]])
        if len(read[name]) != expected or len(entries) > DEEPEST:
            raise InputError(f"There are {len(entries)} {name}, not {expected}", f"Give one a step, at most {DEEPEST}")
        if (method, name) in _POSITIVE and min(read[name]) <= 0:
            raise InputError(f"The {name} of {method} hold {min(read[name])}", "Proximal maps need positive numbers")
    return read
