"""Trained networks that need not be trained again: a cache in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unfold_theory.errors import InputError
from unfold_theory.networks import build, network_class
from unfold_theory.networks.base import UnfoldedNetwork
from unfold_theory.training import (
    Checkpoint,
    Recipe,
    TrainingConfig,
    evaluate,
    load_checkpoint,
    read_manifest,
    save_checkpoint,
    train,
)
from unfold_theory.training.progress import ProgressCallback

CODE_FORMAT = 1
"""Raised by whoever changes what the same recipe trains to; entries of other formats are not looked at."""
ENVIRONMENT = "UNFOLD_THEORY_CACHE"
EVALUATED = 2_000
"""Fresh signals behind the NMSE in the manifest of a cached network."""


def cache_folder() -> Path:
    """Folder of the cache: the environment variable ``UNFOLD_THEORY_CACHE``, else the platform's place for caches."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "unfold_theory"


class Store:
    """Trained networks by the SHA-256 of what they were trained with.

    Entries are written atomically, and one process at a time trains an entry: others wait for it and reuse it. A
    process that is killed leaves no half-written entry, its lock is free at once, and who trains the entry next goes on
    after the last stage that was finished.

    Args:
        root: Folder of the cache; :func:`cache_folder` by default. It is made when the first entry is written.
    """

    def __init__(self, root: str | Path | None = None):
        self.root = cache_folder() if root is None else Path(root)

    def key(
        self,
        network: str | type[UnfoldedNetwork],
        problem: Any,
        depth: int,
        config: TrainingConfig,
        options: Mapping[str, Any] | None = None,
    ) -> str:
        """SHA-256 (hex) of the canonical JSON of all that determines a trained network.

        It holds the network's name, for a class outside this package also the text of its file, options, depth, the
        problem's fingerprint, the training recipe and the format of the code.

        Raises:
            InputError: An option is not JSON-able, or the network's name is unknown.
        """
        cls = _class_of(network)
        content = {
            "code_format": CODE_FORMAT,
            "network": {"name": cls.name, "source": _source_sha256(cls)},
            "depth": int(depth),
            "options": _plain(dict(options or {})),
            "problem": problem.fingerprint,
            "training": config.recipe(),
        }
        try:
            text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"An option of {cls.name} is not JSON: {error}", "Use numbers, strings and lists"
            ) from error
        return hashlib.sha256(text.encode()).hexdigest()

    def path(self, key: str) -> Path:
        """Where the entry of a key is, or would be."""
        return self.root / "networks" / f"{key}.safetensors"

    def trained(
        self,
        network: str | type[UnfoldedNetwork],
        problem: Any,
        depth: int,
        config: TrainingConfig,
        options: Mapping[str, Any] | None = None,
        *,
        progress: ProgressCallback | None = None,
        refresh: bool = False,
    ) -> Checkpoint:
        """The trained network, from the cache or trained now and put there.

        The manifest's ``metrics`` hold the NMSE at every depth on fresh signals, where the problem has planted codes.

        Args:
            network: A registered name or a class.
            problem: The problem it is trained for.
            depth: Number of layers.
            config: How it is trained.
            options: Options of the class's ``for_problem``, JSON-able.
            progress: Called while it is trained.
            refresh: Train it in any case.

        Raises:
            InputError: As :func:`~unfold_theory.training.train`, ``build`` and :meth:`key` raise it, or the cache
                cannot be written.

        Warns:
            UserWarning: A damaged entry was found; it is trained anew.
        """
        cls = _class_of(network)
        key = self.key(cls, problem, depth, config, options)
        path = self.path(key)
        found = None if refresh else self._find(path, problem, cls)
        if found is not None:
            return found
        with self._lock(path):
            found = None if refresh else self._find(path, problem, cls)
            if found is not None:
                return found
            snapshot = path.with_suffix(".stages")
            leftovers = [*path.parent.glob(f".{path.name}.*.tmp"), *path.parent.glob(f".{snapshot.name}.*.tmp")]
            for leftover in leftovers:  # of killed processes: the lock is ours
                leftover.unlink(missing_ok=True)
            if refresh:
                snapshot.unlink(missing_ok=True)
            start = build(cls, problem, depth, **dict(options or {}))
            result = train(start, problem, config, progress=progress, snapshot=snapshot)
            planted = getattr(problem, "planted", True)
            metrics = evaluate(result.network, problem, EVALUATED) if planted else {}
            extra = {"key": key, "options": _plain(dict(options or {})), "depth": int(depth)}
            save_checkpoint(path, result.network, problem, training=result, metrics=metrics, extra=extra)
            snapshot.unlink(missing_ok=True)
        return load_checkpoint(path, problem, networks={cls.name: cls})

    def recipe(self, recipe: Recipe, *, progress: ProgressCallback | None = None, refresh: bool = False) -> Checkpoint:
        """The network of a recipe on the recipe's own problem, as :meth:`trained`."""
        return self.trained(
            recipe.network,
            recipe.problem(),
            recipe.depth,
            recipe.training,
            recipe.options,
            progress=progress,
            refresh=refresh,
        )

    def entries(self) -> list[dict[str, Any]]:
        """Manifests of all readable entries, each with its ``path``, oldest first."""
        found = []
        paths = (self.root / "networks").glob("*.safetensors")
        for path in sorted(paths, key=lambda p: (p.stat().st_mtime, p.name)):
            with contextlib.suppress(InputError):
                found.append(read_manifest(path) | {"path": str(path)})
        return found

    def _find(self, path: Path, problem: Any, cls: type[UnfoldedNetwork]) -> Checkpoint | None:
        if not path.exists():
            return None
        try:
            return load_checkpoint(path, problem, networks={cls.name: cls})
        except InputError as error:
            warnings.warn(f"A cached network is damaged and is trained anew ({error})", stacklevel=3)
            return None

    @contextlib.contextmanager
    def _lock(self, path: Path) -> Iterator[None]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path.with_suffix(".lock"), "a+b")  # noqa: SIM115
        except OSError as error:
            raise InputError(
                f"The cache {self.root} cannot be written: {error.strerror}",
                f"Name a writable folder in the environment variable {ENVIRONMENT}",
            ) from error
        with file:
            _lock_file(file.fileno())
            yield


def _lock_file(descriptor: int) -> None:
    """Waits for the exclusive lock, which the operating system frees when the process ends.

    Where there is no ``flock`` two processes may train the same entry; the second replaces the first by its equal.
    """
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _class_of(network: str | type[UnfoldedNetwork]) -> type[UnfoldedNetwork]:
    return network_class(network) if isinstance(network, str) else network


def _source_sha256(cls: type[UnfoldedNetwork]) -> str | None:
    """Hash of the files that define a class and its bases, as far as they are not this package's or torch's."""
    digest = hashlib.sha256()
    own = [
        base
        for base in cls.__mro__
        if base.__module__.split(".")[0] not in ("unfold_theory", "torch", "abc", "builtins")
    ]
    for base in own:
        source = _source_file(base)
        if source is None:
            raise InputError(
                f"The source of the network {base.__name__} is not a file, so that no cache can tell it has changed",
                "Define it in a .py file, or train it without the cache",
            )
        digest.update(source.read_bytes())
    return digest.hexdigest() if own else None


def _source_file(cls: type) -> Path | None:
    # A module that was loaded by path need not be in sys.modules, where inspect looks a class up; its functions know.
    for candidate in (cls, *(value for value in vars(cls).values() if inspect.isfunction(value))):
        with contextlib.suppress(TypeError, OSError):
            source = inspect.getsourcefile(candidate)
            if source is not None and Path(source).is_file():
                return Path(source)
    return None


def _plain(value: Any) -> Any:
    """Tuples and arrays as lists, numpy scalars as numbers."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return _plain(value.tolist()) if hasattr(value, "tolist") else value
