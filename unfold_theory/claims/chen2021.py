r"""Chen, Liu, Wang, Yin 2021: momentum, per-instance support selection, and superlinear convergence (HyperLISTA).

The paper gives the limiting rate of momentum, $1-\sqrt{1-2\mu s+\mu}$ against $(2s-1)\mu$ without, and superlinear
convergence with instance-optimal parameters. What is stated here holds for every k, with constants, and was derived
(``rates/momentum_bound.py``, ``proofs_checks/check_chen2021.py``); the paper's rate is its coherence form. Once every
support entry bypasses its threshold, the rate without momentum is no longer $(2s-1)\mu$ but $(s-1)\mu$, below the
paper's with momentum (which is at least $(s-\frac12)\mu$): momentum pays where it follows the spectrum of $W_S^TA_S$,
``momentum_rate``, and not where it follows this coherence law.

Claims on the local rate speak of a signal from the layer $k_0$ on, after which the code and its predecessor live on
the support, no support entry pays its threshold, and gain and momentum no longer change.
"""

from __future__ import annotations

import numpy as np

from unfold_theory.claim import Setting, claim, hypothesis
from unfold_theory.claims.instances import INSTANCE_STRUCTURE, acted, input_errors
from unfold_theory.claims.local import constants, scaled_errors, settled, settled_from, spectra
from unfold_theory.claims.shared import starts_at_zero, zero_code_support
from unfold_theory.enclosure import Basis, Enclosure, Inequality, maximum, minimum, stack
from unfold_theory.rates.momentum_bound import (
    conjugate_gradient_factors,
    heavy_ball_bound,
    momentum_law,
    spectral_position,
)
from unfold_theory.rates.sparse_coding import NORMALISATION_SLACK, THRESHOLD_SLACK

PROOF = "proofs_checks/check_chen2021.py"
# What float64 leaves of optimality: relative to the residual before the step, and to the starting energy of the bound.
OPTIMAL_SLACK = 1e-9
SKEW_SLACK = 1e-9


@hypothesis(scope="cell")
def settled_on_support(s: Setting) -> Inequality:
    r"""$k>k_0$: from layer $k_0$ on, codes live on the support, its entries bypass, $\gamma$ and $\beta$ are fixed."""
    return Enclosure.exact(s.cached(settled).astype(float)) <= Enclosure.exact(np.arange(s.shape[0])[:, None])


@hypothesis(scope="sample")
def symmetrisable(s: Setting) -> Inequality:
    r"""$TW_S^TA_ST^{-1}$ is symmetric up to $10^{-9}$ for a positive diagonal T (what is left enters the bound)."""
    skew = [np.inf if m is None else float(m.skew.hi) for m in s.cached(spectra)]
    return Enclosure.exact(np.array(skew))[None, :] <= SKEW_SLACK


def positions(s: Setting) -> Enclosure:
    r"""$(1+\beta-\gamma\lambda)/(2\sqrt\beta)$ at both ends of each signal's spectrum, shape (2, sample)."""
    last = s.cached(acted).layers[-1]
    rows = []
    for i, m in enumerate(s.cached(spectra)):
        beta = float(last.momentum[i])
        if m is None or beta <= 0:
            rows.append(Enclosure.exact(np.full(2, np.inf)))
        else:
            rows.append(spectral_position(m, float(last.gain[i]), beta))
    return stack(rows, axis=1)


@hypothesis(scope="sample")
def spectrum_in_range(s: Setting) -> Inequality:
    r"""$(1-\sqrt\beta)^2\le\gamma\lambda\le(1+\sqrt\beta)^2$ for all eigenvalues of the symmetric part of
    $TW_S^TA_ST^{-1}$, as $|1+\beta-\gamma\lambda|/(2\sqrt\beta)\le 1$.
    """
    return abs(s.cached(positions)).max(axis=0)[None, :] <= 1.0


@hypothesis(scope="sample")
def momentum_below_one(s: Setting) -> Inequality:
    r"""$\beta<1$."""
    return Enclosure.exact(s.cached(acted).layers[-1].momentum[None, :]) < 1.0


def _local_bound(s: Setting, rates: Enclosure, spreads: Enclosure) -> Enclosure:
    """The heavy-ball bound in the Euclidean norm, infinite up to k_0; rates and spreads have shape (sample,)."""
    made, depth = s.cached(acted), s.shape[0]
    columns = []
    for i, (m, first) in enumerate(zip(s.cached(spectra), s.cached(settled), strict=True)):
        column = Enclosure.exact(np.full(depth, np.inf))
        if m is not None and first < depth:
            f = scaled_errors(s, i, m)
            before = f[max(first - 1, 0)]
            length = Enclosure.exact(m.scale).norm(2)
            # Up to 4 slacks from the float64 v count as bypassing, and v itself is known to one.
            pushed = length * (5 * made.slack[first:, i])
            if s.batch.noise[i].any():
                reached = Enclosure.exact(s.batch.noise[i]) @ made.layers[-1].weight[:, m.support]
                pushed = pushed + abs(Enclosure.exact(made.layers[-1].gain[i])) * (reached * m.scale).norm(2)
            skew = abs(Enclosure.exact(made.layers[-1].gain[i])) * m.skew
            found = heavy_ball_bound(
                f[first].norm(2), (f[first] - before).norm(2), rates[i], spreads[i], skew, pushed
            ) / float(m.scale.min())
            column = Enclosure(
                np.concatenate([np.full(first, np.inf), found.lo]),
                np.concatenate([np.full(first, np.inf), found.hi]),
                found.basis,
            )
        columns.append(column)
    return stack(columns, axis=1).with_basis(Basis.NUMERICAL)


LOCAL = [
    starts_at_zero,
    *INSTANCE_STRUCTURE,
    settled_on_support,
    symmetrisable,
    momentum_below_one,
    spectrum_in_range,
]


@claim(
    source="chen2021",
    theorem="momentum, local rate for every k (derived)",
    hypotheses=LOCAL,
    trivial=lambda s: s.initial_error(2)[None, :],
    proof=PROOF,
)
def momentum_rate(s: Setting) -> Inequality:
    r"""$\|e^k\|_2\le\tau^{-1}\beta^{j/2}\big((1+cj)\|Te^{k_0}\|_2+\sqrt\beta j\|T(e^{k_0}-e^{k_0-1})\|_2\big)$ for each
    signal, $j=k-k_0$.

    T symmetrises $W_S^TA_S$, $\tau$ is its smallest entry, $c=\max|1+\beta-\gamma\lambda|/(2\sqrt\beta)-\sqrt\beta|$
    over the spectrum, at most 2. With a spectrum in $[1-a,1+a]$, $\gamma=1$ and $\beta=(1-\sqrt{1-a})^2$ the rate is
    $1-\sqrt{1-a}$. Noise, rounding and what is not symmetric are added, each with $\sum_i(j-i)\beta^{(j-1-i)/2}$.
    Vacuous where it is nowhere below $\|x^*\|_2$.
    """
    last = s.cached(acted).layers[-1]
    rates = Enclosure.exact(np.clip(last.momentum, 0.0, 1.0)).sqrt()
    spreads = abs(s.cached(positions) - rates).max(axis=0)
    return s.error(2) <= _local_bound(s, rates, minimum(spreads, 2.0))


@hypothesis
def weight_normalised(s: Setting) -> Inequality:
    r"""$|1-W_i^TA_i|\le 10^{-6}$ for all i."""
    return s.cached(constants).delta <= NORMALISATION_SLACK


@hypothesis
def sparse_enough(s: Setting) -> Inequality:
    r"""$(2s-1)\mu<1$."""
    return (2.0 * s.signal_class.sparsity - 1.0) * s.cached(constants).mu < 1.0


def coherence_momentum(s: Setting) -> Enclosure:
    r"""$(1-\sqrt{1-a})^2$, $a=(2s-1)\mu$; 1 where a is not below 1."""
    interval = s.cached(constants).mu * (2.0 * s.signal_class.sparsity - 1.0)
    return momentum_law(minimum(interval, 1.0))


@hypothesis(scope="sample")
def momentum_at_law(s: Setting) -> Inequality:
    r"""$\beta\le(1+10^{-9})(1-\sqrt{1-(2s-1)\mu})^2$; that it is large enough is seen from the spectrum."""
    beta = Enclosure.exact(s.cached(acted).layers[-1].momentum)[None, :]
    return beta <= s.cached(coherence_momentum) * (1 + THRESHOLD_SLACK)


@hypothesis(scope="sample")
def unit_gain(s: Setting) -> Inequality:
    r"""$\gamma=1$."""
    return Enclosure.exact(np.abs(s.cached(acted).layers[-1].gain - 1.0)[None, :]) <= 0.0


@claim(
    source="chen2021",
    theorem="momentum, limiting rate (transient derived)",
    hypotheses=[*LOCAL, weight_normalised, sparse_enough, unit_gain, momentum_at_law],
    trivial=lambda s: s.initial_error(2)[None, :],
    proof=PROOF,
)
def linear_rate(s: Setting) -> Inequality:
    r"""$\|e^k\|_2\le\tau^{-1}\rho^j\big((1+2j)\|Te^{k_0}\|_2+\rho j\|T(e^{k_0}-e^{k_0-1})\|_2\big)$, $j=k-k_0$, with
    $\rho=1-\sqrt{1-2\mu s+\mu}$.

    The paper's limiting rate, with the transient that it needs: $\rho^j$ alone is refuted.
    """
    rate = s.cached(coherence_momentum).sqrt() * (1 + THRESHOLD_SLACK)
    count = (s.shape[1],)
    return s.error(2) <= _local_bound(s, rate.broadcast_to(count), Enclosure.exact(np.full(count, 2.0)))


# -- support selection -------------------------------------------------------------------------------------------------
@hypothesis(scope="prefix")
def instance_law(s: Setting) -> Inequality:
    r"""$\theta^k\ge|\gamma^k|(\mu\|x^k-x^*\|_1+C_W\|\varepsilon\|_1)$ for each signal, plus rounding."""
    made, c = s.cached(acted), s.cached(constants)
    noise = Enclosure.exact(s.batch.noise).norm(1) if s.batch.noise.any() else Enclosure.exact(np.zeros(s.shape[1]))
    gain = Enclosure.exact(np.stack([np.abs(layer.gain) for layer in made.layers]))
    need = gain * (c.mu * s.cached(input_errors) + c.size * noise) + Enclosure.exact(made.slack)
    return need <= Enclosure.exact(np.stack([layer.threshold.min(axis=1) for layer in made.layers]))


SELECTION = [starts_at_zero, *INSTANCE_STRUCTURE, instance_law]


@claim(source="chen2021", theorem="support", hypotheses=SELECTION, trivial=zero_code_support, proof=PROOF)
def no_false_positives(s: Setting) -> Inequality:
    r"""$\mathrm{supp}\,x^k\subset\mathrm{supp}\,x^*$ for each signal, with its own thresholds and with momentum."""
    return s.off_support <= 0.0


def selection_bound(s: Setting) -> tuple[Enclosure, np.ndarray]:
    r"""The bounds $E_k$ of ``support_selection`` at depth 1..K and the counts $q_k$, both (depth, sample)."""
    made, c = s.cached(acted), s.cached(constants)
    sparsity = (s.truth != 0).sum(axis=1)
    noise = Enclosure.exact(s.batch.noise).norm(1) if s.batch.noise.any() else Enclosure.exact(np.zeros(s.shape[1]))
    before = size = Enclosure.exact(s.truth).norm(1)
    measured, seen_before = s.cached(input_errors), Enclosure.exact(s.truth).norm(1)
    bounds, counts = [], []
    for k, layer in enumerate(made.layers):
        beta = Enclosure.exact(layer.momentum if k else np.zeros(s.shape[1]))
        gain = abs(Enclosure.exact(layer.gain))
        kept = abs(1.0 + beta - layer.gain) + gain * c.delta
        entering = gain * c.size * noise + Enclosure.exact(made.slack[k])
        off = maximum(kept, gain * c.mu) * measured[k] + abs(beta) * seen_before + entering
        theta = layer.threshold.max(axis=1)
        common = layer.threshold.min(axis=1) == theta
        passing = ((s.truth != 0) & (np.abs(s.truth) > (off + theta).hi[:, None])).sum(axis=1)
        counted = np.where(common, np.minimum(passing, layer.selected), 0)
        after = (kept + gain * c.mu * np.maximum(sparsity - 1, 0)) * size + abs(beta) * before
        after = after + Enclosure.exact((sparsity - counted) * 1.0) * theta + entering * sparsity
        before, size, seen_before = size, after, measured[k]
        bounds.append(size)
        counts.append(counted)
    return stack(bounds), np.stack(counts)


@claim(
    source="chen2021",
    theorem="support selection (recursion derived)",
    hypotheses=[*SELECTION, weight_normalised],
    trivial=lambda s: s.initial_error(1)[None, :],
    proof=PROOF,
)
def support_selection(s: Setting) -> Inequality:
    r"""$\|x^k-x^*\|_1\le E_k$ for each signal, $E_0=\|x^*\|_1$, $E_{k+1}=(|1+\beta-\gamma|+\gamma(s-1)\mu)E_k+|\beta|
    E_{k-1}+(s-q_k)\theta^k+s(\gamma C_W\|\varepsilon\|_1)$.

    $q_k=\min(p^k,\#\{i:|x_i^*|>\theta^k+\max(|1+\beta-\gamma|,\gamma\mu)\|e^k\|_1+|\beta|\|e^{k-1}\|_1\})$ entries
    surely bypass; s is the signal's own sparsity. With $\gamma=1$, $\beta=0$ and $\theta^k=\mu E_k$ this is
    $(2s-1-q_k)\mu$ per layer.
    """
    return s.error(1) <= s.cached(selection_bound)[0].with_basis(Basis.NUMERICAL)


# -- conjugate gradients -----------------------------------------------------------------------------------------------
def optimal_from(s: Setting) -> np.ndarray:
    """k_0 of each signal where scalars may change, at least the first layer whose momentum is 0 and whose support is
    full; K where there is none.
    """
    first = settled_from(s, False)
    layers = s.cached(acted).layers
    full = ((s.iterates != 0) == (s.truth != 0)).all(axis=-1)
    found = np.full(s.shape[1], s.shape[0])
    for k in reversed(range(s.shape[0])):
        rest = layers[k].momentum == 0 if k else np.ones(s.shape[1], bool)
        found = np.where((k >= first) & full[k:-1].all(axis=0) & rest & full[k], k, found)
    return found


@hypothesis(scope="cell")
def settled_at_rest(s: Setting) -> Inequality:
    r"""$k>k_0$: layer $k_0$ has no momentum, and from it on codes have the whole support and all entries bypass."""
    return Enclosure.exact(s.cached(optimal_from).astype(float)) <= Enclosure.exact(np.arange(s.shape[0])[:, None])


@hypothesis(scope="sample")
def positive_definite(s: Setting) -> Inequality:
    r"""The symmetric part of $TW_S^TA_ST^{-1}$ is positive definite."""
    least = [-np.inf if m is None else float(m.eigenvalues.lo[0]) for m in s.cached(spectra)]
    return Enclosure.exact(np.array(least))[None, :] > 0.0


@hypothesis(scope="cell")
def steps_optimal(s: Setting) -> Inequality:
    r"""$(\gamma^k,\beta^k)$ minimise $\langle e_S,T^2M_{SS}e_S\rangle$ in all layers from $k_0$ on: the next residual
    is orthogonal to all residuals since $k_0$, up to $10^{-9}$ of the one before and rounding.

    Optimality over the plane of $r^k$ and $x^k-x^{k-1}$ implies it in exact arithmetic only: in float64 conjugate
    gradients on an ill-conditioned support lose it, and with it the rate.
    """
    made, (depth, count) = s.cached(acted), s.shape
    excess = np.zeros((depth, count))
    for i, (m, first) in enumerate(zip(s.cached(spectra), s.cached(optimal_from), strict=True)):
        if m is None:
            continue
        f = (s.iterates[:, i][:, m.support] - s.truth[i, m.support]) * m.scale
        residual = -f @ m.symmetric.mid
        for k in range(first, depth):
            off = max(abs(residual[k + 1] @ p) / (np.linalg.norm(p) or 1.0) for p in residual[first : k + 1])
            # Residuals are known to rounding: that of the layer, of the code, and of this evaluation.
            least = 1e3 * made.slack[k, i] * np.linalg.norm(m.scale)
            excess[k, i] = max(off - OPTIMAL_SLACK * np.linalg.norm(residual[k]) - least, 0.0)
    # One step that is not optimal spoils the later ones.
    return Enclosure.exact(np.maximum.accumulate(excess, axis=0)).with_basis(Basis.NUMERICAL) <= 0.0


def energies(s: Setting) -> tuple[Enclosure, Enclosure]:
    r"""$\sqrt{f^THf}$ at depth 1..K, and the bound: both (depth, sample)."""
    depth, measured, bounds = s.shape[0], [], []
    for i, (m, first) in enumerate(zip(s.cached(spectra), s.cached(optimal_from), strict=True)):
        if m is None:
            measured.append(Enclosure.exact(np.zeros(depth)))
            bounds.append(Enclosure.exact(np.zeros(depth)))
            continue
        f = scaled_errors(s, i, m)
        square = (f * (f @ m.symmetric)).sum(1)
        energy = Enclosure(np.maximum(square.lo, 0.0), np.maximum(square.hi, 0.0), square.basis).sqrt()
        measured.append(energy[1:])
        bound = np.full(depth, np.inf)
        if first < depth and m.eigenvalues.lo[0] > 0:
            count = np.arange(1, int(depth - first) + 1)
            factors = conjugate_gradient_factors(m.eigenvalues, len(count))
            rounding = np.sqrt(m.eigenvalues.hi[-1]) * np.linalg.norm(m.scale) * s.rounding[first:, i]
            # d in the span of j residuals has |d|_H <= |P r| / sqrt(lambda_min), and |r| <= sqrt(lambda_max) |e|_H.
            missed = OPTIMAL_SLACK * (1.0 + np.sqrt(count * (m.eigenvalues.hi[-1] / m.eigenvalues.lo[0])))
            bound[first:] = ((factors + missed) * energy[first]).hi + rounding
        bounds.append(Enclosure.exact(bound))
    return stack(measured, axis=1), stack(bounds, axis=1)


@claim(
    source="chen2021",
    theorem="instance-optimal parameters, superlinear (derived)",
    hypotheses=[
        starts_at_zero,
        *INSTANCE_STRUCTURE,
        settled_at_rest,
        symmetrisable,
        positive_definite,
        steps_optimal,
    ],
    trivial=lambda s: Enclosure.exact(s.cached(energies)[0].hi.max(axis=0)[None, :]),
    proof=PROOF,
)
def superlinear(s: Setting) -> Inequality:
    r"""$\|e^k\|_H\le\min_{i\le j}2\Big(\frac{\sqrt{\kappa_i}-1}{\sqrt{\kappa_i}+1}\Big)^{j-i}\|e^{k_0}\|_H$, $j=k-k_0$,
    and 0 for $j\ge s$, with the best $(\gamma^k,\beta^k)$ for each signal.

    $\|e\|_H^2=\langle e_S,T^2M_{SS}e_S\rangle$; $\kappa_i$ is the condition number of $M_{SS}$ without its i largest
    eigenvalues. The scalars minimise the energy over a plane; so do conjugate gradients, whose iterate is optimal over
    all earlier directions. The paper states superlinear convergence; this form, with its constants, is derived. The
    bound carries $10^{-9}(1+\sqrt{j\kappa_0})\|e^{k_0}\|_H$ for what float64 leaves of optimality.
    """
    lhs, rhs = s.cached(energies)
    return lhs <= rhs.with_basis(Basis.NUMERICAL)
