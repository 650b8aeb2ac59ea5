r"""The project's own theorems on stability: how far can a network's code move when its measurement moves?

Of the iteration $x^{k+1}=P_k(x^k+\eta_kA^T(u-Ax^k))$, $x^0=0$, with firmly nonexpansive $P_k$, three bounds that need
singular values only; of any network with slopes in [0, 1] a floor that no threshold can lower.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.claims.stability import SLOPES, affine, apart, layer_norms, run, slack, system, within
from unfold_theory.enclosure import Basis, Enclosure, Inequality, stack, where
from unfold_theory.errors import MissingStructure
from unfold_theory.networks.activations import SoftThreshold
from unfold_theory.networks.system import System
from unfold_theory.verified import spectral_norm_squared, symmetric_eigenvalues

PROOF = "proofs_checks/check_unfoldtheory2026_stability.py"
FAR = 2.0**24
"""Scale at which measurements leave thresholds behind: a power of two, so that scaling is exact."""


def gradient_steps(s: Setting) -> Enclosure:
    r"""$\eta_k$, shape (depth,).

    Raises:
        MissingStructure: A layer is no gradient step on the least squares of the problem's dictionary.
    """
    layers = s.cached(affine)
    for k, layer in enumerate(layers):
        if not layer.coupled or not np.array_equal(layer.weight, s.problem.dictionary):
            raise MissingStructure(s.network.title, "a law of gradient steps", f"W_1 = eta A^T in layer {k}")
    return Enclosure.exact(np.array([float(layer.gain) for layer in layers]))


def curvatures(s: Setting) -> Enclosure:
    r"""$c_k=\eta_k\|A\|^2$, shape (depth,)."""
    return s.cached(gradient_steps) * s.lipschitz


@hypothesis(scope="prefix")
def steps_positive(s: Setting) -> Inequality:
    r"""$\eta_k>0$ in every layer so far."""
    return s.cached(gradient_steps) > 0.0


@hypothesis(scope="prefix")
def steps_at_most_inverse_lipschitz(s: Setting) -> Inequality:
    r"""$\eta_k\|A\|^2\le1$ in every layer so far (up to the rounding of $1/L$)."""
    return s.cached(gradient_steps) <= (1 + 2.0**-40) / s.lipschitz


@hypothesis(scope="prefix")
def steps_below_two(s: Setting) -> Inequality:
    r"""$\eta_k\|A\|^2<2$ in every layer so far."""
    return s.cached(curvatures) < 2.0


GRADIENT = [steps_positive, starts_at_zero, *SLOPES]


def _root(squared: Enclosure, admitted: np.ndarray) -> Enclosure:
    """Square roots as long as every layer so far is admitted, then infinity: the hypotheses fail there."""
    so_far = np.logical_and.accumulate(admitted)
    return where(so_far, where(so_far, squared, 1.0).sqrt(), np.inf)


def law(s: Setting) -> Enclosure:
    r"""$\sqrt{\eta_{k-1}+\sum_{j<k-1}\eta_j^2/(\eta_j+\eta_{j+1})}$, shape (depth,)."""
    eta = s.cached(gradient_steps)
    if len(eta) == 1:
        return _root(eta * (1 + 2.0**-37), eta.lo > 0)
    before, after = eta[:-1], eta[1:]
    inner = (before**2 / (before + after)).cumsum()
    squared = stack([eta[0], *[inner[k] + after[k] for k in range(len(inner))]])
    return _root(squared * (1 + 2.0**-37), eta.lo > 0)


def gradient_triangle(s: Setting) -> Enclosure:
    r"""$\|A\|\sum_{j<k}\eta_j$, shape (depth, sample): what adding norms gives where no layer expands."""
    return (s.cached(gradient_steps).cumsum() * s.lipschitz.sqrt())[:, None] * s.cached(apart)


@claim(
    source="unfoldtheory2026",
    theorem="square-root-of-depth law (derived)",
    hypotheses=[steps_at_most_inverse_lipschitz, *GRADIENT],
    trivial=gradient_triangle,
    proof=PROOF,
)
def square_root_law(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le L_k\|y-y'\|$, $L_k^2=\eta_{k-1}+\sum_{j<k-1}\eta_j^2/(\eta_j+\eta_{j+1})$: with one step
    $\sqrt{\eta(k+1)/2}$, for every firmly nonexpansive activation, every dictionary and every $\eta_j\|A\|^2\le1$.

    Norms alone give $\|A\|\sum\eta_j$, which grows like k. The root cannot be lost: dictionaries whose spectrum comes
    near $1/\sqrt{k\eta}$ have networks of constant $0.638\sqrt{k\eta}$. Steps may exceed $1/L$ by the factor
    $1+2^{-40}$, as rounding makes them; a factor $1+2^{-37}$ in $L_k^2$ pays for it.
    """
    return within(s, s.cached(law))


@claim(
    source="unfoldtheory2026",
    theorem="nonexpansive law (derived)",
    hypotheses=[steps_below_two, *GRADIENT],
    trivial=gradient_triangle,
    proof=PROOF,
)
def nonexpansive_law(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le(\sum_{j<k}\eta_j/(2-c_j))^{1/2}\|y-y'\|$, $c_j=\eta_j\|A\|^2<2$, for every nonexpansive
    activation: learned steps beyond $1/L$ are covered."""
    eta, c = s.cached(gradient_steps), s.cached(curvatures)
    admitted = (c.hi < 2) & (eta.lo > 0)
    added = where(admitted, eta / where(admitted, 2.0 - c, 1.0), 1.0)
    return within(s, _root(added.cumsum(), admitted))


# -- singular values --------------------------------------------------------------------------------------------------
def singular_values(s: Setting) -> Enclosure:
    r"""$\sigma_i$ of A, and 0 unless A is certified to have rank n."""
    A = Enclosure.exact(s.problem.dictionary)
    m, n = A.shape
    squared = symmetric_eigenvalues(A @ A.T if m < n else A.T @ A)
    zero = m < n or squared.lo[0] <= 0
    lo, hi = np.maximum(squared.lo, 0.0), np.maximum(squared.hi, 0.0)
    lo, hi = (np.concatenate([[0.0], end]) if zero else end for end in (lo, hi))
    return Enclosure.certified(lo, hi).sqrt()


def spectral_constants(s: Setting) -> Enclosure:
    r"""$\max_\sigma(h^TT^{-1}h)^{1/2}$ at every depth, shape (depth,); infinite where T is not definite."""
    eta, sigma = s.cached(gradient_steps), s.cached(singular_values)
    reach = [eta[k] * sigma for k in range(len(eta))]
    carry = [1.0 - eta[k] * sigma**2 for k in range(len(eta))]
    found = []
    for depth in range(1, len(eta) + 1):
        Q, S, R = Enclosure.exact(np.ones(sigma.shape)), Enclosure.exact(0.0), Enclosure.exact(0.0)
        for k in range(depth - 1, -1, -1):
            N = 2.0 - Q
            if (N.lo <= 0).any():
                R = Enclosure.exact(np.inf)
                break
            G = S + reach[k]
            R, S, Q = R + G**2 / N, G * carry[k] / N, carry[k] ** 2 / N
        found.append(Enclosure.exact(R.hi.max()).with_basis(Basis.CERTIFIED))
    return stack(found).sqrt()


@claim(
    source="unfoldtheory2026",
    theorem="spectral decoupling (derived)",
    hypotheses=[steps_below_two, *GRADIENT],
    trivial=gradient_triangle,
    proof=PROOF,
)
def spectral_bound(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le\max_\sigma(h^TT^{-1}h)^{1/2}\|y-y'\|$ over the singular values of A (and 0 unless rank
    A = n), $h_j=\eta_j\sigma$, T tridiagonal with diagonal $(2,\dots,2,1)$ and off-diagonal $-(1-\eta_j\sigma^2)$.

    The matrix inequality with multipliers 1 falls apart into one of size k + 1 for each singular value. Never above the
    square-root-of-depth law; equal to it where $\eta_j\|A\|^2=1$ in all layers (the largest singular value decides
    there: T is diagonal), smaller for shorter steps. Other multipliers can improve on both.
    """
    return within(s, s.cached(spectral_constants))


# -- the floor ---------------------------------------------------------------------------------------------------------
def _pieces(s: Setting) -> tuple[System, np.ndarray]:
    """The system, and the norm of each layer's thresholds."""
    own = s.cached(system)
    sizes = []
    for k, layer in enumerate(own.layers):
        if not isinstance(layer.activation, SoftThreshold):
            raise MissingStructure(s.network.title, "the all-pass floor", f"soft thresholds in layer {k}")
        sizes.append(float(Enclosure.exact(layer.activation.threshold).norm(2).hi))
    return own, np.array(sizes)


def deviation(s: Setting) -> Enclosure:
    r"""$\alpha_k\ge\|x^k(u)-J_I^ku\|$, shape (depth,): what thresholds can take away in all."""
    own, thresholds = s.cached(_pieces)
    norms: dict[int, tuple[Enclosure, Enclosure]] = {}
    off, found = Enclosure.exact(0.0), []
    readout = Enclosure.exact(1.0) if own.readout is None else spectral_norm_squared(own.readout).sqrt()
    for layer, theta in zip(own.layers, thresholds, strict=True):
        if id(layer.preactivation) not in norms:
            C, B = layer.preactivation, layer.emission
            through = C if B is None else B @ C
            through = through if layer.transition is None else through + layer.transition
            emitted = Enclosure.exact(1.0) if B is None else spectral_norm_squared(B).sqrt()
            norms[id(layer.preactivation)] = (spectral_norm_squared(through).sqrt(), emitted)
        kept, emitted = norms[id(layer.preactivation)]
        off = kept * off + emitted * theta
        found.append(readout * off)
    return stack(found)


def all_pass(s: Setting) -> np.ndarray:
    r"""$J_I^ky$ in float64, shape (depth, sample, n): every threshold 0."""
    own = s.cached(system)
    state = np.zeros((len(s.batch.y), own.layers[0].sizes[0]))
    state = state if own.start is None else s.batch.y @ own.start.mid.T
    found = []
    for layer in own.layers:
        w = state @ layer.preactivation.mid.T
        w = w if layer.injection is None else w + s.batch.y @ layer.injection.mid.T
        after = w if layer.emission is None else w @ layer.emission.mid.T
        after = after if layer.transition is None else after + state @ layer.transition.mid.T
        state = after if layer.passage is None else after + s.batch.y @ layer.passage.mid.T
        found.append(state if own.readout is None else state @ own.readout.mid.T)
    return np.stack(found)


def far_codes(s: Setting) -> np.ndarray:
    """Codes of the measurements, scaled up, at depth 0..K."""
    return run(s, FAR * s.batch.y)


@claim(
    source="unfoldtheory2026",
    theorem="all-pass floor (derived)",
    hypotheses=[starts_at_zero, *SLOPES],
    trivial=lambda s: Enclosure.exact(0.0),
    proof=PROOF,
    bound="lower",
)
def all_pass_floor(s: Setting) -> Inequality:
    r"""$\|x^k(tv)-x^k(0)\|\ge t\|J_I^kv\|-\alpha_k$, $\alpha_{k+1}=\|W_2^k\|\alpha_k+\|\theta^k\|$, hence
    $L_k\ge\|J_I^k\|$: the constant is at least that of the linear network in which every threshold is 0.

    Read at $t=2^{24}$ and $v=y_i$. Inputs must be unbounded and thresholds independent of them; a ReLU network has no
    such floor. Vacuous where the left side is negative.
    """
    codes = s.cached(far_codes)
    linear = FAR * s.cached(all_pass)
    allowance = slack(codes, np.concatenate([codes[:1], linear]))
    floor = Enclosure.exact(linear).norm(2) - s.cached(deviation)[:, None] - allowance
    return floor <= (Enclosure.exact(codes[1:]) - codes[:1]).norm(2)


def all_pass_pairs(s: Setting) -> tuple[Enclosure, Enclosure]:
    r"""Certified ends for $\|J_I^kv_k\|$ and the ratio $\|x^k(tv_k)-x^k(0)\|/t$ seen, shape (depth,) each.

    $v_k$ is the computed leading right singular vector of $J_I^k$.
    """
    own, _ = s.cached(_pieces)
    m = own.inputs
    state = np.zeros((own.layers[0].sizes[0], m)) if own.start is None else own.start.mid
    directions = []
    for layer in own.layers:
        w = layer.preactivation.mid @ state
        w = w if layer.injection is None else w + layer.injection.mid
        after = w if layer.emission is None else layer.emission.mid @ w
        after = after if layer.transition is None else after + layer.transition.mid @ state
        state = after if layer.passage is None else after + layer.passage.mid
        jacobian = state if own.readout is None else own.readout.mid @ state
        directions.append(np.linalg.eigh(jacobian.T @ jacobian)[1][:, -1])
    v = np.stack(directions)
    codes = run(s, np.concatenate([FAR * v, np.zeros((1, m))]))
    k = np.arange(own.depth)
    reached = (Enclosure.exact(codes[k + 1, k]) - codes[k + 1, -1]).norm(2)
    allowance = slack(codes)
    allowance = Enclosure.exact(np.array([allowance.hi[i, i] + allowance.hi[i, -1] for i in k]))
    ratio = Enclosure((reached - allowance).lo, (reached + allowance).hi, Basis.NUMERICAL) / FAR
    size = Enclosure.exact(v).norm(2)
    ratio = ratio / size
    return ratio - s.cached(deviation) / FAR, ratio


def ista_law(s: Setting) -> Enclosure:
    r"""$\sqrt{(k+1)/(2\|A\|^2)}$, shape (depth,): what ISTA with step $1/L$ cannot exceed."""
    return ((s.depth[:, 0] + 1.0) / (2.0 * s.lipschitz)).sqrt()


@hypothesis
def not_ista(s: Setting) -> Inequality:
    r"""Not all layers are gradient steps with $\eta\|A\|^2\le1$: it is another network than ISTA."""
    try:
        worst = float(s.cached(curvatures).hi.max())
    except MissingStructure:
        return Enclosure.exact(1.0) > 0.0
    return Enclosure.exact(worst) > 1.0 + 2.0**-30


@hypothesis(scope="prefix")
def all_pass_gain_beyond_the_law(s: Setting) -> Inequality:
    r"""$\|J_I^k\|>\sqrt{(k+1)/(2\|A\|^2)}$, from this layer's output back to the first."""
    return s.cached(ista_law) < s.cached(all_pass_pairs)[0]


@claim(
    source="unfoldtheory2026",
    theorem="cost of training (derived)",
    hypotheses=[not_ista, starts_at_zero, *SLOPES, all_pass_gain_beyond_the_law],
    proof=PROOF,
    bound="lower",
)
def training_costs_stability(s: Setting) -> Inequality:
    r"""$\sqrt{(k+1)/(2\|A\|^2)}\le\|x^k(tv)-x^k(0)\|/t$ for a pair that replays: where the all-pass gain exceeds the
    law, the network is less stable than ISTA with step $1/L$ at the same depth, whatever its thresholds."""
    return s.cached(ista_law)[:, None] <= s.cached(all_pass_pairs)[1][:, None]


# -- every depth at once -----------------------------------------------------------------------------------------------
@hypothesis
def layers_contract(s: Setting) -> Inequality:
    r"""$q=\max_{k\ge1}\|W_2^k\|<1$."""
    return s.cached(layer_norms)[1].max() < 1.0


@claim(
    source="unfoldtheory2026",
    theorem="contraction (derived)",
    hypotheses=[layers_contract, starts_at_zero, *SLOPES],
    proof="proofs_checks/check_unfoldtheory2026_robustness.py",
)
def contraction_bounds_every_depth(s: Setting) -> Inequality:
    r"""$\|x^k(y)-x^k(y')\|\le\frac{p}{1-q}\|y-y'\|$ at every depth, $p=\max\|W_1^k\|$, $q=\max\|W_2^k\|<1$: the
    constant of the infinitely deep network is finite.

    The converse is false as often stated: with one symmetric $W_2$ and onto $W_1$ a finite constant at all depths needs
    $-1\le\lambda(W_2)<1$, and $\lambda=-1$ is no contraction; without onto $W_1$ even $\lambda=1$ can be invisible, as
    for ISTA.
    """
    first, second = s.cached(layer_norms)
    q = second.max()
    if q.hi >= 1:
        return within(s, Enclosure.exact(np.full(s.network.depth, np.inf)))
    return within(s, (first.max() / (1.0 - q)).broadcast_to((s.network.depth,)))
