"""Hypotheses on layers as they act on each signal: adaptive scalars, momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from unfold_theory.claim import Setting, hypothesis
from unfold_theory.enclosure import Basis, Enclosure, Inequality, gamma
from unfold_theory.networks.layers import InstanceLayer
from unfold_theory.rates.instance_bound import InstanceBound, instance_bound


@dataclass(frozen=True)
class Acted:
    r"""The layers as they acted on the batch.

    Attributes:
        layers: One for each depth.
        values: $v^k=x^k+\gamma W^T(y-Ax^k)+\beta(x^k-x^{k-1})$, shape (depth, sample, n); $x^{-1}=x^0$.
        slack: What float64 may change in any entry of it, shape (depth, sample).
    """

    layers: list[InstanceLayer]
    values: Float64[np.ndarray, "depth sample n"]
    slack: Float64[np.ndarray, "depth sample"]


def acted(s: Setting) -> Acted:
    r"""What the layers did; the slack is $\gamma_{m+n+12}\max_i$ of the sum of the terms' magnitudes.

    Raises:
        MissingStructure: The network's layers do not have this form.
    """
    A, y = s.problem.dictionary, s.batch.y
    m, n = A.shape
    layers = s.network.instance_layers(torch.tensor(y))
    given = np.abs(y) + np.abs(s.batch.noise) + np.abs(s.truth) @ np.abs(A).T
    values, slack = [], []
    before = s.iterates[0]
    for layer, x in zip(layers, s.iterates, strict=False):
        gain, beta = layer.gain[:, None], layer.momentum[:, None]
        values.append(x + gain * ((y - x @ A.T) @ layer.weight) + beta * (x - before))
        size = np.abs(x) + np.abs(gain) * ((given + np.abs(x) @ np.abs(A).T) @ np.abs(layer.weight))
        size += np.abs(beta) * (np.abs(x) + np.abs(before))
        slack.append(gamma(m + n + 12) * size.max(axis=-1))
        before = x
    return Acted(layers, np.stack(values), np.stack(slack))


def input_errors(s: Setting) -> Enclosure:
    r"""$\|x^k-x^*\|_1$ at the layers' inputs, k = 0, ..., K-1, shape (depth, sample)."""
    return (Enclosure.exact(s.iterates[:-1]) - s.truth).norm(1)


def instance(s: Setting) -> InstanceBound:
    """The instance bound, with thresholds judged by the errors that were measured."""
    layers = s.cached(acted)
    return instance_bound(
        layers.layers,
        s.problem.dictionary,
        s.truth,
        s.batch.noise,
        errors=s.cached(input_errors),
        rounding=layers.slack,
    )


@hypothesis
def layers_as_acted(s: Setting) -> Inequality:
    r"""Every layer computes $\eta_\theta(x^k+\gamma W^T(y-Ax^k)+\beta(x^k-x^{k-1}))$ with each signal's own scalars.

    What ``instance_layers()`` declares is compared with what the network does, up to rounding; entries among the
    largest may be at their full size where the layer selects.
    """
    made = s.cached(acted)
    off = []
    for layer, v, x in zip(made.layers, made.values, s.iterates[1:], strict=True):
        theta = layer.threshold
        shrunk = np.where(np.abs(v) > theta, v - theta * np.sign(v), 0.0)
        found = np.abs(x - shrunk)
        bypassing = (np.abs(x - v) < found) & (layer.selected > 0)[:, None]
        # More bypassing entries than the layer selects are a discrepancy of their own.
        excess = bypassing.sum(axis=1) > layer.selected
        found = np.where(bypassing & ~excess[:, None], np.abs(x - v), found)
        off.append(found.max(axis=-1))
    return Enclosure.exact(np.stack(off)) <= Enclosure.exact(4 * made.slack).with_basis(Basis.NUMERICAL)


@hypothesis(scope="prefix")
def instance_thresholds_nonnegative(s: Setting) -> Inequality:
    r"""$\theta^k_i\ge 0$ in every layer so far, for each signal."""
    return Enclosure.exact(np.stack([layer.threshold.min(axis=1) for layer in s.cached(acted).layers])) >= 0.0


@hypothesis(scope="prefix")
def instance_selection_safe(s: Setting) -> Inequality:
    r"""No entry off the support can bypass unless it exceeds its threshold: selection is gated, or the entries that it
    selects surely belong to the support.
    """
    return Enclosure.exact(s.cached(instance).unsafe.astype(float)) <= 0.0


@hypothesis(scope="prefix")
def instance_thresholds_reach(s: Setting) -> Inequality:
    r"""$\theta^k_i\ge|\gamma^k|(\max_{j\in S}|W_i^TA_j|\,\|x^k-x^*\|_1+|W_i^T\varepsilon|)$ for all $i\notin S$, with
    each signal's own error.
    """
    bound = s.cached(instance)
    return bound.required <= bound.available


INSTANCE_STRUCTURE = [layers_as_acted, instance_thresholds_nonnegative, instance_selection_safe]
