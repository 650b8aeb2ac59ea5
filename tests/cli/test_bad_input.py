"""Every mistake gets one line that names its cause and its remedy, exit code 2, and touches nothing."""

import json
import pickle
import struct

import pytest
import torch

from tests.cli.conftest import BRIEF

OUT = ("--out", "new.safetensors")


@pytest.fixture
def files(matrices):
    (matrices / "broken.py").write_text("import nothing_of_this_name\n")
    (matrices / "syntax.py").write_text("def f(:\n")
    (matrices / "empty.py").write_text("x = 1\n")
    (matrices / "text.json").write_text("{")
    (matrices / "list.json").write_text("[1]")
    (matrices / "kind.json").write_text('{"kind": "knapsack"}')
    (matrices / "pickled.safetensors").write_bytes(pickle.dumps({"w": 1}))
    torch.save({"w": torch.ones(2)}, matrices / "torch.safetensors")
    (matrices / "work").mkdir()
    (matrices / "work" / "thesis.tex").write_text("years")
    return matrices


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_refusal(result, *words):
    assert result.exit_code == 2, result.output
    *before, last = result.stderr.strip().splitlines()
    assert last.startswith("Error: ")
    # Only progress may stand above it.
    assert all("to train or compute" in line for line in before), before
    assert "Traceback" not in result.output
    for word in words:
        assert word in last


CASES = [
    (["frobnicate"], ["frobnicate", "--help"]),
    (["train", "alista"], ["--out", "--help"]),
    (["train", "alista", *OUT, "--depth", "many"], ["--depth", "--help"]),
    (["verify", "--jobs", "0"], ["--jobs", "--help"]),
    (["list", "theorems"], ["theorems", "claims"]),
    (["show", "nothing"], ["nothing", "lista-cpss"]),
    (["train", "perceptron", *OUT], ["perceptron", "alista", ".py"]),
    (["train", "alista", "--out", "new.pt"], ["new.pt", ".safetensors"]),
    (["train", "alista", "--out", "work"], ["work", ".safetensors"]),
    (["train", "alista", *OUT, "--m", "0"], ["0", "positive integer"]),
    (["train", "alista", *OUT, "--n", "0"], ["0", "positive integer"]),
    (["train", "alista", *OUT, "--condition", "0.5"], ["condition", "0.5"]),
    (["train", "alista", *OUT, "--condition", "nan"], ["condition", "nan"]),
    (["train", "alista", *OUT, "--snr", "nan"], ["signal-to-noise", "nan"]),
    (["train", "alista", *OUT, "--snr", "loud"], ["--snr", "--help"]),
    (["train", "alista", *OUT, "--sparsity", "1.5"], ["1.5"]),
    (["train", "alista", *OUT, "--sparsity", "-0.1"], ["-0.1"]),
    (["train", "alista", *OUT, "--law", "k-sparse", "--sparsity", "0.1"], ["k-sparse", "--sparsity"]),
    (["train", "alista", *OUT, "--law", "k-sparse", "--sparsity", "nan"], ["k-sparse", "--sparsity"]),
    (["train", "alista", *OUT, "--law", "cauchy"], ["cauchy", "bernoulli-gaussian"]),
    (["train", "alista", *OUT, "--depth", "0"], ["depth", "0"]),
    (["train", "alista", *OUT, "--steps", "0"], ["steps"]),
    (["train", "alista", *OUT, "--test-signals", "0", "--m", "6", "--n", "9"], ["0", "positive integer"]),
    (["train", "alista", *OUT, "--learning-rate", "-1"], ["learning_rate"]),
    (["train", "alista", *OUT, "--seed", "-1"], ["seed"]),
    (["train", "alista", *OUT, "--scheme", "greedy"], ["greedy", "layer-wise"]),
    (["train", "alista", *OUT, "--loss", "hinge"], ["hinge", "supervised"]),
    (["train", "alista", *OUT, "--lam", "0.1"], ["--lam", "objective"]),
    (["train", "alista", *OUT, "--option", "gamma"], ["gamma", "NAME=VALUE"]),
    (["train", "alista", *OUT, "--option", "colour=red"], ["colour", "options"]),
    (["train", "alista", *OUT, "--problem", "absent.json"], ["absent.json", "path"]),
    (["train", "alista", *OUT, "--problem", "text.json"], ["text.json", "JSON"]),
    (["train", "alista", *OUT, "--problem", "list.json"], ["list.json", "recipe"]),
    (["train", "alista", *OUT, "--problem", "kind.json"], ["knapsack", "sparse-recovery"]),
    (["train", "alista", *OUT, "--problem", "kind.json", "--m", "5"], ["--problem", "--m"]),
    (["train", "alista", *OUT, "--dictionary", "absent.npy"], ["absent.npy", "path"]),
    (["train", "alista", *OUT, "--dictionary", "nan.npy"], ["NaN", "Remove"]),
    (["train", "alista", *OUT, "--dictionary", "cut.npy"], ["cut.npy"]),
    (["train", "alista", *OUT, "--dictionary", "pickle.npy"], ["pickle.npy"]),
    (["train", "alista", *OUT, "--dictionary", "good.npy", "--n", "12"], ["--dictionary", "--n"]),
    (["train", "alista", *OUT, "--key", "A"], ["--key", "--dictionary"]),
    (["train", "broken.py", *OUT], ["broken.py", "line 1", "nothing_of_this_name"]),
    (["train", "empty.py", *OUT], ["empty.py", "UnfoldedNetwork"]),
    (["verify", "no.such_claim"], ["no.such_claim", "chen2018.linear_rate"]),
    (["verify", "absent.py"], ["absent.py", "path"]),
    (["verify", "broken.py"], ["broken.py", "line 1"]),
    (["verify", "syntax.py"], ["syntax.py", "line 1"]),
    (["verify", "empty.py"], ["empty.py", "@claim"]),
    (["verify", "--network", "perceptron"], ["perceptron", "alista"]),
    (["verify", "--scale", "galactic"], ["galactic", "quick"]),
    (["verify", "--signals", "0"], ["--signals"]),
    (["verify", "--lam", "0.1"], ["--lam", "--checkpoint"]),
    (["verify", "--json", "work"], ["work", "file"]),
    (["verify", "--checkpoint", "absent.safetensors"], ["absent.safetensors", "path"]),
    (["verify", "--checkpoint", "pickled.safetensors"], ["pickle", "safetensors"]),
    (["verify", "--checkpoint", "torch.safetensors"], ["pickle", "safetensors"]),
    (["verify", "--checkpoint", "good.npy"], ["good.npy"]),
    (["figure", "mona_lisa"], ["mona_lisa", "chen2018_depth"]),
    (["figure", "chen2018_depth", "--style", "nature"], ["nature", "ieee"]),
    (["figure", "chen2018_depth", "--out", "good.npy"], ["good.npy", "folder"]),
    (["report", "--format", "pdf"], ["pdf", "latex"]),
    (["report", "--scale", "galactic"], ["galactic", "paper"]),
    (["report", "--out", "work"], ["work", "lost"]),
    (["report", "--out", "good.npy"], ["good.npy", "--out"]),
    (["weights", "absent.npy"], ["absent.npy", "path"]),
    (["weights", "nan.npy"], ["NaN"]),
    (["weights", "good.npy", "other.npy"], ["(6, 11)", "(6, 12)"]),
]


@pytest.mark.parametrize(("args", "words"), CASES, ids=[" ".join(args) for args, _ in CASES])
def test_a_mistake(run, files, args, words):
    before = contents(files)
    require_refusal(run(*args), *words)
    assert contents(files) == before


def edit(path, change):
    """Rewrites the manifest of a checkpoint."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    manifest = json.loads(header["__metadata__"]["unfold_theory"])
    change(manifest)
    header["__metadata__"]["unfold_theory"] = json.dumps(manifest)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_a_truncated_checkpoint(run, checkpoint):
    data = checkpoint.read_bytes()
    for size in (4, 100, len(data) // 2, len(data) - 1):
        checkpoint.write_bytes(data[:size])
        require_refusal(run("verify", "--checkpoint", checkpoint), "net.safetensors")


def test_a_checkpoint_of_another_problem(run, checkpoint):
    edit(checkpoint, lambda manifest: manifest["problem"]["recipe"]["dictionary"].update(seed=1))
    require_refusal(run("verify", "--checkpoint", checkpoint), "another problem")


def test_a_checkpoint_of_an_unknown_network(run, checkpoint):
    edit(checkpoint, lambda manifest: manifest["network"].update(name="perceptron"))
    require_refusal(run("verify", "--checkpoint", checkpoint), "perceptron", "alista")


def test_a_checkpoint_with_nan(run, checkpoint):
    data = bytearray(checkpoint.read_bytes())
    data[-8:] = struct.pack("<d", float("nan"))
    checkpoint.write_bytes(bytes(data))
    require_refusal(run("verify", "--checkpoint", checkpoint), "NaN")


def test_an_existing_checkpoint_survives_a_mistake(run, checkpoint):
    before = checkpoint.read_bytes()
    require_refusal(run("train", "alista", *BRIEF, "--learning-rate", "nan", "--out", checkpoint), "learning_rate")
    require_refusal(run("train", "alista", *BRIEF, "--option", "theta=[1,2]", "--out", checkpoint))
    assert checkpoint.read_bytes() == before
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_cache_that_cannot_be_written(run, tiny, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNFOLD_THEORY_CACHE", str(tmp_path / "file" / "cache"))
    require_refusal(
        run("verify", "--network", "lista-cp", "--scale", "tiny", "--jobs", 1), "cannot be written", "writable"
    )
