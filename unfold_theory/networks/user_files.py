"""Networks and theorems in a user's own file, given by path."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from unfold_theory.errors import InputError
from unfold_theory.networks.base import UnfoldedNetwork


def load_user_file(path: str | Path) -> ModuleType:
    """Run a Python file and return it as a module. It runs with all rights of the caller: load only files you trust.

    A second call runs the file anew, so that edits count.

    Raises:
        InputError: There is no such file, it is no .py file, or it does not import; the message has the line.
    """
    file = Path(path).expanduser().resolve()
    if file.suffix != ".py":
        raise InputError(f"{path} is not a Python file", "Pass the path of a .py file")
    if not file.is_file():
        raise InputError(f"There is no file {path}", "Check the path")
    name = f"unfold_theory_user_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be imported", "Pass the path of a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # Not spec.loader.exec_module: its cached bytecode misses edits within the clock's resolution.
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(
            f"{path} does not import: {_where(error, file)}{type(error).__name__}: {error}",
            f"Correct the file until `python {path}` runs",
        ) from error
    return module


def _where(error: BaseException, file: Path) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: " if error.filename == str(file) else ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"line {lines[-1]}: " if lines else ""


def user_networks(module: ModuleType) -> dict[str, type[UnfoldedNetwork]]:
    """The networks that a module defines itself, by name; abstract classes are left out."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, UnfoldedNetwork) and value.__module__ == module.__name__
    ]
    return {network.name: network for network in found if not inspect.isabstract(network)}


def load_user_network(path: str | Path, name: str | None = None) -> type[UnfoldedNetwork]:
    """The network class of a user's file.

    Args:
        path: A .py file with a subclass of :class:`~unfold_theory.networks.base.UnfoldedNetwork` that has
            ``step(k, state, y)``.
        name: Which one, where the file defines several.

    Raises:
        InputError: The file does not import, defines no such class, or defines several and ``name`` chooses none.
    """
    module = load_user_file(path)
    networks = user_networks(module)
    if not networks:
        unfinished = [
            value.__name__
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, UnfoldedNetwork) and value.__module__ == module.__name__
        ]
        cause = (
            f"{', '.join(unfinished)} in {path} lacks step(k, state, y)" if unfinished else f"{path} defines no network"
        )
        raise InputError(cause, "Define a subclass of UnfoldedNetwork with the method step(k, state, y)")
    if name is None and len(networks) == 1:
        return next(iter(networks.values()))
    if name is None or name not in networks:
        cause = f"{path} defines several networks" if name is None else f"{path} defines no network named {name!r}"
        raise InputError(cause, f"Choose one of {', '.join(networks)}")
    return networks[name]
