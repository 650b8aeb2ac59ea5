r"""Savanier et al. 2022 unfold forward-backward for tomography; what is checked here is why such layers are stable.

Their network has dual blocks and a nonconvex data term. The statements below are those of one forward-backward layer on
least squares, derived in ``proofs_checks/check_savanier2022.py``; the paper's own were not at hand.
"""

from __future__ import annotations

import numpy as np
import torch

from unfold_theory.claim import Setting, claim
from unfold_theory.claims.stability import SLOPES, pairs
from unfold_theory.claims.unfoldtheory2026_stability import curvatures, steps_below_two, steps_positive
from unfold_theory.enclosure import Basis, Enclosure, Inequality

PROOF = "proofs_checks/check_savanier2022.py"
LAYER = [steps_below_two, steps_positive, *SLOPES]
SQUARED_RESIDUAL = 2.0**-38


def _squared(codes: np.ndarray) -> Enclosure:
    return (Enclosure.exact(codes) ** 2).sum(-1)


def one_layer(s: Setting) -> np.ndarray:
    """Layer k at the codes of the second measurement, but with the first measurement, shape (depth, sample, n)."""
    y, other = torch.tensor(s.batch.y), s.cached(pairs).codes
    with torch.no_grad():
        return np.stack([s.network.step(k, torch.tensor(other[k]), y).numpy() for k in range(s.network.depth)])


def before(s: Setting) -> Enclosure:
    r"""$\|x-x'\|^2$, shape (depth, sample)."""
    return _squared(s.iterates[:-1] - s.cached(pairs).codes[:-1])


def _allowance(*codes: np.ndarray) -> Enclosure:
    size = sum(np.maximum.accumulate((c**2).sum(axis=-1), axis=0) for c in codes)
    return Enclosure.exact(SQUARED_RESIDUAL * np.asarray(size)).with_basis(Basis.NUMERICAL)


@claim(
    source="savanier2022",
    theorem="averaged layers (derived)",
    hypotheses=LAYER,
    trivial=lambda s: (1.0 + 4.0 * (1.0 - s.cached(curvatures) / 2.0))[:, None] * s.cached(before),
    proof=PROOF,
)
def layers_are_averaged(s: Setting) -> Inequality:
    r"""$\|Tx-Tx'\|^2+\frac{1-\alpha}\alpha\|(x-Tx)-(x'-Tx')\|^2\le\|x-x'\|^2$, $\alpha=2/(4-c_k)$, for layer T at one
    measurement, $c_k=\eta_k\|A\|^2<2$.

    Read at the codes of two measurements. Trivial: that neither T nor its steps expand.
    """
    x, other, after = s.iterates[:-1], s.cached(pairs).codes[:-1], s.cached(one_layer)
    c = s.cached(curvatures)[:, None]
    kept = _squared(s.iterates[1:] - after)
    taken = _squared((x - s.iterates[1:]) - (other - after))
    return kept + (1.0 - c / 2.0) * taken <= s.cached(before) + _allowance(s.iterates[1:], after, other)


def from_another_start(s: Setting) -> np.ndarray:
    """Codes of the same measurements from the last codes of the second ones, at depth 0..K."""
    y, state = torch.tensor(s.batch.y), torch.tensor(s.cached(pairs).codes[-1])
    found = [state.numpy()]
    with torch.no_grad():
        for k in range(s.network.depth):
            state = s.network.step(k, state, y)
            found.append(state.numpy())
    return np.stack(found)


@claim(
    source="savanier2022",
    theorem="nonexpansive in the start (derived)",
    hypotheses=LAYER,
    trivial=lambda s: 2.0 * Enclosure.exact(s.cached(from_another_start)[0]).norm(2),
    proof=PROOF,
)
def start_is_forgotten(s: Setting) -> Inequality:
    r"""$\|x^k-x'^k\|\le\|x^0-x'^0\|$ for one measurement and two starts.

    The other start is the last code of the second measurement. Trivial: twice the distance.
    """
    codes = s.cached(from_another_start)
    allowance = _allowance(s.iterates[1:], codes[1:], np.broadcast_to(codes[0], codes[1:].shape)).sqrt()
    distance = (Enclosure.exact(codes) - s.iterates).norm(2)
    return distance[1:] <= distance[0] + allowance
