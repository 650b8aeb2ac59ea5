"""Certificates of Lipschitz bounds and witnesses: true ones accepted twice, every kind of corruption refused."""

import copy
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from unfold_theory.certificate import Certificate, LipschitzBound, LipschitzWitness, Refused, check
from unfold_theory.certificate.definite import is_positive_semidefinite
from unfold_theory.certificate.lipschitz import independent
from unfold_theory.certificate.rationals import fraction, rational, text
from unfold_theory.enclosure import Basis, Enclosure
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz import LowerBound
from unfold_theory.lipschitz.certificates import exact_lower_bound, exact_upper_bound, witness_at
from unfold_theory.networks.activations import BoxProjection, GroupSoftThreshold, SoftThreshold
from unfold_theory.networks.system import System, SystemLayer

FORMS = ("plain", "memory", "groups", "radii")


def network(form, seed=0, m=2, n=3, K=3):
    draw = np.random.default_rng(seed)

    def matrix(rows, columns):
        return Enclosure.exact(draw.standard_normal((rows, columns)) / np.sqrt(columns))

    def wide(enclosure):
        return Enclosure(enclosure.lo - 1e-12, enclosure.hi + 1e-12, Basis.CERTIFIED)

    p = n + 1 if form == "memory" else n
    layers = []
    for _ in range(K):
        activation = SoftThreshold(draw.uniform(0, 0.2, n))
        extra = {}
        if form == "groups":
            activation = GroupSoftThreshold(np.array([0.1, 0.2]), np.array([0, 1] * n)[:n])
        if form == "memory":
            extra = {"transition": matrix(p, p), "emission": matrix(p, n), "passage": matrix(p, m)}
            extra["bias"] = draw.standard_normal(n)
        C, D = matrix(n, p), matrix(n, m)
        layers.append(SystemLayer(wide(C) if form == "radii" else C, activation, D, **extra))
    if form == "memory":
        return System(tuple(layers), m, start=matrix(p, m), readout=matrix(2, p))
    return System(tuple(layers), m)


def multipliers(system):
    """Twice the curvature that they meet, layer by layer: definite, and not optimal."""
    from unfold_theory.lipschitz.recursion import Recursion

    recursion = Recursion(system)
    P, chosen = recursion.terminal(), []
    for k in range(system.depth - 1, -1, -1):
        size = float(np.linalg.eigvalsh(recursion.curvature(P, k))[-1]) * (1 + 0.1 * k)
        chosen.append(np.full(int(system.layers[k].activation.blocks.max()) + 1, size))
        after = recursion.backward(P, k, np.full(system.layers[k].activation.size, size))
        assert after is not None
        P = after
    return tuple(chosen[::-1])


@cache
def upper(form):
    system = network(form)
    return exact_upper_bound(system, multipliers(system))


@cache
def lower(form):
    system = network(form)
    u = np.array([3.0, -1.5])
    return exact_lower_bound(system, witness_at(system, u, np.linalg.svd(system.jacobian(u))[2][0]))


def refused(kind, statement, proof):
    """Whether each of the two checkers refuses."""
    theorem = kind.read(statement, proof)
    found = []
    for checker in (theorem.check, theorem.check_independently):
        try:
            checker()
            found.append(False)
        except Refused:
            found.append(True)
    return tuple(found)


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def changed(tree, path, value):
    copied = copy.deepcopy(tree)
    at(copied, path[:-1])[path[-1]] = value
    return copied


@pytest.mark.parametrize("form", FORMS)
def test_true_bounds_are_accepted_twice(form):
    bound = upper(form)
    finding = check(Certificate.from_json(bound.certificate.to_json()))
    assert finding.accepted, finding.reason
    assert finding.checkers == ("FLINT", "SymPy")
    assert finding.bound.basis.name == "EXACT"


@pytest.mark.parametrize("form", ["plain", "memory"])
def test_true_witnesses_are_accepted_twice_and_stay_below(form):
    bound = lower(form)
    finding = check(Certificate.from_json(bound.certificate.to_json()))
    assert finding.accepted, finding.reason
    assert finding.checkers == ("FLINT", "SymPy")
    assert 0 < bound.value.hi <= upper(form).value.lo


@pytest.mark.parametrize("form", FORMS)
def test_a_lower_constant_is_refused_by_both(form):
    certificate = upper(form).certificate
    bound = fraction(certificate.statement["bound"], "")
    for factor in (Fraction(99, 100), 1 - Fraction(1, 10**6), Fraction(0)):
        statement = changed(certificate.statement, ("bound",), text(bound * factor))
        assert refused(LipschitzBound, statement, certificate.proof) == (True, True)
    more = changed(certificate.statement, ("bound",), text(bound * 2))
    assert refused(LipschitzBound, more, certificate.proof) == (False, False)


@pytest.mark.parametrize("form", FORMS)
def test_every_multiplier_matters(form):
    """Moved by a tenth in one direction or the other, it is refused by both; negative, by both in any case."""
    certificate = upper(form).certificate
    tried = 0
    for k, row in enumerate(certificate.proof["multipliers"]):
        for i, entry in enumerate(row):
            value = fraction(entry, "")
            path = ("multipliers", k, i)
            found = [
                refused(LipschitzBound, certificate.statement, changed(certificate.proof, path, text(value * factor)))
                for factor in (Fraction(9, 10), Fraction(11, 10))
            ]
            # A larger or a smaller one may fit as well, not both: the layer's inequality is tight.
            assert (True, True) in found
            for wrong in (-value, -Fraction(1, 10**9)):
                mutated = changed(certificate.proof, path, text(wrong))
                assert refused(LipschitzBound, certificate.statement, mutated) == (True, True)
            tried += 4
    assert tried >= 24


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_matters(form):
    certificate = upper(form).certificate
    tried = 0
    for k, layer in enumerate(certificate.statement["layers"]):
        for name in ("preactivation", "injection", "transition", "emission", "passage"):
            # The state before the first layer is zero: its C and A are never met.
            if layer[name] is None or (k == 0 and form != "memory" and name in ("preactivation", "transition")):
                continue
            for i, row in enumerate(layer[name]):
                path = ("layers", k, name, i, 0)
                found = [
                    refused(
                        LipschitzBound,
                        changed(certificate.statement, path, text(fraction(row[0], "") + change)),
                        certificate.proof,
                    )
                    for change in (Fraction(1, 8), -Fraction(1, 8))
                ]
                assert found[0][0] or found[1][0]
                tried += 1
            everything = [[text(2 * fraction(v, "")) for v in row] for row in layer[name]]
            assert refused(
                LipschitzBound, changed(certificate.statement, ("layers", k, name), everything), certificate.proof
            )[0]
    assert tried >= 12


def test_every_entry_of_a_form_matters():
    certificate = upper("plain").certificate
    for k, triangle in enumerate(certificate.proof["forms"]):
        for i, row in enumerate(triangle):
            for j, entry in enumerate(row):
                for change in (1, -1):
                    path = ("forms", k, i, j)
                    mutated = changed(certificate.proof, path, text(fraction(entry, "") + change))
                    # The second checker reads no forms.
                    assert refused(LipschitzBound, certificate.statement, mutated) == (True, False)


def test_wider_radii_are_refused_by_both():
    certificate = upper("radii").certificate
    for k in (1, 2):
        path = ("layers", k, "preactivation_radius")
        wider = [[text(1000 * 1000 * fraction(v, "")) for v in row] for row in at(certificate.statement, path)]
        statement = changed(certificate.statement, path, wider)
        assert refused(LipschitzBound, statement, certificate.proof) == (True, True)
        nowhere = changed(certificate.statement, path, None)
        assert refused(LipschitzBound, nowhere, certificate.proof) == (False, False)


def test_neurons_joined_to_a_block_ask_for_less():
    """Firmly nonexpansive on a block is weaker than on each neuron: multipliers of its own are then refused as such."""
    certificate = upper("plain").certificate
    statement = changed(certificate.statement, ("layers", 1, "blocks"), [0, 0, 1])
    with pytest.raises(InputError, match="multipliers of layer 1"):
        LipschitzBound.read(statement, certificate.proof)


@pytest.mark.parametrize("form", ["plain", "memory"])
def test_a_witness_attains_no_more_than_it_does(form):
    certificate = lower(form).certificate
    bound = fraction(certificate.statement["bound"], "")
    more = changed(certificate.statement, ("bound",), text(bound * (1 + Fraction(1, 10**8))))
    assert refused(LipschitzWitness, more, certificate.proof) == (True, True)
    swapped = {"first": certificate.proof["second"], "second": certificate.proof["first"]}
    assert refused(LipschitzWitness, certificate.statement, swapped) == (False, False)
    near = changed(certificate.proof, ("first",), ["0", "0"])
    near = changed(near, ("second",), ["1*2^-40", "0"])
    # Both inputs are thresholded away, but for what passes by.
    statement = copy.deepcopy(certificate.statement)
    for layer in statement["layers"]:
        layer["threshold"], layer["bias"], layer["passage"] = ["9"] * 3, None, None
    statement["start"] = None
    assert refused(LipschitzWitness, statement, near) == (True, True)
    for k in range(3):
        doubled = [[text(fraction(v, "") / 8) for v in row] for row in certificate.statement["layers"][k]["injection"]]
        statement = changed(certificate.statement, ("layers", k, "injection"), doubled)
        found = refused(LipschitzWitness, statement, certificate.proof)
        assert found[0] == found[1]


def test_both_checkers_run_the_same_network():
    """Random inputs across regions, thresholds and ReLU: the least refused bound is the same to ten digits."""
    for seed in range(20):
        draw = np.random.default_rng(seed)
        system = network("memory" if seed % 2 else "plain", seed)
        first, second = 3 * draw.standard_normal((2, 2))
        witness = LowerBound(Enclosure.numerical(0.0), first, second, "random")
        if witness.replay(system) == 0:
            continue
        bound = exact_lower_bound(system, witness)
        assert bound.finding.checkers == ("FLINT", "SymPy")
        assert float(bound.value.hi) == pytest.approx(witness.replay(system), rel=1e-9)


def test_forged_bounds_are_never_accepted():
    """Constants below a witness, with the proofs of other networks, other multipliers and random forms."""
    draw = np.random.default_rng(5)
    accepted = 0
    for trial in range(150):
        form = ("plain", "memory")[trial % 2]
        attained = float(lower(form).value.lo)
        certificate = upper(form).certificate
        statement = changed(certificate.statement, ("bound",), text(Fraction(attained * draw.uniform(0.5, 0.999999))))
        proof = copy.deepcopy(certificate.proof)
        for row in proof["multipliers"]:
            row[:] = [text(Fraction(v)) for v in (10.0 ** draw.uniform(-3, 3, len(row))).tolist()]
        scale = 10.0 ** draw.uniform(-3, 3)
        proof["forms"] = [
            [[text(Fraction(v)) for v in (scale * draw.standard_normal(len(row)) + 0.0).tolist()] for row in triangle]
            for triangle in proof["forms"]
        ]
        accepted += not all(refused(LipschitzBound, statement, proof))
    assert accepted == 0


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("statement", "inputs"), True, "inputs"),
        (("statement", "inputs"), 3, "D of layer 0"),
        (("statement", "layers"), [], "layers"),
        (("statement", "layers", 0, "extra"), None, "extra"),
        (("statement", "layers", 0, "preactivation"), None, "no C"),
        (("statement", "layers", 0, "preactivation", 0), ["1"], "C of layer 0"),
        (("statement", "layers", 0, "preactivation", 0, 0), "NaN", "exact number"),
        (("statement", "layers", 0, "preactivation", 0, 0), "inf", "exact number"),
        (("statement", "layers", 0, "preactivation", 0, 0), "1/0", "exact number"),
        (("statement", "layers", 1, "preactivation"), [["1"] * 4] * 3, "reads 4 states"),
        (("statement", "layers", 0, "preactivation_radius"), [["-1"] * 3] * 3, "negative"),
        (("statement", "layers", 0, "injection_radius"), [["0"]], "radius of D"),
        (("statement", "layers", 0, "blocks"), [0, 1], "blocks"),
        (("statement", "layers", 0, "blocks"), [0, 1, 3], "skip"),
        (("statement", "layers", 0, "blocks"), [0, 1, True], "blocks"),
        (("statement", "start"), [["1", "1"]], "start"),
        (("statement", "readout"), [["1", "1"]], "readout"),
        (("statement", "bound"), "-1", "negative"),
        (("statement", "bound"), "1*2^9999", "astronomic"),
        (("statement", "extra"), "1", "extra"),
        (("proof", "multipliers", 0), ["1", "1"], "multipliers of layer 0"),
        (("proof", "multipliers", 0, 0), "0.5", "exact number"),
        (("proof", "multipliers"), {"0": 1}, "multipliers"),
        (("proof", "forms"), [], "forms"),
        (("proof", "forms", 0, 1), ["1"], "Row 1"),
        (("proof", "extra"), "1", "extra"),
    ],
)
def test_malformed_bounds_are_named(path, value, words):
    certificate = upper("plain").certificate
    record = {"statement": certificate.statement, "proof": certificate.proof}
    with pytest.raises(InputError, match=words):
        check(Certificate("Lipschitz bound", **changed(record, path, value)))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("statement", "layers", 0, "threshold", 0), "-1", "negative"),
        (("statement", "layers", 0, "threshold"), None, "does not fit"),
        (("statement", "layers", 0, "activation"), "hard threshold", "activation"),
        (("statement", "layers", 0, "activation"), "ReLU", "does not fit"),
        (("statement", "layers", 0, "bias"), ["1"], "bias"),
        (("statement", "layers", 0, "blocks"), [0, 1, 2], "blocks"),
        (("proof", "first"), ["1"], "first input"),
        (("proof", "second", 0), 1, "exact number"),
        (("proof", "first"), "same", "same"),
    ],
)
def test_malformed_witnesses_are_named(path, value, words):
    certificate = lower("plain").certificate
    record = {"statement": certificate.statement, "proof": certificate.proof}
    value = certificate.proof["second"] if value == "same" else value
    with pytest.raises(InputError, match=words):
        check(Certificate("Lipschitz witness", **changed(record, path, value)))


def test_a_file_with_any_layer_changed_is_refused(tmp_path):
    bound = upper("plain").certificate
    bound.save(tmp_path / "bound.json")
    content = (tmp_path / "bound.json").read_text()
    entry = bound.statement["layers"][1]["preactivation"][0][0]
    (tmp_path / "bound.json").write_text(content.replace(entry, "1", 1))
    with pytest.raises(InputError, match="digest"):
        Certificate.load(tmp_path / "bound.json")


def test_producers_say_what_they_lack():
    radii, plain = network("radii"), network("plain")
    with pytest.raises(MissingStructure, match="exact"):
        exact_lower_bound(radii, witness_at(radii, np.ones(2), np.ones(2)))
    box = System.of_matrices([np.eye(2)], [np.eye(2)], [BoxProjection(-np.ones(2), np.ones(2))])
    with pytest.raises(MissingStructure, match="rational arithmetic"):
        exact_lower_bound(box, witness_at(box, np.zeros(2), np.ones(2)))
    with pytest.raises(InputError, match="prove no bound"):
        exact_upper_bound(plain, tuple(0.1 * part for part in multipliers(plain)))
    too_high = LowerBound(Enclosure.exact(100.0), np.zeros(2), np.ones(2), "wrong")
    with pytest.raises(InputError, match="does not attain"):
        exact_lower_bound(plain, too_high)
    start = System(plain.layers, 2, start=Enclosure.certified(np.zeros((3, 2)), np.ones((3, 2))))
    with pytest.raises(MissingStructure, match="the start"):
        exact_upper_bound(start, multipliers(start))


def test_rounded_factors_see_what_elimination_sees():
    """The second checker's comparison with a rounded factor, on small matrices that elimination decides."""
    decided = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        n = 2 + seed % 5
        matrix = draw.integers(-9, 10, (n, n + seed % 2))
        form = matrix @ matrix.T + (seed % 3 - 1) * np.eye(n, dtype=int)
        rows = [[rational(Fraction(int(v))) for v in row] for row in form]
        seen = independent._dominates([[independent._q(Fraction(int(v))) for v in row] for row in form])
        definite = is_positive_semidefinite(rows)[0]
        assert definite or not seen
        decided += seen and definite
    assert decided > 80
