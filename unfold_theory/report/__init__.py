"""Reports: verdict table, figures and sources as HTML or LaTeX, written as a whole or not at all."""

from unfold_theory.report.content import Report, ReportFigure
from unfold_theory.report.folder import replaced_folder, require_replaceable
from unfold_theory.report.kept import KeptReport
from unfold_theory.report.write import ReportFormat, write_report

__all__ = [
    "KeptReport",
    "Report",
    "ReportFigure",
    "ReportFormat",
    "replaced_folder",
    "require_replaceable",
    "write_report",
]
