"""Thresholds against a plain loop, and their derivatives."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unfold_theory.errors import InputError
from unfold_theory.networks import thresholding
from unfold_theory.networks.thresholding import (
    largest,
    linear_schedule,
    percent_schedule,
    select_support_threshold,
    soft_threshold,
)


def _plain(v, theta, selected, gated):
    result = []
    for row in v.tolist():
        passing = sorted(range(len(row)), key=lambda i: (-abs(row[i]), i))[:selected]
        out = []
        for i, (value, t) in enumerate(zip(row, theta, strict=True)):
            if i in passing and (not gated or abs(value) > t):
                out.append(value)
            elif abs(value) > t and value != 0:
                out.append(value - t if value > 0 else value + t)
            else:
                out.append(0.0)
        result.append(out)
    return torch.tensor(result, dtype=v.dtype)


# Quarters: sums are exact, and ties and kinks are frequent.
quarters = st.integers(-6, 6).map(lambda i: i / 4)


@st.composite
def cases(draw):
    n = draw(st.integers(1, 7))
    v = draw(st.lists(st.lists(quarters, min_size=n, max_size=n), min_size=1, max_size=4))
    theta = draw(st.one_of(quarters, st.lists(quarters, min_size=n, max_size=n)))
    return torch.tensor(v, dtype=torch.float64), torch.tensor(theta, dtype=torch.float64), draw(st.integers(0, n))


@given(cases(), st.booleans())
def test_agrees_with_a_plain_loop_at_ties_kinks_and_negative_thresholds(case, gated):
    v, theta, selected = case
    expected = _plain(v, theta.expand(v.shape[1]).tolist(), selected, gated)
    assert torch.equal(select_support_threshold(v, theta, selected, gated=gated), expected)
    if selected == 0:
        assert torch.equal(soft_threshold(v, theta), expected)


@given(cases())
def test_the_selection_is_the_same_without_numpy(case):
    v, _, selected = case
    if selected == 0:
        return
    quick = largest(v.abs(), selected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholding, "_as_numpy", lambda tensor: None)
        assert torch.equal(largest(v.abs(), selected), quick)
    assert (quick.sum(dim=1) == selected).all()


def _away_from_kinks(rows=4, n=9):
    generator = torch.Generator().manual_seed(2)
    magnitude = torch.stack([torch.randperm(n, generator=generator) for _ in range(rows)]) * 0.3 + 0.2
    sign = torch.randint(0, 2, (rows, n), generator=generator) * 2 - 1
    return (magnitude * sign).double().requires_grad_()


@pytest.mark.parametrize("selected", [0, 2, 9])
@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("theta", [0.7, -0.4, "own"])
def test_derivatives(selected, gated, theta):
    v = _away_from_kinks()
    start = torch.linspace(0.35, 1.0, 9, dtype=torch.float64) if theta == "own" else torch.tensor(theta).double()
    start = start.clone().requires_grad_()

    def function(v, theta):
        return select_support_threshold(v, theta, selected, gated=gated)

    assert torch.autograd.gradcheck(function, (v, start))
    assert torch.autograd.gradgradcheck(function, (v, start))


def test_known_derivatives():
    v = torch.tensor([[3.0, -2.0, 0.5, -0.1]], requires_grad=True)
    theta = torch.tensor(0.3, requires_grad=True)
    select_support_threshold(v, theta, 1).sum().backward()
    assert v.grad.tolist() == [[1.0, 1.0, 1.0, 0.0]]  # type: ignore[union-attr]
    assert theta.grad.item() == 0.0  # type: ignore[union-attr]  # +1 from the entry -2, -1 from 0.5; 3 passes
    theta.grad = None
    (select_support_threshold(v, theta, 1) ** 2).sum().backward()
    assert theta.grad.item() == pytest.approx(2 * -1.7 - 2 * 0.2)  # type: ignore[union-attr]


def test_per_sample_derivatives_by_vmap():
    v = _away_from_kinks().detach()
    theta = torch.tensor(0.7, dtype=torch.float64)

    def one(row, theta):
        return select_support_threshold(row[None], theta, 3)[0]

    torch.testing.assert_close(torch.func.vmap(one, (0, None))(v, theta), select_support_threshold(v, theta, 3))
    jacobian = torch.func.vmap(torch.func.jacrev(one, argnums=1), (0, None))(v, theta)
    together = torch.autograd.functional.jacobian(lambda t: select_support_threshold(v, t, 3), theta)
    torch.testing.assert_close(jacobian, together)


def test_nan_stays_nan_and_in_its_row():
    v = torch.tensor([[np.nan, 1.0, 2.0], [0.5, -1.0, -1.0]], dtype=torch.float64)
    for selected in (0, 1):
        out = select_support_threshold(v, torch.tensor(0.25, dtype=torch.float64), selected)
        assert out[0, 0].isnan()
        assert out[1].tolist() == ([0.25, -0.75, -0.75] if selected == 0 else [0.25, -1.0, -0.75])


@pytest.mark.parametrize("selected", [-1, 4])
def test_refuses_impossible_selections(selected):
    with pytest.raises(InputError, match="from 0 to 3"):
        select_support_threshold(torch.zeros(1, 3), torch.tensor(0.1), selected)


def test_schedules():
    # 1.2 percent of 500 more in each layer, at most 13 percent.
    assert percent_schedule(500, 16) == [6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 65, 65, 65, 65, 65, 65]
    assert percent_schedule(500, 3, percent=0) == [0, 0, 0]
    assert linear_schedule(50, 16)[:3] == [3, 6, 10]
    assert linear_schedule(50, 16)[-1] == 60
    assert linear_schedule(50, 1) == [60]
    with pytest.raises(InputError, match="percent"):
        percent_schedule(500, 3, percent=101)
    with pytest.raises(InputError, match="sparsity"):
        linear_schedule(float("nan"), 3)
