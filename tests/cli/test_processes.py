"""Real processes: what a killed run leaves, and what Ctrl-C does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import ROOT

# The command line on the tiny suite, in a process of its own.
DRIVER = """
import sys, time
sys.path.insert(0, {root!r})
from tests.conftest import TINY
from unfold_theory.suite import SCALES
SCALES["tiny"] = TINY
from unfold_theory.cli import app, training
from unfold_theory.report import write as writing
{before}
app({args!r})
"""

# A report that says where it is, and stays there.
SLOW_PAGE = """
def page(report):
    print("building", flush=True)
    time.sleep(60)
writing.page, writing.FIGURES, writing.STUDY_FIGURES = page, {}, {}
from unfold_theory.report import KeptReport
KeptReport.restore = lambda self, folder: None  # another test may have kept the same report
"""

ANNOUNCED_TRAINING = """
train = training.train
def announced(*args, **options):
    print("training", flush=True)
    return train(*args, **options)
training.train = announced
"""


@pytest.fixture
def start(tmp_path, tiny_store, tiny_verdicts):
    """Starts a command on the tiny suite, whose networks and verdicts are in the cache."""
    started = []

    def launch(*args, before="", cache=None):
        text = DRIVER.format(root=str(ROOT), args=[str(a) for a in args], before=before)
        environment = os.environ | {"UNFOLD_THEORY_CACHE": str(cache or tiny_store.root), "PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-c", text], cwd=tmp_path, env=environment, text=True, start_new_session=True, **pipes
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_line(process, word):
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(process.stderr.read())


def test_a_killed_report_leaves_the_old_one(start, tmp_path):
    old = tmp_path / "made"
    old.mkdir()
    (old / "verdicts.json").write_text("old")
    process = start("report", "--scale", "tiny", "--out", "made", before=SLOW_PAGE)
    wait_for_line(process, "building")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [p.name for p in old.iterdir()] == ["verdicts.json"]
    assert (old / "verdicts.json").read_text() == "old"
    assert all(p.name.startswith(".made.") for p in tmp_path.iterdir() if p != old)
    again = start(
        "report", "--scale", "tiny", "--out", "made", before="writing.FIGURES, writing.STUDY_FIGURES = {}, {}"
    )
    assert again.wait(timeout=120) == 0, again.stderr.read()
    assert (old / "index.html").is_file()


def test_ctrl_c_leaves_nothing_behind(start, tmp_path):
    process = start("report", "--scale", "tiny", "--out", "made", before=SLOW_PAGE)
    wait_for_line(process, "building")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert list(tmp_path.iterdir()) == []
    assert process.stderr.read().splitlines()[-1].startswith("Error: Interrupted. ")


def test_a_killed_training_leaves_no_checkpoint(start, tmp_path):
    steps = ("--m", 30, "--n", 60, "--steps", 100_000)
    process = start("train", "lista", *steps, "--out", "net.safetensors", before=ANNOUNCED_TRAINING)
    wait_for_line(process, "training")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_ctrl_c_ends_the_worker_processes_too(start, tmp_path):
    process = start("verify", "--scale", "quick", "--network", "lista", "--jobs", 2, cache=tmp_path / "cache")
    line = process.stderr.readline()
    assert "to train" in line
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    # Every process of the session is gone.
    for _ in range(50):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("a worker process survived")


def test_a_figure_script_runs_on_its_own(tmp_path):
    script = ROOT / "figures" / "plot_chen2018_depth.py"
    call = [sys.executable, script, "--style", "x"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no figure style 'x'")
