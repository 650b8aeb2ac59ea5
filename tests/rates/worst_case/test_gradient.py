"""Envelope gradients against central differences of closed forms and of the programs themselves."""

import numpy as np
import pytest

from unfold_theory.methods import (
    AcceleratedGradient,
    AcceleratedProximalGradient,
    Admm,
    DouglasRachford,
    GradientDescent,
    Halpern,
    HeavyBall,
    InexactGradientDescent,
    KrasnoselskiiMann,
    ProximalGradient,
)
from unfold_theory.rates.worst_case import (
    averaged,
    convex,
    smooth_convex,
    smooth_nonconvex,
    strongly_convex,
    worst_case_gradient,
    worst_case_rate,
)

TOLERANCE = 1e-12
"""The gradient errs as the solution does, to first order; values err to second."""
COMPOSITE = (smooth_convex(1.0), convex())
GAP = ("gap", "distance")
BEST = ("best residual", "gap")


@pytest.mark.parametrize("form", ["closed", "chain", "full"])
def test_short_steps_in_closed_form(form):
    """d/dt_k of L R^2 / (4 L sum t + 2)."""
    L, R, t = 3.0, 2.0, np.array([0.1, 0.3, 0.2, 0.25])
    rate = worst_case_rate(GradientDescent(t), smooth_convex(L), radius=R, form=form, tolerance=TOLERANCE)
    expected = -4 * L**2 * R**2 / (4 * L * t.sum() + 2) ** 2
    np.testing.assert_allclose(worst_case_gradient(rate)["steps"], expected, rtol=1e-6)


# Drawn where the optimum is unique: elsewhere the value has directional derivatives only.
CASES = {
    "gradient": (GradientDescent([0.9, 1.6, 0.7, 1.7, 1.2]), smooth_convex(1.0), *GAP),
    "gradient, strongly convex": (GradientDescent([0.9, 1.6, 0.7]), strongly_convex(0.2, 1.0), *GAP),
    "gradient, nonconvex": (GradientDescent([0.9, 1.3, 0.7]), smooth_nonconvex(1.0), *BEST),
    "inexact": (InexactGradientDescent([0.9, 0.8, 0.7], [0.3, 0.2, 0.4]), smooth_convex(1.0), *GAP),
    "heavy ball": (HeavyBall([0.7, 0.8, 0.9], [0.1, 0.3, 0.2]), smooth_convex(1.0), *GAP),
    "accelerated": (AcceleratedGradient([0.8, 0.9, 0.85, 0.9], [0.2, 0.4, 0.5, 0.1]), smooth_convex(1.0), *GAP),
    "corrected": (AcceleratedGradient([1.0, 0.9, 0.8], [0.3, 0.4, 0.0], [0.4, 0.5, 0.0]), smooth_convex(1.0), *GAP),
    "proximal": (ProximalGradient([0.9, 1.2, 0.7, 1.3, 1.1]), COMPOSITE, *GAP),
    "fista": (AcceleratedProximalGradient([0.8, 0.9, 0.85, 0.9, 0.9], [0.2, 0.4, 0.5, 0.6, 0.0]), COMPOSITE, *GAP),
    "splitting": (DouglasRachford([0.9, 1.1, 1.0], 0.7), COMPOSITE, *GAP),
    "admm": (Admm([0.9, 1.1, 1.3], [1.1, 1.2, 0.9]), COMPOSITE, *GAP),
    "fixed point": (KrasnoselskiiMann([0.4, 0.6, 0.5]), averaged(0.9), "residual", "distance"),
    "halpern": (Halpern([0.5, 0.35, 0.25]), averaged(0.8), "residual", "distance"),
}


@pytest.mark.parametrize("form", ["chain", "full"])
@pytest.mark.parametrize("case", CASES)
def test_central_differences(case, form):
    method, classes, measure, start = CASES[case]

    def value(**moved):
        changed = type(method)(**{**method.parameters, **moved})
        return worst_case_rate(changed, classes, measure, start, form=form, tolerance=TOLERANCE).solution.value

    rate = worst_case_rate(method, classes, measure, start, form=form, tolerance=TOLERANCE)
    gradient = worst_case_gradient(rate)
    assert set(gradient) == set(method.parameters) - set(method.inactive)
    step = 1e-3
    for name, found in gradient.items():
        values = method.parameters[name]
        for k in range(len(values)):
            e = np.zeros(len(values))
            e[k] = step
            # Fourth order: the solver's own error is divided by a step that is not small.
            near = value(**{name: values + e}) - value(**{name: values - e})
            far = value(**{name: values + 2 * e}) - value(**{name: values - 2 * e})
            expected = (8 * near - far) / (12 * step)
            assert found[k] == pytest.approx(expected, abs=5e-7 * max(1.0, np.abs(found).max()))
