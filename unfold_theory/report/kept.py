"""Reports kept in the cache: the same one is copied, not drawn again."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from unfold_theory.report import write
from unfold_theory.report.folder import MARK, replaced_folder
from unfold_theory.store import Store
from unfold_theory.suite import Entry, MethodEntry, versions
from unfold_theory.suite.verdicts import package_sha256
from unfold_theory.training import write_atomically


class KeptReport:
    """A report in the cache, by all that it depends on: entries, format, versions and every line of the package.

    Args:
        entries: Of the suite that is reported.
        store: The cache.
        scale: Name of the suite's scale.
        format: ``html`` or ``latex``.
    """

    def __init__(self, entries: Sequence[Entry | MethodEntry], store: Store, *, scale: str, format: write.ReportFormat):
        state = {
            "scale": scale,
            "format": format,
            "figures": [*write.FIGURES, *write.STUDY_FIGURES],
            "entries": [entry.recipe() for entry in entries],
            "versions": versions(),
            "package": package_sha256(),
        }
        digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
        self.path = store.root / "reports" / f"{digest}.zip"
        self.page = "index.html" if format == "html" else "report.tex"

    def restore(self, folder: str | Path) -> Path | None:
        """Put it in place of ``folder``; None where the cache has none that can be read.

        Raises:
            InputError: The folder holds something else than a report, or cannot be written.
        """
        try:
            archive = zipfile.ZipFile(io.BytesIO(self.path.read_bytes()))
            if archive.testzip() is not None or not {MARK, self.page} <= set(archive.namelist()):
                return None
        except (OSError, zipfile.BadZipFile):
            return None
        with replaced_folder(folder) as place:
            archive.extractall(place)
        return Path(folder) / self.page

    def keep(self, folder: str | Path) -> None:
        """Remember the report in a folder; older ones of this cache go.

        Raises:
            InputError: The cache cannot be written.
        """
        content, folder = io.BytesIO(), Path(folder)
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
        write_atomically(self.path, content.getvalue())
        for old in sorted(self.path.parent.glob("*.zip"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)


KEPT = 4
"""Reports that stay in the cache."""
