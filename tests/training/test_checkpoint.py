import json
import os
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from unfold_theory.errors import InputError
from unfold_theory.networks import NETWORKS, build
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.training import (
    Supervised,
    TrainingConfig,
    evaluate,
    load_checkpoint,
    read_manifest,
    save_checkpoint,
    train,
)

CONFIG = TrainingConfig(loss=Supervised(True), batch_size=16, steps=10, decays=(), validation_size=50, seed=3)


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "alista.safetensors"
    result = train(build("alista", tiny, 3), tiny, CONFIG)
    save_checkpoint(path, result.network, tiny, training=result, metrics=evaluate(result.network, tiny, 100))
    return path, result.network


def split(path):
    """Manifest and tensors of a file, by safetensors alone."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["unfold_theory"]), load_tensors(data)


def rewritten(saved, tmp_path, change):
    manifest, tensors = split(saved[0])
    change(manifest, tensors)
    path = tmp_path / "changed.safetensors"
    path.write_bytes(save_tensors(tensors, {"unfold_theory": json.dumps(manifest)}))
    return path


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_comes_back_bit_by_bit(tiny, tmp_path, name):
    network = build(name, tiny, 3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.01
    save_checkpoint(tmp_path / "n.safetensors", network, tiny)
    loaded, problem, manifest = load_checkpoint(tmp_path / "n.safetensors")
    y = torch.tensor(tiny.sample(20, seed=0).y)
    assert type(loaded) is type(network)
    assert torch.equal(loaded.iterates(y), network.iterates(y))
    assert problem.fingerprint == tiny.fingerprint
    assert manifest["network"]["config"] == network.config()


def test_the_manifest_says_how_it_was_made(saved, tiny):
    manifest = read_manifest(saved[0])
    assert manifest["network"]["name"] == "alista"
    assert manifest["problem"] == {"recipe": tiny.recipe, "fingerprint": tiny.fingerprint}
    assert TrainingConfig.from_recipe(manifest["training"]["recipe"]) == CONFIG
    assert manifest["training"]["history"][-1]["step"] == 10
    assert len(manifest["metrics"]["nmse_db"]) == 4
    assert manifest["versions"]["torch"] == str(torch.__version__)
    assert load_checkpoint(saved[0], tiny).manifest == manifest


def test_infinite_metrics_become_null(tiny, tmp_path):
    manifest = save_checkpoint(
        tmp_path / "n", build("ista", tiny, 1), tiny, metrics={"nmse_db": [0.0, -np.inf], "n": np.float64(2)}
    )
    assert manifest["metrics"] == {"nmse_db": [0.0, None], "n": 2.0}


class Halving(UnfoldedNetwork):
    name = "halving"

    def step(self, k, state, y):
        return (state + (y - state @ self.dictionary.T) @ self.dictionary) / 2


def test_a_users_class_is_found_where_it_is_passed(tiny, tmp_path):
    network = Halving.for_problem(tiny, 2)
    save_checkpoint(tmp_path / "own.safetensors", network, tiny)
    with pytest.raises(InputError, match=r"'halving', and no class of this name is known\. Pass the file"):
        load_checkpoint(tmp_path / "own.safetensors")
    loaded = load_checkpoint(tmp_path / "own.safetensors", networks={"halving": Halving}).network
    y = torch.tensor(tiny.sample(4, seed=0).y)
    assert torch.equal(loaded(y), network(y))


def test_a_dictionary_given_as_an_array_travels_in_the_file(tmp_path):
    problem = SparseRecovery(np.random.default_rng(0).standard_normal((5, 8)), BernoulliGaussian(0.2))
    save_checkpoint(tmp_path / "n", build("ista", problem, 2), problem)
    assert np.array_equal(load_checkpoint(tmp_path / "n").problem.dictionary, problem.dictionary)


# -- bad files -----------------------------------------------------------------------------------------------------
def test_absent_file(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        load_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 8, 9, 300, 0.5, -1])
def test_every_truncation_is_refused(saved, tmp_path, keep):
    data = saved[0].read_bytes()
    cut = int(len(data) * keep) if isinstance(keep, float) else (len(data) + keep if keep < 0 else keep)
    (tmp_path / "cut").write_bytes(data[:cut])
    with pytest.raises(InputError, match="truncated"):
        load_checkpoint(tmp_path / "cut")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def test_a_header_whose_length_begins_like_a_pickle_is_read(saved, tmp_path):
    """The file starts with its header's length: 128 modulo 256 makes 0x80, the first byte of a pickle."""
    manifest, tensors = split(saved[0])
    path = tmp_path / "padded.safetensors"
    for padding in range(0, 4096, 4):
        path.write_bytes(save_tensors(tensors, {"unfold_theory": json.dumps(manifest | {"extra": "x" * padding})}))
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert load_checkpoint(path).network.name == "alista"


def test_pickles_are_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("a.pkl", "wb") as file:
        pickle.dump(Bomb(), file)
    with open("old.pt", "wb") as file:
        torch.save({"w": Bomb()}, file, _use_new_zipfile_serialization=False)
    torch.save({"w": Bomb()}, "new.pt")
    for name in ("a.pkl", "old.pt", "new.pt"):
        with pytest.raises(InputError, match="is a pickle"):
            load_checkpoint(name)
    assert not os.path.exists("unpickled")


def test_other_formats_are_refused(tmp_path):
    (tmp_path / "text").write_text("epoch,loss\n1,0.5\n")
    with pytest.raises(InputError, match="no safetensors file"):
        load_checkpoint(tmp_path / "text")
    (tmp_path / "plain").write_bytes(save_tensors({"w": torch.zeros(2)}))
    with pytest.raises(InputError, match="without a manifest"):
        load_checkpoint(tmp_path / "plain")
    (tmp_path / "odd").write_bytes(struct.pack("<Q", 4) + b"{,,}")
    with pytest.raises(InputError, match="not JSON"):
        load_checkpoint(tmp_path / "odd")


def set_entry(path, value):
    def change(manifest, tensors):
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, t: m.pop("problem"), "lacks its problem recipe"),
        (set_entry(["network", "config"], None), "lacks its network config"),
        (set_entry(["format"], 99), "format 99"),
        (lambda m, t: m.pop("format"), "manifest of .* is damaged"),
        (set_entry(["network", "name"], "resnet"), "'resnet'"),
        (set_entry(["network", "config", "depth"], 2), "do not fit Alista"),
        (set_entry(["network", "config", "colour"], 2), "do not fit Alista"),
        (set_entry(["problem", "fingerprint"], "0" * 64), "another problem"),
        (lambda m, t: t["gains.1"].fill_(float("nan")), "NaN or infinity in 'gains.1'"),
        (lambda m, t: t["weights"].view(-1)[3].fill_(float("inf")), "NaN or infinity in 'weights'"),
        (lambda m, t: t.update(weights=torch.zeros(3, 3)), "do not fit Alista"),
        (lambda m, t: t.update(extra=torch.zeros(1)), "do not fit Alista"),
        (lambda m, t: t.pop("thresholds.2"), "do not fit Alista"),
        (lambda m, t: t["dictionary"].mul_(2), "not that of its problem"),
        (set_entry(["problem", "recipe"], {"kind": "riddle"}), "kind"),
    ],
)
def test_damaged_contents_are_refused(saved, tmp_path, change, message):
    path = rewritten(saved, tmp_path, change)
    before = path.read_bytes()
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)
    assert path.read_bytes() == before


def test_an_unchanged_rewrite_loads(saved, tmp_path):
    path = rewritten(saved, tmp_path, lambda m, t: None)
    assert load_checkpoint(path).manifest == read_manifest(saved[0])


def test_a_checkpoint_of_another_problem_is_refused(saved):
    other = SparseRecovery.gaussian(12, 20, law=BernoulliGaussian(0.1), snr_db=30.0, seed=6)
    with pytest.raises(InputError, match="was trained for another problem"):
        load_checkpoint(saved[0], other)


# -- writing -------------------------------------------------------------------------------------------------------
def test_refused_networks_touch_nothing(saved, tiny, tmp_path):
    target = tmp_path / "n.safetensors"
    target.write_bytes(saved[0].read_bytes())
    network = build("alista", tiny, 3)
    with torch.no_grad():
        network.gains[0].fill_(float("nan"))
    with pytest.raises(InputError, match=r"NaN or infinity in 'gains\.0'"):
        save_checkpoint(target, network, tiny)
    with pytest.raises(InputError, match="not JSON"):
        save_checkpoint(target, saved[1], tiny, metrics={"bad": object()})
    assert target.read_bytes() == saved[0].read_bytes()
    assert os.listdir(tmp_path) == ["n.safetensors"]


def test_a_failed_write_leaves_the_old_file_and_no_other(saved, tiny, tmp_path, monkeypatch):
    target = tmp_path / "n.safetensors"
    target.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written: No space left on device\. Choose a writable place"):
        save_checkpoint(target, saved[1], tiny)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["n.safetensors"]


def test_an_unwritable_place_is_one_clear_error(saved, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_checkpoint(tmp_path / "file" / "n.safetensors", saved[1], tiny)


def test_retraining_from_the_manifest_gives_the_same_bits(saved, tiny):
    config = TrainingConfig.from_recipe(read_manifest(saved[0])["training"]["recipe"])
    again = train(build("alista", tiny, 3), tiny, config).network
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), saved[1].parameters(), strict=True))
    other = train(build("alista", tiny, 3), tiny, replace(config, seed=4)).network
    assert not torch.equal(next(other.parameters()), next(saved[1].parameters()))
