"""Codes: masses that sum to one, exact lengths, words that are networks."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.generalization.codes import NetworkCode, Word
from unfold_theory.generalization.integer_codes import LONG, SHORT, IntegerCode, best_code
from unfold_theory.generalization.priors import Centre
from unfold_theory.networks import build
from unfold_theory.problems import KSparse, SparseRecovery

PROBLEM = SparseRecovery.gaussian(6, 9, law=KSparse(2), snr_db=40.0)


def code_of(network="alista", depth=3, **options):
    return NetworkCode(Centre.initial(network, PROBLEM, depth, **options))


def perturbed(code, size=0.3, seed=0):
    network = code.network(code.quantise(code.centre.network, dict.fromkeys(names(code), 4)))
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in filter(lambda p: p.requires_grad, network.parameters()):
            parameter += size * torch.tensor(rng.standard_normal(tuple(parameter.shape)))
    return network


def names(code):
    return [group.name for group in code.coordinates.groups]


@pytest.mark.parametrize("law", [*SHORT, *LONG], ids=str)
def test_masses_sum_to_one_exactly(law):
    total = law.mass(0) + 2 * sum(law.mass(j) for j in range(1, 40))
    assert total + law.beyond(39) == 1
    assert law.beyond(39) - law.beyond(40) == law.mass(40) + law.mass(-40)


def test_a_mass_that_is_too_generous_is_caught():
    class Wrong(IntegerCode):
        def mass(self, integer):  # 1/j^2 instead of 1/(j(j+1))
            return Fraction(self.nonzero, 2 * integer**2) if integer else 1 - self.nonzero

    law = Wrong(Fraction(1, 2))
    assert law.mass(0) + 2 * sum(law.mass(j) for j in range(1, 40)) > 1


@pytest.mark.parametrize("law", [SHORT[0], SHORT[3], LONG[-1], LONG[5]], ids=str)
def test_nats_enclose_the_exact_length(law):
    integers = np.array([0, 3, -1, 0, 12, -700, 1, 0])
    with mpmath.workdps(40):
        exact = -sum(mpmath.log(mpmath.mpf(p.numerator) / p.denominator) for p in map(law.mass, integers.tolist()))
        found = law.nats(integers)
        assert mpmath.mpf(float(found.lo)) <= exact <= mpmath.mpf(float(found.hi))
    assert found.width < 1e-10


def test_the_best_law_is_the_shortest():
    rng = np.random.default_rng(3)
    for scale in (0.1, 1.0, 30.0):
        integers = np.round(rng.laplace(size=500, scale=scale)).astype(int)
        index, spent = best_code(LONG, integers)
        assert float(spent.hi) <= min(float(law.nats(integers).lo) for law in LONG) + 1e-9
        assert LONG[index].nats(integers).hi == spent.hi


def test_kraft_sum_over_all_words_of_a_small_network():
    """Two groups of one integer: each one's choices have total mass 1 in the limit, and lengths of groups add up."""
    code = NetworkCode(Centre.initial("alista", PROBLEM, 1), exponents=(1, 2))
    groups = names(code)
    assert [g.size for g in code.coordinates.groups] == [1, 1]

    def nats(*chosen):
        return float(code.nats(_raw(groups, chosen)).lo[-1])

    absent = (None, 0)
    rest = nats(absent, absent) / 2
    for place in (0, 1):
        sums = []
        for J in (1, 9):
            options = [absent] + [(law, z) for law in range(len(SHORT)) for z in range(-J, J + 1)]
            pairs = [(o, absent) if place == 0 else (absent, o) for o in options]
            # Both steps have the same mass.
            ways = [1 if law is None else len(code.exponents) for law, _ in options]
            sums.append(sum(w * np.exp(rest - nats(*pair)) for w, pair in zip(ways, pairs, strict=True)))
        assert sums[0] < sums[1] < 1
        assert sums[1] > 0.97
    for first, second in [((3, 2), (0, -5)), ((7, 0), (1, 1))]:
        assert nats(first, second) + 2 * rest == pytest.approx(nats(first, absent) + nats(absent, second))


def _raw(groups, chosen):
    named = list(zip(groups, chosen, strict=True))
    return Word(
        exponents={name: 1 for name, _ in named},
        laws={name: law for name, (law, _) in named},
        integers={name: np.array([z]) for name, (_, z) in named},
    )


@pytest.mark.parametrize(
    "network", ["alista", "lista-cp", "lista-cpss", "lista", "tilista", "glista", "lista-momentum"]
)
def test_coordinates_are_the_network(network):
    code = code_of(network)
    trained = perturbed(code)
    again = code.coordinates.network(code.coordinates.encode(trained))
    for (name, a), (_, b) in zip(trained.named_parameters(), again.named_parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("network", ["alista", "lista-cpss", "lista"])
def test_quantisation_errors_do_not_add_up(network):
    options = {"tied": False} if network == "lista-cpss" else {}
    code = code_of(network, depth=6, **options)
    trained = perturbed(code)
    word = code.quantise(trained, dict.fromkeys(names(code), 6))
    for a, b in zip(trained.parameters(), code.network(word).parameters(), strict=True):
        assert (a - b).abs().max() <= 0.5 / 64 + 1e-12


def test_a_word_is_one_network_and_its_length_grows_with_depth():
    code = code_of("lista-cpss", tied=False)
    word = code.quantise(perturbed(code), dict.fromkeys(names(code), 5))
    once, twice = code.network(word), code.network(word)
    for a, b in zip(once.parameters(), twice.parameters(), strict=True):
        assert torch.equal(a, b)
    nats = code.nats(word)
    assert (np.diff(nats.lo) > 0).all()
    assert code.full_nats(word) == nats.hi[-1]


def test_the_first_layers_are_named_without_the_later_ones():
    code = code_of("alista", depth=4)
    word = code.quantise(perturbed(code), dict.fromkeys(names(code), 5))
    integers = {name: np.concatenate([z[:2], z[2:] + 7]) for name, z in word.integers.items()}
    other = type(word)(word.exponents, word.laws, integers)
    assert code.nats(other).hi[1] == code.nats(word).hi[1]
    assert code.nats(other).lo[3] > code.nats(word).hi[3]
    y = torch.tensor(PROBLEM.sample(5, seed=0).y)
    assert torch.equal(code.network(word)(y, 2), code.network(other)(y, 2))


def test_absent_groups_cost_one_bit_each():
    code = code_of("lista-cpss", tied=False)
    word = code.quantise(code.centre.network, dict.fromkeys(names(code), 5))
    assert set(word.laws.values()) == {None}
    assert code.full_nats(word) == pytest.approx(len(names(code)) * math.log(2), rel=1e-12)
    integers = dict(word.integers)
    integers["thresholds"] = np.ones(3, dtype=int)
    with pytest.raises(InputError, match="absent group thresholds"):
        code.nats(type(word)(word.exponents, word.laws, integers))


def test_bad_input():
    code = code_of("alista")
    steps = dict.fromkeys(names(code), 5)
    with pytest.raises(InputError, match="ALISTA of 3 layers, not for this LISTA-CP"):
        code.quantise(build("lista-cp", PROBLEM, 3), steps)
    with pytest.raises(InputError, match="exponents"):
        code.quantise(code.centre.network, dict.fromkeys(names(code), 99))
    with pytest.raises(InputError, match="exponents"):
        NetworkCode(code.centre, exponents=())
    with pytest.raises(InputError, match="2 integers for the 3"):
        code.word(steps, {name: np.zeros(2, dtype=int) for name in names(code)})
    with pytest.raises(InputError, match="fractions"):
        IntegerCode(Fraction(3, 2))
    with pytest.raises(InputError, match="no trainable"):
        NetworkCode(Centre.initial("ista", PROBLEM, 2))


def test_a_prior_remembers_what_it_has_seen():
    sample = PROBLEM.sample(20, seed=1)
    network = build("alista", PROBLEM, 2)
    fitted = Centre.fitted(network, sample.subset(range(10)))
    fitted.check_unseen(sample.subset(range(10, 20)))
    with pytest.raises(InputError, match="has seen 3 of the 13 signals"):
        fitted.check_unseen(sample.subset(range(7, 20)))
    with pytest.raises(InputError, match="without the signals"):
        Centre.fitted(network)
