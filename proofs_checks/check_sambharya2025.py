"""Sambharya et al. 2025: worst cases of given parameters are proved by exact certificates, and nothing less is.

Both checkers rebuild the interpolation inequalities from the statement alone: in rational arithmetic, and with sympy.
"""

import dataclasses
from fractions import Fraction

import numpy as np

from unfold_theory.certificate import WorstCaseRate, check
from unfold_theory.methods import AcceleratedProximalGradient, GradientDescent, ProximalGradient
from unfold_theory.problems.functions import AbsoluteValue, Huber
from unfold_theory.rates.worst_case import convex, smooth_convex
from unfold_theory.rates.worst_case.certify import certify

COMPOSITE = {"f": smooth_convex(1.0), "g": convex()}


def learned(method, seed, depth=3):
    """Parameters as training leaves them: no pattern, some steps above 1/L."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.3, 1.6, size=depth)
    if method is AcceleratedProximalGradient:
        return method(steps, rng.uniform(0.0, 0.4, size=depth))
    return method(steps)


def check_learned_parameters_have_certificates():
    """Twelve sets of float parameters: exact rates, accepted by both checkers, within 1e-6 of the solver's value."""
    for method in (GradientDescent, ProximalGradient, AcceleratedProximalGradient):
        for seed in range(4):
            classes = COMPOSITE if method is not GradientDescent else {"f": smooth_convex(1.0)}
            found = certify(learned(method, seed), classes)
            assert found.finding.accepted
            assert found.rate.basis.label == "exact"
            assert -1e-7 <= found.slack <= 1e-6


def check_a_lower_rate_is_refused():
    """The same multipliers do not prove a rate that is a little smaller."""
    for method, seed in ((ProximalGradient, 0), (AcceleratedProximalGradient, 1)):
        certificate = certify(learned(method, seed), COMPOSITE).certificate
        theorem = WorstCaseRate.read(certificate.statement, certificate.proof)
        lower = dataclasses.replace(theorem.statement, rate=theorem.statement.rate * Fraction(999, 1000))
        theorem = dataclasses.replace(theorem, statement=lower)
        assert not check(theorem.certificate()).accepted


def check_the_rates_are_attained_or_nearly_so():
    """One-dimensional functions from a distance of 1 come within a part in 10^6 where steps are at most 1/L."""
    steps = np.array([0.7, 0.4, 0.9, 1.0])
    total = steps.sum()
    x, slow = np.ones(1), Huber(1.0, 1 / (2 * total + 1))
    z, sharp = np.ones(1), AbsoluteValue(1 / (2 * total))
    for h in steps:
        x = x - h * slow.gradient(x)
        z = sharp.prox(z, h)
    descent = certify(GradientDescent(steps), {"f": smooth_convex(1.0)}, closed=False).rate
    proximal = certify(ProximalGradient(steps), COMPOSITE, closed=False).rate
    assert 1 <= float(descent.hi) / slow.value(x) <= 1 + 1e-6
    assert 1 <= float(proximal.hi) / sharp.value(z) <= 1 + 1e-6
