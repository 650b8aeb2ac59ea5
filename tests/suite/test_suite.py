import json
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import TINY
from unfold_theory.claim import Status
from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS
from unfold_theory.problems import SparseRecovery
from unfold_theory.store import Store
from unfold_theory.suite import SCALES, Watch, entries_for, literature, prepare, registered_verdicts, suite, verdicts
from unfold_theory.suite.records import VerdictRecord
from unfold_theory.suite.watch import run_pieces
from unfold_theory.suite.weights import minimax, minimax_path
from unfold_theory.training import write_atomically


@pytest.mark.parametrize("scale", list(SCALES))
def test_entries_are_unique_complete_and_json_able(scale):
    entries = suite(scale)
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)
    assert {e.network for e in entries if e.regime == "standard"} == set(NETWORKS)
    assert {e.origin for e in entries} == {"trained", "classical", "theory"}
    for entry in entries:
        assert SparseRecovery.from_recipe(json.loads(json.dumps(entry.recipe()))["problem"]).shape == (
            SCALES[scale].m,
            SCALES[scale].n,
        )
        assert (entry.training is not None) == (entry.origin == "trained")


def test_unknown_names_are_named():
    with pytest.raises(InputError, match=r"huge.*quick"):
        suite("huge")
    with pytest.raises(InputError, match=r"nothing.*alista.*\.py"):
        entries_for("nothing")


def test_networks_are_trained_once(tmp_path):
    store = Store(tmp_path)
    entries = [e for e in suite(TINY) if e.network == "alista" and e.regime.startswith("s")]
    counts = []
    for _ in range(2):
        done = []
        subjects = prepare(entries, store, jobs=1, watch=Watch(on_done=done.append))
        counts.append(len(done))
    # Four entries of ALISTA, of which one is built by theory from a cached weight.
    assert counts == [len(entries), 0]
    assert {s.entry.name for s in subjects} == {e.name for e in entries}
    trained = [s for s in subjects if s.entry.origin == "trained"]
    assert all(len(s.manifest["metrics"]["nmse_db"]) == TINY.depth + 1 for s in trained)


def test_entries_of_one_problem_share_problem_and_batch(tiny_subjects):
    standard = [s.setting for s in tiny_subjects if s.entry.regime == "standard"]
    assert len({id(s.problem) for s in standard}) == 1
    assert len({id(s.batch) for s in standard}) == 1


def test_theorems_hold_and_say_something_where_theory_built_the_network(tiny_verdicts):
    found = {(v.claim, v.setting): v.status for v in tiny_verdicts}
    for claim, setting in [
        ("chen2018.linear_rate", "LISTA-CP of theory, sparse"),
        ("chen2018.linear_rate", "LISTA-CP of theory, sparse, noisy"),
        ("chen2018.support_selection", "LISTA-CPSS of theory, sparse"),
        ("liu2019.linear_rate", "ALISTA of theory, sparse"),
        ("unfoldtheory2026.class_certificate", "ALISTA of theory, sparse"),
        ("beck2009.ista_rate", "ISTA, long"),
        ("beck2009.fista_rate", "FISTA, long"),
    ]:
        assert found[claim, setting] is Status.HOLDS, (claim, setting)
    assert Status.VIOLATED not in found.values()


def test_every_claim_meets_every_setting(tiny_subjects, tiny_verdicts):
    assert len(tiny_verdicts) == len(tiny_subjects) * len(literature())
    assert {v.claim for v in tiny_verdicts} == set(literature())


def test_verdicts_survive_json(tiny_verdicts):
    for record in tiny_verdicts:
        assert VerdictRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_verdicts_are_kept_until_code_changes(tmp_path, monkeypatch):
    store, entry = Store(tmp_path), next(e for e in suite(TINY) if e.name == "FISTA, standard")
    done = []
    kept = registered_verdicts([entry], store, jobs=1, watch=Watch(on_done=done.append))
    assert registered_verdicts([entry], store, jobs=1, watch=Watch(on_done=done.append)) == kept
    assert len(done) == 1
    monkeypatch.setattr(verdicts, "code_sha256", lambda: "another version")
    again = registered_verdicts([entry], store, jobs=1, watch=Watch(on_done=done.append))
    assert len(done) == 2
    assert [v.status for v in again] == [v.status for v in kept]


def test_another_seed_is_another_verdict(tmp_path):
    store, entry = Store(tmp_path), next(e for e in suite(TINY) if e.name == "FISTA, standard")
    done = []
    for seed in (7, 8, 7):
        registered_verdicts([replace(entry, seed=seed)], store, jobs=1, watch=Watch(on_done=done.append))
    assert len(done) == 2


def test_a_damaged_weight_is_computed_anew(tmp_path):
    problem = SparseRecovery.gaussian(6, 10)
    store = Store(tmp_path)
    first = minimax(problem, store)
    path = minimax_path(problem, store)
    write_atomically(path, path.read_bytes()[:50])
    with pytest.warns(UserWarning, match="damaged"):
        again = minimax(problem, store)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(minimax(problem, store), first)


def double(board, place, value):
    board.post(place, 0.5)
    return f"piece {value}", 0.0, 2 * value


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_back_in_order(jobs):
    started, done, fractions = [], [], []
    watch = Watch(started.append, done.append, fractions.append)
    assert run_pieces(double, [(i,) for i in range(5)], jobs, watch) == [0, 2, 4, 6, 8]
    assert started == [5]
    assert sorted(piece.title for piece in done) == [f"piece {i}" for i in range(5)]
    assert [piece.number for piece in done] == [1, 2, 3, 4, 5]
    assert all(0 <= fraction <= 1 for fraction in fractions)


def refuse(board, place, value):
    raise InputError(f"Piece {value} is wrong", "Mend it")


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_of_workers_arrive_whole(jobs):
    with pytest.raises(InputError, match="is wrong") as caught:
        run_pieces(refuse, [(1,), (2,)], jobs, Watch())
    assert caught.value.remedy == "Mend it"


def test_nothing_to_do_starts_nothing():
    started = []
    assert run_pieces(double, [], 2, Watch(started.append)) == []
    assert not started
