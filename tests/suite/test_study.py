import math

import pytest

from unfold_theory.errors import InputError
from unfold_theory.store import Store
from unfold_theory.studies import __doc__ as described
from unfold_theory.suite import STUDIES, find_study, run_studies
from unfold_theory.suite.study import GRIDS

OWN = """
from pathlib import Path
from unfold_theory.suite import study

@study(cells=lambda scale: [{"m": m, "seed": 0} for m in range({"tiny": 3, "quick": 5, "paper": 9}[scale])])
def squares(cell, store):
    'Squares.'
    if cell["m"] in (BROKEN):
        raise KeyboardInterrupt
    with open(store.root / "log", "a") as log:
        log.write(f"{cell['m']} ")
    return [{"power": 2.0, "value": cell["m"] ** 2}, {"power": float("nan"), "value": float("inf")}]
"""


@pytest.fixture
def own(tmp_path):
    def write(broken="()"):
        (tmp_path / "own.py").write_text(OWN.replace("(BROKEN)", broken))
        return find_study(str(tmp_path / "own.py"))

    yield write
    STUDIES.pop("squares", None)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "cache").mkdir()
    return Store(tmp_path / "cache")


def test_a_table_has_the_cells_beside_their_rows(own, store):
    table = run_studies([own()], "tiny", store, jobs=1)["squares"]
    assert list(table.columns) == ["m", "seed", "power", "value"]
    assert table["m"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["value"].tolist() == [0, math.inf, 1, math.inf, 4, math.inf]
    assert table["power"].isna().tolist() == [False, True] * 3


def test_worker_processes_find_a_study_of_a_file(own, store):
    made = own()
    parallel = run_studies([made], "quick", store, jobs=2)["squares"]
    assert parallel.equals(run_studies([made], "quick", store, jobs=1)["squares"])
    assert sorted((store.root / "log").read_text().split()) == list("01234")


def test_a_killed_run_resumes_and_computes_nothing_twice(own, store):
    with pytest.raises(KeyboardInterrupt):
        run_studies([own("(3,)")], "quick", store, jobs=1)
    assert (store.root / "log").read_text().split() == ["0", "1", "2"]
    # The same file again: another one would be another study.
    made = own("(3,)")
    with pytest.raises(KeyboardInterrupt):
        run_studies([made], "quick", store, jobs=1)
    assert (store.root / "log").read_text().split() == ["0", "1", "2"]
    assert len(run_studies([own()], "quick", store, jobs=1)["squares"]) == 10
    assert (store.root / "log").read_text().split()[3:] == list("01234")


def test_shards_share_a_grid(own, store):
    made = own()
    parts = [run_studies([made], "paper", store, jobs=1, shard=(i, 4))["squares"] for i in range(1, 5)]
    assert [sorted(set(part["m"])) for part in parts] == [[0, 4, 8], [1, 5], [2, 6], [3, 7]]
    assert (store.root / "log").read_text().split() == list("048152637")
    run_studies([made], "paper", store, jobs=1)
    assert len((store.root / "log").read_text().split()) == 9


def test_bad_requests_are_named(own, store, tmp_path):
    made = own()
    with pytest.raises(InputError, match="no scale 'huge'"):
        run_studies([made], "huge", store)
    with pytest.raises(InputError, match="no shard 5/4"):
        run_studies([made], "tiny", store, shard=(5, 4))
    with pytest.raises(InputError, match="no study 'nothing'"):
        find_study("nothing")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(InputError, match="defines 0 studies"):
        find_study(str(tmp_path / "empty.py"))


def test_damaged_cells_are_measured_anew(own, store):
    made = own()
    run_studies([made], "tiny", store, jobs=1)
    for path in (store.root / "studies" / "squares").iterdir():
        path.write_text("{")
    run_studies([made], "tiny", store, jobs=1)
    assert (store.root / "log").read_text().split() == list("012012")


def test_registered_studies_have_cells_at_every_scale():
    assert described
    for made in STUDIES.values():
        for scale in GRIDS:
            cells = list(made.cells(scale))
            assert cells, (made.name, scale)
            assert len({tuple(sorted(cell.items())) for cell in cells}) == len(cells), (made.name, scale)
