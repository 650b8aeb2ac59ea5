r"""Rational numbers as text: ``12``, ``-7/3``, and ``5*2^-52`` for the exact value of a float."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError

_TEXT = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:/([1-9][0-9]*)|\*2\^(-?[0-9]{1,4}))?", re.ASCII)
# Python refuses longer integers as text, and exponents of floats end at 1074.
_LONGEST = 4000


def fraction(text: Any, what: str) -> Fraction:
    """The number that a text stands for.

    Raises:
        InputError: It is no such text.
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if match is None:
        shown = repr(text)
        raise InputError(
            f"{what} is {shown if len(shown) < 60 else shown[:57] + '...'}, not an exact number",
            'Write it as text: "12", "-7/3", or "5*2^-52"',
        )
    whole, below, exponent = match.groups()
    if exponent is not None:
        power = int(exponent)
        return Fraction(int(whole)) * (Fraction(2**power) if power >= 0 else Fraction(1, 2**-power))
    return Fraction(int(whole), int(below or 1))


def rational(number: Fraction) -> fmpq:
    """A fraction for FLINT."""
    return fmpq(number.numerator, number.denominator)


def text(number: Any) -> str:
    """A number exactly, in the shortest of the forms that :func:`fraction` reads; floats as what they are."""
    if isinstance(number, fmpq):
        number = Fraction(int(number.p), int(number.q))
    number = Fraction(number)
    below = number.denominator
    if below == 1:
        return str(number.numerator)
    if below & (below - 1) == 0 and below > 64:
        return f"{number.numerator}*2^-{below.bit_length() - 1}"
    return f"{number.numerator}/{below}"


def enclosed(number: Fraction) -> Enclosure:
    """A rational between its neighbouring floats, basis ``exact``; itself where it is one."""
    nearest = number.numerator / number.denominator
    low = nearest if Fraction(nearest) <= number else math.nextafter(nearest, -math.inf)
    high = nearest if Fraction(nearest) >= number else math.nextafter(nearest, math.inf)
    return Enclosure(np.array(low), np.array(high), Basis.EXACT)
