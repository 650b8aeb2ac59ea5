"""Second false variants of claims whose own tests have one of a kind: each is refutable in two ways."""

import numpy as np
import pytest

from tests.claims.settings import HADAMARD, cp_setting, given, problem, tight_lista
from unfold_theory.claim import Setting, Status, verify
from unfold_theory.claims import chen2018, liu2019
from unfold_theory.claims import unfoldtheory2026 as ours
from unfold_theory.enclosure import Enclosure
from unfold_theory.networks import Alista, build
from unfold_theory.problems import SparseRecovery, WorstCase
from unfold_theory.problems.coherence import frobenius_optimum
from unfold_theory.rates.theory_networks import alista_of_theory


def no_missing_entries(s):
    """The support is found as a whole: false, as entries below their threshold are lost."""
    lost = (s.truth != 0) & (s.iterates[1:] == 0)
    return Enclosure.exact(lost.any(axis=-1).astype(float)) <= 0.0


def small_entries():
    """One entry of size 1, and one that every threshold of the theory removes at first."""
    where, codes = problem(2), np.zeros((1, 128))
    codes[0, :2] = 1.0, 1e-3
    network = alista_of_theory(where, HADAMARD, depth=4, magnitude=1.0, sparsity=2)
    return Setting(network, where, given(codes))


def without_normalisation(s):
    """The optimum as if every weight were normalised."""
    weight = np.asarray(s.network.affine_layers()[0].weight)
    objective = ((Enclosure.exact(weight.T) @ s.problem.dictionary) ** 2).sum()
    return frobenius_optimum(s.problem.dictionary) <= objective


def half_weight():
    where = SparseRecovery.gaussian(12, 24, law=WorstCase(2), seed=0)
    weight = 0.5 * np.asarray(build("alista", where, 1).affine_layers()[0].weight)
    return Setting(
        Alista(where.dictionary, 2, weights=weight, gains=1.0, thresholds=0.1), where, where.sample(4, seed=0)
    )


def alone(claimed):
    """Theorem 1 at finite depth without the halved signal: the residual of the signal itself is not enough."""
    return claimed.concluding(lambda s: claimed.conclude(s).lhs <= s.cached(chen2018.full_residual), "one-signal")


def contraction_of_the_state(s):
    """The error as if thresholds cost nothing."""
    found = ours.instance_certificate.conclude(s)
    free = 0.125 ** np.arange(1, s.shape[0] + 1)[:, None] * np.abs(s.truth).sum(axis=1)
    return found.lhs <= Enclosure.exact(free)


@pytest.mark.parametrize(
    ("variant", "make"),
    [
        (liu2019.no_false_positives.concluding(no_missing_entries, "whole-support"), small_entries),
        (
            liu2019.frobenius_lower_bound.without("weights_normalised").concluding(without_normalisation, "no-delta"),
            half_weight,
        ),
        (alone(chen2018.weights_couple), tight_lista),
        (alone(chen2018.thresholds_vanish), tight_lista),
        (ours.instance_certificate.concluding(contraction_of_the_state, "free-thresholds"), lambda: cp_setting(2)),
    ],
    ids=["support", "frobenius", "couple", "vanish", "instance"],
)
def test_false_variants_are_violated(variant, make):
    verdict = verify(variant, make())
    assert verdict.status is Status.VIOLATED
    assert verdict.witness.replay().refuted.all()
