r"""Lower bounds on the Lipschitz constant, each with two inputs that attain it.

$L=\sup_u\|J(u)\|_2$ for piecewise smooth continuous networks, so that every input gives a bound. Jacobians are
piecewise constant: the gradient of $\|J(u)\|$ is zero almost everywhere, and inputs are sought by scales, by crossing
the boundaries of regions, and along gradients of a surrogate whose slopes are smoothed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.lipschitz.bound import LowerBound
from unfold_theory.lipschitz.linearization import DENSE, Linearization
from unfold_theory.lipschitz.witness import witness
from unfold_theory.networks.activations import (
    GroupSoftThreshold,
    SingularValueThreshold,
    SmoothSoftThreshold,
    SoftThreshold,
)
from unfold_theory.networks.system import System

Inputs = Float64[np.ndarray, "batch m"]
Vector = Float64[np.ndarray, " m"]

NEAR_IDENTITY = (SoftThreshold, SmoothSoftThreshold, GroupSoftThreshold, SingularValueThreshold)
r"""Activations with $\|\varphi(v)-v\|$ bounded."""
_DECADES = (-2.0, 3.0)
_TINY = 1e-300
_SETTLING = 300
_POLISHED, _CROSSINGS, _NEIGHBOURS = 8, 40, 200


def all_pass(system: System, *, seed: int = 0) -> LowerBound:
    r"""$L\ge\|J_I\|_2$, the gain of the network without its activations.

    $\|\varphi(v)-v\|\le c$ for every v makes the outputs at $tu$ and $-tu$ differ by $2tJ_Iu+O(1)$; divide by
    $2t\|u\|$ and let $t\to\infty$. The inputs have to be unrestricted, and thresholds must not depend on them. The
    witness is a pair at large scale, where almost every direction keeps all entries above their thresholds.

    Args:
        system: The network.
        seed: Of the power iteration's start, and of the directions tried where the best one meets a zero.

    Raises:
        MissingStructure: An activation does not stay near the identity (ReLU, a projection).
    """
    for k, layer in enumerate(system.layers):
        if not isinstance(layer.activation, NEAR_IDENTITY):
            raise MissingStructure(
                f"The {layer.activation.title} of layer {k}",
                "the all-pass floor",
                "a bounded distance from the identity",
                "Use ascent()",
            )
    rng = np.random.default_rng(seed)
    far = 1e6 * _scale(system)
    u = far * rng.standard_normal((1, system.inputs))
    direction = _settled(system, u[0], Linearization(system, u).norms()[1][0])
    best = None
    # The direction itself may leave an entry at zero (ISTA: columns orthogonal to it); a tilt removes that.
    for tilt in (0.0, 1e-3, 1e-2, 1e-1, 1.0):
        base = direction + tilt * rng.standard_normal(system.inputs) / np.sqrt(system.inputs)
        found = witness(system, far * base, direction, "all pass")
        if best is None or found.lower > best.lower:
            best = found
    assert best is not None
    return best


def at_inputs(system: System, u: Inputs, *, method: str = "power iteration") -> LowerBound:
    r"""$L\ge\|J(u_i)\|_2$, the largest over a batch of inputs.

    Raises:
        InputError: The inputs are not finite rows of the right length.
    """
    u = checked_inputs(system, u)
    values, directions = Linearization(system, u).norms()
    best = int(np.argmax(values))
    return witness(system, u[best], _settled(system, u[best], directions[best]), method)


def scattered(system: System, count: int, rng: np.random.Generator) -> Inputs:
    """Gaussian inputs over five decades of scale around that at which thresholds act."""
    u = rng.standard_normal((count, system.inputs))
    return u * (_scale(system) * 10.0 ** rng.uniform(*_DECADES, (count, 1)) / np.sqrt(system.inputs))


def ascent(
    system: System,
    *,
    starts: int = 24,
    rounds: int = 60,
    samples: int = 400,
    seed: int = 0,
    begin: Inputs | None = None,
) -> LowerBound:
    r"""Ascent on $\|J(u)\|_2$ over inputs, many at a time.

    Each round proposes, for every input, a random move at its own scale, which shrinks without success, a move
    along the gradient of the surrogate $\ln\|J_\tau(u)d\|$ with slopes smoothed at the scale $\tau$, and, where the
    Jacobian is small enough to be held, the cheapest crossings of region boundaries of which first-order perturbation
    expects a gain. The best proposal is kept if it is better.

    Args:
        system: The network.
        starts: How many inputs ascend, the best of ``samples`` scattered ones.
        rounds: Rounds of proposals.
        samples: Scattered inputs to start from.
        seed: Of the random numbers.
        begin: Inputs to start from besides, shape (any, m).

    Raises:
        InputError: A count is not positive, or ``begin`` does not fit.
    """
    if min(starts, rounds, samples) < 1:
        raise InputError(f"{starts} starts, {rounds} rounds, {samples} samples", "Pass positive counts")
    rng = np.random.default_rng(seed)
    pool = scattered(system, samples, rng)
    if begin is not None:
        pool = np.concatenate([pool, checked_inputs(system, begin)])
    values, directions = Linearization(system, pool).norms()
    order = _spread(values, starts)
    u, values, directions = pool[order], values[order], directions[order]
    sigma = np.full(len(u), 0.5)
    for _ in range(rounds):
        better = False
        for proposal in _proposals(system, u, directions, sigma, rng):
            new, gone = Linearization(system, proposal).norms(directions)
            up = new > values * (1 + 1e-12)
            u[up], values[up], directions[up] = proposal[up], new[up], gone[up]
            better |= up
        sigma = np.where(better, np.minimum(1.3 * sigma, 1.0), 0.8 * sigma)
    ranked = [_polished(system, u[i], float(values[i]), directions[i]) for i in np.argsort(-values)[:_POLISHED]]
    ranked.sort(key=lambda end: -end[1])
    found = [witness(system, at, _settled(system, at, along), "ascent") for at, _, along in ranked[:2]]
    return max(found, key=lambda bound: bound.lower)


def _settled(system: System, u: Vector, direction: Vector) -> Vector:
    """The direction after a long power iteration, which is worth it for one input."""
    if system.inputs <= DENSE:
        return direction
    return Linearization(system, u[None]).norms(direction[None], iterations=_SETTLING)[1][0]


def _spread(values: Float64[np.ndarray, " batch"], starts: int) -> np.ndarray:
    """The best ones, of which half are drawn from further down so that not all climb the same hill."""
    ranked = np.argsort(-values)
    top = ranked[: (starts + 1) // 2]
    rest = ranked[len(top) : 8 * starts]
    stride = max(len(rest) // max(starts - len(top), 1), 1)
    return np.concatenate([top, rest[::stride][: starts - len(top)]])


def _proposals(
    system: System, u: Inputs, d: Inputs, sigma: Float64[np.ndarray, " batch"], rng: np.random.Generator
) -> Iterator[Inputs]:
    size = np.linalg.norm(u, axis=1, keepdims=True)
    noise = rng.standard_normal(u.shape) / np.sqrt(u.shape[1])
    yield u + sigma[:, None] * size * noise
    yield u * np.exp(0.5 * sigma[:, None] * rng.standard_normal((len(u), 1)))
    if all(isinstance(layer.activation, SoftThreshold) for layer in system.layers):
        gradient = surrogate_gradient(system, u, d, rng)
        length = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), _TINY)
        for factor in (0.1, 1.0):
            yield u + factor * sigma[:, None] * size * gradient / length
    if system.inputs <= DENSE:
        yield _crossings(system, u, d, rng)


def surrogate_gradient(system: System, u: Inputs, d: Inputs, rng: np.random.Generator) -> Inputs:
    r"""Gradient in u of $\ln\|J_\tau(u)d\|_2$, whose slopes are $s((|v|-\theta)/\tau)$ at the network's own v.

    $\tau$ is drawn between a hundredth and once the spread of $|v|-\theta$ in the layer. s is the sigmoid.
    """
    here = Linearization(system, u)
    thresholds = [layer.activation.threshold for layer in system.layers if isinstance(layer.activation, SoftThreshold)]
    smooth, bend = [], []
    for v, theta in zip(here.preactivations, thresholds, strict=True):
        away = np.abs(v) - theta
        tau = 10.0 ** rng.uniform(-2, 0) * np.maximum(away.std(axis=1, keepdims=True), _TINY)
        s = 1 / (1 + np.exp(-np.clip(away / tau, -500, 500)))
        smooth.append(s)
        bend.append(s * (1 - s) / tau * np.sign(v))
    exact, here.slopes = here.slopes, list(smooth)
    tangents = here.tangents(d)
    output = tangents.pop()
    adjoint = here.cotangents(output / np.maximum((output**2).sum(axis=1, keepdims=True), _TINY))
    # d ln|Jd| = sum over neurons of adjoint * tangent * d slope, and a slope moves with v as the network does.
    here.slopes = exact
    return _pulled_back(here, [b * a * t for b, a, t in zip(bend, adjoint, tangents, strict=False)])


def _pulled_back(here: Linearization, seeds: list[Float64[np.ndarray, "batch _"]]) -> Inputs:
    r"""$\sum_k(\partial v^k/\partial u)^T g_k$."""
    system = here.system
    u = np.zeros((here.batch, system.inputs))
    state = np.zeros((here.batch, system.layers[-1].sizes[2]))
    for k in reversed(range(system.depth)):
        layer = system.layers[k]
        dw = state if layer.emission is None else state @ layer.emission.mid
        slopes = here.slopes[k]
        assert isinstance(slopes, np.ndarray)
        dv = slopes * dw + seeds[k]
        if layer.injection is not None:
            u = u + dv @ layer.injection.mid
        if layer.passage is not None:
            u = u + state @ layer.passage.mid
        before = dv @ layer.preactivation.mid
        state = before if layer.transition is None else before + state @ layer.transition.mid
    return u if system.start is None else u + state @ system.start.mid


def _crossings(system: System, u: Inputs, d: Inputs, rng: np.random.Generator) -> Inputs:
    """For every input, a step just across one boundary: gain expected for the distance decides, with chance."""
    here = Linearization(system, u)
    if not all(isinstance(layer.activation, SoftThreshold) for layer in system.layers):
        return u
    tangents = here.tangents(d)
    output = tangents.pop()
    adjoint = here.cotangents(output / np.maximum(np.linalg.norm(output, axis=1, keepdims=True), _TINY))
    gaps, distances, along = _boundaries(system, u)
    on = [np.asarray(slopes) > 0 for slopes in here.slopes]
    gain = np.concatenate(
        [np.where(o, -1.0, 1.0) * a * t for o, a, t in zip(on, adjoint, tangents, strict=False)], axis=1
    )
    floor = 1e-3 * np.linalg.norm(u, axis=1)[:, None]
    score = np.where((gain > 0) & np.isfinite(distances), gain / (distances + floor), 0.0)
    pick = (score * rng.exponential(size=score.shape)).argmax(axis=1)
    at = np.arange(len(u))
    step = (1 + rng.uniform(1e-3, 0.3, len(u))) * gaps[at, pick]
    return u + step[:, None] * along[at, :, pick]


def _boundaries(
    system: System, u: Inputs
) -> tuple[
    Float64[np.ndarray, "batch neurons"], Float64[np.ndarray, "batch neurons"], Float64[np.ndarray, "batch m neurons"]
]:
    """To the nearer kink of every soft threshold: how far v is from it, the distance in u, and dv's pseudo-inverse."""
    m = system.inputs
    wide = Linearization(system, np.repeat(u, m, axis=0))
    rows = wide.tangents(np.tile(np.eye(m), (len(u), 1)))
    gaps, distances, along = [], [], []
    for k, layer in enumerate(system.layers):
        assert isinstance(layer.activation, SoftThreshold)
        v, theta = wide.preactivations[k][::m], layer.activation.threshold
        slope = rows[k].reshape(len(u), m, -1)
        steep = np.maximum(np.sqrt((slope**2).sum(axis=1)), _TINY)
        gap = np.where(v >= 0, theta, -theta) - v
        gaps.append(gap)
        distances.append(np.where(steep > 1e-12, np.abs(gap) / steep, np.inf))
        along.append(slope / np.maximum(steep, 1e-12)[:, None, :] ** 2)
    return np.concatenate(gaps, axis=1), np.concatenate(distances, axis=1), np.concatenate(along, axis=2)


def _polished(system: System, u: Vector, value: float, d: Vector) -> tuple[Vector, float, Vector]:
    """Every neighbouring region in turn, as long as one is better."""
    if system.inputs > DENSE or not all(isinstance(layer.activation, SoftThreshold) for layer in system.layers):
        return u, value, d
    for _ in range(_CROSSINGS):
        gaps, distances, along = (part[0] for part in _boundaries(system, u[None]))
        near = np.argsort(distances)[:_NEIGHBOURS]
        near = near[np.isfinite(distances[near])]
        far = np.concatenate([u + over * gaps[near][:, None] * along[:, near].T for over in (1.001, 1.05, 1.5)])
        values, directions = Linearization(system, far).norms()
        best = int(np.argmax(values))
        if values[best] <= value * (1 + 1e-12):
            break
        u, value, d = far[best], float(values[best]), directions[best]
    return u, value, d


def lower_bound(system: System, *, seed: int = 0, effort: int = 1, data: Inputs | None = None) -> LowerBound:
    """The best of the all-pass floor, the inputs given, and ascent from both and from scattered inputs.

    Args:
        system: The network.
        seed: Of the random numbers.
        effort: Multiplies the rounds of the ascent.
        data: Inputs of interest, shape (any, m).

    Raises:
        InputError: The effort is not positive, or the data do not fit.
    """
    found, begin = [], []
    try:
        found.append(all_pass(system, seed=seed))
        begin.append(found[-1].first[None])
    except MissingStructure:
        pass
    if data is not None:
        found.append(at_inputs(system, data))
        begin.append(found[-1].first[None])
    m = system.inputs
    found.append(
        ascent(
            system,
            seed=seed,
            starts=min(max(240 // m, 8), 96),
            samples=min(max(20000 // m, 64), 5000),
            rounds=60 * effort,
            begin=np.concatenate(begin) if begin else None,
        )
    )
    return max(found, key=lambda bound: bound.lower)


def checked_inputs(system: System, u: Inputs) -> Inputs:
    """Finite rows of the right length.

    Raises:
        InputError: They are not.
    """
    u = np.asarray(u, dtype=np.float64)
    if u.ndim != 2 or u.shape[1] != system.inputs or len(u) == 0 or not np.isfinite(u).all():
        raise InputError(f"Inputs of shape {u.shape}", f"Pass finite rows of {system.inputs} numbers")
    return u


def _scale(system: System) -> float:
    """Size of an input at which thresholds of the first layer that reads it begin to act; 1 where there are none."""
    for layer in system.layers:
        matrix = layer.injection if system.start is None else layer.preactivation
        if matrix is None:
            continue
        activation = layer.activation
        kinks = getattr(activation, "threshold", np.zeros(1)) if isinstance(activation, NEAR_IDENTITY) else np.zeros(1)
        typical = float(np.mean(np.abs(kinks)))
        gain = float(np.sqrt((matrix.mid**2).sum(axis=1).mean()))
        return typical / gain * np.sqrt(system.inputs) if typical > 0 and gain > 0 else 1.0
    return 1.0
