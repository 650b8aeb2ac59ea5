"""HyperLISTA and LISTA with momentum against their formulas; the symmetric weight; what trains."""

import numpy as np
import pytest
import torch

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import Alista, HyperLista, ListaMomentum
from unfold_theory.networks.thresholding import largest, largest_of_each, select_support_threshold
from unfold_theory.problems import BernoulliGaussian, SparseRecovery
from unfold_theory.problems.frobenius import frobenius_weight, symmetric_weight

DEPTH = 5


def _shrunk(v, theta, selected):
    out = np.sign(v) * np.maximum(np.abs(v) - theta, 0)
    for row, p in enumerate(selected):
        for i in np.argsort(-np.abs(v[row]), kind="stable")[:p]:
            if abs(v[row, i]) > theta[row, 0]:
                out[row, i] = v[row, i]
    return out


@pytest.mark.parametrize("weight", ["frobenius", "symmetric"])
def test_hyperlista_follows_its_formula(problem, batch, y, weight):
    c1, c2, c3, gain = 0.11, 0.05, 0.4, 0.9
    network = HyperLista.for_problem(problem, DEPTH, weight=weight, c1=c1, c2=c2, c3=c3, gain=gain)
    A, W = problem.dictionary, network.weights.numpy()
    inverse = np.linalg.pinv(A)
    mu = max(abs(W[:, i] @ A[:, j]) for i in range(30) for j in range(30) if i != j)
    start = np.abs(batch.y @ inverse.T).sum(axis=1, keepdims=True)
    x = before = np.zeros_like(batch.x)
    counts = []
    for k in range(DEPTH):
        residual = x @ A.T - batch.y
        size = np.abs(residual @ inverse.T).sum(axis=1, keepdims=True)
        beta = c2 * mu * np.count_nonzero(x, axis=1)[:, None]
        selected = np.floor(30 * np.clip(c3 * np.log(start / size), 0, 1)).astype(int)[:, 0]
        v = x - gain * residual @ W + beta * (x - before)
        before, x = x, _shrunk(v, c1 * mu * gain * size, selected)
        counts.append(selected)
        np.testing.assert_allclose(network(y, k + 1).detach().numpy(), x, rtol=1e-9, atol=1e-11)
    assert not counts[0].any()
    assert max(counts[-1]) > min(counts[-1])
    with pytest.raises(MissingStructure, match="affine_layers"):
        network.affine_layers()


def test_momentum_zero_is_alista(problem, y):
    scalars = {"gains": np.linspace(0.8, 1.1, DEPTH), "thresholds": np.linspace(0.3, 0.1, DEPTH), "selected": 2}
    W = frobenius_weight(problem.dictionary)
    plain = Alista(problem.dictionary, DEPTH, weights=W, **scalars)
    still = ListaMomentum(problem.dictionary, DEPTH, weights=W, momenta=0.0, **scalars)
    moving = ListaMomentum(problem.dictionary, DEPTH, weights=W, momenta=0.3, **scalars)
    torch.testing.assert_close(still(y), plain(y), rtol=1e-12, atol=1e-13)
    assert torch.equal(moving(y, 1), still(y, 1))
    assert not torch.allclose(moving(y, 2), still(y, 2))
    # x^2 by hand, from x^1 and x^0 = 0.
    x1 = moving(y, 1).detach()
    v = x1 + scalars["gains"][1] * ((y - x1 @ moving.dictionary.T) @ torch.tensor(W)) + 0.3 * x1
    expected = select_support_threshold(v, torch.tensor(scalars["thresholds"][1]), 2)
    torch.testing.assert_close(moving(y, 2).detach(), expected, rtol=1e-12, atol=1e-13)


def test_what_trains(problem):
    def trained(network):
        return {name for name, p in network.named_parameters() if p.requires_grad}

    assert trained(HyperLista.for_problem(problem, 3)) == {"c1", "c2", "c3"}
    assert trained(HyperLista.for_problem(problem, 3, momentum=False)) == {"c1", "c3"}
    assert "weights" in trained(ListaMomentum.for_problem(problem, 3, train_weight=True))
    assert not {"weights", "momenta.0"} & trained(ListaMomentum.for_problem(problem, 3))


def test_the_selection_has_a_useful_derivative(problem, batch, y):
    """The straight-through derivative in c3 points towards the best of a grid from both sides."""
    truth, losses, slopes = torch.tensor(batch.x), [], []
    for c3 in (0.02, 0.05, 0.1, 0.2, 0.3):
        network = HyperLista.for_problem(problem, 4, c1=0.15, c3=c3)
        loss = ((network(y) - truth) ** 2).sum()
        loss.backward()
        losses.append(float(loss.detach()))
        slopes.append(float(network.c3.grad))
    best = int(np.argmin(losses))
    assert 0 < best < 4
    assert slopes[0] < 0 < slopes[-1]
    assert max(slopes[:best]) < 0 < min(slopes[best + 1 :])


def test_derivatives_in_c1_and_c2_are_exact(problem, y):
    """Where the count does not change, finite differences agree."""
    for name in ("c1", "c2"):
        values = {"c1": 0.12, "c2": 0.03, "c3": 0.0}
        network = HyperLista.for_problem(problem, 4, **values)
        network(y).square().sum().backward()
        step = 1e-6
        ends = [
            float(HyperLista.for_problem(problem, 4, **{**values, name: values[name] + d})(y).square().sum().detach())
            for d in (-step, step)
        ]
        assert float(getattr(network, name).grad) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-4)


def test_each_row_selects_its_own_count():
    magnitude = torch.tensor(np.random.default_rng(0).integers(0, 4, (50, 9)).astype(float))  # many ties
    counts = torch.arange(50) % 11
    together = largest_of_each(magnitude, counts)
    for row in range(50):
        count = min(int(counts[row]), 9)
        alone = largest(magnitude[row : row + 1], count) if count else torch.zeros(1, 9, dtype=torch.bool)
        assert torch.equal(together[row : row + 1], alone)
    v = torch.tensor([[3.0, -2.0, 0.5], [3.0, -2.0, 0.5]])
    out = select_support_threshold(v, torch.tensor([[1.0], [2.5]]), torch.tensor([1, 3]))
    assert out.tolist() == [[3.0, -1.0, 0.0], [3.0, 0.0, 0.0]]


@pytest.mark.parametrize(("m", "n", "seed"), [(10, 20, 0), (15, 30, 1), (12, 13, 2)])
def test_symmetric_weight_is_optimal_of_its_form(m, n, seed):
    A = SparseRecovery.gaussian(m, n, seed=seed).dictionary
    W = symmetric_weight(A)
    gram = W.T @ A
    np.testing.assert_allclose(gram, gram.T, atol=1e-11)
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-11)
    rng = np.random.default_rng(seed)
    # Symmetric changes of Q that keep the diagonal raise the norm.
    basis = [np.outer(A[:, i], A[:, i]) for i in range(n)]
    span = np.linalg.qr(np.stack([b.ravel() for b in basis]).T)[0]
    for _ in range(50):
        change = rng.standard_normal((m, m))
        change = change + change.T
        change -= (span @ (span.T @ change.ravel())).reshape(m, m)
        moved = gram + 0.1 * A.T @ change @ A
        np.testing.assert_allclose(np.diag(moved), 1, atol=1e-10)
        assert np.linalg.norm(moved) >= np.linalg.norm(gram) - 1e-12
    # The unconstrained optimum (Frobenius) is at most as large.
    assert np.linalg.norm(frobenius_weight(A).T @ A) <= np.linalg.norm(gram) + 1e-12


def test_symmetric_weight_needs_room():
    # 6 free entries in Q for 12 conditions; columns of unit length would be served by Q = I.
    A = SparseRecovery.gaussian(3, 12, seed=0).dictionary * np.linspace(0.5, 2, 12)
    with pytest.raises(InputError, match="unit diagonal"):
        symmetric_weight(A)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"c1": [0.1, 0.2]}, "c1 has shape"),
        ({"c3": np.nan}, "NaN"),
        ({"weight": np.eye(4)}, "shape"),
        ({"weight": "x"}, "named 'x'"),
    ],
)
def test_bad_options_are_named(problem, options, named):
    with pytest.raises(InputError, match=named):
        HyperLista.for_problem(problem, 3, **options)


def test_zero_measurements_stay_zero():
    where = SparseRecovery.gaussian(10, 20, law=BernoulliGaussian(0.1), seed=0)
    network = HyperLista.for_problem(where, 4)
    codes = network(torch.zeros(2, 10, dtype=torch.float64))
    assert not codes.any()
    codes.sum().backward()
    assert all(torch.isfinite(p.grad) for p in network.parameters() if p.grad is not None)


def test_signals_that_are_met_exactly_leave_finite_gradients():
    """With one nonzero entry float32 reaches the code exactly; the residual is then 0."""
    where = SparseRecovery.gaussian(60, 120, law=BernoulliGaussian(0.05), seed=4)
    codes = torch.zeros(4, 120)
    codes[range(4), [3, 20, 55, 90]] = torch.tensor([1.0, -0.2, 3.0, 0.7])
    network = HyperLista.for_problem(where, 10, c1=0.2, c2=0.004, c3=0.05).float()
    y = codes @ network.dictionary.T
    loss = (network(y) - codes).square().sum()
    loss.backward()
    assert (network.iterates(y)[-1] @ network.dictionary.T == y).all(dim=1).any()
    assert all(torch.isfinite(p.grad) for p in (network.c1, network.c2, network.c3))
