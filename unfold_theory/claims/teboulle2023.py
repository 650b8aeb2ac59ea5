"""Teboulle and Vaisbourd 2023: the exact worst case of proximal gradient with short steps."""

from __future__ import annotations

from unfold_theory.claim import MethodSetting, Setting, claim, hypothesis
from unfold_theory.claims import beck2009
from unfold_theory.claims.first_order import at_most, exact_products
from unfold_theory.enclosure import Enclosure, Inequality
from unfold_theory.errors import MissingStructure
from unfold_theory.methods import ProximalGradient

PROOF = "proofs_checks/check_teboulle2023.py"
AnyOf = MethodSetting | Setting


def proximal_steps(s: AnyOf) -> Enclosure:
    """The steps of proximal gradient, as a method or as ISTA on the setting's Lasso, shape (depth, 1).

    Raises:
        MissingStructure: It is something else.
    """
    if not isinstance(s, MethodSetting):
        return Enclosure.exact(beck2009.plain_steps(s))[:, None]
    if type(s.method) is not ProximalGradient:
        raise MissingStructure(s.method.title, "a claim on proximal gradient", "plain proximal gradient steps")
    return Enclosure.exact(s.method.steps)[:, None]


@hypothesis(scope="prefix")
def proximal_steps_positive(s: AnyOf) -> Inequality:
    r"""$t_k>0$ in every step so far."""
    return proximal_steps(s) > 0.0


@hypothesis(scope="prefix")
def proximal_steps_at_most_inverse_lipschitz(s: AnyOf) -> Inequality:
    r"""$Lt_k\le1$ in every step so far."""
    steps = proximal_steps(s)
    if isinstance(s, MethodSetting):
        return exact_products(steps, s.lipschitz) <= 1.0
    return steps <= 1.0 / s.lipschitz


@hypothesis
def smooth_part_convex(s: AnyOf) -> Inequality:
    r"""f is convex: no curvature below 0 (least squares always is)."""
    return Enclosure.exact(0.0) <= (s.curvature if isinstance(s, MethodSetting) else Enclosure.exact(0.0))


@claim(
    source="teboulle2023",
    theorem="proximal gradient, variable steps (derived)",
    hypotheses=[smooth_part_convex, proximal_steps_positive, proximal_steps_at_most_inverse_lipschitz],
    trivial=lambda s: s.initial_gap,
    proof=PROOF,
)
def proximal_gradient(s: AnyOf) -> Inequality:
    r"""$F(x_k)-F^\star\le\frac{\|x_0-x^\star\|^2}{4\sum_{j<k}t_j}$ for all $k\ge1$ and $t_j\in(0,1/L]$, $F=f+g$.

    The paper has it for $t_j=1/L$, $LR^2/(4k)$; the proof here is for any shorter steps and all k, and gives half of
    ``beck2009.ista_rate``. Attained by $f=0$, $g=\frac{R}{2\sum t_j}|x|$, that is by soft thresholding. Trivial: the
    gap at the start, which proximal gradient never exceeds.
    """
    bound = s.initial_distance**2 / (4.0 * proximal_steps(s).cumsum())
    if isinstance(s, MethodSetting):
        bound = bound + s.gap_allowance
    return at_most(s.objective_gap, bound)
