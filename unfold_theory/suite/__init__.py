"""The networks and settings that ``verify``, ``report`` and the figures run on."""

from unfold_theory.suite.entry import Entry, resolve_network
from unfold_theory.suite.methods import MethodEntry, MethodSubject, method_entries
from unfold_theory.suite.prepare import Subject, prepare
from unfold_theory.suite.records import FindingRecord, VerdictRecord
from unfold_theory.suite.scales import SCALES, Scale, entries_for, find_scale, suite
from unfold_theory.suite.study import STUDIES, Cell, Row, Study, find_study, run_studies, study
from unfold_theory.suite.verdicts import literature, registered_verdicts
from unfold_theory.suite.versions import versions
from unfold_theory.suite.watch import Done, Watch

__all__ = [
    "SCALES",
    "STUDIES",
    "Cell",
    "Done",
    "Entry",
    "FindingRecord",
    "MethodEntry",
    "MethodSubject",
    "Row",
    "Scale",
    "Study",
    "Subject",
    "VerdictRecord",
    "Watch",
    "entries_for",
    "find_scale",
    "find_study",
    "literature",
    "method_entries",
    "prepare",
    "registered_verdicts",
    "resolve_network",
    "run_studies",
    "study",
    "suite",
    "versions",
]
