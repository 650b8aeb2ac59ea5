"""The verifier on claims whose truth is known: every status, every scope, and what keeps it from being fooled."""

from types import SimpleNamespace

import numpy as np
import pytest

from unfold_theory.claim import CLAIMS, Setting, Status, claim, find_claims, hypothesis, verify
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.errors import InputError, MissingStructure

MEASURED = np.array([[4.0, 8.0], [2.0, 4.0], [1.0, 2.0]])  # (depth, sample)


class Known(Setting):
    """A setting whose measurements are given."""

    def __init__(self, measured=MEASURED, name="known"):
        self.measured = np.asarray(measured, dtype=float)
        self.network = SimpleNamespace(name="toy", title="Toy")
        self.name = name
        self._memory = {}

    @property
    def shape(self):
        return self.measured.shape

    def subset(self, indices):
        return Known(self.measured[:, list(indices)], self.name)

    def recipe(self):
        return {"problem": {}, "batch": {"seed": 0}, "lam": None}


@pytest.fixture(autouse=True)
def _clean_registry():
    before = dict(CLAIMS)
    yield
    CLAIMS.clear()
    CLAIMS.update(before)


def make(bound, hypotheses=(), trivial=None, **options):
    def rate(s: Setting) -> Inequality:
        r"""$m_k\le b_k$."""
        return Enclosure.exact(s.measured) <= bound

    return claim(source="toy", theorem="1", hypotheses=list(hypotheses), trivial=trivial, **options)(rate)


def assume(lhs, rhs, scope="all"):
    def assumption(s: Setting) -> Inequality:
        """An assumption."""
        return Enclosure.of(lhs) <= rhs

    return hypothesis(scope=scope)(assumption)


def rising(depths=3):
    return Enclosure.exact(np.array([8.0, 4.0, 2.0])[:depths, None])


def test_holds_only_if_certain_everywhere():
    verdict = verify(make(rising()), Known())
    assert verdict.status is Status.HOLDS
    assert verdict.tightness == 1.0
    overlapping = Enclosure(np.array([[7.0], [4.0], [2.0]]), np.array([[9.0], [4.0], [2.0]]))
    assert verify(make(overlapping), Known()).status is Status.INCONCLUSIVE


def test_violation_keeps_the_worst_cell_and_replays():
    bound = Enclosure.exact(np.array([[8.0], [3.0], [2.0]]))
    verdict = verify(make(bound), Known())
    assert verdict.status is Status.VIOLATED
    assert (verdict.witness.depth, verdict.witness.sample) == (2, 1)
    again = verdict.witness.replay()
    assert again.refuted.all()
    assert again.lhs.lo.item() == verdict.witness.lhs.lo.item() == 4.0


@pytest.mark.parametrize("factor", [0.99, 0.5])
def test_false_variants_of_a_tight_bound_are_violated(factor):
    tight = make(rising())
    assert verify(tight, Known()).status is Status.HOLDS
    assert verify(tight.scaled(factor), Known()).status is Status.VIOLATED


def test_vacuous_is_not_holds():
    assert verify(make(rising(), trivial=lambda s: Enclosure.exact(2.0)), Known()).status is Status.VACUOUS
    informative = verify(make(rising(), trivial=lambda s: Enclosure.exact(3.0)), Known())
    assert informative.status is Status.HOLDS
    assert "from depth 3" in informative.reason


def test_lower_bounds_are_vacuous_on_the_other_side():
    def floor(s: Setting) -> Inequality:
        r"""$b\le m_k$."""
        return Enclosure.exact(0.5) <= Enclosure.exact(s.measured)

    def build(trivial):
        return claim(source="toy", theorem="2", trivial=lambda s: Enclosure.exact(trivial), bound="lower")(floor)

    assert verify(build(0.0), Known()).status is Status.HOLDS
    assert verify(build(0.5), Known()).status is Status.VACUOUS
    assert verify(build(0.0).scaled(0.1), Known()).status is Status.VIOLATED


def test_refuted_hypothesis_is_not_applicable_with_what_was_observed():
    verdict = verify(make(rising(), [assume(2.0, 1.0)]), Known())
    assert verdict.status is Status.NOT_APPLICABLE
    assert verdict.observed == 1.0
    assert "refuted (2 <= 1" in verdict.reason
    # A violated conclusion under a refuted hypothesis is no violation either.
    assert verify(make(rising() * 0.5, [assume(2.0, 1.0)]), Known()).status is Status.NOT_APPLICABLE


def test_undecided_hypothesis_is_inconclusive():
    open_question = Enclosure(np.asarray(0.0), np.asarray(2.0))
    assert verify(make(rising(), [assume(open_question, 1.0)]), Known()).status is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("scope", "entries", "expected"),
    [
        ("all", [0.0, 0.0, 2.0], np.zeros((3, 2), bool)),
        ("prefix", [0.0, 2.0, 0.0], np.array([[True, True], [False, False], [False, False]])),
        ("sample", [[0.0, 2.0]], np.array([[True, False]] * 3)),
        ("cell", [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]], np.array([[True, True], [False, True], [True, True]])),
        ("prefix", [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]], np.array([[True, True], [False, True], [False, True]])),
        ("sample", [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]], np.array([[False, True]] * 3)),
    ],
)
def test_scopes_decide_which_cells_apply(scope, entries, expected):
    verdict = verify(make(rising(), [assume(Enclosure.exact(np.array(entries)), 1.0, scope)]), Known())
    assert np.array_equal(verdict.applicable, expected)


def test_violations_say_how_many_and_how_far():
    verdict = verify(make(rising() * 0.75), Known())
    assert verdict.reason.startswith("refuted in 3 cells, worst: ")
    assert repr(verdict.witness).startswith("Witness(toy.rate on known, depth ")
    assert repr(verdict.claim) == "Claim(toy.rate, 1, 0 hypotheses, conjecture)"


def test_violation_outside_the_applicable_cells_is_not_one():
    bound = Enclosure.exact(np.array([[8.0], [4.0], [1.0]]))  # refuted at depth 3
    prefix = assume(Enclosure.exact(np.array([0.0, 0.0, 2.0])), 1.0, "prefix")
    verdict = verify(make(bound, [prefix]), Known())
    assert verdict.status is Status.HOLDS
    assert verdict.coverage == pytest.approx(2 / 3)
    assert verify(make(bound), Known()).status is Status.VIOLATED


def test_masked_cells_are_neither_witness_nor_tightness():
    bound = Enclosure(np.array([[8.0], [-np.inf], [2.0]]), np.array([[8.0], [np.inf], [2.0]]))
    masked = assume(Enclosure.exact(np.array([[0.0], [2.0], [2.0]])), 1.0, "cell")
    verdict = verify(make(bound, [masked]), Known())
    assert verdict.status is Status.HOLDS
    assert verdict.witness.depth == 1
    assert verdict.tightness == 1.0


@pytest.mark.parametrize(
    ("shape", "scope"), [((2,), "prefix"), ((3,), "sample"), ((2, 3), "cell"), ((3, 2, 1), "all"), ((2,), "all")]
)
def test_shapes_that_are_no_cells_are_refused(shape, scope):
    with pytest.raises(InputError, match=r"assumption has shape .* on 3 layers and 2 samples"):
        verify(make(rising(), [assume(Enclosure.exact(np.zeros(shape)), 1.0, scope)]), Known())


@pytest.mark.parametrize("shape", [(), (3,), (3, 1), (1, 2), (3, 2), (1, 1)])
def test_every_shape_of_cells_is_read(shape):
    hypothesis_of_shape = assume(Enclosure.exact(np.zeros(shape)), 1.0, "prefix")
    assert verify(make(rising(), [hypothesis_of_shape]), Known()).coverage == 1.0


def test_sides_that_do_not_broadcast_are_named():
    with pytest.raises(InputError, match=r"sides of toy.rate have shapes \(3, 2\) and \(3,\)"):
        verify(make(Enclosure.exact(np.full(3, 8.0))), Known())


def test_square_batches_are_read_along_the_right_axis():
    """With as many samples as layers a vector has two readings: scope decides."""
    square = Known(np.array([[4.0, 4.0], [2.0, 2.0]]))
    vector = Enclosure.exact(np.array([0.0, 2.0]))
    bound = Enclosure.exact(8.0)
    by_sample = verify(make(bound, [assume(vector, 1.0, "sample")]), square)
    by_layer = verify(make(bound, [assume(vector, 1.0, "prefix")]), square)
    assert np.array_equal(by_sample.applicable, [[True, False], [True, False]])
    assert np.array_equal(by_layer.applicable, [[True, True], [False, False]])
    assert "for sample 1" in verify(make(bound, [assume(vector * 2 + 2.0, 1.0, "sample")]), square).reason


def test_missing_structure_is_not_applicable_with_its_reason():
    def needs(s: Setting) -> Inequality:
        """Something."""
        raise MissingStructure("Toy", "this theorem", "momentum")

    verdict = verify(claim(source="toy", theorem="3")(needs), Known())
    assert verdict.status is Status.NOT_APPLICABLE
    assert verdict.reason == "Toy cannot be used with this theorem: it lacks momentum"
    assert verdict.conclusion is None
    assert "NOT APPLICABLE" in verdict.explain()


def test_basis_and_proof_are_the_weakest_found():
    lhs = Enclosure.numerical(MEASURED)

    def rate(s: Setting) -> Inequality:
        """A rate."""
        return lhs <= rising() + 1.0

    assert verify(claim(source="toy", theorem="4")(rate), Known()).basis == Basis.NUMERICAL.label
    # A source that can be looked up is cited; one that cannot is no proof.
    assert make(rising(), bibtex="@misc{toy, title={T}, author={A. B}, year={2026}}").proof_status == "cited"
    assert make(rising()).proof_status == "conjecture"
    assert make(rising(), proof="x.py").proof_status == "checked"
    assert make(rising(), proof="x.py", conjecture=True).proof_status == "conjecture"


def test_sampled_supremum_can_refute_but_never_hold():
    def seen(s: Setting) -> Inequality:
        """A supremum."""
        return Enclosure.sampled_supremum(s.measured) <= rising()

    decided = claim(source="toy", theorem="5")(seen)
    assert verify(decided, Known()).status is Status.INCONCLUSIVE
    assert verify(decided.scaled(0.5), Known()).status is Status.VIOLATED


def test_bad_declarations_are_refused():
    def silent(s):
        return None

    with pytest.raises(InputError, match="has no docstring"):
        hypothesis(silent)
    with pytest.raises(InputError, match="not decorated"):
        claim(source="toy", theorem="1", hypotheses=[silent])
    with pytest.raises(InputError, match="scope 'layer' is unknown"):
        hypothesis(scope="layer")
    with pytest.raises(InputError, match="No claim is called 'nothing'"):
        find_claims(["nothing"])
    with pytest.raises(InputError, match="no hypothesis"):
        make(rising()).without("assumption")

    def number(s: Setting):
        """A number."""
        return 3.0

    with pytest.raises(InputError, match="returned float, not an inequality"):
        verify(claim(source="toy", theorem="6")(number), Known())
