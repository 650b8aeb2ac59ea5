r"""Kouni, Panagakis 2023: networks that share one learned operator; the bound grows like the root of depth.

The paper is about an unfolded ADMM with a redundant analysis operator, which is not among the networks here, and its
constants were not re-proved. Claimed is the mechanism, on LISTA with tied weights: parameters do not multiply with
depth, and a layer that may expand by s puts $L\ln s$ under the root (``proofs_checks/check_kouni2023.py``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.claims.capacity_gap import DRAWN, layers_of, longest_measurement, no_gap_beyond, over_depths
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import tied_weights
from unfold_theory.generalization.tied_weights import TiedClass
from unfold_theory.networks import AffineLayer
from unfold_theory.verified import spectral_norm_squared


def tied_layer(s: RiskSetting) -> AffineLayer:
    """The layer, if it is the same all the way, with free weights and one threshold."""
    layers = layers_of(s)
    first = layers[-1]
    same = all(
        np.array_equal(a.weight, first.weight)
        and a.state_weight is not None
        and np.array_equal(np.asarray(a.state_weight), np.asarray(first.state_weight))
        and np.array_equal(a.threshold, first.threshold)
        for a in layers
    )
    if not same or np.ndim(first.threshold) > 0:
        raise MissingStructure(
            s.network.title, "a bound for tied weights", "one layer, with one threshold, for all depths"
        )
    return first


@hypothesis
def measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= s.certificate(TiedClass).measurement


@hypothesis
def state_weight_in_class(s: RiskSetting) -> Inequality:
    r"""$\|W_2\|_2\le s$ of the class."""
    norm = spectral_norm_squared(np.asarray(tied_layer(s).state_weight)).sqrt()
    return norm <= s.certificate(TiedClass).state_norm


@hypothesis
def input_weight_in_class(s: RiskSetting) -> Inequality:
    r"""$\|W_1\|_2\le a$ of the class."""
    layer = tied_layer(s)
    norm = spectral_norm_squared(np.asarray(layer.weight)).sqrt() * abs(float(layer.gain))
    return norm <= s.certificate(TiedClass).input_norm


@hypothesis
def threshold_in_range(s: RiskSetting) -> Inequality:
    r"""$\theta\in[0,1]$ (what is in excess, at most 0)."""
    theta = float(tied_layer(s).threshold)
    return Enclosure.exact(max(theta - 1.0, -theta, 0.0)) <= 0.0


TIED = [*DRAWN, measurements_bounded, state_weight_in_class, input_weight_in_class, threshold_in_range]


@claim(
    source="kouni2023",
    theorem="scaling with depth of networks that share one operator; class and constants of our own (derived)",
    hypotheses=TIED,
    trivial=no_gap_beyond,
    proof="proofs_checks/check_kouni2023.py",
)
def root_of_depth(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le2\sqrt2\sqrt{P\ln(e(1+4K_k))/N}+\sqrt{\ln(K/\delta)/(2N)}$, $P=n^2+nm+1$, for tied weights with
    $\|W_2\|\le s$, $\|W_1\|\le a$, $\theta\in[0,1]$: $K_{l+1}=sK_l+sR_l+aB_y+\sqrt n$, $R_{l+1}=sR_l+aB_y$.

    At all depths k up to K together; like $\sqrt k$ for $s>1$, like $\sqrt{\ln k}$ for $s\le1$. Trivial: $1-\hat R_k$.
    """
    c = s.certificate(TiedClass)
    return s.gap <= over_depths(
        s, lambda k: tied_weights.closed_form(replace(c, depth=k), s.training_size, delta=s.delta_each)
    )
