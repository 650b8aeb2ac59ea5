"""Certificates of worst-case rates: true ones accepted by two checkers, every kind of corruption refused."""

import copy
import random
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.certificate.proofs import SMOOTH, chained, gradient_descent, proximal_gradient
from unfold_theory.certificate import KINDS, Certificate, Refused, WorstCaseRate, check
from unfold_theory.certificate.rationals import fraction, text
from unfold_theory.certificate.worst_case import FunctionClass, Multipliers, Statement, independent
from unfold_theory.errors import InputError

MAKERS = [gradient_descent, proximal_gradient]


def steps(count, seed=0):
    draw = random.Random(seed)
    return [Fraction(draw.uniform(0.1, 1.0)) for _ in range(count)]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_closed_forms_are_accepted_twice_with_nothing_lost(make, count):
    theorem = make(steps(count))
    for form in (theorem, chained(theorem)):
        finding = check(Certificate.from_json(form.certificate().to_json()))
        assert finding.accepted, finding.reason
        assert finding.checkers == ("FLINT", "SymPy")
        assert finding.bound.basis.name == "EXACT"
        assert finding.bound.lo <= float(theorem.statement.rate) <= finding.bound.hi


def test_many_steps_in_a_moment():
    for make in MAKERS:
        finding = check(make(steps(40)).certificate())
        assert finding.accepted
        assert finding.checkers == ("FLINT",)
        assert finding.seconds < 20


@pytest.mark.parametrize("make", MAKERS)
def test_any_lower_rate_is_refused(make):
    # The rates are attained, so that every lower one is false: both checkers have to find out.
    for count in (1, 3):
        for factor in (1 - Fraction(1, 10**30), Fraction(99, 100), Fraction(0)):
            theorem = make(steps(count))
            low = replace(theorem.statement, rate=theorem.statement.rate * factor)
            for proof in (theorem.proof, chained(theorem).proof):
                with pytest.raises(Refused):
                    WorstCaseRate(low, proof).check()
                with pytest.raises(Refused):
                    WorstCaseRate(low, proof).check_independently()
    assert WorstCaseRate(replace(theorem.statement, rate=Fraction(1)), theorem.proof).check()


def test_a_shorter_step_or_more_curvature_is_refused():
    # f(xN) - f* = L R^2 / (4 T L + 2) is attained: it grows with L, and with less T.
    theorem = gradient_descent(steps(3))
    for k in range(3):
        changed = list(theorem.statement.parameters["steps"])
        changed[k] *= 1 - Fraction(1, 2**52)
        shorter = replace(theorem.statement, parameters={"steps": tuple(changed)})
        more = replace(theorem.statement, classes={"f": FunctionClass(Fraction(0), 1 + Fraction(1, 2**52))})
        for stated in (shorter, more):
            for proof in (theorem.proof, chained(theorem).proof):
                with pytest.raises(Refused):
                    WorstCaseRate(stated, proof).check()
            with pytest.raises(Refused):
                WorstCaseRate(stated, theorem.proof).check_independently()


def numbers(tree, path=()):
    """Paths of all leaves."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from numbers(value, (*path, key))
    else:
        yield path


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def changed(tree, path, value):
    copied = copy.deepcopy(tree)
    at(copied, path[:-1])[path[-1]] = value
    return copied


def outcome(statement, proof):
    try:
        return check(Certificate("worst-case rate", statement, proof)).accepted
    except InputError:
        return False


@pytest.mark.parametrize("make", MAKERS)
def test_every_multiplier_matters(make):
    """One multiplier changed by its last digit or negated, a name changed, an entry or a row dropped: all refused.

    Every multiplier occurs in a balance of function values, so that no other value of one alone can be right.
    """
    certificate = chained(make(steps(2))).certificate()
    assert outcome(certificate.statement, certificate.proof)
    tried = 0
    for n, row in enumerate(certificate.proof["multipliers"]):
        value = fraction(row[3], "")
        for other in (value + Fraction(1, 2**60), value - Fraction(1, 2**60), -value, 2 * value, value + 1):
            mutated = changed(certificate.proof, ("multipliers", n, 3), text(other))
            assert not outcome(certificate.statement, mutated), (row, other)
            tried += 1
        for position, other in ((0, "h"), (1, 7), (2, 7), (1, row[2]), (2, "infimum")):
            assert not outcome(certificate.statement, changed(certificate.proof, ("multipliers", n, position), other))
            tried += 1
        rows = certificate.proof["multipliers"]
        assert not outcome(certificate.statement, {**certificate.proof, "multipliers": rows[:n] + rows[n + 1 :]})
        assert not outcome(certificate.statement, {**certificate.proof, "multipliers": [*rows, row]})
        tried += 2
    assert tried >= 40


@pytest.mark.parametrize("make", MAKERS)
def test_every_entry_of_a_coupling_matters(make):
    """A coupling moves weight from one step to the next: a change of one entry by 1 either way leaves one indefinite.

    (A change within the room that both steps leave is another proof of the same statement, and rightly accepted.)
    """
    certificate = chained(make(steps(3))).certificate()
    couplings = certificate.proof["couplings"]
    for path in numbers(couplings):
        value = fraction(at(couplings, path), "")
        for other in (value + 1, value - 1, -1000 * value - 1000):
            mutated = changed(certificate.proof, ("couplings", *path), text(other))
            assert not outcome(certificate.statement, mutated), (path, other)
    assert not outcome(certificate.statement, {**certificate.proof, "couplings": couplings[:-1]})
    assert not outcome(certificate.statement, {**certificate.proof, "couplings": []})
    assert not outcome(certificate.statement, {**certificate.proof, "couplings": [couplings[0][:1], *couplings[1:]]})
    assert not outcome(certificate.statement, {**certificate.proof, "couplings": [*couplings, couplings[-1]]})


def test_a_file_with_any_number_changed_is_refused():
    """One after the other, every number and word of a file: the digest does not fit, whatever it would have proved."""
    certificate = chained(gradient_descent(steps(2))).certificate()
    record = {"statement": certificate.statement, "proof": certificate.proof}
    tried = 0
    for path in numbers(record):
        value = at(record, path)
        other = value + 1 if isinstance(value, int) else value + "1"
        mutated = changed(record, path, other)
        forged = Certificate(certificate.kind, **mutated)
        damaged = forged.to_json().replace(forged.digest, certificate.digest)
        with pytest.raises(InputError, match="digest"):
            Certificate.from_json(damaged)
        tried += 1
    assert tried > 30


def test_invented_inequalities_are_refused():
    theorem = gradient_descent(steps(3))
    for name in [
        ("f", 0, 2),
        ("f", "*", 9),
        ("f", 1, 1),
        ("g", 0, 1),
        ("best", 0, "*"),
        ("error", 0, 0),
        ("f", "*", "*"),
    ]:
        values = dict(theorem.proof.values) | {name: Fraction(1, 10**9)}
        with pytest.raises(Refused):
            WorstCaseRate(theorem.statement, replace(chained(theorem).proof, values=values)).check()
    values = dict(theorem.proof.values) | {("f", "infimum", 1): Fraction(1, 10**9)}
    with pytest.raises(Refused, match="there is no"):
        WorstCaseRate(theorem.statement, replace(theorem.proof, values=values)).check()


def test_a_nonconvex_function_has_no_minimiser_to_speak_of():
    theorem = gradient_descent(steps(2))
    nonconvex = {"f": FunctionClass(Fraction(-1), Fraction(1))}
    with pytest.raises(InputError, match="gap"):
        Statement.read(replace(theorem.statement, classes=nonconvex).to_json())
    stated = replace(theorem.statement, classes=nonconvex, start="gap", output="best residual")
    values = {("f", "*", 0): Fraction(1), ("best", 0, "*"): Fraction(1)}
    with pytest.raises(Refused, match="minimiser"):
        WorstCaseRate(stated, Multipliers("gram", values, ())).check()


def test_one_nonconvex_step_by_hand():
    # A step of length 1/L from x0 goes down by |g0|^2 / 2, so that this is at most f0 - inf f.
    stated = Statement(
        "gradient descent",
        {"steps": (Fraction(1),)},
        {"f": FunctionClass(Fraction(-1), Fraction(1))},
        "gap",
        "best residual",
        Fraction(2),
    )
    values = {("best", 0, "*"): Fraction(1), ("f", 0, "infimum"): Fraction(2)}
    proof = Multipliers("gram", values, ())
    assert WorstCaseRate(stated, proof).check() >= 0
    assert WorstCaseRate(stated, proof).check_independently()
    with pytest.raises(Refused):
        WorstCaseRate(replace(stated, rate=Fraction(199, 100)), proof).check()


def test_the_second_checker_needs_no_first():
    theorem = proximal_gradient(steps(3))
    assert independent.check(theorem.statement, theorem.proof)
    long = proximal_gradient(steps(30))
    assert not independent.check(long.statement, long.proof)
    wrong = dict(theorem.proof.values)
    wrong["f", "*", 0] += Fraction(1, 10**20)
    with pytest.raises(Refused, match="cancel"):
        independent.check(theorem.statement, replace(theorem.proof, values=wrong))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("statement", "method"), "gradient ascent", "unknown"),
        (("statement", "parameters", "steps"), [], "list"),
        (("statement", "parameters", "steps", 0), "NaN", "exact number"),
        (("statement", "parameters", "steps", 0), "0.5", "exact number"),
        (("statement", "parameters", "steps", 0), "1/0", "exact number"),
        (("statement", "parameters", "momenta"), ["0"], "parameters"),
        (("statement", "classes", "f", "mu"), "2", "mu"),
        (("statement", "classes", "f", "L"), "inf", "finite L"),
        (("statement", "classes", "f", "L"), "-1", "L > 0"),
        (("statement", "rate"), "-1", "nonnegative"),
        (("statement", "start"), "nowhere", "unknown"),
        (("statement", "extra"), "1", "extra"),
        (("proof", "form"), "sum", "form"),
        (("proof", "multipliers", 0), ["f", 0, 1], "multiplier"),
        (("proof", "multipliers", 0, 1), True, "Number evaluations"),
        (("proof", "multipliers", 0, 3), "9" * 5000, "exact number"),
        (("proof", "couplings"), {"0": 1}, "lists"),
        (("proof", "couplings"), [[["1"], ["1"]]], "triangle"),
    ],
)
def test_malformed_contents_are_named(path, value, words):
    certificate = chained(gradient_descent(steps(2))).certificate()
    record = {"statement": certificate.statement, "proof": certificate.proof}
    mutated = changed(record, path, value)
    with pytest.raises(InputError, match=words):
        check(Certificate("worst-case rate", **mutated))


def test_every_method_is_read_by_both_checkers():
    """A trivial true statement for each: nothing is bounded by less than nothing, with one row and its opposite."""
    from unfold_theory.certificate.worst_case.statement import COMPONENTS, PARAMETERS

    assert set(KINDS) >= {"worst-case rate"}
    for method, names in PARAMETERS.items():
        parameters = {n: (Fraction(1, 3),) * (1 if n == "penalty" else 2) for n in names}
        classes = {c: SMOOTH for c in COMPONENTS[method]}
        stated = Statement(method, parameters, classes, "distance", "distance", Fraction(10**6))
        rows = {(c, "*", i): Fraction(1) for c in classes for i in range(2)}
        rows |= {(c, i, "*"): Fraction(1) for c in classes for i in range(2)}
        if "errors" in names:
            rows |= {("error", i, i): Fraction(1) for i in range(2)}
        theorem = WorstCaseRate(stated, Multipliers("gram", rows, ()))
        assert outcomes(theorem) in ([True, True], [False, False]), method


def outcomes(theorem):
    found = []
    for checker in (theorem.check, theorem.check_independently):
        try:
            checker()
            found.append(True)
        except Refused:
            found.append(False)
    return found
