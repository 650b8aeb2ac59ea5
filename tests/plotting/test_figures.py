import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import TINY
from unfold_theory.claim.sources import bibliography
from unfold_theory.errors import InputError
from unfold_theory.plotting import FIGURES, STUDY_FIGURES, find_figure
from unfold_theory.suite import run_studies

SCRIPTS = Path(__file__).parents[2] / "figures"


def test_every_figure_has_a_script_of_its_name():
    assert {path.stem for path in SCRIPTS.glob("plot_*.py")} == {f"plot_{name}" for name in (*FIGURES, *STUDY_FIGURES)}


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_is_written_with_all_that_belongs_to_it(name, tiny_subjects, tmp_path):
    paths = FIGURES[name].render(tiny_subjects, tmp_path, style="ieee")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)
    assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / f"{name}.json").read_text())
    assert set(record["sources"]) <= set(bibliography().entries)
    assert record["style"] == "ieee"
    assert not re.search(r"%\(", record["caption"])
    assert record["caption"].count("$") % 2 == 0
    assert {"torch", "matplotlib"} <= set(record["versions"])
    entries = record["settings"]["entries"]
    assert all(entry["seed"] == 2026 for entry in entries)
    data = pd.read_csv(tmp_path / f"{name}.csv")
    assert set(data["series"]) == {entry["name"] for entry in entries}
    assert len(data) > len(entries)
    numbers = data.select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()[~numbers.isna().to_numpy()]).all()


@pytest.mark.parametrize("name", list(STUDY_FIGURES))
def test_a_figure_of_a_study_is_written_with_all_that_belongs_to_it(name, tiny_store, tmp_path):
    made = STUDY_FIGURES[name]
    table = run_studies([made.study], "tiny", tiny_store, jobs=1)[made.study.name]
    paths = made.render(table, tmp_path, style="ieee")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / f"{name}.json").read_text())
    assert record["sources"]
    assert set(record["sources"]) <= set(bibliography().entries)
    assert not re.search(r"%\(", record["caption"])
    assert record["caption"].count("$") % 2 == 0
    assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 0
    with pytest.raises(InputError, match="empty table"):
        made.render(table.iloc[:0], tmp_path)


def test_the_same_numbers_give_the_same_files(tiny_subjects, tmp_path):
    for folder in ("one", "two"):
        FIGURES["chen2018_depth"].render(tiny_subjects, tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_bounds_are_above_what_is_measured(tiny_subjects, tmp_path):
    FIGURES["liu2019_bound"].render(tiny_subjects, tmp_path)
    data = pd.read_csv(tmp_path / "liu2019_bound.csv").set_index(["series", "depth"])
    measured = data[data["quantity"] == "||x^k - x*||_2"]["largest"]
    bound = data[data["quantity"].str.startswith("bound")]["largest"]
    assert len(measured) == len(bound) == 5 * TINY.depth
    assert (measured <= bound.reindex(measured.index)).all()


def test_coupling_shows_every_layer_that_could_be_uncoupled(tiny_subjects, tmp_path):
    FIGURES["chen2018_coupling"].render(tiny_subjects, tmp_path)
    data = pd.read_csv(tmp_path / "chen2018_coupling.csv")
    mismatch = data[data["quantity"].str.startswith("||W2")].groupby("series")["depth"].apply(list)
    every = list(range(2, TINY.depth + 1))
    assert mismatch.to_dict() == {"LISTA (tied), standard": every, "LISTA, standard": every}
    assert (data[data["quantity"] == "threshold"]["smallest"] <= data[data["quantity"] == "threshold"]["largest"]).all()


def test_unknown_figures_and_missing_settings_are_named(tiny_subjects, tmp_path):
    with pytest.raises(InputError, match=r"nothing.*chen2018_depth"):
        find_figure("nothing")
    lista = [s for s in tiny_subjects if s.entry.network == "lista"]
    with pytest.raises(InputError, match="beck2009_gap"):
        FIGURES["beck2009_gap"].render(lista, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        FIGURES["chen2018_coupling"].render(lista, tmp_path / "file")
