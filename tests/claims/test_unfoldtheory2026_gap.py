"""Bounds on the gap by capacity: hold on trained networks, say something where they should, fail when cut down."""

import numpy as np
import pytest
import torch

from unfold_theory.claim import RiskSetting, Status, verify
from unfold_theory.claims import behboodi2022
from unfold_theory.claims import capacity_gap as ours
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization import ClippedSquaredError, HalfDistance
from unfold_theory.generalization.coupled_weights import CoupledClass
from unfold_theory.generalization.orthogonal_dictionary import OrthogonalClass
from unfold_theory.generalization.scalar_networks import ScalarClass
from unfold_theory.networks import Alista, ListaCp, OrthogonalDictionary
from unfold_theory.problems import SparseRecovery, UnitNorm
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.verified import spectral_norm_squared

LOSS = HalfDistance()


def where(shape=(10, 16), seed=0):
    return SparseRecovery.gaussian(*shape, law=UnitNorm(3), seed=seed)


def fitted(network, batch, steps, rate):
    """Trained on the sample alone."""
    x, y = torch.tensor(batch.x), torch.tensor(batch.y)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.linalg.vector_norm(network(y) - x, dim=1).mean().backward()
        optimiser.step()
    with torch.no_grad():
        for parameter in getattr(network, "gains", []):
            parameter.clamp_(0, 2)
        for parameter in getattr(network, "thresholds", []):
            parameter.clamp_(0, 1)
    return network


def learned(count=12, depth=3, *, steps=150, loss=LOSS, held_out=4000, measurement=None, lam=0.05, seed=0):
    problem = where(seed=seed)
    sample, fresh = problem.sample(count, seed=1), problem.sample(held_out, seed=2)
    network = fitted(OrthogonalDictionary.for_problem(problem, depth, lam=lam), sample, steps, 0.05)
    norm = spectral_norm_squared(problem.dictionary).sqrt()
    c = OrthogonalClass(problem.n, depth, norm, norm if measurement is None else measurement, Enclosure.exact(lam))
    return RiskSetting(network, problem, sample, fresh, loss=loss, delta=0.05, certificates=[c])


def scalars(count=400, depth=4, *, loss=LOSS, gains=1.0, selected=0, measurement=None):
    problem = where()
    sample, fresh = problem.sample(count, seed=1), problem.sample(4000, seed=2)
    made = Alista.for_problem(problem, depth, theta=0.05, gamma=gains, selected=selected)
    network = fitted(made, sample, 60, 0.02) if gains == 1.0 else made
    bound = spectral_norm_squared(problem.dictionary).sqrt() if measurement is None else measurement
    c = ScalarClass.of(problem.dictionary, made.weights.numpy(), depth, measurement=bound)
    return RiskSetting(network, problem, sample, fresh, loss=loss, delta=0.05, certificates=[c])


OVERFITTED = learned()
MANY = learned(count=200_000, steps=1, depth=2, held_out=500)
SCALARS = scalars()


@pytest.mark.parametrize("claimed", [ours.dictionary_gap, behboodi2022.logarithmic_depth], ids=lambda c: c.id)
def test_a_learned_dictionary(claimed):
    verdict = verify(claimed, OVERFITTED)
    assert verdict.status is Status.VACUOUS
    assert verdict.coverage == 1
    assert verify(claimed, MANY).status is Status.HOLDS
    assert verify(claimed, OVERFITTED).conclusion.delta == pytest.approx(0.1)  # of the risk and of the bound


def test_scalars_say_something_at_a_few_hundred_signals():
    verdict = verify(ours.scalar_gap, SCALARS)
    assert verdict.status is Status.HOLDS
    assert (verdict.conclusion.rhs.hi < verdict.trivial.lo).all()
    sharper = verify(ours.scalar_risk, SCALARS)
    assert sharper.status is Status.HOLDS
    whole = verdict.conclusion.rhs.hi + SCALARS.empirical_risk.hi
    assert (sharper.conclusion.rhs.hi[1:] < whole[1:]).all()


@pytest.mark.parametrize(
    ("false_variant", "setting"),
    [
        (ours.dictionary_gap.scaled(0.004), OVERFITTED),
        (ours.dictionary_gap.without("dictionary_measurements_bounded").scaled(0.004), OVERFITTED),
        (behboodi2022.logarithmic_depth.scaled(0.001), OVERFITTED),
        (behboodi2022.logarithmic_depth.without("one_law").scaled(0.001), OVERFITTED),
    ],
    ids=["dictionary", "dictionary-measured", "logarithmic", "logarithmic-law"],
)
def test_false_variants_are_violated(false_variant, setting):
    assert verify(false_variant, setting).status is Status.VIOLATED


def chosen(count=60):
    """A training sample picked for its small losses: no sample of the law."""
    base = scalars(depth=2)
    pool = base.problem.sample(6000, seed=5)
    losses = base.losses_on(pool)[-1]
    picked = pool.subset(np.argsort(losses)[:count].tolist())
    return RiskSetting(
        base.network, base.problem, picked, base.held_out, loss=LOSS, delta=0.05, certificates=base.certificates
    )


def test_a_chosen_sample_breaks_it():
    setting = chosen()
    assert verify(ours.scalar_gap.without("one_law").scaled(0.2), setting).status is Status.VIOLATED
    assert verify(ours.scalar_risk.without("one_law").scaled(0.4), setting).status is Status.VIOLATED
    assert verify(ours.scalar_risk.scaled(0.1), SCALARS).status is Status.VIOLATED
    assert verify(ours.scalar_gap.scaled(0.02), setting).status is not Status.HOLDS


def test_what_fails_is_named():
    for setting, claimed, name in (
        (learned(steps=1, loss=ClippedSquaredError()), ours.dictionary_gap, "half_distance"),
        (learned(steps=1, measurement=Enclosure.exact(0.1)), ours.dictionary_gap, "dictionary_measurements_bounded"),
        (scalars(gains=2.5), ours.scalar_gap, "numbers_in_class"),
        (scalars(selected=2), ours.scalar_gap, "support selection"),
        (scalars(measurement=0.1), ours.scalar_gap, "scalar_measurements_bounded"),
        (scalars(), ours.dictionary_gap, "orthogonal dictionary"),
    ):
        verdict = verify(claimed, setting)
        assert verdict.status is Status.NOT_APPLICABLE
        assert name in verdict.reason
    seen = RiskSetting(
        OVERFITTED.network,
        OVERFITTED.problem,
        OVERFITTED.sample,
        OVERFITTED.sample,
        loss=LOSS,
        certificates=OVERFITTED.certificates,
    )
    assert "held_out_is_new" in verify(ours.dictionary_gap, seen).reason


def coupled(
    count=12, depth=3, *, steps=150, tied=True, class_tied=True, radius=0.5, shape=(10, 16), theta=0.02, held_out=4000
):
    problem = where(shape)
    sample, fresh = problem.sample(count, seed=1), problem.sample(held_out, seed=2)
    reference = frobenius_weight(problem.dictionary)
    network = ListaCp.for_problem(problem, depth, init="frobenius", theta=theta, tied=tied)
    fitted(network, sample, steps, 0.02)
    with torch.no_grad():  # back into the class
        for weight in network.weights:
            off = weight - torch.tensor(reference)
            weight.copy_(
                torch.tensor(reference) + off * min(1.0, 0.49 / float(torch.linalg.matrix_norm(off, 2) + 1e-12))
            )
        for threshold in network.thresholds:
            threshold.fill_(theta) if theta < 0 else threshold.clamp_(0, 1)
    bound = spectral_norm_squared(problem.dictionary).sqrt()
    c = CoupledClass.of(problem.dictionary, reference, depth, radius=radius, measurement=bound, tied=class_tied)
    held = ours.AroundWeight(c, reference)
    return RiskSetting(network, problem, sample, fresh, loss=LOSS, delta=0.05, certificates=[held])


def test_coupled_weights():
    made = coupled()
    assert verify(ours.coupled_gap, made).status is Status.VACUOUS
    assert verify(ours.coupled_gap, made).coverage == 1
    assert verify(ours.coupled_gap.scaled(0.003), made).status is Status.VIOLATED
    assert verify(ours.coupled_gap.without("reference_of_class").scaled(0.003), made).status is Status.VIOLATED
    assert verify(ours.coupled_gap, coupled(count=50_000, steps=1, shape=(4, 6), held_out=500)).status is Status.HOLDS
    own = coupled(tied=False, class_tied=False)
    assert verify(ours.coupled_gap, own).status is Status.VACUOUS
    for wrong, name in (
        (coupled(tied=False), "weights_near_reference"),
        (coupled(radius=0.01), "weights_near_reference"),
        (coupled(steps=1, theta=-0.1), "coupled_thresholds_in_range"),
    ):
        verdict = verify(ours.coupled_gap, wrong)
        assert verdict.status is Status.NOT_APPLICABLE
        assert name in verdict.reason
