"""Stability of SGD: a learned step of one layer without threshold, whose losses are smooth and convex."""

import numpy as np
import pytest

from unfold_theory.claim import Status, verify
from unfold_theory.claim.training_setting import DescentConstants, TrainingSetting
from unfold_theory.claims import hardt2016
from unfold_theory.errors import InputError

LAW = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, -0.5]])
"""(x, y): the network is x = w y with a learned step w in [0, 1]; the loss is (wy - x)^2 / 4, at most 1."""
CHANCE = np.array([0.4, 0.4, 0.2])


def losses(w, z):
    return (w * z[..., 1] - z[..., 0]) ** 2 / 4


def runs(samples=2, draws=60_000, rates=(1.0,) * 6, *, seed=0, index=None, convex=True, gradient=0.5, smoothness=0.5):
    """|d loss/dw| = |wy - x||y|/2 <= 1/2 on [0, 1], and the second derivative is y^2/2 <= 1/2."""
    rng = np.random.default_rng(seed)
    picks = rng.choice(3, size=(draws, samples), p=CHANCE)
    i = rng.integers(samples, size=draws) if index is None else np.full(draws, index)
    other = picks.copy()
    other[np.arange(draws), i] = rng.choice(3, size=draws, p=CHANCE)
    order = rng.integers(samples, size=(len(rates), draws))
    weights, found = np.full((2, draws), 0.5), {"kept": [], "replaced": [], "gaps": []}
    own = LAW[picks[np.arange(draws), i]]
    for drawn, rate in zip(order, rates, strict=True):
        for k, chosen in enumerate((picks, other)):
            z = LAW[chosen[np.arange(draws), drawn]]
            gradient_now = (weights[k] * z[:, 1] - z[:, 0]) * z[:, 1] / 2
            weights[k] = np.clip(weights[k] - rate * gradient_now, 0, 1)
        found["kept"].append(losses(weights[0], own))
        found["replaced"].append(losses(weights[1], own))
        risk = losses(weights[0][:, None], LAW) @ CHANCE
        empirical = losses(weights[0][:, None], LAW[picks]).mean(axis=1)
        found["gaps"].append(risk - empirical)
    return TrainingSetting(
        "one learned step",
        np.arange(1, len(rates) + 1),
        *(np.stack(found[name]) for name in ("kept", "replaced", "gaps")),
        samples=samples,
        descent=DescentConstants(gradient, smoothness, convex, np.array(rates, dtype=float)),
        delta=0.01,
    )


MADE, FALLING = runs(), runs(samples=10, rates=tuple(1.0 / t for t in range(1, 13)))


def test_stable_and_therefore_close():
    for made in (MADE, FALLING):
        assert verify(hardt2016.convex_stability, made).status is Status.HOLDS
        assert verify(hardt2016.replace_one_identity, made).status is Status.HOLDS
    assert verify(hardt2016.nonconvex_stability, FALLING).status is Status.HOLDS
    assert verify(hardt2016.convex_stability, MADE).conclusion.delta == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("false_variant", "made"),
    [
        (hardt2016.convex_stability.scaled(0.005), MADE),
        (hardt2016.convex_stability.without("losses_convex").scaled(0.005), MADE),
        (hardt2016.nonconvex_stability.scaled(0.002), MADE),
        (hardt2016.replace_one_identity.scaled(0.001), MADE),
        (
            hardt2016.replace_one_identity.concluding(
                lambda s: hardt2016.replace_one_identity.conclude(
                    TrainingSetting(s.name, s.instants, s.kept, s.kept, s.gaps, s.samples, s.descent, s.delta)
                ),
                "no-replacement",
            ),
            MADE,
        ),
    ],
    ids=["convex", "convex-dropped", "nonconvex", "identity-too-sharp", "no-replacement"],
)
def test_false_variants_are_violated(false_variant, made):
    assert verify(false_variant, made).status is Status.VIOLATED


def test_what_fails_is_named():
    for made, claimed, name in (
        (runs(draws=100, convex=False), hardt2016.convex_stability, "losses_convex"),
        (runs(draws=100, rates=(5.0,) * 3), hardt2016.convex_stability, "steps_at_most_two"),
        (runs(draws=100, smoothness=np.inf), hardt2016.convex_stability, "smooth"),
        (runs(draws=100, rates=(0.1, 0.2)), hardt2016.nonconvex_stability, "nonincreasing"),
    ):
        verdict = verify(claimed, made)
        assert verdict.status is Status.NOT_APPLICABLE
        assert name in verdict.reason


def test_bad_input_is_named():
    with pytest.raises(InputError, match="outside"):
        TrainingSetting("x", np.array([1]), MADE.kept[:1] + 1, MADE.replaced[:1], MADE.gaps[:1], 2, MADE.descent)
    with pytest.raises(InputError, match="ascend"):
        TrainingSetting("x", np.array([2, 1]), MADE.kept[:2], MADE.replaced[:2], MADE.gaps[:2], 2, MADE.descent)
    with pytest.raises(InputError, match="one cell"):
        MADE.subset([1])
