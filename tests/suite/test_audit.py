"""Audit of a folder of trained networks: a made-up release with damaged entries, and the published one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.claims.settings import HADAMARD
from unfold_theory.cli import app
from unfold_theory.errors import InputError
from unfold_theory.networks.released import load_released
from unfold_theory.report.audit import Audit
from unfold_theory.store import Store
from unfold_theory.studies import behrens2021_audit as audits
from unfold_theory.suite import Watch, run_studies
from unfold_theory.suite.audit import TOLERANCE_DB, measure

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "na_alista"
M, N, S = 64, 128, 3


def entry(kind="ALISTA", depth=3, **changes):
    scalars = {"gamma": [1.0, 0.9, 0.8][:depth], "theta": [0.3, 0.2, 0.1][:depth]}
    whole = {"network": kind, "m": M, "n": N, "s": S, "K": depth, "snr_db": 40, "parameters": scalars}
    return whole | changes


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    # Coherence 1/8, with itself as the weight.
    np.save(folder / f"phi_{M}x{N}.npy", HADAMARD)
    np.save(folder / f"W_frob_{M}x{N}.npy", HADAMARD)

    def write(*entries):
        (folder / "networks.json").write_text(json.dumps(list(entries)))
        return folder

    return write


@pytest.fixture
def mixed(release):
    """Three networks, one without weights, one damaged, one without its matrices."""
    folder = release(entry(), entry("ISTA", 2, parameters={}))
    logs = [measure(load_released(folder, n=N, depth=3, selection="code").network, _problem(folder)).nmse_db]
    return release(
        entry(test_nmse_db_best=logs[0]),
        entry(test_nmse_db_best=logs[0] - 9, test_nmse_db_last=logs[0]),
        entry("ISTA", 2, parameters={}),
        entry("NA_ALISTA_UR_128", parameters={}, test_nmse_db_best=-3.0),
        {"network": "ALISTA", "m": M},
        entry(n=N + 1),
    )


def _problem(folder):
    return load_released(folder, n=N, depth=3, selection="code").problem


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFOLD_THEORY_CACHE", str(tmp_path / "cache"))
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


def audited(folder, store, **options):
    made = audits.audit_of(folder)
    return Audit.of(folder, run_studies([made], "quick", store, jobs=1, **options)[made.name])


def test_every_entry_is_a_row_and_says_what_it_is(mixed, tmp_path):
    audit = audited(mixed, Store(tmp_path / "cache"))
    rows = {row["entry"]: row for row in audit.networks}
    assert [rows[i]["state"] for i in range(6)] == ["audited"] * 3 + ["log only", "unreadable", "unreadable"]
    assert audit.states == {"audited": 3, "log only": 1, "unreadable": 2}
    assert rows[0]["agrees"] is True
    assert abs(rows[0]["difference_db"]) < 1e-9
    assert rows[1]["agrees"] is False
    assert "agrees with the log of the last epoch" in rows[1]["note"]
    assert rows[2]["note"] == "no log in the release"
    assert rows[3]["note"] == "no weights in the release: only its log is shown"
    assert "has None for 'n'" in rows[4]["note"]
    assert f"phi_{M}x{N + 1}.npy" in rows[5]["note"]
    assert audit.agreement == (1, 2)


def test_hypotheses_are_read_with_the_layer_in_which_they_fail(release, tmp_path):
    gains = {"gamma": [1.0, 0.9, 1.9], "theta": [0.9, 0.0, 0.1]}
    audit = audited(release(entry(parameters=gains)), Store(tmp_path / "cache"))
    (row,) = audit.networks
    assert row["2-sparse: gain_largest"] == 1.9
    assert row["2-sparse: gains_out_of_range"] == 1
    found = {(r["hypothesis"], r["regime"]): r for r in audit.part("hypothesis")}
    assert found["liu2019.gains_in_range", "2-sparse"]["status"] == "refuted"
    assert found["liu2019.gains_in_range", "2-sparse"]["layer"] == 3
    assert found["noise_free", "own"]["status"] == "refuted"
    assert found["noise_free", "2-sparse"]["status"] == "met"
    assert "layer" not in found["noise_free", "own"]
    layers = [r for r in audit.part("layer") if r["regime"] == "2-sparse"]
    assert [r["gain"] for r in layers] == [1.0, 0.9, 1.9]
    assert layers[1]["law_ratio"] == 0.0
    # theta = 0 lets false entries through, which the law forbids.
    assert layers[1]["false_positive_share"] == 1.0
    assert row["2-sparse: first_failing_layer"] == 1  # theta = 0.9 is above the law mu E_0 = 1/4
    assert layers[0]["gain_limit"] == pytest.approx(2 / (3 / 8 + 1), rel=1e-12)
    assert layers[0]["law_ratio"] == pytest.approx(0.9 / (2 / 8), rel=1e-12)


def test_certified_errors_are_above_measured_ones_where_hypotheses_are_met(release, tmp_path):
    lawful = {"gamma": [1.0] * 2, "theta": [0.26, 0.2]}
    audit = audited(release(entry(depth=2, s=1, parameters=lawful)), Store(tmp_path / "cache"))
    layers = [r for r in audit.part("layer") if r["regime"] == "2-sparse" and r["certified_share"] == 1.0]
    assert len(layers) == 2
    assert all(r["certified_mean"] >= r["error_mean"] for r in layers)


def test_a_killed_audit_resumes_and_computes_nothing_twice(mixed, tmp_path, monkeypatch):
    store, seen = Store(tmp_path / "cache"), []
    real = audits.audit_network

    def interrupted(released, **options):
        if len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(str(released.log))
        return real(released, **options)

    monkeypatch.setattr(audits, "audit_network", interrupted)
    with pytest.raises(KeyboardInterrupt):
        audited(mixed, store)
    monkeypatch.setattr(
        audits, "audit_network", lambda released, **o: (seen.append(str(released.log)), real(released, **o))[1]
    )
    done = []
    whole = audited(mixed, store, watch=Watch(on_done=done.append))
    assert len(seen) == 3
    assert whole.rows == audited(mixed, store, watch=Watch(on_done=done.append)).rows
    assert len(seen) == 3
    # What has changed is audited anew, and nothing else.
    entries = json.loads((mixed / "networks.json").read_text())
    entries[2]["snr_db"] = 20
    (mixed / "networks.json").write_text(json.dumps(entries))
    audited(mixed, store)
    assert len(seen) == 4


def test_the_command_writes_one_table_one_figure_and_a_page(mixed, tmp_path, command):
    out = tmp_path / "made"
    result = command("audit", mixed, "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "3 audited, 1 log only, 2 unreadable; 1 of 2 agree" in result.stdout
    with open(out / "audit.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 6
    claims = {key for key in table[0] if key.startswith("own: ") and "." in key}
    assert "own: liu2019.linear_rate" in claims
    for name in ("layers.csv", "verdicts.csv", "hypotheses.csv", "references.bib", "figures/behrens2021_audit.pdf"):
        assert (out / name).stat().st_size > 0
    page = (out / "index.html").read_text()
    assert "no weights in the release: only its log is shown" in page
    assert page.count("<tr>") > 6
    record = json.loads((out / "verdicts.json").read_text())
    assert record["states"]["unreadable"] == 2
    assert len(record["networks"]) == 6


@pytest.mark.parametrize("content", [None, "[]", "{", '{"a": 1}'], ids=["absent", "empty", "damaged", "no list"])
def test_a_folder_without_networks_is_one_error(content, tmp_path, command):
    folder = tmp_path / "folder"
    folder.mkdir()
    if content is not None:
        (folder / "networks.json").write_text(content)
    result = command("audit", folder, "--out", tmp_path / "made")
    assert result.exit_code == 2
    assert result.stderr.count("Error:") == 1
    assert not (tmp_path / "made").exists()


def test_a_folder_that_holds_something_else_is_left_alone(release, command):
    folder = release(entry())
    assert command("audit", folder, "--out", folder).exit_code == 2
    assert (folder / "networks.json").is_file()


def test_a_network_that_diverges_is_a_row(release, tmp_path):
    wild = {"gamma": [1e200] * 3, "theta": [0.1] * 3}
    audit = audited(release(entry(), entry(parameters=wild)), Store(tmp_path / "cache"))
    assert sorted(row["state"] for row in audit.networks) == ["audited", "unreadable"]


def test_logs_of_damaged_entries_do_not_hide_the_others(release):
    folder = release(entry(), 3, entry(test_nmse_db_best="-3"))
    with pytest.raises(InputError, match="Entry 1"):
        load_released(folder, n=N, depth=3)
    assert len(audits.audit_of(folder).cells("quick")) == 3


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="../shared/data/na_alista is absent")
def test_a_published_network_does_what_its_log_says(tmp_path):
    logs = audits.read_entries(PUBLISHED)
    index = next(i for i, log in enumerate(logs) if (log.kind, log.n, log.depth, log.snr_db) == ("ALISTA", 500, 4, 20))
    rows = audits.behrens2021_audit.measure({"folder": str(PUBLISHED), "entry": index}, Store(tmp_path))
    (row,) = [row for row in rows if row["part"] == "network"]
    assert row["agrees"]
    assert abs(row["difference_db"]) < TOLERANCE_DB / 2
    # The standard set-up is far outside of what the theorem asks for.
    assert row["own: gain_limit"] < 0.1 < row["own: gain_smallest"]
    assert row["own: law_ratio_smallest"] < 0.1
    assert row["own: certified_db_per_layer"] > 0 > row["own: measured_db_per_layer"]
