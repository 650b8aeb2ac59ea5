"""A theorem of one's own in one file: ``unfold-theory verify docs/examples/my_theorem.py --network ista``.

A hypothesis and a claim are functions of a setting that return inequalities between enclosures. Their docstrings are
their statements; what the setting measures has the shape (depth, sample).
"""

import unfold_theory as ut


@ut.hypothesis(scope="prefix")
def step_at_most_inverse_lipschitz(s: ut.Setting) -> ut.Inequality:
    r"""$t_k\le 1/L$ in every layer so far, $L=\|A\|_2^2$."""
    return ut.Enclosure.exact(s.network.proximal_steps(s.lasso.lam)) <= 1 / s.lipschitz


@ut.hypothesis
def no_momentum(s: ut.Setting) -> ut.Inequality:
    r"""Each layer starts from the code before it, not from an extrapolated point."""
    return ut.Enclosure.exact(float(s.network.accelerated)) <= 0.0


@ut.claim(
    source="beck2009",
    theorem="Lemma 2.3 (consequence)",
    hypotheses=[step_at_most_inverse_lipschitz, no_momentum],
)
def never_worse_than_the_start(s: ut.Setting) -> ut.Inequality:
    r"""$F(x_k)-F^\star\le F(x_0)-F^\star$: steps of at most $1/L$ never raise the objective above its start."""
    return s.objective_gap <= s.initial_gap
