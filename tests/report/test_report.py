import json
import re
from html.parser import HTMLParser

import pytest

from unfold_theory.claim import CLAIMS, Status
from unfold_theory.errors import InputError
from unfold_theory.report import Report, replaced_folder, require_replaceable, write_report
from unfold_theory.report import write as writing
from unfold_theory.report.html import page
from unfold_theory.report.latex import document
from unfold_theory.suite import literature

VOID = {"meta", "img", "br", "link", "hr"}


class Reader(HTMLParser):
    """Balance of tags, identifiers and links of a page."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def claims():
    return [CLAIMS[name] for name in literature()]


@pytest.fixture(scope="module")
def written(tmp_path_factory, claims, tiny_subjects, tiny_verdicts):
    folder = tmp_path_factory.mktemp("written") / "report"
    path = write_report(claims, tiny_subjects, tiny_verdicts, folder, scale="tiny")
    assert path == folder / "index.html"
    return folder


def test_the_page_is_well_formed_and_its_links_lead_somewhere(written):
    reader = read((written / "index.html").read_text(encoding="utf-8"))
    assert len(set(reader.ids)) == len(reader.ids)
    for link in reader.links:
        if link.startswith("#"):
            assert link[1:] in reader.ids, link
        elif not link.startswith("https://"):
            assert (written / link).is_file(), link


def test_the_page_needs_no_script_and_no_network(written):
    text = (written / "index.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"(?:src|@import|url\()\s*=?\s*[\"']?https?:", text)
    assert "prefers-color-scheme: dark" in text


def test_the_page_says_everything(written, claims, tiny_subjects, tiny_verdicts):
    reader = read((written / "index.html").read_text(encoding="utf-8"))
    text = " ".join(" ".join(reader.text).split())
    for claim in claims:
        assert claim.id in text
        assert all(h.name in text for h in claim.hypotheses)
    for subject in tiny_subjects:
        assert subject.entry.name in text
    for record in tiny_verdicts:
        assert " ".join(record.reason.split()) in text
        assert f"{record.claim}--" in " ".join(reader.ids)
    assert "10 log10(sum||e||²/sum||x*||²)" in text
    assert "ratio of means" in text
    for key in ("beck2009", "chen2018", "liu2019"):
        assert f"source-{key}" in reader.ids
    for status in Status:
        assert status.value in text


def test_verdicts_json_agrees_with_the_verdicts(written, tiny_verdicts):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    record = json.loads((written / "verdicts.json").read_text(), parse_constant=refuse)
    assert sum(record["counts"].values()) == len(tiny_verdicts) == len(record["verdicts"])
    assert record["counts"]["holds"] == sum(v.status is Status.HOLDS for v in tiny_verdicts) > 0
    assert all(setting["seed"] == 2026 for setting in record["settings"])
    assert {"python", "torch", "unfold_theory"} <= set(record["versions"])


def test_figures_stand_beside_the_page(written):
    record = json.loads((written / "verdicts.json").read_text())
    assert "chen2018_depth" in record["figures"]
    for name in record["figures"]:
        for suffix in ("pdf", "png", "csv", "json"):
            assert (written / "figures" / f"{name}.{suffix}").stat().st_size > 100


def test_the_latex_document_is_balanced(claims, tiny_subjects, tiny_verdicts):
    report = Report("tiny", claims, tiny_subjects, tiny_verdicts, [])
    text = document(report)
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = text.replace(r"\{", "").replace(r"\}", "").replace(r"\$", "")
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert "\\toprule" in text
    for claim in claims:
        assert f"\\cite{{{claim.source}}}" in text
    assert report.bibtex().count(r"unfold\_theory") == 2
    assert r"\\_" not in report.bibtex()
    for row in re.findall(r"^.*\\\\$", text, re.MULTILINE):
        assert not re.search(r"(?<!\\)%", row)


def test_a_claim_on_markup_is_escaped(claims, tiny_subjects, tiny_verdicts):
    from dataclasses import replace

    wicked = [replace(v, reason="<script>alert(1)</script> & $x") for v in tiny_verdicts]
    text = page(Report("tiny", claims, tiny_subjects, wicked, []))
    assert "<script" not in text
    read(text)


def test_a_failure_leaves_the_old_report(tmp_path, claims, tiny_subjects, tiny_verdicts, monkeypatch):
    place = tmp_path / "report"
    place.mkdir()
    (place / "verdicts.json").write_text("old")
    monkeypatch.setattr(writing, "FIGURES", {})
    monkeypatch.setattr(writing, "page", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(claims, tiny_subjects, tiny_verdicts, place, scale="tiny")
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
    assert (place / "verdicts.json").read_text() == "old"


def test_a_report_is_replaced_as_a_whole(tmp_path):
    place = tmp_path / "report"
    for content in ("first", "second"):
        with replaced_folder(place) as building:
            assert not building.samefile(place) if place.exists() else True
            (building / "verdicts.json").write_text(content)
            (building / content).touch()
    assert sorted(p.name for p in place.iterdir()) == ["second", "verdicts.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
    assert place.stat().st_mode & 0o055


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="would be lost"):
        require_replaceable(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        require_replaceable(tmp_path / "thesis.tex")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        require_replaceable(tmp_path / "link")
    (tmp_path / "empty").mkdir()
    assert require_replaceable(tmp_path / "empty") == tmp_path / "empty"
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
