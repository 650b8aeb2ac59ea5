"""K-step first-order methods with given parameters, as programs that rates are computed for."""

from unfold_theory.methods.base import Method, Observation, Oracle
from unfold_theory.methods.fixed_point import Halpern, KrasnoselskiiMann
from unfold_theory.methods.gradient import AcceleratedGradient, GradientDescent, HeavyBall, InexactGradientDescent
from unfold_theory.methods.on_functions import FunctionOracle
from unfold_theory.methods.proximal import AcceleratedProximalGradient, ProximalGradient, ProximalPoint, fista_momenta
from unfold_theory.methods.splitting import Admm, DouglasRachford

__all__ = [
    "AcceleratedGradient",
    "AcceleratedProximalGradient",
    "Admm",
    "DouglasRachford",
    "FunctionOracle",
    "GradientDescent",
    "Halpern",
    "HeavyBall",
    "InexactGradientDescent",
    "KrasnoselskiiMann",
    "Method",
    "Observation",
    "Oracle",
    "ProximalGradient",
    "ProximalPoint",
    "fista_momenta",
]
