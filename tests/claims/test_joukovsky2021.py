"""One layer for all times. Settings and more variants in ``test_kouni2023.py``."""

import pytest

from tests.claims.gap_settings import lista, setting, where
from tests.claims.test_kouni2023 import OVERFITTED
from unfold_theory.claim import Status, verify
from unfold_theory.claims import joukovsky2021
from unfold_theory.generalization.tied_weights import TiedClass


def test_it_applies_to_tied_weights_only():
    assert verify(joukovsky2021.shared_over_time, OVERFITTED).coverage == 1
    problem = where()
    c = OVERFITTED.certificate(TiedClass)
    untied = setting(lista(problem, 3, theta=[0.1, 0.2, 0.3]), problem, problem.sample(9, seed=1), c)
    assert "one layer" in verify(joukovsky2021.shared_over_time, untied).reason


@pytest.mark.parametrize(
    "false_variant",
    [
        joukovsky2021.shared_over_time.scaled(0.003),
        joukovsky2021.shared_over_time.without("threshold_in_range").scaled(0.003),
    ],
    ids=["scaled", "scaled-any-threshold"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED
