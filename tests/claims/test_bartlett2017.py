"""Spectral complexity around ISTA: holds, says something close to the reference with many signals, names what fails."""

import numpy as np
import pytest
import torch

from tests.claims.gap_settings import failing, fitted, ista_reference, lista, measurement, setting, where
from unfold_theory.claim import Status, verify
from unfold_theory.claims import bartlett2017
from unfold_theory.claims.bartlett2017 import AroundReference
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization.spectral import SpectralClass, unclipped_radii
from unfold_theory.verified import spectral_norm_squared

THETA = 0.02


def near(problem, depth, deviation):
    """Weights pulled back towards ISTA's until their rows are within the deviation in all."""
    first, second = (torch.tensor(w) for w in ista_reference(problem))

    def keep(network):
        for k in range(depth):
            parts = [network.input_weights[k] - first, network.state_weights[k] - second]
            size = torch.cat(parts, dim=1).norm(dim=1).sum()
            shrink = float((deviation * (1 - 1e-9) / size).clamp(max=1.0))
            network.input_weights[k].copy_(first + shrink * parts[0])
            network.state_weights[k].copy_(second + shrink * parts[1])

    return keep


def around(
    count=12, depth=2, deviation=3.0, *, steps=200, norm=4.0, theta=THETA, radii=None, shape=(10, 16), held_out=4000
):
    problem = where(shape)
    sample = problem.sample(count, seed=1)
    network = lista(problem, depth, theta=THETA, learn_thresholds=False)
    keep = near(problem, depth, deviation)
    with torch.no_grad():
        keep(network)
    fitted(network, sample, steps, 0.02, keep=keep)
    first, second = ista_reference(problem)
    state, bound = Enclosure.exact(norm), measurement(problem)
    reach = unclipped_radii(depth, state, (spectral_norm_squared(first).sqrt() + deviation) * bound)
    numbers = SpectralClass(
        problem.n, problem.m, reach if radii is None else radii, np.full(depth, deviation), state, bound
    )
    c = AroundReference(numbers, first, second, np.full(depth, theta))
    return setting(network, problem, sample, c, held_out=held_out)


OVERFITTED = around()


def test_it_is_vacuous_on_few_signals_and_holds_close_to_the_reference_on_many():
    verdict = verify(bartlett2017.spectral_gap, OVERFITTED)
    assert verdict.status is Status.VACUOUS
    assert verdict.coverage == 1
    many = around(count=300_000, depth=1, deviation=0.01, steps=0, norm=1.01, shape=(4, 6), held_out=500)
    assert verify(bartlett2017.spectral_gap, many).status is Status.HOLDS


@pytest.mark.parametrize(
    "false_variant",
    [bartlett2017.spectral_gap.scaled(0.002), bartlett2017.spectral_gap.without("near_the_reference").scaled(0.002)],
    ids=["scaled", "scaled-anywhere"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED


def test_what_fails_is_named():
    far = around(steps=0)
    far.network.input_weights[0].add_(1.0)
    for made, name in (
        (far, "near_the_reference"),
        (around(steps=0, norm=0.1), "state_norms_in_class"),
        (around(steps=0, theta=0.5), "thresholds_fixed"),
        (around(steps=0, radii=Enclosure.exact(np.full(2, 1e-3))), "states_within_radii"),
    ):
        assert name in failing(verify(bartlett2017.spectral_gap, made))
