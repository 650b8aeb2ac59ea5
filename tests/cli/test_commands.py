import json

import numpy as np
import pytest

import unfold_theory
from tests.cli.conftest import BRIEF, ROOT
from unfold_theory.claim import CLAIMS
from unfold_theory.networks import NETWORKS
from unfold_theory.plotting import FIGURES, STUDY_FIGURES
from unfold_theory.report import write as writing
from unfold_theory.suite import STUDIES, literature, method_entries
from unfold_theory.training import read_manifest

EXAMPLES = ROOT / "docs" / "examples"


def test_help_and_version(run):
    for args in (
        [],
        ["--help"],
        *([name, "--help"] for name in ("list", "show", "train", "verify", "figure", "report")),
    ):
        result = run(*args)
        assert result.exit_code == 0, result.output
        assert "Usage" in result.stdout
    assert run("--version").stdout.strip() == f"unfold-theory {unfold_theory.__version__}"


def test_list_names_everything(run):
    result = run("list")
    assert result.exit_code == 0
    for name in [*CLAIMS, *NETWORKS, *FIGURES, *STUDY_FIGURES, *STUDIES, "alista-snr40", "worst-case", "quick: sparse"]:
        assert name in result.stdout, name
    only = run("list", "figures").stdout
    assert "chen2018_depth" in only
    assert "lista-cpss" not in only


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chen2018.linear_rate", ["weights_coupled", "Theorem 2", r"\mathcal X(B,s,\sigma)", "check_chen2018.py"]),
        ("beck2009", ["beck2009.ista_rate", "beck2009.fista_rate"]),
        ("alista", ["ALISTA", "liu2019", "weight='frobenius'"]),
        ("chen2018_depth", ["Depth against error"]),
        (EXAMPLES / "my_theorem.py", ["never_worse_than_the_start", "step_at_most_inverse_lipschitz"]),
        (EXAMPLES / "my_network.py", ["momentum-ista", "lam=0.05"]),
    ],
)
def test_show(run, name, words):
    result = run("show", name)
    assert result.exit_code == 0, result.output
    for word in words:
        assert word in result.stdout


def test_training_replaces_checkpoints_and_nothing_else(run, tmp_path):
    (tmp_path / "mine.safetensors").write_text("a thesis")
    result = run("train", "ista", "--m", 12, "--n", 24, "--depth", 2, "--out", "mine.safetensors")
    assert result.exit_code == 2
    assert "would be lost" in result.stderr
    assert (tmp_path / "mine.safetensors").read_text() == "a thesis"


def test_train_writes_a_checkpoint_that_verify_reads(run, checkpoint, tmp_path):
    manifest = read_manifest(checkpoint)
    assert manifest["network"]["name"] == "alista"
    assert manifest["problem"]["recipe"]["dictionary"]["m"] == 12
    assert manifest["metrics"]["count"] == 50
    result = run("verify", "--checkpoint", checkpoint, "--signals", "10", "--json", "found.json")
    assert result.exit_code == 0, result.output
    assert "net.safetensors" in result.stdout
    record = json.loads((tmp_path / "found.json").read_text())
    assert {v["claim"] for v in record["verdicts"]} >= {"liu2019.linear_rate", "beck2009.ista_rate"}
    assert all(v["status"] != "violated" for v in record["verdicts"])


def test_train_says_what_its_number_is(run):
    result = run("train", "lista-cp", *BRIEF, "--snr", "30", "--seed", "4", "--out", "a.safetensors")
    assert result.exit_code == 0, result.output
    assert "NMSE" in result.stdout
    assert "ratio of means" in result.stdout
    assert "SNR 30 dB" in result.stdout


def test_train_takes_problem_files_dictionaries_losses_and_options(run, tmp_path, matrices):
    np.save(tmp_path / "matrix.npy", np.random.default_rng(1).standard_normal((8, 16)))
    common = ("--depth", 2, "--steps", 2, "--test-signals", 20)
    lossy = ("--loss", "objective", "--lam", 0.1, "--scheme", "layer-wise", "--option", "tied=false")
    sparse = ("--law", "worst-case", "--sparsity", 2, "--magnitude", 3)
    assert run("train", "lista-cp", "--dictionary", "matrix.npy", *sparse, *lossy, *common, "--out", "a.safetensors")
    manifest = read_manifest(tmp_path / "a.safetensors")
    recipe = manifest["problem"]["recipe"]
    assert recipe["law"] == {"kind": "worst-case", "s": 2, "magnitude": 3.0}
    assert manifest["training"]["recipe"]["loss"]["loss"] == "objective"
    assert manifest["training"]["recipe"]["scheme"] == "layer-wise"
    assert manifest["extra"]["options"]["tied"] is False
    (tmp_path / "problem.json").write_text(json.dumps(recipe))
    result = run("train", "ista", "--problem", "problem.json", *common, "--out", "b.safetensors")
    assert result.exit_code == 0, result.output
    assert read_manifest(tmp_path / "b.safetensors")["problem"] == manifest["problem"]


def test_the_same_command_trains_the_same_network(run, tmp_path):
    from unfold_theory.training import load_checkpoint

    for name in ("a", "b"):
        assert run("train", "tilista", *BRIEF, "--seed", 3, "--out", f"{name}.safetensors").exit_code == 0
    one, two = (load_checkpoint(tmp_path / f"{name}.safetensors").network.state_dict() for name in "ab")
    assert all((one[name] == two[name]).all() for name in one)


def test_a_theorem_of_ones_own(run, tiny, tmp_path):
    result = run(
        "verify", EXAMPLES / "my_theorem.py", "--network", "ista", "--scale", "tiny", "--jobs", 1, "--json", "a.json"
    )
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "a.json").read_text())["verdicts"]
    assert {v["claim"] for v in found} == {"beck2009.never_worse_than_the_start"}
    assert {v["status"] for v in found} == {"holds"}
    fista = run("verify", EXAMPLES / "my_theorem.py", "--network", "fista", "--scale", "tiny", "--explain")
    assert fista.exit_code == 0
    assert "NOT APPLICABLE" in fista.stdout
    assert "no_momentum: refuted" in fista.stdout


def test_an_architecture_of_ones_own(run, tiny, tmp_path):
    own = EXAMPLES / "my_network.py"
    trained = run("train", own, *BRIEF, "--out", "own.safetensors")
    assert trained.exit_code == 0, trained.output
    assert "Momentum ISTA" in trained.stdout
    verified = run("verify", "--checkpoint", "own.safetensors", "--network", own, "--signals", 5)
    assert verified.exit_code == 0, verified.output
    assert "cannot be used with" in verified.stdout
    alone = run("verify", "--checkpoint", "own.safetensors", "--signals", 5)
    assert alone.exit_code == 2
    assert "momentum-ista" in alone.stderr


FALSE = '''
import unfold_theory as ut

@ut.claim(source="own2026", theorem="wrong")
def exact_after_one_layer(s: ut.Setting) -> ut.Inequality:
    """$F(x_1)=F^*$."""
    return s.objective_gap <= 1e-9
'''


def test_a_violation_is_exit_code_one_with_a_witness(run, tiny, tmp_path):
    (tmp_path / "wrong.py").write_text(FALSE)
    try:
        result = run("verify", "wrong.py", "--network", "ista", "--scale", "tiny", "--json", "a.json")
        explained = run("verify", "wrong.py", "--network", "ista", "--scale", "tiny", "--explain")
    finally:
        CLAIMS.pop("own2026.exact_after_one_layer", None)
    assert result.exit_code == explained.exit_code == 1
    assert "violated" in result.stdout
    assert "witness" in explained.stdout
    found = json.loads((tmp_path / "a.json").read_text())["verdicts"]
    assert {v["status"] for v in found} == {"violated"}
    assert all(v["witness"]["recipe"]["batch"]["seed"] == 2026 for v in found)


def test_verify_runs_the_claims_that_are_asked_for(run, tiny):
    result = run("verify", "liu2019", "chen2018.linear_rate", "--network", "alista", "--scale", "tiny", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "liu2019.no_false_positives" in result.stdout
    assert "chen2018.linear_rate" in result.stdout
    assert "chen2018.support_selection" not in result.stdout
    assert "ALISTA of theory, sparse" in result.stdout


def test_weights_are_audited(run, matrices):
    from unfold_theory.problems.coherence import frobenius_weight

    dictionary = np.load(matrices / "good.npy")
    np.save(matrices / "twice.npy", 2 * frobenius_weight(dictionary))
    result = run("weights", "good.npy", "twice.npy")
    assert result.exit_code == 0, result.output
    lines = {line.split("  ")[0]: line.split() for line in result.stdout.splitlines()}
    assert float(lines["closed form"][2]) < 1e-12
    assert float(lines["twice.npy"][1]) == pytest.approx(1.0)


def test_a_figure_is_drawn(run, tiny, tmp_path):
    result = run("figure", "chen2018_coupling", "--style", "slides", "--scale", "tiny", "--out", "drawn", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert {p.name for p in (tmp_path / "drawn").iterdir()} == {
        f"chen2018_coupling.{suffix}" for suffix in ("pdf", "png", "csv", "json")
    }


@pytest.mark.parametrize(("format", "page"), [("html", "index.html"), ("latex", "report.tex")])
def test_a_report_is_written(run, tiny, tiny_subjects, tiny_verdicts, tmp_path, monkeypatch, format, page):
    monkeypatch.setattr(writing, "FIGURES", {"chen2018_coupling": FIGURES["chen2018_coupling"]})
    monkeypatch.setattr(writing, "STUDY_FIGURES", {})
    result = run("report", "--format", format, "--scale", "tiny", "--out", "made", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "made" / page).is_file()
    assert {p.name for p in (tmp_path / "made").iterdir()} == {page, "verdicts.json", "references.bib", "figures"}
    count = len(tiny_verdicts) + len(method_entries()) * len(literature())
    assert f"{count} verdicts, 0 violated" in result.stdout
