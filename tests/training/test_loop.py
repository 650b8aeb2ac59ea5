import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.networks import build
from unfold_theory.training import (
    IterationWeighted,
    Objective,
    RichProgress,
    Supervised,
    TrainingConfig,
    TrainingDiverged,
    evaluate,
    train,
)
from unfold_theory.training.seeds import VALIDATION, stream

FAST = TrainingConfig(
    loss=Supervised(logarithm=True),
    batch_size=32,
    steps=60,
    learning_rate=2e-2,
    decays=(0.2,),
    validation_size=200,
    validation_interval=20,
)


def values(network):
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("scheme", ["end-to-end", "layer-wise"])
@pytest.mark.parametrize(
    "loss", [Supervised(), Supervised(True), IterationWeighted(), IterationWeighted(growth=2.0, logarithm=True)]
)
def test_training_lowers_the_error_on_fresh_signals(tiny, scheme, loss):
    start = build("alista", tiny, 3)
    result = train(start, tiny, replace(FAST, scheme=scheme, loss=loss))
    before, after = (evaluate(net, tiny, 1000)["nmse_db"][-1] for net in (start, result.network))
    assert after < before - 2.0
    assert result.metrics["seconds"] > 0


def test_objective_training_lowers_the_objective_without_truth(tiny):
    lam = 0.1
    start = build("lista", tiny, 3)
    hidden = Unplanted(tiny)
    result = train(start, hidden, replace(FAST, loss=Objective(lam), matrix_rate=0.1, steps=100))
    batch = tiny.sample(500, seed=77)
    x, y = torch.tensor(batch.x), torch.tensor(batch.y)
    before, after = (Objective(lam)(net, x, y, 3).item() for net in (start, result.network))
    assert after < before - 0.01


class Unplanted:
    planted = False

    def __init__(self, problem):
        self.problem = problem

    def sample(self, count, *, seed):
        return self.problem.sample(count, seed=seed)

    def torch_sampler(self, batch_size, *, seed, dtype):
        for x, y in self.problem.torch_sampler(batch_size, seed=seed, dtype=dtype):
            yield torch.zeros_like(x), y


def test_a_supervised_loss_needs_planted_codes(tiny):
    with pytest.raises(MissingStructure, match="planted codes"):
        train(build("alista", tiny, 1), Unplanted(tiny), FAST)
    with pytest.raises(MissingStructure, match="planted codes"):
        evaluate(build("alista", tiny, 1), Unplanted(tiny))


def test_the_input_stays_as_it_was_and_fixed_tensors_stay_float64(tiny):
    start = build("alista", tiny, 2)
    before = values(start)
    trained = train(start, tiny, FAST).network
    assert moved(before, values(start)) == set()
    assert moved(before, values(trained)) == set(before)
    assert all(p.dtype == torch.float64 for p in trained.parameters())
    assert np.array_equal(trained.dictionary.numpy(), tiny.dictionary)
    assert torch.equal(trained.weights, start.weights)


def test_the_first_stage_of_a_depth_moves_the_new_layer_only(tiny):
    # Without later stages, layers are trained once each; seeds belong to (depth, stage), so that a deeper
    # network begins like a shallower one, bit by bit.
    config = replace(FAST, scheme="layer-wise", decays=())
    theta = [0.1, 0.1, 0.1]
    two = values(train(build("lista-cpss", tiny, 2, tied=False, theta=theta[:2], selected=1), tiny, config).network)
    three = values(train(build("lista-cpss", tiny, 3, tied=False, theta=theta, selected=1), tiny, config).network)
    for name, value in two.items():
        assert torch.equal(value, three[name])
    assert len(three) == 6
    refined = values(
        train(build("lista-cpss", tiny, 2, tied=False, selected=1), tiny, replace(config, decays=(0.2,))).network
    )
    assert not torch.equal(refined["weights.0"], two["weights.0"])


def test_shared_weights_rest_in_the_first_stage_of_later_depths(tiny):
    config = replace(FAST, scheme="layer-wise", decays=())
    one = values(train(build("tilista", tiny, 1, percent=0), tiny, config).network)
    two = values(train(build("tilista", tiny, 2, percent=0), tiny, config).network)
    assert torch.equal(one["weights.0"], two["weights.0"])


class Scaled(Supervised):
    """The loss times a number."""

    def __init__(self, factor):
        super().__init__()
        object.__setattr__(self, "factor", factor)

    def __call__(self, network, x, y, depth):
        return self.factor * super().__call__(network, x, y, depth)


def first_steps(problem, **changes):
    """How far each parameter moves when every stage is a single step, small enough to improve the loss."""
    base = TrainingConfig(batch_size=256, steps=1, learning_rate=1e-3, decays=(), gradient_clip=None)
    start = build("tilista", problem, 3, percent=0)
    before, after = values(start), values(train(start, problem, replace(base, **changes)).network)
    return {name: (after[name] - before[name]).abs().max().item() for name in before}


def test_rates_scale_steps_and_scaled_gradients_do_not(tiny):
    plain = first_steps(tiny)
    for decay in (0.2, 0.02):
        decayed = first_steps(tiny, decays=(decay,))
        for name in ("gains.1", "thresholds.2", "thresholds.0"):
            assert plain[name] == pytest.approx(1e-3, rel=1e-2)
            assert decayed[name] - plain[name] == pytest.approx(decay * 1e-3, rel=2e-2)
    scaled = first_steps(tiny, loss=Scaled(0.02))
    assert scaled["gains.1"] == pytest.approx(plain["gains.1"], rel=1e-2)


def test_layers_and_matrices_have_rates_of_their_own(tiny):
    steps = first_steps(tiny, layer_decay=0.3, matrix_rate=0.05)
    assert steps["gains.2"] == pytest.approx(1e-3, rel=1e-2)
    assert steps["gains.1"] == pytest.approx(0.3e-3, rel=1e-2)
    assert steps["thresholds.0"] == pytest.approx(0.09e-3, rel=1e-2)
    assert steps["weights.0"] == pytest.approx(0.05 * 0.09e-3, rel=1e-2)


def test_anneal_lowers_the_rate_geometrically(tiny):
    config = replace(FAST, decays=(), steps=41, validation_interval=20, anneal=1e-2, patience=None)
    rates = [row["rate"] for row in train(build("alista", tiny, 1), tiny, config).history]
    assert rates[0] == pytest.approx(2e-2)
    assert rates[-1] == pytest.approx(2e-4)
    assert rates == sorted(rates, reverse=True)


def test_best_weights_come_back_and_patience_ends_a_stage(tiny):
    config = replace(FAST, learning_rate=5.0, steps=400, decays=(), patience=3, gradient_clip=None)
    start = build("alista", tiny, 3)
    result = train(start, tiny, config)
    seen = [row["validation"] for row in result.history]
    assert result.metrics["validation_loss"] == min(seen)
    assert seen[-3:] == [v for v in seen[-3:] if v >= min(seen)]
    assert result.metrics["steps"] == result.history[-1]["step"] < 400
    batch = tiny.sample(config.validation_size, seed=stream(config.seed, VALIDATION))
    x, y = (torch.tensor(a, dtype=torch.float32) for a in (batch.x, batch.y))
    again = config.loss(result.network.float(), x, y, 3).item()
    assert again == pytest.approx(min(seen), abs=1e-6)


class Faulty(Supervised):
    """NaN in the training calls (those with gradients) of the given numbers."""

    def __init__(self, bad):
        super().__init__()
        object.__setattr__(self, "bad", bad)
        object.__setattr__(self, "calls", 0)

    def __call__(self, network, x, y, depth):
        value = super().__call__(network, x, y, depth)
        if not torch.is_grad_enabled():
            return value
        object.__setattr__(self, "calls", self.calls + 1)
        return value * math.nan if self.bad(self.calls) else value


def test_a_non_finite_step_is_rolled_back_at_half_the_rate(tiny):
    config = replace(FAST, loss=Faulty(lambda call: call == 30), decays=(), patience=None)
    result = train(build("alista", tiny, 2), tiny, config)
    assert result.metrics["rollbacks"] == 1
    assert result.history[-1]["rate"] == pytest.approx(FAST.learning_rate / 2)
    assert all(torch.isfinite(p).all() for p in result.network.parameters())


def test_lasting_divergence_is_one_clear_error(tiny):
    config = replace(FAST, loss=Faulty(lambda call: call > 5))
    with pytest.raises(TrainingDiverged, match=r"NaN or infinite at step 9\. Lower the learning rate"):
        train(build("alista", tiny, 2), tiny, config)
    assert issubclass(TrainingDiverged, InputError)


def test_a_start_that_is_not_finite_in_float32_is_named(tiny):
    with pytest.raises(TrainingDiverged, match="before its first step"):
        train(build("alista", tiny, 2, gamma=1e300, percent=0), tiny, FAST)


def test_same_seed_same_bits_without_touching_global_state(tiny):
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    runs = [train(build("lista-cpss", tiny, 2), tiny, FAST).network for _ in range(2)]
    other = train(build("lista-cpss", tiny, 2), tiny, replace(FAST, seed=1)).network
    assert moved(values(runs[0]), values(runs[1])) == set()
    assert moved(values(runs[0]), values(other)) == set(values(other))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_nothing_to_train_comes_back_unchanged(tiny):
    start = build("ista", tiny, 4, lam=0.1)
    result = train(start, tiny, FAST)
    assert result.history == []
    assert result.metrics["validation_loss"] is None
    x = torch.tensor(tiny.sample(3, seed=0).y)
    assert torch.equal(start(x), result.network(x))


def test_projection_is_applied_after_every_step(tiny):
    start = build("alista", tiny, 2)
    config = replace(FAST, decays=())
    type(start).project_parameters = lambda self: [t.clamp_(min=0.5) for t in self.thresholds]
    try:
        trained = train(start, tiny, config).network
    finally:
        del type(start).project_parameters
    free = train(start, tiny, config).network
    assert min(t.item() for t in free.thresholds) < 0.5
    changed = [t.item() for t, s in zip(trained.thresholds, start.thresholds, strict=True) if not torch.equal(t, s)]
    assert all(t >= 0.5 for t in changed)


def test_progress_covers_the_training(tiny):
    events = []
    train(build("alista", tiny, 2), tiny, replace(FAST, scheme="layer-wise"), progress=events.append)
    fractions = [e.fraction for e in events]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert {(e.stage, e.depth) for e in events} == {(0, 1), (1, 1), (2, 2), (3, 2)}
    file = io.StringIO()
    with RichProgress("ALISTA", console=Console(file=file, force_terminal=True, width=120)) as bar:
        for event in events:
            bar(event)
    assert "ALISTA" in file.getvalue()
    assert "100%" in file.getvalue()


def test_snapshots_of_other_trainings_and_damaged_ones_are_not_used(tiny, tmp_path):
    file = tmp_path / "stages"
    start = build("alista", tiny, 2)
    config = replace(FAST, steps=10)
    plain = train(start, tiny, config)
    train(start, tiny, replace(config, seed=9), snapshot=file)
    assert moved(values(plain.network), values(train(start, tiny, config, snapshot=file).network)) == set()
    events = []
    train(start, tiny, config, snapshot=file, progress=events.append)
    assert events == []
    train(build("alista", tiny, 2, gamma=0.9), tiny, config, snapshot=file, progress=events.append)
    assert len({event.stage for event in events}) == 2
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.warns(UserWarning, match="damaged, the training starts anew"):
        again = train(build("alista", tiny, 2, gamma=0.9), tiny, config, snapshot=file)
    assert again.metrics["steps"] == 20
