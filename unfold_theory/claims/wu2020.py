r"""Wu, Guo, Li, Zhang 2020: coupled LISTA underestimates, and gates that make up for it.

The paper finds that under the thresholds of Chen et al. (2018), theorem 2, entries come out too small, and adds gates.
The statements here are derived in ``proofs_checks/check_wu2020.py``; the paper's own rates for gated networks are not
encoded. They need one layer only: with $z$ the code that enters it (gated or not), $u=v-x^*$, $v=z+W^T(y-Az)$,

$|u_i|\le(\mu+\delta)\|z-x^*\|_1+|W_i^T\varepsilon|\le\theta$ implies $\mathrm{sgn}(x_i^*)v_i\in[|x_i^*|-\theta,
|x_i^*|+\theta]$, hence $0\le\mathrm{sgn}(x_i^*)x_i^+\le|x_i^*|$ and a gap of at most $2\theta$,

whatever the support of z is. All of it fails with support selection, with gains other than 1, and with overshoot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import zero_code_support
from unfold_theory.enclosure import Basis, Enclosure, Inequality, gamma, stack, where
from unfold_theory.errors import MissingStructure
from unfold_theory.networks import GatedLista
from unfold_theory.networks.tensors import numpy64
from unfold_theory.rates.sparse_coding import gram_constants

PROOF = "proofs_checks/check_wu2020.py"


@dataclass(frozen=True)
class Passage:
    """How codes passed through the layers: arrays of shape (depth, sample, n), scalars of shape (depth, sample).

    Attributes:
        weights: W of each layer.
        entering: The gated code z that each layer starts from.
        leaving: The code that leaves each layer, with the gate of the next; as it is after the last.
        thresholds: Of each layer.
        detours: By how much gain and momentum differ from 1 and 0.
        selected: How many entries may bypass the threshold.
        overshoots: Size of the overshoot gate.
        gated: Whether there are gain gates.
        values: v, what is thresholded.
        slack: What float64 may change in any entry of v.
    """

    weights: list[np.ndarray]
    entering: np.ndarray
    leaving: np.ndarray
    thresholds: np.ndarray
    detours: np.ndarray
    selected: np.ndarray
    overshoots: np.ndarray
    gated: bool
    values: np.ndarray
    slack: np.ndarray


def passage(s: Setting) -> Passage:
    """Reads the layers of a gated network, or of one whose layers act on one signal.

    Raises:
        MissingStructure: The network is neither.
    """
    network, codes = s.network, s.iterates
    shape = codes[1:].shape
    depth, samples, _ = shape
    entering = codes[:-1].copy()
    detours, overshoots = np.zeros((depth, samples)), np.zeros((depth, 1))
    if isinstance(network, GatedLista):
        for k in range(depth):
            x = torch.tensor(codes[k])
            entering[k] = (network.gain_gate(k, x) * x).numpy()
        weights = [numpy64(network.weight(k)) for k in range(depth)]
        thresholds = np.stack([np.broadcast_to(numpy64(network.threshold(k)), shape[1:]) for k in range(depth)])
        selected = np.array(network.selected)[:, None]
        over = [float(network.overshoots[k if len(network.overshoots) > 1 else 0]) for k in range(depth)]
        overshoots = np.array(over)[:, None]
    else:
        layers = network.instance_layers(torch.tensor(s.batch.y))
        weights = [np.asarray(layer.weight) for layer in layers]
        thresholds = np.stack([layer.threshold for layer in layers])
        selected = np.stack([layer.selected for layer in layers])
        detours = np.stack([np.abs(a.gain - 1.0) + np.abs(a.momentum) for a in layers])
    values, slack = _preactivations(s, weights, entering)
    return Passage(
        weights=weights,
        entering=entering,
        leaving=np.concatenate([entering[1:], codes[-1:]]),
        thresholds=thresholds,
        detours=detours,
        selected=selected,
        overshoots=overshoots,
        gated=isinstance(network, GatedLista),
        values=values,
        slack=slack,
    )


def _preactivations(s: Setting, weights: list[np.ndarray], entering: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    A, y = s.problem.dictionary, s.batch.y
    given = np.abs(y) + np.abs(s.batch.noise) + np.abs(s.truth) @ np.abs(A).T
    values, slack = [], []
    for W, z in zip(weights, entering, strict=True):
        values.append(z + (y - z @ A.T) @ W)
        size = np.abs(z) + (given + np.abs(z) @ np.abs(A).T) @ np.abs(W)
        slack.append(gamma(sum(A.shape) + 12) * size.max(axis=-1))
    return np.stack(values), np.stack(slack)


def required(s: Setting) -> Enclosure:
    r"""$(\mu+\delta)\|z^k-x^*\|_1+\max_{i\in S}|W_i^T\varepsilon|$ and rounding, shape (depth, sample)."""
    made = s.cached(passage)
    errors = (Enclosure.exact(made.entering) - s.truth).norm(1)
    known: dict[bytes, tuple[Enclosure, Enclosure]] = {}
    rows = []
    for k, W in enumerate(made.weights):
        if W.tobytes() not in known:
            mu, delta, _ = gram_constants(W, s.problem.dictionary)
            noise = abs(Enclosure.exact(s.batch.noise) @ W) if s.batch.noise.any() else Enclosure.exact(0.0)
            known[W.tobytes()] = mu + delta, where(s.truth != 0, noise.broadcast_to(s.truth.shape), 0.0).max(axis=1)
        reach, noise = known[W.tobytes()]
        rows.append(reach * errors[k] + noise + made.slack[k])
    return stack(rows)


@hypothesis(scope="cell")
def thresholds_cover_the_error(s: Setting) -> Inequality:
    r"""$\theta^k_i\ge(\mu+\delta)\|z^k-x^*\|_1+\max_S|W_i^T\varepsilon|$ for all $i\in S$, with the error of the code
    $z^k$ that enters the layer; theorem 2 of Chen et al. (2018) has a bound on it.
    """
    smallest = np.where(s.truth != 0, s.cached(passage).thresholds, np.inf).min(axis=-1)
    return s.cached(required) <= smallest


@hypothesis(scope="cell")
def plain_steps(s: Setting) -> Inequality:
    r"""$\gamma^k=1$, no momentum."""
    return Enclosure.exact(s.cached(passage).detours) <= 0.0


@hypothesis(scope="cell")
def no_selection(s: Setting) -> Inequality:
    """No support selection: every entry is thresholded."""
    selected = s.cached(passage).selected.astype(float)
    return Enclosure.exact(selected) <= 0.0


@hypothesis(scope="cell")
def no_overshoot(s: Setting) -> Inequality:
    """The overshoot gate is 1."""
    return Enclosure.exact(np.abs(s.cached(passage).overshoots)) <= 0.0


@hypothesis(scope="cell")
def layers_threshold(s: Setting) -> Inequality:
    r"""Every layer computes $\eta_{\theta^k}(z^k+W^T(y-Az^k))$, up to rounding."""
    made = s.cached(passage)
    v, theta = made.values, made.thresholds
    off = np.abs(s.iterates[1:] - np.where(np.abs(v) > theta, v - theta * np.sign(v), 0.0)).max(axis=-1)
    return Enclosure.exact(off) <= Enclosure.exact(4 * made.slack).with_basis(Basis.NUMERICAL)


LAYER = [plain_steps, no_selection, no_overshoot, layers_threshold, thresholds_cover_the_error]


def _least_room(s: Setting, lhs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""lhs, $2\theta_i$ and $|x_i^*|$ at the support entry with least room between the first two, (depth, sample)."""
    allowed, truth = 2.0 * s.cached(passage).thresholds, np.broadcast_to(np.abs(s.truth), lhs.shape)
    room = np.where(truth > 0, lhs - allowed, -np.inf)
    index = room.argmax(axis=-1)[..., None]
    some = (truth > 0).any(axis=-1)
    at, allowance, size = (np.where(some, np.take_along_axis(e, index, -1)[..., 0], 0.0) for e in (lhs, allowed, truth))
    return at, allowance, size


def gap(s: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""$|x_i^*|-\mathrm{sgn}(x_i^*)x_i^{k+1}$ where least room is left."""
    return _least_room(s, np.abs(s.truth) - np.sign(s.truth) * s.iterates[1:])


def gated_gap(s: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""$|z_i^{k+1}-x_i^*|$ where least room is left."""
    return _least_room(s, np.abs(s.cached(passage).leaving - s.truth))


@claim(
    source="wu2020",
    theorem="underestimation (derived)",
    hypotheses=LAYER,
    trivial=zero_code_support,
    proof=PROOF,
)
def underestimation(s: Setting) -> Inequality:
    r"""$0\le\mathrm{sgn}(x_i^*)x_i^{k+1}\le|x_i^*|$ for all $i\in S$: thresholds of theorem 2 leave entries too small.

    Trivial where the code is zero.
    """
    signed = np.sign(s.truth) * s.iterates[1:]
    excess = np.where(s.truth != 0, np.maximum(-signed, signed - np.abs(s.truth)), -np.inf).max(axis=-1)
    return Enclosure.exact(np.where(np.isfinite(excess), excess, 0.0)) <= 0.0


@claim(
    source="wu2020",
    theorem="gap (derived)",
    hypotheses=LAYER,
    trivial=lambda s: Enclosure.exact(s.cached(gap)[2]),
    proof=PROOF,
)
def gap_at_most_twice_the_threshold(s: Setting) -> Inequality:
    r"""$|x_i^*|-\mathrm{sgn}(x_i^*)x_i^{k+1}\le2\theta^k_i$ for all $i\in S$.

    Shown for the entry with least room; the zero code's gap there is $|x_i^*|$.
    """
    lhs, rhs, _ = s.cached(gap)
    return Enclosure.exact(lhs) <= Enclosure.exact(rhs)


@hypothesis(scope="cell")
def gates_not_below_one(s: Setting) -> Inequality:
    r"""$g^{k+1}_i\ge1$ for all $i\in S$."""
    shrunk = np.abs(s.iterates[1:]) - np.sign(s.iterates[1:]) * s.cached(passage).leaving
    return Enclosure.exact(np.where(s.truth != 0, shrunk, 0.0).max(axis=-1)) <= 0.0


@hypothesis(scope="cell")
def gates_not_above_the_gap(s: Setting) -> Inequality:
    r"""$g^{k+1}_i\le1+2\theta^k_i/|x_i^{k+1}|$ for all $i\in S$: what is added is at most $2\theta^k_i$."""
    made = s.cached(passage)
    added = (
        Enclosure.exact(np.sign(s.iterates[1:]) * made.leaving)
        - np.abs(s.iterates[1:])
        - 2.0 * Enclosure.exact(made.thresholds)
    )
    return where(s.truth != 0, added, -np.inf).max(axis=-1) <= 0.0


@claim(
    source="wu2020",
    theorem="gain gates (derived)",
    hypotheses=[*LAYER, gates_not_below_one, gates_not_above_the_gap],
    trivial=lambda s: Enclosure.exact(s.cached(gated_gap)[2]),
    proof=PROOF,
)
def gates_keep_the_gap(s: Setting) -> Inequality:
    r"""$|z_i^{k+1}-x_i^*|\le2\theta^k_i$ for all $i\in S$, $z^{k+1}=g^{k+1}\odot x^{k+1}$: gates within
    $[1,1+2\theta^k_i/|x_i^{k+1}|]$ cannot do harm.

    The code that leaves the last layer is not gated. With thresholds $\theta^0=\mu sB$, $\theta^{k+1}=2s\mu\theta^k$
    all layers obey their law, so that such networks converge at the rate $2s\mu$ whatever their gates do in this range.
    """
    if not s.cached(passage).gated:
        raise MissingStructure(s.network.title, "a claim on gates", "gain gates")
    lhs, rhs, _ = s.cached(gated_gap)
    allowance = Enclosure.exact(2.0**-50 * np.abs(s.cached(passage).leaving).max(axis=-1))
    return Enclosure.exact(lhs) <= Enclosure.exact(rhs) + allowance.with_basis(Basis.NUMERICAL)
