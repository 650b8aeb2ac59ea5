"""Exact certificates: statements with rational proofs, checked by code that imports no producer."""

from unfold_theory.certificate.document import Certificate
from unfold_theory.certificate.kinds import KINDS, Finding, Refused, Theorem, check, register
from unfold_theory.certificate.lipschitz import LipschitzBound, LipschitzWitness
from unfold_theory.certificate.worst_case import WorstCaseRate

__all__ = [
    "KINDS",
    "Certificate",
    "Finding",
    "LipschitzBound",
    "LipschitzWitness",
    "Refused",
    "Theorem",
    "WorstCaseRate",
    "check",
    "register",
]
