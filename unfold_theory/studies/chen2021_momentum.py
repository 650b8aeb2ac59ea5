"""Momentum on an identified support: what each rule makes of the same spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np

from unfold_theory.problems import SparseRecovery
from unfold_theory.problems.frobenius import frobenius_weight
from unfold_theory.problems.signals import KSparse
from unfold_theory.rates.momentum_bound import symmetrising_scale
from unfold_theory.store import Store
from unfold_theory.suite import study

SIZES = {"tiny": (20, 40, 3), "quick": (100, 200, 20), "paper": (250, 500, 50)}
METHODS = ("none", "heavy ball", "conjugate gradients")
DEPTH = 24


def _cells(scale: str) -> list[dict[str, Any]]:
    m, n, s = SIZES[scale]
    signals = 8 if scale == "tiny" else 64
    return [{"method": method, "m": m, "n": n, "s": s, "signals": signals, "seed": 7} for method in METHODS]


@study(cells=_cells)
def chen2021_momentum(cell: Any, store: Store) -> list[dict[str, Any]]:
    r"""Errors of linear layers on the true support, without momentum, with heavy ball at its law and with CG.

    The support is given, and no threshold is paid: $e^{k+1}=((1+\beta)I-\gamma M_{SS})e^k-\beta e^{k-1}$ with the
    closed-form W. Heavy ball has $\gamma=1$, $\beta=(1-\sqrt{1-a})^2$ with each signal's own spectrum in $[1-a,1+a]$.
    Rows: depth, the mean over signals of the relative error in dB, the ratio of sums, and the mean over signals of each
    method's asymptotic rate in dB per layer.
    """
    where = SparseRecovery.gaussian(cell["m"], cell["n"], law=KSparse(cell["s"]), seed=cell["seed"])
    codes = where.sample(cell["signals"], seed=cell["seed"]).x
    gram = frobenius_weight(where.dictionary).T @ where.dictionary
    scale = symmetrising_scale(frobenius_weight(where.dictionary), where.dictionary)
    squared, slopes, levels = np.zeros(DEPTH + 1), [], []
    for code in codes:
        support = np.flatnonzero(code)
        t = scale[support]
        local = t[:, None] * gram[np.ix_(support, support)] / t
        errors, slope = _run(cell["method"], (local + local.T) / 2, -code[support] * t)
        energy = ((errors / t) ** 2).sum(axis=1)
        squared += energy
        levels.append(_decibel(energy / energy[0]))
        slopes.append(slope)
    nmse, mean = _decibel(squared / squared[0]), np.mean(levels, axis=0)
    predicted = float(np.mean(slopes))
    return [
        {"depth": k, "mean_db": float(mean[k]), "nmse_db": float(nmse[k]), "predicted_db_per_layer": predicted}
        for k in range(DEPTH + 1)
    ]


def _decibel(squared: np.ndarray) -> np.ndarray:
    """Not below -200, where float64 has nothing left to say."""
    return 10 * np.log10(np.maximum(squared, 1e-20))


def _run(method: str, local: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    """Scaled errors at depth 0..K and the rate in dB per layer."""
    values = np.linalg.eigvalsh(local)
    interval = max(1 - values[0], values[-1] - 1)
    beta = (1 - np.sqrt(max(1 - interval, 0.0))) ** 2 if method == "heavy ball" else 0.0
    root = np.sqrt(values[-1] / max(values[0], 1e-12))
    rate = {"none": interval, "heavy ball": np.sqrt(beta), "conjugate gradients": (root - 1) / (root + 1)}[method]
    errors, now, before = [start], start, start
    for _ in range(DEPTH):
        gradient, moved = local @ now, now - before
        gain, moving = 1.0, beta
        if method == "conjugate gradients":
            basis = np.stack([-gradient, moved], axis=1) if moved.any() else -gradient[:, None]
            scalars = np.linalg.lstsq(basis.T @ local @ basis, -(basis.T @ gradient), rcond=None)[0]
            gain, moving = float(scalars[0]), float(scalars[1]) if len(scalars) > 1 else 0.0
        now, before = now - gain * gradient + moving * moved, now
        errors.append(now)
    return np.stack(errors), float(20 * np.log10(max(rate, 1e-12)))
