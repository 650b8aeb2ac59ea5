"""A suite small enough for tests, with a cache that all tests of a run share."""

import fcntl
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from unfold_theory.store import Store
from unfold_theory.suite import SCALES, Scale, prepare, registered_verdicts, suite
from unfold_theory.training import quick_recipe


def brief_training(network, depth, problem):
    made = quick_recipe(network, depth, problem)
    training = replace(made.training, steps=4, validation_size=64, validation_interval=4, batch_size=32, decays=())
    return training, made.options


TINY = Scale("tiny", "40 x 60", 40, 60, 2, iterations=12, training=brief_training, depth=5, signals=24, long_signals=12)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    return Store(folder / "tiny-cache")


@pytest.fixture
def tiny(monkeypatch, tiny_store):
    """The scale ``tiny``, and a cache of its own, for the command line."""
    monkeypatch.setitem(SCALES, "tiny", TINY)
    monkeypatch.setenv("UNFOLD_THEORY_CACHE", str(tiny_store.root))
    return TINY


@contextmanager
def one_at_a_time(store):
    """Test processes share the cache: the first fills it, in workers where no types are checked, which is faster."""
    store.root.mkdir(parents=True, exist_ok=True)
    with open(store.root / "tests.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def tiny_subjects(tiny_store):
    torch.set_num_threads(1)
    with one_at_a_time(tiny_store):
        return prepare(suite(TINY), tiny_store, jobs=2)


@pytest.fixture(scope="session")
def tiny_verdicts(tiny_subjects, tiny_store):
    with one_at_a_time(tiny_store):
        return registered_verdicts([subject.entry for subject in tiny_subjects], tiny_store, jobs=2)
