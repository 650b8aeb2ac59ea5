"""Files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from unfold_theory.errors import InputError


def write_atomically(path: str | Path, data: bytes) -> None:
    """Writes ``data`` to a temporary file beside ``path`` and moves it there once it is on the disk.

    A process that is killed leaves the old file, or none, at ``path``, and at most a hidden file
    ``.<name>.<random>.tmp`` beside it. Missing folders are made.

    Raises:
        InputError: The place cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}", "Choose a writable place with free space"
        ) from error


def _sync_folder(folder: Path) -> None:
    # The rename itself reaches the disk with the folder; not every platform can sync one.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
