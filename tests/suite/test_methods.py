"""Methods of the suite: every claim on methods holds somewhere, most attained, and reports show them."""

import json

import pytest

from unfold_theory.claim import CLAIMS, Status, verify
from unfold_theory.claims import drori2014, rotaru2024
from unfold_theory.report import write_report
from unfold_theory.suite import MethodSubject, literature, method_entries, registered_verdicts

ON_METHODS = [
    "abbaszadehpeivasti2022.gradient_norm",
    "drori2014.gradient_descent",
    "nesterov2018.gradient_descent",
    "rotaru2024.gradient_norm",
    "sambharya2025.learned_rate",
    "taylor2018.contraction",
    "teboulle2023.proximal_gradient",
]


@pytest.fixture(scope="module")
def settings():
    return {entry.name: entry.setting() for entry in method_entries()}


@pytest.mark.parametrize("name", ON_METHODS)
def test_claims_on_methods_hold_somewhere_and_are_nowhere_violated(name, settings):
    found = {where: verify(CLAIMS[name], setting) for where, setting in settings.items()}
    assert Status.HOLDS in {v.status for v in found.values()}
    assert not {v.status for v in found.values()} & {Status.VIOLATED, Status.INCONCLUSIVE}
    held = [v.tightness for v in found.values() if v.status is Status.HOLDS]
    # Nesterov's bound is loose by design; the others are attained.
    assert max(held) > (0.2 if name.startswith("nesterov") else 0.999)


def test_hypotheses_end_where_they_should(settings):
    assert verify(drori2014.gradient_descent, settings["gradient descent, silver steps"]).coverage < 1
    convex = verify(rotaru2024.gradient_norm, settings["gradient descent, steps up to 1/L"])
    assert convex.status is Status.HOLDS


def test_recipes_are_json_and_one_of_a_kind(settings):
    entries = method_entries()
    assert len({e.name for e in entries}) == len({e.fingerprint for e in entries}) == len(entries)
    for entry in entries:
        json.dumps(entry.recipe())
        assert entry.depth == 7


def test_they_are_verified_in_workers_and_reported(tiny_store, tmp_path):
    entries = method_entries()[:2]
    records = registered_verdicts(entries, tiny_store, jobs=2)
    assert len(records) == 2 * len(literature())
    assert [r.to_json() for r in registered_verdicts(entries, tiny_store, jobs=1)] == [r.to_json() for r in records]
    subjects = [MethodSubject(entry, entry.setting()) for entry in entries]
    claims = [CLAIMS[name] for name in literature()]
    for format, page in (("html", "index.html"), ("latex", "report.tex")):
        write_report(claims, subjects, records, tmp_path / format, scale="tiny", format=format)
        text = (tmp_path / format / page).read_text()
        assert "gradient descent, steps up to" in text
    assert "4 functions, curvature in [0, 1]" in (tmp_path / "html" / "index.html").read_text()
