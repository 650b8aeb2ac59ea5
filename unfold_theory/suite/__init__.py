"""The networks and settings that ``verify``, ``report`` and the figures run on."""

from unfold_theory.suite.entry import Entry, resolve_network
from unfold_theory.suite.prepare import Done, Subject, Watch, prepare
from unfold_theory.suite.scales import SCALES, Scale, entries_for, find_scale, suite
from unfold_theory.suite.versions import versions

__all__ = [
    "SCALES",
    "Done",
    "Entry",
    "Scale",
    "Subject",
    "Watch",
    "entries_for",
    "find_scale",
    "prepare",
    "resolve_network",
    "suite",
    "versions",
]
