r"""Foucart and Rauhut 2013 (book): iterative hard thresholding under restricted isometry, theorem 6.18.

One layer is $x^+=H_s(x+\gamma A^T(y-Ax))$; with $x_S$ the s largest entries of $x^*$, $\varepsilon'=A x^*_{\bar S}
+\varepsilon$ is what remains, so that every signal is covered. The book has $\gamma=1$ and the factor $\sqrt3$; learned
steps enter through $\delta_{3s}(\gamma)=\max_{|T|\le3s}\|I-\gamma A_T^TA_T\|_2$, and $\sqrt3$ may be replaced by the
golden ratio $\varphi=1.618...$ (Shen and Li, JMLR 2018), both derived in ``proofs_checks/check_foucart2013.py``.
"""

from __future__ import annotations

import numpy as np
import torch

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.shared import starts_at_zero
from unfold_theory.enclosure import Basis, Enclosure, Inequality, gamma, maximum, stack
from unfold_theory.errors import MissingStructure
from unfold_theory.networks.iht import Iht
from unfold_theory.networks.thresholding import largest
from unfold_theory.problems.isometry import RestrictedSpectrum, restricted_spectrum, support_spectra
from unfold_theory.rates.sparse_coding import recursion

PROOF = "proofs_checks/check_foucart2013.py"
GOLDEN = (1.0 + Enclosure.exact(5.0).sqrt()) / 2.0


def _network(s: Setting) -> Iht:
    if not isinstance(s.network, Iht):
        raise MissingStructure(s.network.title, "a theorem on iterative hard thresholding", "hard thresholds")
    return s.network


def steps(s: Setting) -> np.ndarray:
    r"""$\gamma_k$, shape (depth,)."""
    return _network(s).hard_threshold_steps()


def best_codes(s: Setting) -> np.ndarray:
    """x_S: the s largest entries of each x*, shape (sample, n)."""
    kept = largest(torch.tensor(np.abs(s.truth)), _network(s).sparsity).numpy()
    return np.where(kept, s.truth, 0.0)


def errors(s: Setting) -> Enclosure:
    r"""$\|x^k-x_S\|_2$, depth 1..K, shape (depth, sample)."""
    return (Enclosure.exact(s.iterates[1:]) - s.cached(best_codes)).norm(2)


def initial(s: Setting) -> Enclosure:
    r"""$\|x^0-x_S\|_2$, shape (sample,)."""
    return (Enclosure.exact(s.iterates[0]) - s.cached(best_codes)).norm(2)


def remainder(s: Setting) -> Enclosure:
    r"""$\|Ax^*_{\bar S}+\varepsilon\|_2$, shape (sample,)."""
    tail = s.truth - s.cached(best_codes)  # exact: entries of x* or zeros
    if not (tail.any() or s.batch.noise.any()):
        return Enclosure.exact(np.zeros(len(tail)))
    return (Enclosure.exact(tail) @ s.problem.dictionary.T + s.batch.noise).norm(2)


def triple(s: Setting) -> RestrictedSpectrum:
    r"""$\alpha_{3s}$, $\beta_{3s}$."""
    return restricted_spectrum(s.problem.dictionary, 3 * _network(s).sparsity)


def double(s: Setting) -> RestrictedSpectrum:
    r"""$\alpha_{2s}$, $\beta_{2s}$."""
    return restricted_spectrum(s.problem.dictionary, 2 * _network(s).sparsity)


def isometry(s: Setting) -> Enclosure:
    r"""$\delta_{3s}(\gamma_k)$, shape (depth,)."""
    return s.cached(triple).isometry_constant(s.cached(steps))


@hypothesis
def unit_steps(s: Setting) -> Inequality:
    r"""$\gamma_k=1$ in every layer."""
    return Enclosure.exact(np.abs(s.cached(steps) - 1.0)) <= 0.0


@hypothesis(scope="prefix")
def layers_keep_the_largest(s: Setting) -> Inequality:
    r"""$x^{k+1}$ equals $v=x^k+\gamma_kA^T(y-Ax^k)$ on at most s entries and 0 elsewhere, where $|v|$ is no larger; up
    to rounding, in every layer so far.
    """
    matrix, x, after = s.problem.dictionary, s.iterates[:-1], s.iterates[1:]
    gain = s.cached(steps)[:, None, None]
    v = x + gain * ((s.batch.y - x @ matrix.T) @ matrix)
    size = np.abs(x) + np.abs(gain) * ((np.abs(s.batch.y) + np.abs(x) @ np.abs(matrix).T) @ np.abs(matrix))
    kept = after != 0
    off = np.where(kept, np.abs(after - v), 0.0).max(axis=-1)
    # Fewer than s entries remain only where everything else is zero.
    full = kept.sum(axis=-1) >= _network(s).sparsity
    floor = np.where(full, np.where(kept, np.abs(v), np.inf).min(axis=-1), 0.0)
    missed = np.where(kept, 0.0, np.abs(v)).max(axis=-1) - floor
    worst = np.where(kept.sum(axis=-1) > _network(s).sparsity, np.inf, np.maximum(off, missed))
    slack = 4 * gamma(sum(matrix.shape) + 4) * size.max(axis=-1)
    return Enclosure.exact(worst) <= Enclosure.exact(slack).with_basis(Basis.NUMERICAL)


@hypothesis
def isometry_small(s: Setting) -> Inequality:
    r"""$\delta_{3s}<1/\sqrt3$, the restricted isometry constant."""
    return s.cached(triple).isometry_constant() < 1.0 / Enclosure.exact(3.0).sqrt()


STRUCTURE = [starts_at_zero, layers_keep_the_largest]


@claim(
    source="foucart2013",
    theorem="Theorem 6.18",
    hypotheses=[*STRUCTURE, unit_steps, isometry_small],
    trivial=initial,
    proof=PROOF,
)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|x^n-x_S\|_2\le\rho^n\|x^0-x_S\|_2+\tau\|Ax^*_{\bar S}+\varepsilon\|_2$ with $\rho=\sqrt3\delta_{3s}$,
    $\tau=\sqrt3\sqrt{1+\delta_{2s}}/(1-\rho)$.

    Isometry constants are exact for small dictionaries; else bounded by Gershgorin's circles. Trivial: the start.
    """
    root = Enclosure.exact(3.0).sqrt()
    rho = root * s.cached(triple).isometry_constant()
    bound = (rho ** np.arange(1, s.network.depth + 1))[:, None] * s.cached(initial)
    rest = s.cached(remainder)
    if rest.hi.any():
        # Without contraction there is no tau, and the hypotheses fail.
        gap = 1.0 - rho
        tau = root * (1.0 + s.cached(double).isometry_constant()).sqrt() / gap
        bound = bound + (rest * tau if gap.lo > 0 else Enclosure.exact(np.inf))
    return s.cached(errors) <= s.up_to_rounding(bound, 2)


@claim(
    source="foucart2013",
    theorem="Theorem 6.18, any steps, golden ratio (derived)",
    hypotheses=STRUCTURE,
    trivial=initial,
    proof=PROOF,
)
def learned_steps(s: Setting) -> Inequality:
    r"""$\|x^k-x_S\|_2\le E_k$, $E_0=\|x^0-x_S\|_2$, $E_{k+1}=\varphi\,\delta_{3s}(\gamma_k)E_k+
    \varphi\,|\gamma_k|\sqrt{\beta_{2s}}\,\|Ax^*_{\bar S}+\varepsilon\|_2$, $\varphi=(1+\sqrt5)/2$, for any steps.

    $\beta_{2s}$ is the largest eigenvalue of $A_T^TA_T$ over $|T|\le2s$, at most $1+\delta_{2s}$. Vacuous where
    $\varphi\,\delta_{3s}(\gamma_k)\ge1$.
    """
    shape = (s.network.depth, len(s.truth))
    factor = (GOLDEN * s.cached(isometry))[:, None].broadcast_to(shape)
    entering = Enclosure.exact(np.zeros(shape))
    if s.cached(remainder).hi.any():
        gain = GOLDEN * s.cached(double).largest.sqrt() * np.abs(s.cached(steps))
        entering = (gain[:, None] * s.cached(remainder)).broadcast_to(shape)
    return s.cached(errors) <= s.up_to_rounding(recursion(s.cached(initial), factor, entering)[1:], 2)


@claim(
    source="foucart2013",
    theorem="Theorem 6.18, for each signal's own supports (derived)",
    hypotheses=STRUCTURE,
    trivial=initial,
    proof=PROOF,
)
def instance_rate(s: Setting) -> Inequality:
    r"""$\|x^k-x_S\|_2\le E_k$, $E_{k+1}=\kappa_k(\|I-\gamma_kA_{T_k}^TA_{T_k}\|_2E_k+
    |\gamma_k|\,\|A_{T_k}\|_2\|Ax^*_{\bar S}+\varepsilon\|_2)$ with the supports that were met,
    $T_k=S\cup\mathrm{supp}\,x^k\cup\mathrm{supp}\,x^{k+1}$; $\kappa_k=1$ where $\mathrm{supp}\,x^{k+1}$ contains S or
    is contained in it, else $\varphi$.

    A certificate after the fact: it needs the run, but no constant that is hard to compute.
    """
    truth, rest = s.cached(best_codes) != 0, s.cached(remainder)
    size, bounds = s.cached(initial), []
    for k, step in enumerate(s.cached(steps)):
        met = s.iterates[k + 1] != 0
        nested = (met <= truth).all(axis=1) | (truth <= met).all(axis=1)
        low, high = support_spectra(s.problem.dictionary, truth | met | (s.iterates[k] != 0))
        factor = maximum(abs(1.0 - low * step), abs(1.0 - high * step))
        wrong = Enclosure.certified(np.where(nested, 1.0, GOLDEN.lo), np.where(nested, 1.0, GOLDEN.hi))
        size = wrong * (factor * size + high.sqrt() * abs(step) * rest)
        bounds.append(size)
    return s.cached(errors) <= s.up_to_rounding(stack(bounds), 2)
