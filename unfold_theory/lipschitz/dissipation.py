r"""The bound that multipliers prove, with every rounding error accounted for: K small inequalities, linear in depth.

**Theorem (dissipation).** Let the activation of layer k be firmly nonexpansive on blocks, $\Lambda_k\succeq0$ constant
on each, and $V_k(\xi,u)$ quadratic forms with $V_K(\xi,u)\ge\|G\xi\|^2$ and, for all $\xi$, $u$, $w$ and every k,
$$V_k(\xi,u)\ge V_{k+1}(A_k\xi+B_kw+E_ku,\,u)+2\,w^T\Lambda_k(C_k\xi+D_ku-w).$$
Then $L^2\le\rho$ for every $\rho$ with $V_0(Fu,u)\le\rho\|u\|^2$.
*Proof.* Differences of two runs have $\langle w_B,v_B-w_B\rangle\ge0$ on every block, so V never increases along them:
$\|z-z'\|^2\le V_K\le\dots\le V_0(F(u-u'),u-u')\le\rho\|u-u'\|^2$. $\square$

**One layer in float64.** In w the inequality reads $w^TNw-2w^TGh+h^T(P_k-W^TP_{k+1}W)h\ge0$ with $h=(\xi,u)$,
$N=2\Lambda-B^TQB$, $G=\Lambda[C\;D]+B^T[Q\;S][A\;E;0\;I]$, $W=[A\;E;0\;I]$, $P_{k+1}=[Q\;S;S^T\;R]$.
With *any* matrices L and Y let $N=\tau I+LL^T+E$, $G=LY+H$. If $\tau>\|E\|$, then
$$w^TNw-2w^TGh+\|Yh\|^2=\|L^Tw-Yh\|^2+w^T(\tau I+E)w-2w^THh\ge-\frac{\|H\|^2}{\tau-\|E\|}\|h\|^2,$$
so that $P_k=Y^TY+W^TP_{k+1}W+\sigma I$, $\sigma\ge\|H\|^2/(\tau-\|E\|)$, will do. L is a computed Cholesky factor of
$N-\tau I$ and Y solves $LY=G$: both are guesses, and only residuals are bounded, outward, for every matrix in the
system's enclosures. Nothing here imports whoever found the multipliers.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from unfold_theory.enclosure import Basis, Enclosure, up
from unfold_theory.errors import InputError
from unfold_theory.lipschitz.balls import Ball, beside
from unfold_theory.networks.system import Matrix, System, SystemLayer
from unfold_theory.verified import smallest_eigenvalue

_ATTEMPTS = 6
_FIRST_SHIFT = 2.0**-44


def dissipation_bound(system: System, diagonals: list[Float64[np.ndarray, " _"]]) -> Enclosure | None:
    r"""$\rho\ge L^2$ that multipliers prove in exact arithmetic, or None where some $N_k$ is not certainly definite.

    Args:
        system: The network; its matrices may be anywhere in their enclosures.
        diagonals: The diagonal of each $\Lambda_k\ge0$, constant on the blocks of the activation, shape (q,) each.

    Returns:
        $\rho$ as a point, ``certified`` (or the weaker basis of a matrix).

    Raises:
        InputError: A multiplier is negative, not finite, or not constant on a block, or an activation is not firmly
            nonexpansive.
    """
    _check(system, diagonals)
    forms = dissipation_forms(system, diagonals)
    if forms is None:
        return None
    top = max(float(-smallest_eigenvalue(-forms[0]).lo), 0.0)
    return Enclosure(np.array(top), np.array(top), min(_basis(system), Basis.CERTIFIED))


def dissipation_forms(
    system: System, diagonals: list[Float64[np.ndarray, " _"]], *, spare: float = 0.0
) -> list[Float64[np.ndarray, "h h"]] | None:
    r"""Matrices of $V_0(F\cdot,\cdot)$ and $V_1,\dots,V_K$, or None where some $N_k$ is not certainly definite.

    Args:
        system: The network.
        diagonals: The diagonal of each $\Lambda_k$, shape (q,) each.
        spare: By how much every inequality holds with room, relative to its diagonal; so that forms can be rounded.
    """
    m, forms = system.inputs, [_terminal(system)]
    # Overflow ends in infinite radii, which prove nothing.
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(system.depth - 1, -1, -1):
            resting = k == 0 and system.start is None
            before = _backward(forms[-1], system.layers[k], diagonals[k], m, resting=resting, spare=spare)
            if before is None:
                return None
            forms.append(before)
        if system.start is not None:
            joined = _over(Ball.of(system.start), np.eye(m))
            forms[-1] = _above((joined.T @ (Ball(forms[-1]) @ joined)).symmetric(), 0.0)
    return forms[::-1] if np.isfinite(forms[-1]).all() else None


def _basis(system: System) -> Basis:
    """The weakest reason to believe a matrix of the system."""
    matrices = [system.start, system.readout]
    for layer in system.layers:
        matrices += [layer.preactivation, layer.injection, layer.transition, layer.emission, layer.passage]
    return min(matrix.basis for matrix in matrices if matrix is not None)


def _check(system: System, diagonals: list[Float64[np.ndarray, " _"]]) -> None:
    if len(diagonals) != system.depth:
        raise InputError(f"{len(diagonals)} vectors of multipliers for {system.depth} layers", "Pass one a layer")
    for k, (layer, diagonal) in enumerate(zip(system.layers, diagonals, strict=True)):
        activation = layer.activation
        if diagonal.shape != (activation.size,) or not (np.isfinite(diagonal).all() and (diagonal >= 0).all()):
            raise InputError(
                f"The multipliers of layer {k}", f"Pass {activation.size} finite nonnegative numbers, one a neuron"
            )
        labels = np.asarray(activation.blocks)
        first = np.zeros(labels.max() + 1)
        first[labels] = diagonal
        if not np.array_equal(first[labels], diagonal):
            raise InputError(f"The multipliers of layer {k} differ within a block", "Pass one number for each block")
        low, high = activation.slopes
        if not activation.continuous or (low < 0).any() or (high > 1).any():
            raise InputError(
                f"Layer {k} of {system.title} has an activation ({activation.title}) with a slope outside [0, 1]",
                "Rescale it into the matrices, or bound it between jumps",
            )


def _terminal(system: System) -> Float64[np.ndarray, "p p"]:
    """A float matrix that is at least that of the squared output, over (state, input)."""
    p, m = system.layers[-1].sizes[2], system.inputs
    P = np.zeros((p + m, p + m))
    if system.readout is None:
        P[:p, :p] = np.eye(p)
        return P
    G = Ball.of(system.readout)
    P[:p, :p] = _above((G.T @ G).symmetric(), 0.0)
    return P


def _above(form: Ball, extra: float) -> Float64[np.ndarray, "h h"]:
    """A float matrix that exceeds every symmetric matrix of a ball by at least ``extra`` times the identity."""
    lifted = form.middle.copy()
    index = np.arange(len(lifted))
    lifted[index, index] = up(up(lifted[index, index] + up(form.radius + extra)))
    return lifted


def _over(upper: Ball, lower: np.ndarray) -> Ball:
    return beside(upper.T, Ball(lower.T)).T


def _joined(first: Matrix | None, second: Matrix | None, rows: int, sizes: tuple[int, int]) -> Ball | None:
    """Two blocks side by side, None for zero; a first block of no columns is left out."""
    if first is None and second is None:
        return None
    parts = [
        Ball(np.zeros((rows, size))) if part is None else Ball.of(part)
        for part, size in zip((first, second), sizes, strict=True)
        if size
    ]
    return beside(*parts)


def _backward(
    P: Float64[np.ndarray, "h h"],
    layer: SystemLayer,
    diagonal: Float64[np.ndarray, " q"],
    m: int,
    *,
    resting: bool,
    spare: float,
) -> Float64[np.ndarray, "g g"] | None:
    """A matrix of $V_k$ from that of $V_{k+1}$; ``resting`` leaves out a state that is zero."""
    p, q, after = layer.sizes
    A, C = (None, None) if resting else (layer.transition, layer.preactivation)
    p = 0 if resting else p
    seen = _joined(C, layer.injection, q, (p, m))
    moved = _joined(A, layer.passage, after, (p, m))
    emission = None if layer.emission is None else Ball.of(layer.emission)
    unit = _units(P[:after, :after], emission, diagonal)
    if unit is None:
        return None
    if emission is None:
        emitted = Ball(P[:after]).in_units(unit)
        curvature = Ball(P[:after, :after]).in_units(unit, unit)
    else:
        emission = emission.T.in_units(unit).T
        emitted = emission.T @ Ball(P[:after])
        curvature = emitted.columns(slice(after)) @ emission
    N = (Ball(np.diag(2.0 * diagonal * unit * unit)) - curvature).symmetric()
    G = emitted.columns(slice(after, None))
    if p:
        G = beside(Ball(np.zeros((q, p))), G)
    if seen is not None:
        G = G + seen.scaled(diagonal * unit)
    if moved is not None:
        G = G + emitted.columns(slice(after)) @ moved
    completed = _completed_square(N, G, spare)
    if completed is None:
        return None
    Y, slack = completed
    total = Ball(Y.T) @ Ball(Y)
    if moved is None:
        lifted = np.zeros(total.middle.shape)
        lifted[p:, p:] = P[after:, after:]
        total = total + Ball(lifted)
    else:
        whole = _over(moved, np.hstack([np.zeros((m, p)), np.eye(m)]))
        total = total + whole.T @ (Ball(P) @ whole)
    largest = float(np.abs(np.diagonal(total.middle)).max())
    return _above(total.symmetric(), float(up(slack + spare * largest)))


def _units(
    Q: Float64[np.ndarray, "p p"], emission: Ball | None, diagonal: Float64[np.ndarray, " q"]
) -> Float64[np.ndarray, " q"] | None:
    """Units of the neurons, powers of two, in which N has a diagonal about 1."""
    curvature = np.diagonal(Q) if emission is None else ((Q @ emission.middle) * emission.middle).sum(axis=0)
    size = 2.0 * diagonal - curvature
    if not (size > 0).all():
        return None
    return np.ldexp(1.0, -(np.frexp(size)[1] // 2))


def _completed_square(N: Ball, G: Ball, spare: float) -> tuple[Float64[np.ndarray, "q h"], float] | None:
    r"""Y and $\sigma$ with $w^TNw-2w^TGh+\|Yh\|^2+\sigma\|h\|^2\ge0$ for all w, h and all matrices in the balls."""
    identity = np.eye(len(N.middle))
    shift = max(_FIRST_SHIFT * len(identity), spare)
    for _ in range(_ATTEMPTS):
        try:
            factor = np.linalg.cholesky(N.middle - shift * identity)
        except np.linalg.LinAlgError:
            return None
        left = N - Ball(factor) @ Ball(factor.T) - Ball(shift * identity)
        off = left.norm
        if off <= shift / 2:
            break
        shift = 4.0 * off
    else:
        return None
    Y = scipy.linalg.solve_triangular(factor, G.middle, lower=True, check_finite=False)
    missed = (G - Ball(factor) @ Ball(Y)).norm
    # tau - ||E|| >= tau / 2, of which one half is enough.
    return Y, float(up(up(missed * missed) * (4.0 / shift) * (1 + 2.0**-50)))
