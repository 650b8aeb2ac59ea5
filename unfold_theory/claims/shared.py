"""Hypotheses that several papers on sparse coding share, and what float64 must be able to decide for them."""

from __future__ import annotations

import numpy as np
import torch

from unfold_theory.claim import Setting, hypothesis
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.networks.thresholding import soft_threshold
from unfold_theory.rates.sparse_coding import NORMALISATION_SLACK, WeightConstants, weight_constants


def constants(s: Setting) -> WeightConstants:
    """Coherence, normalisation and size of the weights, per layer."""
    return weight_constants(s.network, s.problem.dictionary)


def zero_code_error(s: Setting) -> Enclosure:
    r"""$\sqrt s B$: what the zero code attains on the class in the Euclidean norm."""
    return s.signal_class.magnitude * Enclosure.exact(s.signal_class.sparsity).sqrt()


def zero_code_support(s: Setting) -> Enclosure:
    """0 where the code is zero, so that its support says nothing; unbounded elsewhere."""
    return Enclosure.exact(np.where(s.iterates[1:].any(axis=-1), np.inf, 0.0))


@hypothesis
def starts_at_zero(s: Setting) -> Inequality:
    r"""$x^0=0$."""
    return Enclosure.exact(np.abs(s.iterates[0]).max()) <= 0.0


@hypothesis
def layers_as_declared(s: Setting) -> Inequality:
    r"""Every layer computes $\eta_{\theta^k}(W_2^kx^k+W_1^ky)$, entries that bypass the threshold excepted.

    What ``affine_layers()`` declares is compared with what the network does, up to rounding.
    """
    v, slack = s.preactivations
    rows = []
    for k, layer in enumerate(s.network.affine_layers()):
        theta = torch.tensor(np.asarray(layer.threshold, dtype=np.float64))
        shrunk = soft_threshold(torch.tensor(v[k]), theta).numpy()
        off = np.abs(s.iterates[k + 1] - shrunk)
        if layer.selected:
            off = np.minimum(off, np.abs(s.iterates[k + 1] - v[k]))
        rows.append(off.max(axis=-1))
    return Enclosure.exact(np.stack(rows)) <= Enclosure.exact(4 * slack).with_basis(Basis.NUMERICAL)


@hypothesis(scope="prefix")
def selection_decided(s: Setting) -> Inequality:
    r"""Where entries may bypass, no $|v_i^k|$ is so near $\theta^k_i$ that float64 cannot tell which is larger.

    The gate is discontinuous: an entry that rounding lifts above the threshold passes at full size.
    """
    v, slack = s.preactivations
    distance = np.full(slack.shape, np.inf)
    for k, layer in enumerate(s.network.affine_layers()):
        if layer.selected:
            distance[k] = np.abs(np.abs(v[k]) - np.asarray(layer.threshold)).min(axis=-1)
    return Enclosure.exact(2 * slack) < distance


@hypothesis(scope="prefix")
def selection_gated(s: Setting) -> Inequality:
    r"""No entry bypasses the threshold without exceeding it (entries that may, counted per layer, are 0)."""
    layers = s.network.affine_layers()
    return Enclosure.exact(np.array([0.0 if a.gated else float(a.selected) for a in layers])) <= 0.0


@hypothesis
def noise_free(s: Setting) -> Inequality:
    r"""$\varepsilon=0$."""
    return s.signal_class.noise <= 0.0


@hypothesis
def weights_normalised(s: Setting) -> Inequality:
    r"""$|1-W_i^{kT}A_i|\le 10^{-6}$ for all i (0 in the papers; the excess enters the bound)."""
    return s.cached(constants).normalisation <= NORMALISATION_SLACK


@hypothesis
def sparse_enough(s: Setting) -> Inequality:
    r"""$(2s-1)\mu<1$, that is $s<(1+1/\mu)/2$, with the largest $\mu$ among the layers."""
    mu = s.cached(constants).coherence.max()
    return (2.0 * s.signal_class.sparsity - 1.0) * mu < 1.0
