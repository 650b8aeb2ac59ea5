"""Averaged layers and forgotten starts: hold on gradient steps below 2/L, false variants refuted."""

import pytest

from tests.claims.test_unfoldtheory2026_stability import chain, ista, lista
from unfold_theory.claim import Status, verify
from unfold_theory.claims import savanier2022
from unfold_theory.claims.savanier2022 import before, one_layer, pairs
from unfold_theory.enclosure import Enclosure

BOTH = (savanier2022.layers_are_averaged, savanier2022.start_is_forgotten)


@pytest.mark.parametrize("claimed", BOTH, ids=lambda c: c.id)
@pytest.mark.parametrize("setting", [ista(8), ista(8, c=1.8), ista(8, lam=0.0)], ids=["c=1", "c=1.8", "free"])
def test_both_hold(claimed, setting):
    verdict = verify(claimed, setting)
    assert verdict.status is Status.HOLDS, verdict.reason


def firmer(s):
    """1/2-averaged whatever the step: firmly nonexpansive layers."""
    x, other, after = s.iterates[:-1], pairs(s).codes[:-1], one_layer(s)
    kept = (Enclosure.exact(s.iterates[1:] - after) ** 2).sum(-1)
    taken = (Enclosure.exact((x - s.iterates[1:]) - (other - after)) ** 2).sum(-1)
    return kept + taken <= before(s) * (1 + 1e-9) + 1e-9


def nonexpansive(s):
    """Layers of any step are nonexpansive."""
    return (Enclosure.exact(s.iterates[1:] - one_layer(s)) ** 2).sum(-1) <= before(s) * (1 + 1e-9) + 1e-9


def halves(s):
    """Every layer halves the distance of two starts."""
    codes = savanier2022.from_another_start(s)
    distance = (Enclosure.exact(codes) - s.iterates).norm(2)
    return distance[1:] <= 0.5 * distance[0]


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (savanier2022.layers_are_averaged.concluding(firmer, "firmly"), chain(1.9, 8)),
        (
            savanier2022.layers_are_averaged.without("steps_below_two").concluding(nonexpansive, "any-step"),
            chain(3.0, 8),
        ),
        (savanier2022.start_is_forgotten.concluding(halves, "halves"), ista(2, lam=0.0)),
        (savanier2022.start_is_forgotten.without("steps_below_two"), chain(3.0, 8)),
    ],
    ids=["firmly", "long-steps", "halves", "long-steps-start"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def test_what_fails_is_named():
    assert "steps_below_two: refuted" in verify(savanier2022.layers_are_averaged, ista(4, c=2.5)).reason
    assert "W_1 = eta A^T" in verify(savanier2022.start_is_forgotten, lista()).reason
