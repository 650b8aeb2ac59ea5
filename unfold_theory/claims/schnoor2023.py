r"""Schnoor, Behboodi, Rauhut 2023: layers with weights of their own; signals grow linearly with parameters and depth.

The paper covers a general class of weight sharing between the layers, thresholds included, through Dudley's integral,
with constants that were not re-proved here. Claimed is the case of no sharing, with a covering and constants of our own
(``proofs_checks/check_schnoor2023.py``): its log-covering is the number of parameters, L times that of a layer, times a
logarithm.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unfold_theory.claim import RiskSetting, claim, hypothesis
from unfold_theory.claims.capacity_gap import DRAWN, layers_of, longest_measurement, no_gap_beyond, over_depths
from unfold_theory.enclosure import Enclosure, Inequality, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.generalization import free_weights
from unfold_theory.generalization.free_weights import FreeClass
from unfold_theory.networks import AffineLayer
from unfold_theory.verified import spectral_norm_squared


def free_layers(s: RiskSetting) -> list[AffineLayer]:
    """The layers, if their state weights are free and each has one threshold."""
    layers = layers_of(s)
    if not all(a.state_weight is not None and np.ndim(a.threshold) == 0 for a in layers):
        raise MissingStructure(s.network.title, "a bound for free weights", "state weights and one threshold a layer")
    return layers


@hypothesis
def measurements_bounded(s: RiskSetting) -> Inequality:
    r"""$\|y\|_2\le B_y$ of the class, of every signal seen (the theorem asks for it almost surely)."""
    return longest_measurement(s) <= s.certificate(FreeClass).measurement


@hypothesis(scope="prefix")
def state_weights_nonexpansive(s: RiskSetting) -> Inequality:
    r"""$\|W_2^l\|_2\le1$ in every layer so far ($W_2^0$ multiplies 0 and is not asked)."""
    norms = [spectral_norm_squared(np.asarray(a.state_weight)) for a in free_layers(s)[1:]]
    return stack([Enclosure.exact(0.0), *norms])[:, None] <= 1.0


@hypothesis(scope="prefix")
def input_weights_in_class(s: RiskSetting) -> Inequality:
    r"""$\|W_1^l\|_2\le a$ of the class in every layer so far."""
    norms = [spectral_norm_squared(np.asarray(a.weight)).sqrt() * abs(float(a.gain)) for a in free_layers(s)]
    return stack(norms)[:, None] <= s.certificate(FreeClass).input_norm


@hypothesis(scope="prefix")
def thresholds_in_range(s: RiskSetting) -> Inequality:
    r"""$\theta_l\in[0,1]$ in every layer so far (what is in excess, at most 0)."""
    thetas = np.array([[float(a.threshold)] for a in free_layers(s)])
    return Enclosure.exact(np.maximum(np.maximum(thetas - 1.0, -thetas), 0.0)) <= 0.0


@claim(
    source="schnoor2023",
    theorem="generalization bound without weight sharing, with constants of our own (derived)",
    hypotheses=[
        *DRAWN,
        measurements_bounded,
        state_weights_nonexpansive,
        input_weights_in_class,
        thresholds_in_range,
    ],
    trivial=no_gap_beyond,
    proof="proofs_checks/check_schnoor2023.py",
)
def linear_in_parameters(s: RiskSetting) -> Inequality:
    r"""$R_k-\hat R_k\le\min_\varepsilon\{\varepsilon+\sqrt{(k(n^2+nm)\ln(1+2K_k/\varepsilon)+
    k\ln(1+K_k/2\varepsilon)+\ln(K/\delta))/(2N)}\}$, $K_k=aB_yk(k+1)/2+k\sqrt n$, at all depths k up to K together.

    For $\|W_2^l\|\le1$, $\|W_1^l\|\le a$, $\theta_l\in[0,1]$. Trivial: $1-\hat R_k$, which is what it gives below about
    as many signals as parameters times a logarithm.
    """
    c = s.certificate(FreeClass)
    return s.gap <= over_depths(
        s, lambda k: free_weights.single_scale(replace(c, depth=k), s.training_size, delta=s.delta_each)
    )
