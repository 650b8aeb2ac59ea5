"""A folder that is replaced as a whole: built beside its place, then moved there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from unfold_theory.errors import InputError

MARK = "verdicts.json"
"""The file by which a folder is known to be a report."""
_ABANDONED = 24 * 3600.0


def require_replaceable(folder: str | Path) -> Path:
    """The absolute path, if a report may be put there: nothing else of the user's would be lost.

    Raises:
        InputError: It is a file, the link to something, or a folder with other contents than a report.
    """
    place = Path(folder).expanduser()
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise InputError(f"{folder} is not a folder", "Choose another place with --out")
    place = place.resolve()
    if place.is_dir() and any(place.iterdir()) and not (place / MARK).is_file():
        raise InputError(
            f"{folder} holds something else than a report, which would be lost",
            "Choose an empty or new folder with --out",
        )
    return place


@contextlib.contextmanager
def replaced_folder(folder: str | Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of ``folder`` when the block ends without an error.

    A process that is killed leaves the old folder as it was, or (between two renames) under a hidden name beside it;
    never a half-written one. Hidden remains of killed processes go after a day.

    Raises:
        InputError: As :func:`require_replaceable`, or the place cannot be written.
    """
    place = require_replaceable(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(place)
        building = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}", "Choose another place with --out") from error
    try:
        yield building
        # mkdtemp makes folders that only the owner can read.
        os.chmod(building, 0o777 & ~_umask())
        _swap(building, place)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _swap(new: Path, place: Path) -> None:
    if not place.exists():
        os.rename(new, place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".old.tmp", dir=place.parent))
    os.rename(place, old / place.name)
    try:
        os.rename(new, place)
    except BaseException:
        os.rename(old / place.name, place)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _clear_abandoned(place: Path) -> None:
    for remains in place.parent.glob(f".{place.name}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - remains.stat().st_mtime > _ABANDONED:
                shutil.rmtree(remains, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
