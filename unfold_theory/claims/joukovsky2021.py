r"""Joukovsky, Mukherjee, Van Luong, Deligiannis 2021: unfolded recurrent networks, one layer for every time.

The paper bounds Rademacher complexities of reweighted-RNN by products of norms over layers and times, for sequences;
its constants were not re-proved, and sequences are not among the problems here. Claimed is a covering of the same
weight sharing on one signal, where the number of parameters does not grow with the number of times the layer is run
(``proofs_checks/check_joukovsky2021.py``).
"""

from __future__ import annotations

from dataclasses import replace

from unfold_theory.claim import RiskSetting, claim
from unfold_theory.claims.capacity_gap import no_gap_beyond, over_depths
from unfold_theory.claims.kouni2023 import TIED
from unfold_theory.enclosure import Inequality
from unfold_theory.generalization import tied_weights
from unfold_theory.generalization.tied_weights import TiedClass


@claim(
    source="joukovsky2021",
    theorem="generalization with one layer for all times, by a covering of our own (derived)",
    hypotheses=TIED,
    trivial=no_gap_beyond,
    proof="proofs_checks/check_joukovsky2021.py",
)
def shared_over_time(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\min_\varepsilon\{\varepsilon+\sqrt{((n^2+nm)\ln(1+2K_k/\varepsilon)+\ln(1+K_k/2\varepsilon)+
    \ln(K/\delta))/(2N)}\}$ for tied weights with $\|W_2\|\le s$, $\|W_1\|\le a$, $\theta\in[0,1]$, $K_k$ as in
    ``kouni2023``, at all depths k up to K together.

    Untied weights multiply the first term by k. Trivial: $1-\hat R_k$.
    """
    c = s.certificate(TiedClass)
    return s.gap <= over_depths(
        s, lambda k: tied_weights.single_scale(replace(c, depth=k), s.training_size, delta=s.delta_each)
    )
