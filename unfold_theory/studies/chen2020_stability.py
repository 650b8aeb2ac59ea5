"""Stability of gradient descent as a reasoning layer: the bound, and what comes closest to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfold_theory.claim import Setting
from unfold_theory.claims.chen2020 import ratios
from unfold_theory.enclosure import Enclosure
from unfold_theory.generalization.reasoning_layers import convergence, stability
from unfold_theory.networks import Ista
from unfold_theory.problems import Batch, KSparse, SparseRecovery
from unfold_theory.store import Store
from unfold_theory.suite.study import Cell, Row, study

SIZE = 6
CURVATURES = (0.3, 0.1, 0.03, 0.01)
KINDS = ("least curvature everywhere", "random spectrum")


def _cells(scale: str) -> Sequence[Cell]:
    curvatures, depth, seeds = {"tiny": ((0.1,), 8, 1), "quick": (CURVATURES, 500, 1), "paper": (CURVATURES, 2000, 5)}[
        scale
    ]
    return [
        {"curvature": mu, "depth": depth, "kind": kind, "seed": seed}
        for mu in curvatures
        for kind in KINDS
        for seed in range(seeds if kind == KINDS[1] else 1)
    ]


@study(cells=_cells)
def chen2020_stability(cell: Cell, store: Store) -> list[Row]:
    r"""$\|x_k(Q)-x_k(Q')\|/(\|b\|\|Q-Q'\|)$ for $\mu I\preceq Q,Q'\preceq I$ and unit steps, beside Stab(k).

    Q is $\mu I$, where the bound is attained in the limit, or has eigenvalues drawn from $[\mu,1]$ and $\mu$ itself.
    """
    mu, depth = float(cell["curvature"] or 0), int(cell["depth"] or 0)
    rng = np.random.default_rng(np.random.SeedSequence(int(cell["seed"] or 0)))
    spectrum = np.full(SIZE, mu)
    if cell["kind"] == KINDS[1]:
        spectrum[1:] = np.exp(rng.uniform(np.log(mu), 0.0, SIZE - 1))
    frame = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0]
    matrix = np.sqrt(spectrum)[:, None] * frame.T if cell["kind"] == KINDS[1] else np.sqrt(mu) * np.eye(SIZE)
    x = np.vstack([np.eye(SIZE), rng.standard_normal((SIZE, SIZE))])
    batch = Batch(x=x, y=x @ matrix.T, noise=np.zeros_like(x), recipe={"count": len(x), "seed": None})
    where = SparseRecovery(matrix, KSparse(1))
    setting = Setting(Ista.for_problem(where, depth, lam=0.0, steps=1.0), where, batch)
    seen = setting.cached(ratios).hi.max(axis=1)
    looked = np.unique(np.round(np.geomspace(1, depth, 40)).astype(int))
    one, least = Enclosure.exact(1.0), Enclosure.exact(mu)
    return [
        {
            "steps": int(k),
            "measured": float(seen[k - 1]),
            "stability": float(stability(int(k), one, least).hi),
            "convergence": float(convergence(int(k), one, least).hi),
        }
        for k in looked
    ]
