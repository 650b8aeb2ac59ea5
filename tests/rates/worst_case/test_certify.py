"""Exact certificates for float parameters: accepted on their own, as tight as the solver, refused when corrupted."""

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from unfold_theory.certificate import Certificate, Refused, WorstCaseRate, check
from unfold_theory.certificate.rationals import fraction
from unfold_theory.enclosure import Basis
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import (
    AcceleratedGradient,
    AcceleratedProximalGradient,
    DouglasRachford,
    GradientDescent,
    HeavyBall,
    InexactGradientDescent,
    KrasnoselskiiMann,
    ProximalGradient,
    ProximalPoint,
)
from unfold_theory.rates.worst_case import (
    convex,
    nonexpansive,
    smooth_convex,
    smooth_nonconvex,
    strongly_convex,
    weakly_convex,
    worst_case_rate,
)
from unfold_theory.rates.worst_case.certify import certify

COMPOSITE = (smooth_convex(1.0), convex())


def steps(seed, count, low=0.1, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, count)


def fista(count, seed=5):
    t = [1.0]
    for _ in range(count + 1):
        t.append((1 + np.sqrt(1 + 4 * t[-1] ** 2)) / 2)
    momenta = np.array([(t[i] - 1) / t[i + 1] for i in range(1, count + 1)])
    draw = np.random.default_rng(seed)
    return AcceleratedProximalGradient(
        np.sort(draw.uniform(0.8, 1, count))[::-1], momenta * draw.uniform(0.98, 1, count)
    )


CASES = {
    "gd": (GradientDescent(steps(0, 5, 0.2, 1.6)), smooth_convex(1.0), "gap", "distance"),
    "gd, L = 3": (GradientDescent(steps(1, 4) / 3), smooth_convex(3.0), "gap", "distance"),
    "gd, strongly": (GradientDescent(steps(2, 4)), strongly_convex(0.1, 1.0), "gap", "distance"),
    "gd, distance": (GradientDescent(steps(3, 4)), strongly_convex(0.1, 1.0), "distance", "distance"),
    "gd, gradient": (GradientDescent(steps(4, 4)), smooth_convex(1.0), "residual", "distance"),
    "gd, nonconvex": (GradientDescent(steps(5, 4)), smooth_nonconvex(1.0), "best residual", "gap"),
    "inexact": (InexactGradientDescent(steps(6, 4), np.full(4, 0.2)), smooth_convex(1.0), "gap", "distance"),
    "heavy ball": (HeavyBall(np.full(5, 0.5), np.full(5, 0.2)), smooth_convex(1.0), "gap", "distance"),
    "nesterov": (AcceleratedGradient(np.full(5, 0.9), np.arange(5) / 8), smooth_convex(1.0), "gap", "distance"),
    "pgm": (ProximalGradient(steps(7, 4, 0.2, 1.5)), COMPOSITE, "gap", "distance"),
    "pgm, distance": (ProximalGradient(steps(8, 3)), (strongly_convex(0.2, 1.0), convex()), "distance", "distance"),
    "fista": (fista(4), COMPOSITE, "gap", "distance"),
    "ppm": (ProximalPoint(steps(9, 4)), convex(), "gap", "distance"),
    "dr": (DouglasRachford(steps(10, 4, 0.8, 1.2)), COMPOSITE, "gap", "distance"),
}


@pytest.mark.parametrize("name", CASES)
def test_certificates_stand_on_their_own(name, tmp_path):
    method, classes, measure, start = CASES[name]
    certified = certify(method, classes, measure, start)
    path = certified.certificate.save(tmp_path / "rate.json")
    finding = check(Certificate.load(path))
    assert finding.accepted
    assert finding.checkers == ("FLINT", "SymPy")
    assert certified.rate.basis is Basis.EXACT
    # Never below what the rate's own enclosure allows, and as tight as the chain form is.
    numerical = worst_case_rate(method, classes, measure, start, form="chain")
    assert float(certified.rate.hi) >= float(numerical.lower) * (1 - 1e-9)
    assert certified.slack < 1e-7
    assert float(certified.rate.hi) == pytest.approx(float(numerical.chain.value), rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_lower_rates_and_shifted_weights_are_refused(name):
    method, classes, measure, start = CASES[name]
    theorem = WorstCaseRate.read(*read(certify(method, classes, measure, start, closed=False)))
    numerical = worst_case_rate(method, classes, measure, start, form="chain").chain.value
    for rate in (Fraction(numerical) * Fraction(999, 1000), Fraction(0)):
        low = replace(theorem.statement, rate=rate)
        assert refused(low, theorem.proof)
        assert refused(low, theorem.proof, independently=True)
    draw = np.random.default_rng(0)
    for key, value in theorem.proof.values.items():
        if key[0] == "error":
            continue
        for other in (value + Fraction(1, 2**70), value * 2 + 1, -value - Fraction(1, 2**70)):
            assert refused(theorem.statement, replace(theorem.proof, values=theorem.proof.values | {key: other}))
    for k, triangle in enumerate(theorem.proof.couplings):
        row = int(draw.integers(len(triangle)))
        for change in (1000, -1000):
            moved = [list(r) for r in triangle]
            moved[row][row] += change
            couplings = list(theorem.proof.couplings)
            couplings[k] = tuple(tuple(r) for r in moved)
            if start == "gap" and row == 0:
                continue  # the position's own weight: nothing depends on it
            assert refused(theorem.statement, replace(theorem.proof, couplings=tuple(couplings)))


def read(certified):
    return certified.certificate.statement, certified.certificate.proof


def refused(statement, proof, independently=False):
    theorem = WorstCaseRate(statement, proof)
    try:
        theorem.check_independently() if independently else theorem.check()
    except Refused:
        return True
    return False


def test_closed_forms_lose_nothing():
    for method, classes, offset in ((GradientDescent, smooth_convex(2.0), 2), (ProximalGradient, None, 0)):
        h = steps(11, 12)
        certified = certify(method(h / 2), classes or (smooth_convex(2.0), convex()))
        exact = Fraction(2) / (4 * 2 * sum(Fraction(float(v)) for v in h / 2) + offset)
        assert Fraction(float(certified.rate.lo)) <= exact <= Fraction(float(certified.rate.hi))
        assert certified.margin == 0
    # Longer steps: the multipliers still prove it where their matrix is definite, else the solver's do.
    assert certify(GradientDescent(np.full(5, 1.6)), smooth_convex(1.0)).margin == 0
    assert certify(GradientDescent(np.full(5, 1.9)), smooth_convex(1.0)).margin > 0


@pytest.mark.parametrize(
    ("method", "classes"),
    [
        (GradientDescent(steps(12, 40)), smooth_convex(1.0)),
        (ProximalGradient(steps(13, 40)), COMPOSITE),
        (fista(40), COMPOSITE),
    ],
    ids=["gd", "pgm", "fista"],
)
def test_forty_learned_steps(method, classes):
    began = time.perf_counter()
    certified = certify(method, classes, closed=False)
    assert time.perf_counter() - began < 10  # 0.1 to 0.8 s on an idle machine
    assert abs(certified.slack) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("method", [ProximalGradient(steps(14, 1000)), fista(200)], ids=["pgm-1000", "fista-200"])
def test_many_learned_steps(method):
    assert abs(certify(method, COMPOSITE).slack) < 1e-4


def test_what_has_no_certificate_says_so():
    with pytest.raises(MissingStructure, match="Krasnoselskii"):
        certify(KrasnoselskiiMann(np.full(3, 0.5)), nonexpansive(), "residual")
    with pytest.raises(MissingStructure, match="corrections"):
        certify(AcceleratedGradient(np.ones(3), np.zeros(3), np.full(3, 0.1)), smooth_convex(1.0))
    with pytest.raises(MissingStructure, match="measure"):
        certify(GradientDescent(np.ones(3)), smooth_convex(1.0), start="residual")
    with pytest.raises(InputError, match="shorter steps"):
        certify(ProximalGradient(np.array([1.0, 2.5, 3.0])), COMPOSITE, margins=(1e-9,))


@pytest.mark.parametrize(
    ("method", "classes", "looser"),
    [
        (GradientDescent([1.95, 0.629]), smooth_convex(), 1.006),
        (AcceleratedGradient([1.4, 0.6, 1.7, 0.9], [0.3, 0.8, 0.5, 0.0]), smooth_convex(), 1.01),
        (ProximalGradient([0.7, 1.9, 0.4, 1.8]), COMPOSITE, 1 - 1e-9),
    ],
    ids=["gd", "momentum", "pgm"],
)
def test_all_pairs_beside_the_chain(method, classes, looser):
    proved = certify(method, classes, form="full")
    assert proved.finding.accepted
    assert proved.finding.checkers == ("FLINT", "SymPy")
    assert proved.slack < 1e-8
    full = worst_case_rate(method, classes, form="full")
    assert float(proved.rate.hi) == pytest.approx(full.upper, rel=1e-7)
    assert float(certify(method, classes).rate.hi) > looser * float(proved.rate.hi)


@pytest.mark.parametrize(
    ("method", "classes", "measures"),
    [
        (GradientDescent([2.5, 0.5, 1.2]), strongly_convex(0.1, 1.0), ("distance", "distance")),
        (GradientDescent([1.9, 0.1, 0.05]), smooth_convex(), ("residual", "distance")),
        (GradientDescent([0.5, 1.5, 0.5]), weakly_convex(0.3, 1.0), ("best residual", "gap")),
        (InexactGradientDescent([1.2, 0.4, 1.8], [0.3, 0.3, 0.3]), smooth_convex(), ("gap", "distance")),
        (HeavyBall([1.0, 0.8, 1.4], [0.0, 0.3, 0.4]), smooth_convex(), ("gap", "distance")),
        (AcceleratedProximalGradient([1.0, 0.9, 0.8], [0.3, 0.5, 0.0]), COMPOSITE, ("gap", "distance")),
        (ProximalPoint([1.0, 2.0, 3.0]), convex(), ("gap", "distance")),
        (DouglasRachford([1.0, 1.5, 0.5], 1.0), COMPOSITE, ("gap", "distance")),
    ],
    ids=lambda value: getattr(value, "title", ""),
)
def test_all_pairs_for_every_method_and_measure(method, classes, measures):
    proved = certify(method, classes, *measures, form="full", closed=False)
    assert proved.finding.accepted
    assert abs(proved.slack) < 1e-8
    assert '"gram"' in proved.certificate.to_json()
    lower = fraction(proved.certificate.statement["rate"], "rate") * Fraction(999, 1000)
    changed = replace(proved.certificate, statement=proved.certificate.statement | {"rate": str(lower)})
    assert not check(changed).accepted


def test_an_unknown_form_is_refused():
    with pytest.raises(InputError, match="no certificates of form"):
        certify(GradientDescent([1.0]), smooth_convex(), form="closed")
