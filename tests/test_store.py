import os
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import unfold_theory.store as store_module
from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store, cache_folder
from unfold_theory.training import Supervised, TrainingConfig, load_checkpoint, quick_recipe, write_atomically

CONFIG = TrainingConfig(loss=Supervised(True), batch_size=16, steps=8, decays=(), validation_size=50)


def tiny(seed=0):
    return SparseRecovery.gaussian(10, 16, law=BernoulliGaussian(0.1), snr_db=30.0, seed=seed)


@pytest.fixture
def counted(monkeypatch):
    """How often a training starts."""
    calls = []
    original = store_module.train

    def train(*args, **kwargs):
        calls.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(store_module, "train", train)
    return calls


def same(first, second):
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_the_second_time_comes_from_the_cache(tmp_path, counted):
    store = Store(tmp_path)
    first = store.trained("alista", tiny(), 2, CONFIG)
    second = Store(tmp_path).trained("alista", tiny(), 2, CONFIG)
    assert len(counted) == 1
    assert same(first.network, second.network)
    assert len(first.manifest["metrics"]["nmse_db"]) == 3
    assert [entry["extra"]["key"] for entry in store.entries()] == [store.key("alista", tiny(), 2, CONFIG)]
    store.trained("alista", tiny(), 2, CONFIG, refresh=True)
    assert len(counted) == 2


def test_everything_that_matters_is_in_the_key(tmp_path):
    store, problem = Store(tmp_path), tiny()
    keys = [
        store.key("alista", problem, 2, CONFIG),
        store.key("alista", problem, 3, CONFIG),
        store.key("tilista", problem, 2, CONFIG),
        store.key("alista", tiny(1), 2, CONFIG),
        store.key("alista", problem, 2, replace(CONFIG, seed=1)),
        store.key("alista", problem, 2, replace(CONFIG, loss=Supervised())),
        store.key("alista", problem, 2, CONFIG, {"gamma": 0.9}),
    ]
    assert len(set(keys)) == len(keys)
    assert store.key("alista", tiny(), 2, CONFIG, {}) == keys[0]
    arrays = [
        store.key("alista", problem, 2, CONFIG, {"theta": t}) for t in ((0.1, 0.2), [0.1, 0.2], np.array([0.1, 0.2]))
    ]
    assert len(set(arrays)) == 1


def test_the_code_format_is_in_the_key(tmp_path, monkeypatch):
    before = Store(tmp_path).key("alista", tiny(), 2, CONFIG)
    monkeypatch.setattr(store_module, "CODE_FORMAT", store_module.CODE_FORMAT + 1)
    assert Store(tmp_path).key("alista", tiny(), 2, CONFIG) != before


def test_options_that_are_not_json_are_refused(tmp_path):
    with pytest.raises(InputError, match="not JSON"):
        Store(tmp_path).key("alista", tiny(), 2, CONFIG, {"theta": float("nan")})
    with pytest.raises(InputError, match="no network named"):
        Store(tmp_path).key("alitsa", tiny(), 2, CONFIG)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_damaged_entries_are_trained_anew_with_a_warning(tmp_path, counted, damage):
    store = Store(tmp_path)
    first = store.trained("alista", tiny(), 2, CONFIG)
    path = store.path(store.key("alista", tiny(), 2, CONFIG))
    data = path.read_bytes()
    path.write_bytes({"truncated": data[:-9], "garbage": b"\x00" * 64, "empty": b""}[damage])
    with pytest.warns(UserWarning, match="damaged and is trained anew"):
        again = store.trained("alista", tiny(), 2, CONFIG)
    assert len(counted) == 2
    assert same(first.network, again.network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.trained("alista", tiny(), 2, CONFIG)


USER_FILE = """
import torch
from unfold_theory.networks.base import UnfoldedNetwork

class Mine(UnfoldedNetwork):
    name = "mine"

    def __init__(self, dictionary, depth):
        super().__init__(dictionary, depth)
        self.gains = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor({gain})) for _ in range(depth)])

    def step(self, k, state, y):
        return state + self.gains[k] * (y - state @ self.dictionary.T) @ self.dictionary
"""


def load_mine(path):
    import importlib.util

    spec = importlib.util.spec_from_file_location("users_own_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Mine


def test_a_users_class_is_cached_until_its_file_changes(tmp_path, counted):
    file = tmp_path / "mine.py"
    file.write_text(USER_FILE.format(gain=0.1))
    store = Store(tmp_path / "cache")
    first = store.trained(load_mine(file), tiny(), 2, CONFIG)
    assert type(first.network).__name__ == "Mine"
    store.trained(load_mine(file), tiny(), 2, CONFIG)
    assert len(counted) == 1
    file.write_text(USER_FILE.format(gain=0.2))
    store.trained(load_mine(file), tiny(), 2, CONFIG)
    assert len(counted) == 2


def test_a_class_without_a_file_is_refused(tmp_path):
    namespace = {"UnfoldedNetwork": UnfoldedNetwork, "__name__": "typed_in"}
    exec("class Typed(UnfoldedNetwork):\n    def step(self, k, state, y):\n        return state", namespace)
    with pytest.raises(InputError, match="is not a file"):
        Store(tmp_path).key(namespace["Typed"], tiny(), 1, CONFIG)


def test_the_folder_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("UNFOLD_THEORY_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert Store().root == tmp_path / "here"
    monkeypatch.delenv("UNFOLD_THEORY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / "xdg" / "unfold_theory"
    assert not (tmp_path / "here").exists()


def test_an_unwritable_cache_names_the_variable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="UNFOLD_THEORY_CACHE"):
        Store(tmp_path / "file").trained("alista", tiny(), 1, CONFIG)


SCRIPT = """
import sys
import torch
torch.set_num_threads(1)
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.training import Supervised, TrainingConfig

problem = SparseRecovery.gaussian(10, 16, law=BernoulliGaussian(0.1), snr_db=30.0)
config = TrainingConfig(loss=Supervised(True), batch_size=16, steps={steps}, decays=(), validation_size=50,
                        validation_interval=1, patience=None)

def started(event):
    print("training", flush=True)

loaded = Store(sys.argv[1]).trained("alista", problem, 2, config, progress=started)
print("done", loaded.manifest["extra"]["key"], flush=True)
"""


@pytest.fixture
def training(tmp_path):
    """A process that trains the entry and holds its lock."""

    def start(steps):
        command = [sys.executable, "-c", SCRIPT.format(steps=steps), str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline().strip() == "training", process.communicate()
        return process

    started = []
    yield start
    for process in started:
        process.kill()
        process.communicate()


def files(root):
    return sorted(p.name for p in Path(root).rglob("*") if p.is_file() and p.suffix != ".lock")


@pytest.fixture
def interrupted():
    """A training that dies in its second stage."""

    def die(event):
        if event.stage == 1 and event.step > 0:
            raise KeyboardInterrupt

    return die


def test_an_interrupted_training_goes_on_after_its_last_stage(tmp_path, interrupted):
    config = replace(CONFIG, decays=(0.2, 0.02), scheme="layer-wise")
    store, events = Store(tmp_path / "a"), []
    with pytest.raises(KeyboardInterrupt):
        store.trained("alista", tiny(), 2, config, progress=interrupted)
    assert [Path(name).suffix for name in files(tmp_path)] == [".stages"]
    resumed = store.trained("alista", tiny(), 2, config, progress=events.append)
    straight = Store(tmp_path / "b").trained("alista", tiny(), 2, config)
    assert {event.stage for event in events} == {1, 2, 3, 4, 5}
    assert same(resumed.network, straight.network)
    rows = [
        [(row["stage"], row["step"], row["validation"]) for row in c.manifest["training"]["history"]]
        for c in (resumed, straight)
    ]
    assert rows[0] == rows[1]
    assert {Path(name).suffix for name in files(tmp_path)} == {".safetensors"}


def test_a_recipe_is_trained_on_its_own_problem(tmp_path):
    entry = replace(quick_recipe("alista", 2, tiny().recipe), training=CONFIG)
    loaded = Store(tmp_path).recipe(entry)
    assert loaded.problem.fingerprint == tiny().fingerprint
    assert loaded.manifest["extra"]["options"] == entry.options


def long(steps):
    return replace(CONFIG, steps=steps, validation_interval=1, patience=None)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_training_leaves_nothing_and_frees_its_lock(tmp_path, training, counted):
    process = training(steps=10**6)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert files(tmp_path) == []
    Store(tmp_path).trained("alista", tiny(), 2, CONFIG)
    assert len(counted) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="locks need flock")
def test_a_second_process_waits_and_reuses(tmp_path, training, counted):
    process = training(steps=400)
    loaded = Store(tmp_path).trained("alista", tiny(), 2, long(400))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert counted == []
    assert out.split()[-1] == loaded.manifest["extra"]["key"]
    assert len(files(tmp_path)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_kill_in_the_midst_of_writing_keeps_the_old_file(tmp_path, at):
    target = tmp_path / "entry.safetensors"
    target.write_bytes(b"old")
    child = os.fork()
    if child == 0:
        setattr(os, at, lambda *args: os.kill(os.getpid(), signal.SIGKILL))
        write_atomically(target, b"new" * 1000)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert target.read_bytes() == b"old"
    assert len(files(tmp_path)) == 2


def test_leftovers_of_killed_writers_are_removed_when_the_entry_is_trained(tmp_path):
    store = Store(tmp_path)
    path = store.path(store.key("alista", tiny(), 2, CONFIG))
    path.parent.mkdir(parents=True)
    leftover = path.with_name(f".{path.name}.0123456789abcdef.tmp")
    other = path.with_name(".another.safetensors.0123456789abcdef.tmp")
    for file in (leftover, other):
        file.write_bytes(b"half")
    store.trained("alista", tiny(), 2, CONFIG)
    assert not leftover.exists()
    assert other.exists()
    assert load_checkpoint(path).network.depth == 2
