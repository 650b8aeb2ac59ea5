"""The house in order: names mirror each other, files stay short, nothing claims a proof that is not there."""

import importlib
import re
from pathlib import Path

import pytest

import unfold_theory.claims  # noqa: F401
from unfold_theory.claim import CLAIMS
from unfold_theory.claim.sources import bibliography

ROOT = Path(__file__).parents[1]
OURS = [c for c in CLAIMS.values() if c.source in bibliography().entries]
CITED = {"altschuler2024.silver"}
"""Published theorems that nothing here proves: they are shown as cited, and their scripts check cases of them."""
KEYS = sorted({c.source for c in OURS})


def test_every_claim_has_its_source_file_and_proof():
    assert len(KEYS) >= 4
    for key in KEYS:
        module = importlib.import_module(f"unfold_theory.claims.{key}")
        checks = (ROOT / "proofs_checks" / f"check_{key}.py").read_text()
        assert module.__doc__
        assert len(re.findall(r"^def check_", checks, re.MULTILINE)) >= 3
    assert {claim.id for claim in OURS if claim.proof is None} == CITED
    for claim in OURS:
        if claim.proof is not None:
            # A paper whose proofs fill more than one file has check_KEY_PART.py beside check_KEY.py.
            assert re.fullmatch(rf"proofs_checks/check_{claim.source}(_[a-z]+)?\.py", claim.proof)
            assert (ROOT / claim.proof).exists()


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [("unfold_theory/claims", r"^([a-z]+\d{4})\.py$"), ("proofs_checks", r"^check_([a-z]+\d{4})\.py$")],
)
def test_no_orphans(folder, pattern):
    found = {m[1] for p in (ROOT / folder).iterdir() if (m := re.match(pattern, p.name))}
    assert found == set(KEYS)


def test_figures_are_named_after_a_source():
    scripts = list((ROOT / "figures").glob("*.py"))
    assert scripts
    for script in scripts:
        match = re.match(r"^plot_([a-z]+\d{4})_\w+\.py$", script.name)
        assert match, script.name
        assert match[1] in bibliography().entries, script.name


def test_every_claim_is_tested_with_false_variants():
    for key in KEYS:
        folder = ROOT / "tests" / "claims"
        # A paper whose tests fill more than one file has test_KEY_PART.py beside test_KEY.py.
        assert (folder / f"test_{key}.py").exists()
        text = "".join(path.read_text() for path in sorted(folder.glob(f"test_{key}*.py")))
        for claim in (c for c in OURS if c.source == key):
            name = claim.id.split(".")[1]
            assert re.search(rf"\.{name}\b", text), f"{claim.id} is not tested"
        variants = re.findall(r"\.(?:scaled|without|concluding)\(", text)
        assert len(variants) >= 2 * min(2, len([c for c in OURS if c.source == key]))


def test_files_stay_short():
    folders = ("unfold_theory", "tests", "proofs_checks", "figures", "benchmarks", "docs")
    long = {
        str(path.relative_to(ROOT)): count
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 400
    }
    assert not long
