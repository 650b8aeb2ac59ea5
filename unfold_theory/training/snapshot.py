"""Finished stages of a training on disk, so that a killed training goes on where it was."""

from __future__ import annotations

import hashlib
import json
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training.atomic import write_atomically
from unfold_theory.training.config import TrainingConfig

_KEY = "unfold_theory_snapshot"


@dataclass(frozen=True)
class Snapshot:
    """What a training has when it begins a stage.

    Attributes:
        stages: Number of finished stages.
        history: Rows of the finished stages.
        metrics: Sums over the finished stages, with their ``seconds``.
    """

    stages: int
    history: list[dict[str, Any]]
    metrics: dict[str, Any]


def training_identity(network: UnfoldedNetwork, problem: Any, config: TrainingConfig) -> str:
    """SHA-256 (hex) of a training's configuration, problem and initial parameters: snapshots of others do not fit."""
    content = [network.name, network.depth, getattr(problem, "fingerprint", None), config.recipe()]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, parameter in network.named_parameters():
        digest.update(name.encode() + parameter.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def write_snapshot(path: Path, identity: str, network: UnfoldedNetwork, snapshot: Snapshot) -> None:
    """Writes the parameters of ``network`` and ``snapshot`` to ``path``, atomically.

    Raises:
        InputError: ``path`` cannot be written.
    """
    tensors = {name: p.detach().contiguous().clone() for name, p in network.named_parameters()}
    text = json.dumps({"identity": identity, **vars(snapshot)})
    write_atomically(path, save_tensors(tensors, {_KEY: text}))


def read_snapshot(path: Path, identity: str, network: UnfoldedNetwork) -> Snapshot | None:
    """Puts the parameters of a snapshot into ``network``; None, and nothing is changed, where none fits.

    Warns:
        UserWarning: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        content = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_KEY])
        if content.pop("identity") != identity:
            return None
        tensors = load_tensors(data)
        snapshot = Snapshot(**content)
        own = dict(network.named_parameters())
        if {name: p.shape for name, p in own.items()} != {name: t.shape for name, t in tensors.items()}:
            raise ValueError("its tensors are others")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error, SafetensorError) as error:
        warnings.warn(f"The snapshot {path} is damaged, the training starts anew ({error})", stacklevel=3)
        return None
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])
    return snapshot
