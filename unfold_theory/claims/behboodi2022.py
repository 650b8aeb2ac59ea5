r"""Behboodi, Rauhut, Schnoor 2022: unfolded ISTA with a learned orthogonal dictionary; depth enters as a logarithm.

The theorem bounds the gap through Rademacher complexity and Dudley's integral. Its constants were not re-proved here;
the claim has the same route and form with constants of our own, and with the exponent $n(n-1)/2$ of $O(n)$ where a
covering of all $n\times n$ matrices pays $n^2$ (``proofs_checks/check_behboodi2022.py``).
"""

from __future__ import annotations

from dataclasses import replace

from unfold_theory.claim import RiskSetting, claim
from unfold_theory.claims.capacity_gap import LEARNED_DICTIONARY, learned_dictionary, no_gap_beyond, over_depths
from unfold_theory.enclosure import Inequality
from unfold_theory.generalization import orthogonal_dictionary


@claim(
    source="behboodi2022",
    theorem="generalization bound, logarithmic in depth, with constants of our own (derived)",
    hypotheses=LEARNED_DICTIONARY,
    trivial=no_gap_beyond,
    proof="proofs_checks/check_behboodi2022.py",
)
def logarithmic_depth(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le2n\sqrt{\ln(e(1+4\pi K_k))/N}+2\sqrt{2\ln(2)/N}+\sqrt{\ln(K/\delta)/(2N)}$ for ISTA with a
    learned $\Phi\in O(n)$, at all depths k up to K together; $K_k$ grows at most quadratically, later linearly in k.

    The paper's scaling is $n\sqrt{\ln L/N}$ as well. Trivial: $1-\hat R_k$.
    """
    c = learned_dictionary(s)[1]
    return s.gap <= over_depths(
        s, lambda k: orthogonal_dictionary.logarithmic(replace(c, depth=k), s.training_size, delta=s.delta_each)
    )
