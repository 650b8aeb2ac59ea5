r"""Rademacher complexity: what it bounds, how it contracts, and layers with bounded $\ell_1$ norms of their rows.

$\mathcal R_S(\mathcal F)=\frac1NE_\epsilon\sup_{f\in\mathcal F}\sum_i\epsilon_if(z_i)$ on a sample $S$ of N.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float64

from unfold_theory.enclosure import Enclosure
from unfold_theory.enclosure.rounding import Numbers
from unfold_theory.errors import InputError
from unfold_theory.generalization.covering import deviation, log_inverse, sample_sizes, with_confidence

_ENUMERABLE = 20


def expected_gap(complexity: Enclosure, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le2E_S\mathcal R_S+\sqrt{\ln(1/\delta)/(2N)}$ with probability $1-\delta$, for losses in [0, 1].

    Args:
        complexity: $E_S\mathcal R_S$ of the losses, or a bound for every sample.
        samples: N; broadcasts against ``complexity``.
        delta: Probability of failure.
    """
    return with_confidence(2.0 * complexity + deviation(samples, delta=delta), delta)


def empirical_gap(complexity: Enclosure, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le2\mathcal R_S+3\sqrt{\ln(2/\delta)/(2N)}$ with probability $1-\delta$, for losses in [0, 1].

    Args:
        complexity: $\mathcal R_S$ of the losses on the training sample itself.
        samples: N; broadcasts against ``complexity``.
        delta: Probability of failure.
    """
    tail = ((log_inverse(delta) + Enclosure.exact(2.0).log()) / (2.0 * sample_sizes(samples))).sqrt()
    return with_confidence(2.0 * complexity + 3.0 * tail, delta)


def contracted(complexity: Enclosure, lipschitz: float | int | Enclosure, *, vector: bool = False) -> Enclosure:
    r"""$\mathcal R_S(\varphi\circ\mathcal F)\le c\,\mathcal R_S(\mathcal F)$ for c-Lipschitz $\varphi_i$ (Talagrand).

    With ``vector``, $\varphi_i$ reads vectors and the bound is $\sqrt2c$ times the complexity
    $\frac1NE\sup_h\sum_{i,k}\epsilon_{ik}h_k(z_i)$ of all coordinates (Maurer, 2016, corollary 4).
    """
    factor = Enclosure.exact(2.0).sqrt() if vector else Enclosure.exact(1.0)
    return factor * complexity * lipschitz


def finite_class(largest_norm: Numbers | Enclosure, members: int, samples: Numbers) -> Enclosure:
    r"""$\mathcal R_S\le\max_f\|(f(z_i))_i\|_2\sqrt{2\ln|\mathcal F|}/N$ for a finite class (Massart's lemma).

    Raises:
        InputError: The class is empty.
    """
    if members < 1:
        raise InputError(f"A class of {members} members", "Pass at least one member")
    return Enclosure.of(largest_norm) * (2.0 * Enclosure.exact(members).log()).sqrt() / sample_sizes(samples)


def exact_complexity(values: Float64[np.ndarray, "member sample"]) -> float:
    r"""$\mathcal R_S$ of a finite class by enumeration of all $2^N$ signs, in float64: to test bounds against.

    Raises:
        InputError: More than 20 samples.
    """
    count = values.shape[1]
    if count > _ENUMERABLE:
        raise InputError(f"2^{count} signs", f"Enumerate at most {_ENUMERABLE} samples")
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=count)))
    return float((values @ signs.T).max(axis=0).mean() / count)


def layerwise_l1(
    depth: int,
    samples: Numbers,
    *,
    input_radius: Numbers | Enclosure,
    state_radius: Numbers | Enclosure,
    largest_input: Numbers | Enclosure,
    inputs: int,
) -> Enclosure:
    r"""$\mathcal R_S\le\alpha r_0\sum_{j<L}\beta^j$, $r_0=\|y\|_\infty\sqrt{2\ln(2m)/N}$, for one output coordinate.

    The class: $x^{l+1}=\eta_{\theta_l}(W_2^lx^l+W_1^ly)$, $x^0=0$, rows of $W_1^l$, $W_2^l$ with $\ell_1$ norms at
    most $\alpha$, $\beta$, and one fixed threshold $\theta_l$ for all coordinates of a layer. *Proof.* The coordinates'
    class of each layer is closed under sign ($\eta_\theta$ is odd: flip a row), so that the supremum over an
    $\ell_1$ ball is $\beta$ times that over the class; by Talagrand's contraction
    $\mathcal R_{l+1}\le\alpha r_0+\beta\mathcal R_l$. $\square$ Without oddness (ReLU) each layer costs a factor 2.

    Args:
        depth: L.
        samples: N, any shape.
        input_radius: $\alpha$.
        state_radius: $\beta$.
        largest_input: Bound on $\|y\|_\infty$.
        inputs: m.

    Returns:
        Shape of ``samples``.
    """
    beta = Enclosure.of(state_radius)
    first = Enclosure.of(largest_input) * (2.0 * Enclosure.exact(2.0 * inputs).log() / sample_sizes(samples)).sqrt()
    total = Enclosure.exact(0.0)
    for _ in range(depth):
        total = total * beta + 1.0
    return first * input_radius * total


def layerwise_l1_gap(complexity: Enclosure, outputs: int, samples: Numbers, *, delta: float | int) -> Enclosure:
    r"""$R-\hat R\le2\cdot\sqrt2\cdot\frac12\,n\,\mathcal R_S+\sqrt{\ln(1/\delta)/(2N)}$ for the loss $\frac12\|h-x\|$.

    The vector contraction, and n coordinates of complexity at most $\mathcal R_S$ each.

    Args:
        complexity: Of one coordinate, a bound for every sample, such as :func:`layerwise_l1`.
        outputs: n.
        samples: N.
        delta: Probability of failure.
    """
    return expected_gap(contracted(complexity * float(outputs), 0.5, vector=True), samples, delta=delta)
