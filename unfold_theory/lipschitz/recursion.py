r"""Backward recursion: the least bound that given multipliers prove, exactly, for any system, linear in depth.

**Theorem.** Let the activation of layer k be firmly nonexpansive on blocks and $\Lambda_k\succeq0$ constant on each, so
that $2\,w^T\Lambda_k(v-w)\ge0$ for differences $v$, $w$ of its inputs and outputs. Put $V_K(\xi,u)=\|G\xi\|^2$ and
$$V_k(\xi,u)=\max_w\;V_{k+1}(A_k\xi+B_kw+E_ku,\,u)+2\,w^T\Lambda_k(C_k\xi+D_ku-w).$$
If $N_k=2\Lambda_k-B_k^TQ_{k+1}B_k\succ0$ for all k (Q the part of V quadratic in the state), each $V_k$ is a quadratic
form, and $L^2\le\lambda_{\max}$ of $u\mapsto V_0(Fu,u)$. Nothing smaller follows from these multipliers.
*Proof.* Differences of two runs are feasible for w, so V never decreases along them:
$\|z-z'\|^2=V_K\le V_0(F(u-u'),u-u')$. Conversely the S-procedure with these multipliers asks that
$\rho\|u\|^2-V_0(Fu,u)\ge0$ for all u, after maximising over $w^{K-1},\dots,w^0$ one by one (Schur). $\square$

The bound is convex in the multipliers, since a maximum over w of functions linear in them is. By the envelope theorem
its derivative is read off the maximising trajectory of a leading eigenvector u:
$\partial\rho/\partial\Lambda_{k,B}=2\langle w_B,v_B-w_B\rangle$, at the price of matrix-vector products.
For plain chains and separable multipliers the recursion is that of ECLipsE (Xu and Sivaranjani, NeurIPS 2024), here
with input injection and memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float64
from scipy.linalg.blas import dsyrk, dtrsm  # pyright: ignore[reportAttributeAccessIssue]
from scipy.linalg.lapack import dpotrf  # pyright: ignore[reportAttributeAccessIssue]

from unfold_theory.enclosure import Enclosure
from unfold_theory.errors import InputError
from unfold_theory.lipschitz.bound import Multipliers, UpperBound, per_neuron
from unfold_theory.networks.system import System


@dataclass(frozen=True, eq=False)
class _Layer:
    """Float64 matrices of a layer on the joint vector (state, input)."""

    seen: np.ndarray  # [C D], (q, p + m)
    moved: np.ndarray | None  # [A E], (p', p + m); None for zero
    emission: np.ndarray | None  # B; None for the identity
    p: int


@dataclass(frozen=True, eq=False)
class _Step:
    """What a layer's maximisation leaves for the trajectory: w = N^{-1} G (xi, u) with N = R^T R."""

    factor: np.ndarray  # R, upper triangular
    half: np.ndarray  # R^{-T} G


class Recursion:
    r"""The recursion of this module on one system, for many multipliers.

    Args:
        system: Any :class:`System`; midpoints of its enclosures are used, and values are float64 results.
    """

    def __init__(self, system: System):
        self.system = system
        self.inputs = m = system.inputs
        self.blocks = [np.asarray(layer.activation.blocks) for layer in system.layers]
        self._layers = []
        for layer in system.layers:
            p, q, after = layer.sizes
            D = np.zeros((q, m)) if layer.injection is None else layer.injection.mid
            moved = None
            if layer.transition is not None or layer.passage is not None:
                A = np.zeros((after, p)) if layer.transition is None else layer.transition.mid
                E = np.zeros((after, m)) if layer.passage is None else layer.passage.mid
                moved = np.hstack([A, E])
            emission = None if layer.emission is None else layer.emission.mid
            self._layers.append(_Layer(np.hstack([layer.preactivation.mid, D]), moved, emission, p))
        self._start = None if system.start is None else system.start.mid
        last = system.layers[-1].sizes[2]
        G = None if system.readout is None else system.readout.mid
        self._output = np.zeros((last + m, last + m))
        self._output[:last, :last] = np.eye(last) if G is None else G.T @ G

    def form(self, spread: list[np.ndarray]) -> tuple[Float64[np.ndarray, "m m"], list[_Step]] | None:
        r"""The quadratic form $u\mapsto V_0(Fu,u)$ and what the trajectory needs; None where some N is not definite.

        Args:
            spread: The diagonal of each $\Lambda_k$, shape (q,) each.
        """
        P, steps = self._output, []
        for k in range(len(self._layers) - 1, -1, -1):
            done = self._backward(P, self._layers[k], spread[k], first=k == 0 and self._start is None)
            if done is None:
                return None
            P, step = done
            steps.append(step)
        steps.reverse()
        return self.restricted(P), steps

    def curvature(self, P: np.ndarray, k: int) -> Float64[np.ndarray, "q q"]:
        r"""$B_k^TQ_{k+1}B_k$ of layer k, given $V_{k+1}$."""
        after = len(P) - self.inputs
        B = self._layers[k].emission
        return P[:after, :after] if B is None else B.T @ P[:after, :after] @ B

    def terminal(self) -> np.ndarray:
        r"""$V_K$ over (state, input)."""
        return self._output

    def backward(self, P: np.ndarray, k: int, diagonal: Float64[np.ndarray, " q"]) -> np.ndarray | None:
        r"""$V_k$ from $V_{k+1}$, over (state, input); None where N is not definite."""
        done = self._backward(P, self._layers[k], diagonal, first=False)
        return None if done is None else done[0]

    def restricted(self, P: np.ndarray) -> Float64[np.ndarray, "m m"]:
        r"""$V_0(Fu,u)$ as a matrix."""
        if self._start is None:
            return P[-self.inputs :, -self.inputs :]
        joined = np.vstack([self._start, np.eye(self.inputs)])
        return joined.T @ P @ joined

    def _backward(
        self, P: np.ndarray, layer: _Layer, diagonal: np.ndarray, *, first: bool
    ) -> tuple[np.ndarray, _Step] | None:
        m, after = self.inputs, len(P) - self.inputs
        B, T = layer.emission, layer.moved
        Q = P[:after, :after]
        emitted = P[:after] if B is None else B.T @ P[:after]
        N = -(Q if B is None else emitted[:, :after] @ B)
        N[np.diag_indices_from(N)] += 2.0 * diagonal
        # A neuron without a multiplier and without effect drops out.
        idle = (diagonal == 0) & ~emitted.any(axis=1)
        N[idle, idle] = 1.0
        factor, info = dpotrf(np.asfortranarray(N), lower=0, clean=1, overwrite_a=1)
        if info != 0:
            return None
        # The first layer's state is zero: only columns of the input are needed.
        kept = slice(layer.p, None) if first else slice(None)
        G = diagonal[:, None] * layer.seen[:, kept]
        G[:, -m:] += emitted[:, after:]
        if T is not None:
            G += emitted[:, :after] @ T[:, kept]
        half = dtrsm(1.0, factor, np.asfortranarray(G), side=0, lower=0, trans_a=1, overwrite_b=1)
        before = dsyrk(1.0, half, trans=1, lower=0)
        before = np.triu(before) + np.triu(before, 1).T
        before[-m:, -m:] += P[after:, after:]
        if T is not None:
            moved = T[:, kept]
            crossed = P[after:, :after] @ moved
            before += moved.T @ Q @ moved
            before[-m:] += crossed
            before[:, -m:] += crossed.T
        return before, _Step(factor, half)

    def gradient(
        self, steps: list[_Step], vectors: Float64[np.ndarray, "m r"], weights: Float64[np.ndarray, " r"]
    ) -> list[Float64[np.ndarray, " _"]]:
        r"""$\sum_jc_j\,2w^j_i(v^j_i-w^j_i)$ for each neuron, over maximising trajectories of inputs $u^j$."""
        joined = vectors if self._start is None else np.vstack([self._start @ vectors, vectors])
        result = []
        for k, (layer, step) in enumerate(zip(self._layers, steps, strict=True)):
            # A start at zero leaves only columns of the input, as in the backward pass.
            kept = slice(layer.p, None) if k == 0 and self._start is None else slice(None)
            seen = layer.seen[:, kept]
            v = seen @ joined
            w = dtrsm(1.0, step.factor, np.asfortranarray(step.half @ joined), side=0, lower=0, overwrite_b=1)
            result.append(2.0 * ((w * (v - w)) @ weights))
            state = w if layer.emission is None else layer.emission @ w
            if layer.moved is not None:
                state = state + layer.moved[:, kept] @ joined
            joined = np.vstack([state, vectors])
        return result

    def collect(self, neurons: list[np.ndarray]) -> list[Float64[np.ndarray, " _"]]:
        """Sums over the neurons of each block."""
        return [np.bincount(labels, weights=part) for labels, part in zip(self.blocks, neurons, strict=True)]


def recursion_bound(system: System, multipliers: Multipliers, *, method: str = "given multipliers") -> UpperBound:
    r"""The bound that these multipliers prove, ``numerical`` until a certificate confirms it.

    Args:
        system: The network.
        multipliers: $\Lambda_k\ge0$, one number for each block of each layer's activation.
        method: The name to give it.

    Raises:
        InputError: Their number is wrong, or they prove nothing because some $N_k$ is not positive definite.
    """
    spread = per_neuron(system, multipliers)
    found = Recursion(system).form(spread)
    if found is None:
        raise InputError(
            "The multipliers prove no bound: 2 Lambda_k - B^T Q B is not positive definite in some layer",
            "Enlarge them, or start from greedy_bound",
        )
    top = max(float(scipy.linalg.eigvalsh(found[0])[-1]), 0.0)
    return UpperBound(Enclosure.numerical(np.sqrt(top)), method, tuple(np.asarray(x, float) for x in multipliers))
