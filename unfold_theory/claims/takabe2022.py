r"""Takabe and Wadayama 2022: learned steps of gradient descent explained by Chebyshev polynomials.

On least squares a layer is $e^{k+1}=(I-\gamma_kA_S^TA_S)e^k$, S the entries that are active: all of them in plain
gradient descent, the support once a sparse coding network has identified it and its thresholds are bypassed or zero.
What the steps do is then the size of $p_k(\lambda)=\prod_{j<k}(1-\gamma_j\lambda)$ on the spectrum, which is certified
here for whatever steps were learned, beside the least value that any steps can have.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.chen2018 import weights_coupled
from unfold_theory.claims.shared import noise_free, starts_at_zero
from unfold_theory.enclosure import Basis, Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.rates.step_polynomial import chebyshev_value, largest_on_interval
from unfold_theory.verified import smallest_singular_value_squared, spectral_norm_squared

PROOF = "proofs_checks/check_takabe2022.py"
# The minimax value is attained, so that it can be met and refuted up to rounding only.
OPTIMAL_SLACK = 1e-6
ATTAINED_SLACK = 1e-9


def active_sets(s: Setting) -> np.ndarray:
    """Entries that are nonzero in x* or at some depth, shape (sample, n)."""
    return (s.truth != 0) | s.iterates.any(axis=0)


def spectrum(s: Setting) -> Enclosure:
    r"""Smallest and largest eigenvalue of $A_S^TA_S$ for each signal, shape (sample, 2)."""
    s.cached(steps)  # first of all: other networks have no such spectrum
    known: dict[bytes, tuple[Enclosure, Enclosure]] = {}
    ends = []
    for mask in s.cached(active_sets):
        key = mask.tobytes()
        if key not in known:
            part = s.problem.dictionary[:, mask]
            if not mask.any():
                known[key] = (Enclosure.exact(1.0), Enclosure.exact(1.0))
            elif part.shape[1] > part.shape[0]:
                # Singular; nothing more precise is needed to say so.
                known[key] = (Enclosure.exact(0.0), Enclosure.certified(0.0, s.lipschitz.hi))
            else:
                known[key] = (smallest_singular_value_squared(part), spectral_norm_squared(part))
        ends.append(known[key])
    lo, hi = (np.array([[float(getattr(e, end)) for e in pair] for pair in ends]) for end in ("lo", "hi"))
    return Enclosure.certified(lo, hi)


def steps(s: Setting) -> np.ndarray:
    r"""$\gamma_k$ of layers whose weight is the dictionary, shape (depth,).

    Raises:
        MissingStructure: A layer has another weight.
    """
    layers = s.network.affine_layers()
    if not all(np.array_equal(layer.weight, s.problem.dictionary) for layer in layers):
        raise MissingStructure(s.network.title, "gradient steps on least squares", "the dictionary as its weight")
    return np.array([float(layer.gain) for layer in layers])


def _interval(s: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Outer ends of each signal's spectrum; a singular one is named by `spectrum_positive`, and shown from 0 on."""
    found = s.cached(spectrum)
    return np.maximum(found.lo[:, 0], np.finfo(float).tiny), found.hi[:, 1]


def polynomial(s: Setting) -> Enclosure:
    r"""$\max|p_k|$ on each signal's spectrum, shape (depth, sample)."""
    # Signals with one active set share their interval.
    intervals, place = np.unique(np.stack(_interval(s), axis=1), axis=0, return_inverse=True)
    return largest_on_interval(s.cached(steps), intervals[:, 0], intervals[:, 1])[:, place.reshape(-1)]


def common_interval(s: Setting) -> tuple[float, float]:
    """[a, b] that contains the spectra of all signals of the batch."""
    low, high = _interval(s)
    return float(low.min()), float(high.max())


def common_polynomial(s: Setting) -> Enclosure:
    r"""$\max|p_k|$ on the batch's [a, b], shape (depth,)."""
    return largest_on_interval(s.cached(steps), *s.cached(common_interval))


def least(s: Setting) -> Enclosure:
    r"""$1/T_k((b+a)/(b-a))$ of the batch's [a, b], shape (depth,)."""
    return chebyshev_value(*s.cached(common_interval), s.network.depth)


def period(s: Setting) -> int:
    """The smallest number of steps after which they repeat."""
    found = s.cached(steps)
    return next(t for t in range(1, len(found) + 1) if (found[t:] == found[:-t]).all())


@hypothesis(scope="prefix")
def linear_on_active_set(s: Setting) -> Inequality:
    r"""$x^{k+1}_S=(x^k+\gamma_kA^T(y-Ax^k))_S$: no entry of S pays a threshold, S all entries that ever are nonzero."""
    v, slack = s.preactivations
    off = np.where(s.cached(active_sets), np.abs(s.iterates[1:] - v), 0.0).max(axis=-1)
    return Enclosure.exact(off) <= Enclosure.exact(4 * slack).with_basis(Basis.NUMERICAL)


@hypothesis(scope="sample")
def spectrum_positive(s: Setting) -> Inequality:
    r"""$\lambda_{\min}(A_S^TA_S)>0$."""
    return s.cached(spectrum)[:, 0] > 0.0


@hypothesis
def common_spectrum_positive(s: Setting) -> Inequality:
    r"""$a>0$, $[a,b]$ the smallest interval that contains the spectra of $A_S^TA_S$ of all signals."""
    return s.cached(spectrum)[:, 0].min() > 0.0


@hypothesis
def steps_are_chebyshev(s: Setting) -> Inequality:
    r"""The steps repeat after T layers and are those of $[a,b]$ in some order: $\max_{[a,b]}|p_T|\le(1+10^{-6})/T_T$.

    No other steps attain $1/T_T((b+a)/(b-a))$; the sides say by which factor given steps are worse.
    """
    t = s.cached(period)
    return s.cached(common_polynomial)[t - 1] <= s.cached(least)[t - 1] * (1 + OPTIMAL_SLACK)


GRADIENT = [starts_at_zero, weights_coupled, noise_free, linear_on_active_set]


@claim(
    source="takabe2022",
    theorem="Error polynomial, given steps (derived)",
    hypotheses=[*GRADIENT, spectrum_positive],
    trivial=lambda s: s.initial_error(2),
    proof=PROOF,
)
def learned_steps_contract(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_2\le\max_{a\le\lambda\le b}\prod_{j<k}|1-\gamma_j\lambda|\;\|x^0-x^*\|_2$ for all k and any steps,
    $[a,b]$ the ends of the spectrum of $A_S^TA_S$.

    S is the signal's own active set. Trivial: the error at the start.
    """
    return s.error(2) <= s.up_to_rounding(s.cached(polynomial) * s.initial_error(2), 2)


@claim(
    source="takabe2022",
    theorem="Rate of Chebyshev steps",
    hypotheses=[*GRADIENT, common_spectrum_positive, steps_are_chebyshev],
    trivial=lambda s: s.initial_error(2),
    proof=PROOF,
)
def chebyshev_rate(s: Setting) -> Inequality:
    r"""$\|x^{\ell T}-x^*\|_2\le T_T\bigl(\tfrac{b+a}{b-a}\bigr)^{-\ell}\|x^0-x^*\|_2$ for Chebyshev steps of period T
    on $[a,b]$, which contains the spectra of $A_S^TA_S$.

    Within a period, where nothing is optimal and the order matters, $\max_{[a,b]}|p_k|$ of the steps so far takes its
    place. The paper has a spectral radius, which is the norm here, as the matrix is symmetric.
    """
    t, depth = s.cached(period), s.network.depth
    whole = (s.cached(least)[t - 1] * (1 + OPTIMAL_SLACK)) ** (np.arange(1, depth + 1) // t)
    within = np.arange(1, depth + 1) % t
    started = s.cached(common_polynomial)
    rest = Enclosure.certified(
        np.where(within > 0, started.lo[within - 1], 1.0), np.where(within > 0, started.hi[within - 1], 1.0)
    )
    return s.error(2) <= s.up_to_rounding((whole * rest)[:, None] * s.initial_error(2), 2)


@claim(
    source="takabe2022",
    theorem="Optimality of Chebyshev steps (Markov)",
    hypotheses=[common_spectrum_positive],
    trivial=lambda s: Enclosure.exact(0.0),
    proof=PROOF,
    bound="lower",
)
def no_steps_do_better(s: Setting) -> Inequality:
    r"""$(1-10^{-9})/T_k\bigl(\tfrac{b+a}{b-a}\bigr)\le\max_{[a,b]}\prod_{j<k}|1-\gamma_j\lambda|$ for all steps and k.

    About the worst eigenvalue in the interval: a given spectrum, or a given error, may do better. The factor, which
    rounding needs, is not in the theorem. Trivial: 0.
    """
    return s.cached(least) * (1 - ATTAINED_SLACK) <= s.cached(common_polynomial)
