"""Free weights: the bound holds on overfitted networks, says something with many signals, and names what fails."""

import pytest

from tests.claims.gap_settings import clipped_norms, failing, fitted, lista, measurement, setting, where
from unfold_theory.claim import Status, verify
from unfold_theory.claims import schnoor2023
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import ClippedSquaredError
from unfold_theory.generalization.free_weights import FreeClass
from unfold_theory.networks import Alista

LARGEST = 2.0


def free(
    count=12, depth=3, *, steps=200, shape=(10, 16), keep=True, theta=0.02, largest=LARGEST, held_out=4000, **given
):
    problem = where(shape)
    sample = problem.sample(count, seed=1)
    network = lista(problem, depth, theta=theta)
    fitted(network, sample, steps, 0.02, keep=(lambda n: clipped_norms(n, LARGEST)) if keep else None)
    c = FreeClass(problem.n, problem.m, depth, Enclosure.exact(largest), given.pop("bound", measurement(problem)))
    return setting(network, problem, sample, c, held_out=held_out, **given)


OVERFITTED = free()


def test_it_is_vacuous_on_few_signals_and_holds_on_many():
    verdict = verify(schnoor2023.linear_in_parameters, OVERFITTED)
    assert verdict.status is Status.VACUOUS
    assert verdict.coverage == 1
    assert OVERFITTED.gap.lo[-1, 0] > 0.05  # it did overfit
    many = free(count=100_000, depth=2, steps=1, shape=(4, 6), held_out=500)
    assert verify(schnoor2023.linear_in_parameters, many).status is Status.HOLDS


@pytest.mark.parametrize(
    "false_variant",
    [
        schnoor2023.linear_in_parameters.scaled(0.003),
        schnoor2023.linear_in_parameters.without("held_out_is_new").scaled(0.003),
        schnoor2023.linear_in_parameters.concluding(lambda s: s.gap <= 0.0 * s.empirical_risk, "no-gap"),
    ],
    ids=["scaled", "scaled-seen", "no-gap"],
)
def test_false_variants_are_violated(false_variant):
    assert verify(false_variant, OVERFITTED).status is Status.VIOLATED


def test_what_fails_is_named():
    for made, name in (
        (free(steps=60, keep=False), "state_weights_nonexpansive"),
        (free(steps=1, theta=-0.5, keep=False), "thresholds_in_range"),
        (free(steps=1, largest=1e-3), "input_weights_in_class"),
        (free(steps=1, bound=Enclosure.exact(0.1)), "measurements_bounded"),
        (free(steps=1, loss=ClippedSquaredError()), "half_distance"),
    ):
        assert name in failing(verify(schnoor2023.linear_in_parameters, made))
    problem = where()
    coupled = setting(
        Alista.for_problem(problem, 2, percent=0.0), problem, problem.sample(5, seed=1), OVERFITTED.certificates[0]
    )
    assert "state weights" in verify(schnoor2023.linear_in_parameters, coupled).reason
