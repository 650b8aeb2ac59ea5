"""Check trained deep-unfolded networks against their theorems: hypotheses, bounds, verdicts."""

from unfold_theory.claim import (
    CLAIMS,
    Claim,
    Setting,
    SignalClass,
    Status,
    Verdict,
    claim,
    find_claims,
    hypothesis,
    verify,
    verify_all,
)
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import NETWORKS, AffineLayer, UnfoldedNetwork, build
from unfold_theory.problems import Lasso, SparseRecovery

__version__ = "0.1.0"

__all__ = [
    "CLAIMS",
    "NETWORKS",
    "AffineLayer",
    "Basis",
    "Claim",
    "Enclosure",
    "Inequality",
    "InputError",
    "Lasso",
    "MissingStructure",
    "Setting",
    "SignalClass",
    "SparseRecovery",
    "Status",
    "UnfoldedNetwork",
    "Verdict",
    "build",
    "claim",
    "find_claims",
    "hypothesis",
    "verify",
    "verify_all",
]
