"""The steps that StepLISTA learns, beside what the supports that it sees allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.claim import Setting
from unfold_theory.claims.lasso import gaps, steps, support_norms
from unfold_theory.networks import build
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.suite import Cell, Row, study
from unfold_theory.training import Objective, TrainingConfig

SIZES = {"tiny": (10, 20, 3, 5, 16), "quick": (64, 256, 12, 200, 128), "paper": (64, 256, 30, 600, 512)}
"""m, n, layers, training steps, test signals."""


def _cells(scale: str) -> Sequence[Cell]:
    m, n, depth, training, count = SIZES[scale]
    shared = {"m": m, "n": n, "depth": depth, "training_steps": training, "signals": count, "seed": 0}
    return [{**shared, "lam": lam} for lam in (0.1, 0.8)]


def _problem(m: int, n: int, seed: int) -> SparseRecovery:
    """Dense normal codes, scaled so that the largest correlation is 1 in the median: lam is relative to lam_max."""
    plain = SparseRecovery.gaussian(m, n, law=BernoulliGaussian(1.0), seed=seed)
    largest = np.abs(plain.sample(256, seed=seed + 1).y @ plain.dictionary).max(axis=1)
    law = BernoulliGaussian(1.0, scale=float(f"{1 / np.median(largest):.3g}"))
    return SparseRecovery.gaussian(m, n, law=law, seed=seed)


@study(cells=_cells)
def ablin2019_steps(cell: Cell, store: Store) -> Sequence[Row]:
    """Learned steps of StepLISTA against 1/L and 1/L_S.

    For each layer: the learned step times L, quantiles over signals of $L/L_S$ with S the support before and after the
    layer, the share of signals for which the step is safe ($tL_S\\le1$) and the median gap, also of the other methods.
    """
    lam, depth = float(cell["lam"] or 0), int(cell["depth"] or 0)
    where = _problem(int(cell["m"] or 0), int(cell["n"] or 0), int(cell["seed"] or 0))
    config = TrainingConfig(
        loss=Objective(lam), steps=int(cell["training_steps"] or 0), learning_rate=2e-2, decays=(0.2,), patience=None
    )
    options = {"lam": lam}
    networks = {"slista": store.trained("slista", where, depth, config, options).network}
    networks |= {name: build(name, where, depth, lam=lam) for name in ("ista", "fista", "oista")}
    batch = where.sample(int(cell["signals"] or 0), seed=2026)
    rows: list[Row] = []
    for name, network in networks.items():
        s = Setting(network, where, batch, lam=lam)
        gap = np.median(s.cached(gaps).mid, axis=1)
        for k in range(depth):
            row = {"network": name, "layer": k + 1, "median_gap": float(gap[k + 1])}
            if name == "slista":
                norms = s.cached(support_norms).hi[k]
                # A signal without any support allows every step and is left out of the quantiles.
                used = float(s.lipschitz.mid) / norms[norms > 0]
                low, middle, high = np.quantile(used, [0.1, 0.5, 0.9]) if len(used) else (np.nan,) * 3
                row |= {
                    "step_times_l": float(s.cached(steps)[k, 0] * s.lipschitz.mid),
                    "allowed_10": float(low),
                    "allowed_50": float(middle),
                    "allowed_90": float(high),
                    "share_safe": float((s.cached(steps)[k] * norms <= 1).mean()),
                }
            rows.append(row)
    return rows
