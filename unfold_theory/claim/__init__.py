"""Claims: hypotheses between enclosures imply a conclusion between enclosures; verdicts say whether they do."""

from unfold_theory.claim.any_setting import AnySetting
from unfold_theory.claim.method_setting import MethodSetting
from unfold_theory.claim.risk_setting import RiskSetting
from unfold_theory.claim.setting import Setting, SignalClass
from unfold_theory.claim.statement import CLAIMS, Claim, Hypothesis, claim, find_claims, hypothesis
from unfold_theory.claim.verdict import HypothesisFinding, Status, Verdict, Witness
from unfold_theory.claim.verify import verify, verify_all

__all__ = [
    "CLAIMS",
    "AnySetting",
    "Claim",
    "Hypothesis",
    "HypothesisFinding",
    "MethodSetting",
    "RiskSetting",
    "Setting",
    "SignalClass",
    "Status",
    "Verdict",
    "Witness",
    "claim",
    "find_claims",
    "hypothesis",
    "verify",
    "verify_all",
]
