"""The released networks of NA-ALISTA; a made-up release where the folder is absent."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks.released import build_released, load_released, read_log

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "na_alista"
needs_release = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/na_alista is absent")


def _nmse_db(released, count, seed=20):
    batch = released.problem.sample(count, seed=seed)
    with torch.no_grad():
        codes = torch.cat([released.network(part) for part in torch.tensor(batch.y).split(1000)]).numpy()
    return 10 * np.log10(((codes - batch.x) ** 2).sum() / (batch.x**2).sum())


@needs_release
def test_sixteen_layers_at_forty_decibels():
    released = load_released(FOLDER)
    assert str(released.log) == "ALISTA 250 x 500, K = 16, SNR 40 dB"
    assert released.problem.snr_db == 40
    assert _nmse_db(released, 10_000) == pytest.approx(-39.5, abs=0.5)


@needs_release
@pytest.mark.parametrize(("depth", "snr_db"), [(1, 40), (2, 40), (4, 40), (8, 20)])
def test_the_codes_selection_reproduces_the_log(depth, snr_db):
    released = load_released(FOLDER, depth=depth, snr_db=snr_db, selection="code")
    assert _nmse_db(released, 4000) == pytest.approx(released.log.nmse_db_best, abs=0.08)


@needs_release
def test_the_papers_selection_does_not():
    # One entry more bypasses the threshold: 0.1 to 0.2 dB at small depths, so the two rules are told apart.
    released = load_released(FOLDER, depth=4)
    assert _nmse_db(released, 4000) > released.log.nmse_db_best + 0.1


@needs_release
@pytest.mark.parametrize("kind", ["ISTA", "FISTA"])
def test_classical_methods_reproduce_the_log(kind):
    released = load_released(FOLDER, kind=kind, depth=16)
    assert _nmse_db(released, 2000) == pytest.approx(released.log.nmse_db_best, abs=0.15)


@needs_release
@pytest.mark.parametrize("kind", ["ALISTA_AT", "AGLISTA"])
@pytest.mark.parametrize(("n", "depth", "snr_db"), [(500, 1, 40), (500, 2, 20), (500, 14, 40), (2000, 10, 20)])
def test_adaptive_networks_reproduce_the_log(kind, n, depth, snr_db):
    released = load_released(FOLDER, kind=kind, n=n, depth=depth, snr_db=snr_db, selection="code")
    assert _nmse_db(released, 2000) == pytest.approx(released.log.nmse_db_best, abs=0.5)


@needs_release
def test_one_released_network_is_not_the_logged_one():
    released = load_released(FOLDER, kind="AGLISTA", selection="code")
    assert released.log.nmse_db_best == -41.3454
    assert _nmse_db(released, 4000) > -40.6


@needs_release
def test_every_entry_is_read_or_refused():
    logs = read_log(FOLDER)
    assert len(logs) == 378
    assert sum(log.readable for log in logs) == 3 * 60 + 69 + 69
    for log in logs:
        if log.kind == "ALISTA" and log.n == 500:
            network = build_released(FOLDER, log).network
            assert network.depth == log.depth
            assert [layer.gain for layer in network.affine_layers()] == log.parameters["gamma"]
            assert not any(layer.gated for layer in network.affine_layers())
        elif not log.readable:
            with pytest.raises(MissingStructure, match=log.kind):
                build_released(FOLDER, log)


ENTRY = {
    "network": "ALISTA",
    "m": 4,
    "n": 6,
    "s": 2,
    "K": 3,
    "snr_db": 20,
    "parameters": {"gamma": [1.0, 0.9, 0.8], "theta": [0.3, 0.2, -0.1]},
}


@pytest.fixture
def release(tmp_path):
    matrix = np.random.default_rng(0).standard_normal((4, 6))
    np.save(tmp_path / "phi_4x6.npy", matrix)
    np.save(tmp_path / "W_frob_4x6.npy", 0.5 * matrix)

    def write(content):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "networks.json").write_text(text)
        return tmp_path

    return write


def test_reads_a_release_without_logs(release):
    network, problem, log = load_released(release([ENTRY]), n=6, depth=3, snr_db=20)
    layers = network.affine_layers()
    assert [float(layer.threshold) for layer in layers] == [0.3, 0.2, -0.1]
    # floor(linspace(floor(2.4 / 3), 2.4, 3)) = 0, 1, 2
    assert [layer.selected for layer in layers] == [0, 1, 2]
    assert np.array_equal(layers[0].weight, 0.5 * problem.dictionary)
    assert log.nmse_db_best is None
    code = load_released(release([ENTRY]), n=6, depth=3, snr_db=20, selection="code").network
    assert [layer.selected for layer in code.affine_layers()] == [0, 0, 1]


def _without(key):
    return {k: v for k, v in ENTRY.items() if k != key}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{]", "not JSON"),
        ({"a": 1}, "no list"),
        ([3], "not an object"),
        ([_without("K")], "'K'"),
        ([{**ENTRY, "m": "4"}], "'m'"),
        ([{**ENTRY, "s": 7}], "impossible sizes"),
        ([{**ENTRY, "parameters": {"gamma": 1.0}}], "no lists"),
        ([_without("parameters")], "3 finite values of gamma"),
        ([{**ENTRY, "parameters": {"gamma": [1.0, float("nan"), 1.0], "theta": [0.0] * 3}}], "finite values of gamma"),
        ([{**ENTRY, "parameters": {"gamma": [1.0] * 3, "theta": [0.0] * 2}}], "finite values of theta"),
        ([{**ENTRY, "n": 7}], "has no ALISTA"),
        ([{**ENTRY, "network": "AGLISTA"}], "has no ALISTA"),
    ],
)
def test_refuses_damaged_releases(release, content, message):
    with pytest.raises(InputError, match=message):
        load_released(release(content), n=6, depth=3, snr_db=20)


def test_names_what_is_missing(release, tmp_path):
    with pytest.raises(InputError, match=r"networks\.json cannot be read"):
        read_log(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"\(6, 3, 20\)"):
        load_released(release([ENTRY]), n=6, depth=4, snr_db=20)
    with pytest.raises(InputError, match="named 'both'"):
        load_released(release([ENTRY]), n=6, depth=3, snr_db=20, selection="both")
    np.save(tmp_path / "W_frob_4x6.npy", np.ones((4, 5)))
    with pytest.raises(InputError, match=r"W_frob_4x6\.npy has shape \(4, 5\)"):
        load_released(release([ENTRY]), n=6, depth=3, snr_db=20)
    (tmp_path / "W_frob_4x6.npy").unlink()
    with pytest.raises(InputError, match="is missing"):
        load_released(release([ENTRY]), n=6, depth=3, snr_db=20)
    (tmp_path / "phi_4x6.npy").write_bytes(b"not a matrix")
    with pytest.raises(InputError, match="phi_4x6"):
        load_released(release([ENTRY]), n=6, depth=3, snr_db=20)
