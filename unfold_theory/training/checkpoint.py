"""Trained networks in one safetensors file with a manifest; nothing is ever unpickled."""

from __future__ import annotations

import json
import math
import platform
import struct
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.atomic import write_atomically
from unfold_theory.training.loop import TrainingResult

FORMAT = 1
_KEY = "unfold_theory"
_REMAKE = "Write it again with unfold-theory train"


class Checkpoint(NamedTuple):
    """What :func:`load_checkpoint` returns: the network (eval mode), its problem, and the manifest."""

    network: UnfoldedNetwork
    problem: Any
    manifest: dict[str, Any]


def save_checkpoint(
    path: str | Path,
    network: UnfoldedNetwork,
    problem: Any,
    *,
    training: TrainingResult | None = None,
    metrics: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes ``network`` and everything needed to rebuild it to ``path``, atomically.

    The manifest, JSON in the file's metadata, holds ``format``, ``network`` (name, title, config), ``problem`` (recipe,
    fingerprint), ``training`` (recipe with seed, metrics, history; None if not trained here), ``metrics``, ``versions``
    and ``extra``.

    Args:
        path: The file; an existing one is replaced.
        network: The network; its tensors keep their data types.
        problem: The problem that it belongs to, with ``recipe`` and ``fingerprint``.
        training: How it was trained.
        metrics: JSON-able results, such as those of :func:`~unfold_theory.training.evaluate`.
        extra: Further JSON-able entries.

    Returns:
        The manifest.

    Raises:
        InputError: A tensor is not finite, an entry is not JSON-able, or ``path`` cannot be written.
    """
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in network.state_dict().items()}
    _require_finite(tensors, f"The {network.name} network")
    manifest = {
        "format": FORMAT,
        "network": {"name": network.name, "title": network.title, "config": network.config()},
        "problem": {"recipe": problem.recipe, "fingerprint": problem.fingerprint},
        "training": None
        if training is None
        else {"recipe": training.config.recipe(), "metrics": training.metrics, "history": training.history},
        "metrics": dict(metrics or {}),
        "versions": _versions(),
        "extra": dict(extra or {}),
    }
    try:
        text = json.dumps(_jsonable(manifest), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"The manifest is not JSON: {error}", "Use numbers, strings, lists and dicts") from error
    write_atomically(path, save_tensors(tensors, {_KEY: text}))
    return json.loads(text)


def read_manifest(path: str | Path) -> dict[str, Any]:
    """The manifest of a checkpoint, without building anything.

    Raises:
        InputError: The file is absent, damaged, of another format, or holds no manifest.
    """
    return _manifest(_read(path), path)


def load_checkpoint(
    path: str | Path,
    problem: Any = None,
    *,
    networks: Mapping[str, type[UnfoldedNetwork]] | None = None,
) -> Checkpoint:
    """The network of a checkpoint, after every check that can be made without running it.

    Args:
        path: A file from :func:`save_checkpoint`.
        problem: The problem it must belong to; None rebuilds the one of the manifest.
        networks: Classes by name beside, and before, the registered ones: a user's own.

    Raises:
        InputError: The file is absent, truncated, a pickle (such as ``torch.save`` writes) or of another format; its
            manifest is missing or damaged; it belongs to another problem; a tensor is not finite or does not fit; or
            no class has the network's name.
    """
    data = _read(path)
    manifest = _manifest(data, path)
    tensors = _tensors(data, path)
    _require_finite(tensors, f"The checkpoint {path}")
    made = _find_class(manifest["network"]["name"], path, networks)
    problem = _problem(manifest["problem"], path, problem, tensors.get("dictionary"))
    config = manifest["network"]["config"]
    remedy = "Load it with the class and the version that wrote it"
    try:
        network = made.from_config(config, dict(tensors))
        state = network.state_dict()
    except Exception as error:  # a user's class may raise anything
        raise InputError(f"The tensors of {path} do not fit {made.__name__}: {error}", remedy) from error
    ours, theirs = ({name: tuple(t.shape) for name, t in group.items()} for group in (state, tensors))
    if ours != theirs:
        wrong = sorted(set(ours.items()) ^ set(theirs.items()))
        raise InputError(f"Tensors of {path} and of {made.__name__} differ, first in {wrong[0]}", remedy)
    matrix = network.dictionary.double().cpu().numpy()
    if matrix.shape != problem.dictionary.shape or not np.allclose(matrix, problem.dictionary, atol=1e-5):
        raise InputError(f"The dictionary in {path} is not that of its problem", _REMAKE)
    return Checkpoint(network.eval(), problem, manifest)


# -- reading -------------------------------------------------------------------------------------------------------
def _read(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}", "Check the path") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "Pass a readable file") from error
    # A safetensors file may begin with the byte of a pickle as well: its first bytes are a length, its ninth is "{".
    if data[:4] == b"PK\x03\x04" or (data[:1] == b"\x80" and data[8:9] != b"{"):
        raise InputError(
            f"{path} is a pickle, as torch.save writes it, and loading one may run any code",
            "Save it as safetensors with unfold_theory.training.save_checkpoint",
        )
    if len(data) < 8:
        raise InputError(f"{path} is truncated: it has {len(data)} bytes", _REMAKE)
    (length,) = struct.unpack("<Q", data[:8])
    if data[8:9] != b"{" and len(data) > 8:
        raise InputError(f"{path} is no safetensors file", "Pass a checkpoint that unfold-theory train wrote")
    if length > len(data) - 8:
        raise InputError(f"{path} is truncated: its header alone has {length} bytes", _REMAKE)
    return data


def _manifest(data: bytes, path: str | Path) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", data[:8])
    try:
        header = json.loads(data[8 : 8 + length])
        text = header.get("__metadata__", {}).get(_KEY)
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged: its header is not JSON", _REMAKE) from error
    if not isinstance(text, str):
        raise InputError(
            f"{path} is a safetensors file without a manifest",
            "Save the network with unfold_theory.training.save_checkpoint",
        )
    try:
        manifest = json.loads(text)
        known = manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"The manifest of {path} is damaged", _REMAKE) from error
    if not known:
        raise InputError(f"{path} has format {manifest['format']!r}, this version reads {FORMAT}", _REMAKE)
    kinds = {("network", "name"): str, ("network", "config"): dict, ("problem", "recipe"): dict}
    kinds |= {("problem", "fingerprint"): str}
    for (section, entry), kind in kinds.items():
        part = manifest.get(section)
        if not isinstance(part, dict) or not isinstance(part.get(entry), kind):
            raise InputError(f"The manifest of {path} lacks its {section} {entry}", _REMAKE)
    return manifest


def _tensors(data: bytes, path: str | Path) -> dict[str, Tensor]:
    try:
        return load_tensors(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path} is truncated or damaged: {error}", _REMAKE) from error


def _require_finite(tensors: Mapping[str, Tensor], owner: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{owner} holds NaN or infinity in {name!r}", "Train again, at a lower rate if need be")


def _find_class(
    name: str, path: str | Path, networks: Mapping[str, type[UnfoldedNetwork]] | None
) -> type[UnfoldedNetwork]:
    from unfold_theory.networks import NETWORKS

    known: dict[str, type[UnfoldedNetwork]] = {**NETWORKS, **(networks or {})}
    if name not in known:
        raise InputError(
            f"{path} holds a network {name!r}, and no class of this name is known",
            f"Pass the file that defines it; known are {', '.join(sorted(known))}",
        )
    return known[name]


def _problem(section: Mapping[str, Any], path: str | Path, problem: Any, dictionary: Tensor | None) -> Any:
    if problem is None:
        from unfold_theory.problems import problem_from_recipe

        matrix = None if dictionary is None else dictionary.double().numpy()
        problem = problem_from_recipe(section["recipe"], matrix)
    if problem.fingerprint != section["fingerprint"]:
        raise InputError(
            f"{path} was trained for another problem ({section['recipe']}) than {problem!r}",
            "Pass the problem it was trained for, or none",
        )
    return problem


# -- writing -------------------------------------------------------------------------------------------------------
def _versions() -> dict[str, str]:
    try:
        own = version("unfold_theory")
    except PackageNotFoundError:
        own = "unknown"
    return {
        "unfold_theory": own,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _jsonable(value: Any) -> Any:
    """Infinite and NaN numbers, which JSON lacks, become None; numpy scalars become Python's."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
