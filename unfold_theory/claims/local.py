"""What claims on the local rate read: the layer from which a signal's support is settled, and the matrix there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unfold_theory.claim import Setting
from unfold_theory.claims.instances import acted
from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import MissingStructure
from unfold_theory.rates.momentum_bound import LocalSpectrum, local_spectrum, symmetrising_scale
from unfold_theory.rates.sparse_coding import gram_constants


@dataclass(frozen=True)
class WeightOfAll:
    r"""$\mu$, $\delta=\max_i|1-W_i^TA_i|$ and $C_W$ of the one weight, shape () each."""

    mu: Enclosure
    delta: Enclosure
    size: Enclosure


def only_weight(s: Setting) -> np.ndarray:
    """The weight that all layers share.

    Raises:
        MissingStructure: They do not share one.
    """
    layers = s.cached(acted).layers
    if any(not np.array_equal(layer.weight, layers[0].weight) for layer in layers[1:]):
        raise MissingStructure(s.name, "a claim on momentum", "one weight for all layers")
    return layers[0].weight


def constants(s: Setting) -> WeightOfAll:
    """Coherence, normalisation and size of the one weight."""
    return WeightOfAll(*gram_constants(only_weight(s), s.problem.dictionary))


def spectra(s: Setting) -> list[LocalSpectrum | None]:
    """The symmetrised local matrix of each signal; None for the zero signal."""
    gram = Enclosure.exact(only_weight(s).T) @ s.problem.dictionary
    scale = symmetrising_scale(only_weight(s), s.problem.dictionary)
    known: dict[bytes, LocalSpectrum] = {}
    made: list[LocalSpectrum | None] = []
    for code in s.truth:
        support = np.flatnonzero(code)
        if len(support) and support.tobytes() not in known:
            known[support.tobytes()] = local_spectrum(gram, scale, support)
        made.append(known.get(support.tobytes()))
    return made


def paying(s: Setting) -> np.ndarray:
    """How many support entries of each signal are displaced by the threshold, shape (depth, sample)."""
    made = s.cached(acted)
    moved = np.abs(s.iterates[1:] - made.values) > 4 * made.slack[:, :, None]
    return (moved & (s.truth != 0)).sum(axis=-1)


def settled_from(s: Setting, constant: bool) -> np.ndarray:
    """k_0 of each signal, K where there is none: layers k_0, ..., K-1 are linear on the support, shape (sample,)."""
    layers = s.cached(acted).layers
    outside = np.where(s.truth == 0, np.abs(s.iterates), 0.0).max(axis=-1) > 0
    # Layer k reads x^k and x^{k-1} and must keep x^{k+1} on the support.
    bad = outside[1:] | outside[:-1] | np.vstack([outside[:1], outside[:-2]]) | (s.cached(paying) > 0)
    if constant:
        gain = np.stack([layer.gain for layer in layers])
        beta = np.stack([layer.momentum for layer in layers])
        # The first layer starts at rest: its momentum multiplies zero.
        beta[0] = beta[min(1, len(beta) - 1)]
        bad |= (gain != gain[-1]) | (beta != beta[-1])
    later = np.logical_or.accumulate(bad[::-1], axis=0)[::-1]
    return np.where(later.any(axis=0), len(bad) - np.argmax(later[::-1], axis=0), 0)


def settled(s: Setting) -> np.ndarray:
    """k_0 with constant scalars."""
    return settled_from(s, True)


def scaled_errors(s: Setting, i: int, m: LocalSpectrum) -> Enclosure:
    """f^k = T e^k on the support, shape (depth + 1, |S|)."""
    return (Enclosure.exact(s.iterates[:, i][:, m.support]) - s.truth[i, m.support]) * m.scale
