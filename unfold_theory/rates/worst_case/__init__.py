"""Worst-case rates of K-step methods with given parameters: closed forms, the chain form, all pairs."""

from unfold_theory.rates.worst_case.chain import Chain, build_chain
from unfold_theory.rates.worst_case.chain_solver import ChainSolution, solve_chain
from unfold_theory.rates.worst_case.classes import (
    FunctionClass,
    OperatorClass,
    averaged,
    convex,
    lipschitz,
    nonexpansive,
    smooth_convex,
    smooth_nonconvex,
    strongly_convex,
    weakly_convex,
)
from unfold_theory.rates.worst_case.closed_forms import ClosedForm, closed_forms
from unfold_theory.rates.worst_case.full import FullSolution, build_full, solve_full
from unfold_theory.rates.worst_case.gradient import worst_case_gradient
from unfold_theory.rates.worst_case.instance import WorstCaseInstance, worst_case_instance
from unfold_theory.rates.worst_case.measures import MEASURES, Measure
from unfold_theory.rates.worst_case.problem import Question
from unfold_theory.rates.worst_case.rate import WorstCaseRate, ask, worst_case_rate
from unfold_theory.rates.worst_case.sandwich import Sandwich, replay, sandwich

__all__ = [
    "MEASURES",
    "Chain",
    "ChainSolution",
    "ClosedForm",
    "FullSolution",
    "FunctionClass",
    "Measure",
    "OperatorClass",
    "Question",
    "Sandwich",
    "WorstCaseInstance",
    "WorstCaseRate",
    "ask",
    "averaged",
    "build_chain",
    "build_full",
    "closed_forms",
    "convex",
    "lipschitz",
    "nonexpansive",
    "replay",
    "sandwich",
    "smooth_convex",
    "smooth_nonconvex",
    "solve_chain",
    "solve_full",
    "strongly_convex",
    "weakly_convex",
    "worst_case_gradient",
    "worst_case_instance",
    "worst_case_rate",
]
