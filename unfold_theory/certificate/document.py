"""Certificates: a statement and the numbers that prove it, as a small JSON file that is checked on its own."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from unfold_theory.errors import InputError

FORMAT = "unfold_theory certificate"
VERSION = 1
_FIELDS = {"format", "version", "kind", "statement", "proof", "digest"}
_LARGEST = 64 * 2**20
_REMEDY = "Give a file that unfold_theory wrote, unchanged"


@dataclass(frozen=True)
class Certificate:
    """A statement of a known kind, and its proof.

    Attributes:
        kind: What is stated; see :mod:`unfold_theory.certificate.kinds`.
        statement: All that the statement says, as JSON with exact numbers as text.
        proof: All that the checkers need beside it.
    """

    kind: str
    statement: dict[str, Any]
    proof: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the contents: a damaged file is refused even where another proof would come out of it."""
        content = {"kind": self.kind, "statement": self.statement, "proof": self.proof}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> str:
        """The file's contents."""
        record = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "statement": self.statement,
            "proof": self.proof,
            "digest": self.digest,
        }
        return json.dumps(record, indent=1, ensure_ascii=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, content: str, name: str = "The certificate") -> Certificate:
        """Read the outer form; what is stated is read by its kind.

        Args:
            content: JSON.
            name: What to call it in messages.

        Raises:
            InputError: It is not JSON, not a certificate of this version, lacks or adds a field, or was changed after
                it was written.
        """
        try:
            record = json.loads(
                content, object_pairs_hook=_object, parse_float=_no_float, parse_constant=_no_float, parse_int=_integer
            )
        except InputError as error:
            raise InputError(f"{name}: {error.cause}", error.remedy) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name} is not JSON: {str(error) or 'too deep'}", _REMEDY) from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(f"{name} is no certificate", _REMEDY)
        version = record.get("version")
        if isinstance(version, bool) or version != VERSION:
            raise InputError(f"{name} has version {version!r}, not {VERSION}", "Use the package that wrote it")
        if set(record) != _FIELDS:
            wrong = sorted(set(record) ^ _FIELDS)
            raise InputError(f"{name} has missing or unknown fields: {', '.join(wrong)}", _REMEDY)
        kind, statement, proof = record["kind"], record["statement"], record["proof"]
        if not (isinstance(kind, str) and isinstance(statement, dict) and isinstance(proof, dict)):
            raise InputError(f"{name} has fields of wrong types", _REMEDY)
        made = cls(kind, statement, proof)
        if record["digest"] != made.digest:
            raise InputError(f"{name} was changed after it was written: its digest does not fit", _REMEDY)
        return made

    def save(self, path: str | Path) -> Path:
        """Write the file, whole or not at all.

        Raises:
            InputError: It cannot be written there.
        """
        target = Path(path)
        try:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(self.to_json())
                os.replace(temporary, target)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror}", "Choose another place") from error
        return target

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read a file.

        Raises:
            InputError: There is none, it is too large, or it is no certificate.
        """
        source = Path(path)
        try:
            if source.stat().st_size > _LARGEST:
                raise InputError(f"{source} is larger than {_LARGEST} bytes", "Certificates are small: check the name")
            content = source.read_bytes()
        except OSError as error:
            raise InputError(f"{source} cannot be read: {error.strerror}", "Check the name") from error
        try:
            return cls.from_json(content.decode("ascii"), str(source))
        except UnicodeDecodeError as error:
            raise InputError(f"{source} is not JSON but binary, or holds other characters", _REMEDY) from error


def fields(record: Any, names: tuple[str, ...], what: str) -> list[Any]:
    """The values of a mapping that has exactly these fields.

    Raises:
        InputError: One is missing or unknown.
    """
    if not isinstance(record, dict) or set(record) != set(names):
        found = sorted(record) if isinstance(record, dict) else type(record).__name__
        raise InputError(f"{what} holds {found}, not {sorted(names)}", _REMEDY)
    return [record[name] for name in names]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InputError("a field occurs twice", _REMEDY)
    return made


def _no_float(number: str) -> NoReturn:
    raise InputError(f"the number {number[:40]} is not exact", 'Write exact numbers as text: "3/8"')


def _integer(number: str) -> int:
    if len(number) > 9:
        raise InputError(f"the number {number[:20]}... is no index", 'Write exact numbers as text: "3/8"')
    return int(number)
