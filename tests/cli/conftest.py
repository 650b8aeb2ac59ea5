from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from unfold_theory.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*args):
        return runner.invoke(app, [str(arg) for arg in args])

    return call


@pytest.fixture
def matrices(tmp_path):
    """A folder with matrices, good and bad."""
    rng = np.random.default_rng(0)
    good = rng.standard_normal((6, 12))
    np.save(tmp_path / "good.npy", good)
    np.save(tmp_path / "other.npy", good[:, :-1])
    np.save(tmp_path / "nan.npy", np.where(np.arange(12) == 3, np.nan, good))
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "good.npy").read_bytes()[:200])
    return tmp_path


BRIEF = ("--m", "12", "--n", "20", "--depth", "3", "--steps", "3", "--test-signals", "50")


@pytest.fixture
def checkpoint(run, tmp_path):
    """A small trained network."""
    path = tmp_path / "net.safetensors"
    result = run("train", "alista", *BRIEF, "--out", path)
    assert result.exit_code == 0, result.output
    return path
