import zipfile

import pytest

from tests.conftest import TINY
from unfold_theory.report import KeptReport, kept
from unfold_theory.store import Store
from unfold_theory.suite import suite


@pytest.fixture
def report(tmp_path):
    folder = tmp_path / "made"
    (folder / "figures").mkdir(parents=True)
    (folder / "index.html").write_text("page")
    (folder / "verdicts.json").write_text("{}")
    (folder / "figures" / "a.png").write_bytes(b"picture")
    return folder


def key(tmp_path, entries=None, **changed):
    options = {"scale": "tiny", "format": "html"} | changed
    return KeptReport(entries or suite(TINY), Store(tmp_path / "cache"), **options)


def test_what_was_kept_comes_back(report, tmp_path):
    assert key(tmp_path).restore(tmp_path / "copy") is None
    key(tmp_path).keep(report)
    page = key(tmp_path).restore(tmp_path / "copy")
    assert page.read_text() == "page"
    assert (tmp_path / "copy" / "figures" / "a.png").read_bytes() == b"picture"


def test_every_change_makes_another_report(report, tmp_path, monkeypatch):
    key(tmp_path).keep(report)
    assert key(tmp_path, entries=suite(TINY)[1:]).restore(tmp_path / "copy") is None
    assert key(tmp_path, format="latex").restore(tmp_path / "copy") is None
    monkeypatch.setattr(kept, "package_sha256", lambda: "a changed template")
    assert key(tmp_path).restore(tmp_path / "copy") is None
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("damage", [b"", b"PK", None])
def test_a_damaged_archive_is_not_used(report, tmp_path, damage):
    made = key(tmp_path)
    made.keep(report)
    if damage is None:
        with zipfile.ZipFile(made.path, "w") as archive:
            archive.writestr("other.txt", "nothing of a report")
    else:
        made.path.write_bytes(damage)
    assert made.restore(tmp_path / "copy") is None


def test_only_the_latest_stay(report, tmp_path):
    for count in range(kept.KEPT + 3):
        key(tmp_path, entries=suite(TINY)[count:]).keep(report)
    assert len(list((tmp_path / "cache" / "reports").iterdir())) == kept.KEPT
