"""Distances to the Lasso solution of one signal, beside the rates that its support predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from unfold_theory.claim import Setting
from unfold_theory.claims.lasso import distances, minimizers, on_support
from unfold_theory.networks import build
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.suite import Cell, Row, study

SIZES = {"tiny": (12, 20, 30), "quick": (60, 120, 300), "paper": (250, 500, 600)}
"""m, n, layers."""


def _cells(scale: str) -> Sequence[Cell]:
    m, n, depth = SIZES[scale]
    return [
        {"m": m, "n": n, "depth": depth, "lam": 0.1, "seed": 0, "network": name}
        for name in ("ista", "fista", "oista", "admm")
    ]


def local_rate(name: str, s: Setting) -> float:
    r"""The predicted factor per layer once the support of the batch's one signal is identified.

    ISTA: $1-\sigma_{\min}^2(A_S)/L$; FISTA: its square root; OISTA: with $L_S$ for L; ADMM: the spectral radius of
    $(1-\frac\alpha2)I+\frac\alpha2R_fR_g$ with $R_g=\pm1$ on and off the support.
    """
    found = s.cached(minimizers)
    low, high = float(found.curvature.mid[0]), float(found.steepness.mid[0])
    plain = 1 - low / float(s.lipschitz.mid)
    if name == "admm":
        return _splitting_rate(s.problem.dictionary, found.signs[0], s)
    return {"ista": plain, "fista": plain**0.5, "oista": 1 - low / high}[name]


def _splitting_rate(A: Float64[np.ndarray, "m n"], signs: Float64[np.ndarray, " n"], s: Setting) -> float:
    read = getattr(s.network, "splitting")  # noqa: B009
    rho, alpha = (float(values[0]) for values in read(s.lasso.lam))
    identity = np.eye(A.shape[1])
    reflection = 2 * rho * np.linalg.inv(A.T @ A + rho * identity) - identity
    local = (1 - alpha / 2) * identity + alpha / 2 * reflection * np.where(signs != 0, 1.0, -1.0)
    return float(np.abs(np.linalg.eigvals(local)).max())


@study(cells=_cells)
def liang2014_local(cell: Cell, store: Store) -> Sequence[Row]:
    """Distance to the Lasso solution along ISTA, FISTA, OISTA and ADMM, with predicted local rates."""
    name, lam = str(cell["network"]), float(cell["lam"] or 0)
    law = BernoulliGaussian(0.1)
    seed = int(cell["seed"] or 0)
    where = SparseRecovery.gaussian(int(cell["m"] or 0), int(cell["n"] or 0), law=law, snr_db=40.0, seed=seed)
    network = build(name, where, int(cell["depth"] or 0), lam=lam)
    s = Setting(network, where, where.sample(1, seed=2026), lam=lam)
    distance, inside = s.cached(distances).mid[:, 0], s.cached(on_support)[:, 0]
    # From here on every code has its support in that of the solution.
    outside = np.flatnonzero(~inside)
    first = int(outside[-1]) + 1 if len(outside) else 0
    rate = local_rate(name, s)
    return [
        {
            "layer": k,
            "distance": float(distance[k]),
            "identified_from": first if first < len(inside) else None,
            "predicted_rate": rate,
            "certified": bool(s.cached(minimizers).known[0]),
        }
        for k in range(len(distance))
    ]
