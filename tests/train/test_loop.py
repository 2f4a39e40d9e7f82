"""The loop on sixteen tiny pictures: it learns, keeps its budget, and goes on where it was killed."""

import dataclasses
import json
import math
import sys

import pytest
import torch

from roadworthy.augment.consistency import build_views
from roadworthy.augment.mix import build_mix
from roadworthy.augment.policy import build_policy
from roadworthy.config import (
    AugmentConfig,
    ModelConfig,
    OptimConfig,
    PenaltyConfig,
    ScheduleConfig,
    TrainConfig,
)
from roadworthy.core.device import generator
from roadworthy.core.errors import CheckpointError, ConfigError, TrainingError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.average import EqualAverage, WeightAverage
from roadworthy.train.callbacks import Callback
from roadworthy.train.checkpoint import read_tensors, write_tensors
from roadworthy.train.gradient_norm import GradientNormPenalty, build_gradient_rules
from roadworthy.train.loop import TrainingHooks, train
from roadworthy.train.losses import build_loss, l2_penalty
from roadworthy.train.optim import build_optimizer
from roadworthy.train.schedules import SCHEDULES, build_schedule
from roadworthy.train.state import Progress, TrainState


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it and tidy up."""


class Tiny:
    batch_size = 4
    """Sixteen pictures of four classes, in an order that depends on the epoch alone."""

    def __init__(self, kill_after=None):
        self.images = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        self.targets = torch.arange(16) % 4
        self.kill_after, self.drawn = kill_after, 0

    def __len__(self):
        return 4

    def epoch(self, epoch, start=0):
        order = torch.randperm(16, generator=torch.Generator().manual_seed(epoch)).view(4, 4)
        for rows in order[start:]:
            if self.drawn == self.kill_after:
                raise Killed
            self.drawn += 1
            yield self.images[rows], self.targets[rows]


loop = sys.modules["roadworthy.train.loop"]
CONFIG = TrainConfig(epochs=3, batch_size=4, ema=0.9, precision="fp32")


def new_state(ema=True):
    torch.manual_seed(0)
    model = build_model(ModelConfig(width=0.25, depth=1, dropout=0.3), 4, InputSpec(size=16))
    optimizer = build_optimizer(model, OptimConfig(lr=0.05))
    return TrainState(model=model, optimizer=optimizer, average=WeightAverage(model, 0.9) if ema else None)


def steps(state_file=None, validation=None, kept=None, loss=None, warmup=0.2, schedule="one-cycle"):
    """Steps with noise in `prepare` that must be drawn again the same after a resume."""
    scripted = iter(validation or [])

    def prepare(images, targets, step):
        return images + 0.1 * torch.randn(images.shape, generator=generator("cpu", "noise", step)), targets

    return TrainingHooks(
        prepare=prepare,
        loss=loss or build_loss(0.0, None),
        schedule=build_schedule(ScheduleConfig(name=schedule, warmup=warmup)),
        validate=lambda model: next(scripted, {}),
        keep_best=lambda state: None if kept is None else kept.append(state.progress.epoch),
        save=lambda state: None if state_file is None else state.save(state_file),
    )


def values(state):
    optimizer = state.optimizer.state_dict()["state"]
    return [
        *state.model.state_dict().values(),
        *(state.average.model.state_dict().values() if state.average else ()),
        *(v for i in sorted(optimizer) for v in optimizer[i].values() if isinstance(v, torch.Tensor)),
    ]


def test_sixteen_pictures_are_learnt_by_heart():
    state = new_state()
    train(state, Tiny(), steps(), dataclasses.replace(CONFIG, epochs=60))
    state.evaluated.eval()
    tiny = Tiny()
    assert (state.evaluated(tiny.images).argmax(1) == tiny.targets).all()


MEASURES = {
    "mixup": AugmentConfig(mix="mixup"),
    "cutmix": AugmentConfig(mix="cutmix"),
    "consistency": AugmentConfig(policy="study", strength=0.2, consistency=12.0),
}


def measured(name):
    """A state and steps with one of the measures; every other part is as above."""
    state = new_state()
    if name == "swa":
        state.average = EqualAverage(state.model, 0.25)
        return state, steps
    config = MEASURES[name]
    views = build_views(config, build_policy(config, "abcd"))
    mix = build_mix(config, 4)

    def with_measure(state_file=None):
        def prepare(images, targets, step):
            random = generator("cpu", "measure", step)
            return mix(views(images, random), targets, random)

        loss = build_loss(0.0, None, config.consistency)
        return dataclasses.replace(steps(state_file, loss=loss), prepare=prepare)

    return state, with_measure


@pytest.mark.parametrize("name", ["swa", *MEASURES])
def test_sixteen_pictures_are_learnt_by_heart_with_each_measure(name):
    state, with_measure = measured(name)
    train(state, Tiny(), with_measure(), dataclasses.replace(CONFIG, epochs=60))
    state.evaluated.eval()
    tiny = Tiny()
    assert (state.evaluated(tiny.images).argmax(1) == tiny.targets).all()
    # What is counted while training is the first view against the larger share, not chance.
    assert state.progress.history[-1]["train_accuracy"] > 0.6


@pytest.mark.parametrize("name", ["swa", *MEASURES])
def test_with_each_measure_four_steps_are_two_and_two_after_a_stop(name, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_S", -1)
    config = dataclasses.replace(CONFIG, gradients=4)
    straight, with_measure = measured(name)
    if name == "swa":
        straight.average.fraction = 0.75  # the stop falls within the part that is averaged
    train(straight, Tiny(), with_measure(), config)

    file = tmp_path / "state.safetensors"
    killed, resumed = measured(name)[0], measured(name)[0]
    if name == "swa":
        killed.average.fraction = resumed.average.fraction = 0.75
    with pytest.raises(Killed):
        train(killed, Tiny(kill_after=2), with_measure(file), config)
    torch.manual_seed(99)
    resumed.load(file)
    train(resumed, Tiny(), with_measure(file), config)
    assert resumed.average.count == straight.average.count == (3 if name == "swa" else 0)
    for a, b in zip(values(straight), values(resumed), strict=True):
        assert torch.equal(a, b)


PENALTIES = {
    "penalty": PenaltyConfig(method="gradient-norm"),
    "late penalty": PenaltyConfig(method="gradient-norm", start=0.5),
    "every other step": PenaltyConfig(method="gradient-norm", every=2),
    "momentum-sam": PenaltyConfig(method="momentum-sam"),
}


def penalised(name):
    """A state, and steps whose gradients are made so."""
    state = new_state()

    def with_penalty(state_file=None):
        gradient_rules = build_gradient_rules(PENALTIES[name], state.model, state.optimizer)
        return dataclasses.replace(steps(state_file), gradient_rules=gradient_rules)

    return state, with_penalty


@pytest.mark.parametrize(
    ("name", "gradients"),
    [("penalty", 16), ("late penalty", 12), ("every other step", 12), ("momentum-sam", 8)],
)
def test_every_pass_is_counted_and_the_training_is_another_one(name, gradients):
    state, with_penalty = penalised(name)
    config = dataclasses.replace(CONFIG, epochs=2)
    train(state, Tiny(), with_penalty(), config)
    assert (state.progress.step, state.progress.gradients) == (8, gradients)
    assert state.progress.history[-1]["train_loss"] < 1.5
    ordinary = new_state()
    train(ordinary, Tiny(), steps(), config)
    assert ordinary.progress.gradients == 8
    assert not torch.allclose(values(state)[0], values(ordinary)[0])


class Norms(Callback):
    def __init__(self):
        self.heard = []

    def on_gradient_norm(self, step, norm):
        self.heard.append((step, norm))


@pytest.mark.parametrize(
    ("name", "measured"),
    [("penalty", range(1, 9)), ("late penalty", range(5, 9)), ("every other step", range(1, 9, 2))],
)
def test_the_history_has_the_mean_of_the_norms_that_the_penalty_took(name, measured):
    (state, with_penalty), norms = penalised(name), Norms()
    config = dataclasses.replace(CONFIG, epochs=2)
    train(state, Tiny(), with_penalty(), config, callbacks=[norms])
    assert [step for step, _ in norms.heard] == list(measured)
    for row in state.progress.history:
        own = [norm for step, norm in norms.heard if row["step"] - 4 < step <= row["step"]]
        assert row.get("gradient_norm") == (pytest.approx(sum(own) / len(own)) if own else None)


@pytest.mark.parametrize("name", ["penalty", "every other step"])
def test_recording_the_norm_changes_no_bit_of_the_training(name, monkeypatch):
    recorded, with_penalty = penalised(name)
    train(recorded, Tiny(), with_penalty(), CONFIG, callbacks=[Norms()])
    # A norm that nothing can be recorded of: reading it always gives None.
    unread = property(lambda self: None, lambda self, norm: None)
    monkeypatch.setattr(GradientNormPenalty, "gradient_norm", unread, raising=False)
    silent, with_penalty = penalised(name)
    train(silent, Tiny(), with_penalty(), CONFIG)
    assert "gradient_norm" not in silent.progress.history[0]
    for a, b in zip(values(recorded), values(silent), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["none", "momentum-sam"])
def test_where_no_penalty_takes_a_norm_none_is_told(name):
    state, norms = new_state(), Norms()
    rules = build_gradient_rules(PenaltyConfig(method=name), state.model, state.optimizer)
    hooks = dataclasses.replace(steps(), gradient_rules=rules)
    train(state, Tiny(), hooks, dataclasses.replace(CONFIG, epochs=1), callbacks=[norms])
    assert not norms.heard
    assert "gradient_norm" not in state.progress.history[0]


def test_equal_gradients_are_half_the_steps_with_a_penalty():
    state, with_penalty = penalised("penalty")
    train(state, Tiny(), with_penalty(), dataclasses.replace(CONFIG, gradients=8))
    assert (state.progress.step, state.progress.gradients) == (4, 8)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_killed_training_with_a_penalty_ends_as_one_that_was_not(name, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_S", -1)
    straight, with_penalty = penalised(name)
    train(straight, Tiny(), with_penalty(), CONFIG)
    file = tmp_path / "state.safetensors"
    killed, with_penalty = penalised(name)
    with pytest.raises(Killed):
        train(killed, Tiny(kill_after=7), with_penalty(file), CONFIG)
    resumed, with_penalty = penalised(name)
    torch.manual_seed(99)
    resumed.load(file)
    train(resumed, Tiny(), with_penalty(file), CONFIG)
    for a, b in zip(values(straight), values(resumed), strict=True):
        assert torch.equal(a, b)
    assert resumed.progress.gradients == straight.progress.gradients
    norms = [[row.get("gradient_norm") for row in one.progress.history] for one in (straight, resumed)]
    assert norms[0] == norms[1]


def test_accuracy_counts_the_first_view_and_the_larger_share():
    progress, answers, right = Progress(), torch.eye(4), loop.right_classes
    loop._count(progress, 0.5, answers[[0, 1, 3, 3, 2, 3]], torch.tensor([0, 2]), right)  # three views of two
    assert (progress.correct, progress.seen, progress.loss_sum) == (1, 2, 1.0)
    loop._count(progress, 0.5, answers[[1, 2]], torch.tensor([[0.3, 0.7, 0, 0], [0.6, 0, 0.4, 0]]), right)
    assert (progress.correct, progress.seen, progress.loss_sum) == (2, 4, 2.0)


def test_swa_in_the_loop_is_the_mean_of_the_last_quarters_weights():
    state, _ = measured("swa")
    seen = []

    class Watch(Callback):
        def on_step(self, step, loss, images_per_second, fraction_done):
            seen.append([p.detach().clone() for p in state.model.parameters()])

    train(state, Tiny(), steps(), CONFIG, callbacks=[Watch()])
    for averaged, *last in zip(state.evaluated.parameters(), *seen[-3:], strict=True):
        torch.testing.assert_close(averaged.data, torch.stack(last).mean(0))


@pytest.mark.parametrize("kill_after", [2, 4, 6, 11])
def test_a_killed_training_ends_bit_for_bit_as_one_that_was_not(tmp_path, monkeypatch, kill_after):
    monkeypatch.setattr(loop, "SAVE_EVERY_S", -1)  # save after every step
    straight = new_state()
    train(straight, Tiny(), steps(), CONFIG)

    file = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        train(new_state(), Tiny(kill_after), steps(file), CONFIG)
    resumed = new_state()
    torch.manual_seed(99)  # whatever else drew random numbers in between must not matter
    resumed.load(file)
    assert resumed.progress.step == kill_after
    train(resumed, Tiny(), steps(file), CONFIG)

    assert resumed.progress.step == straight.progress.step == 12
    for a, b in zip(values(straight), values(resumed), strict=True):
        assert torch.equal(a, b)
    timeless = [
        {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")}
        for row in straight.progress.history
    ]
    assert timeless == [{k: row[k] for k in timeless[0]} for row in resumed.progress.history]


def test_a_finished_training_stays_finished(tmp_path):
    state, file = new_state(), tmp_path / "state.safetensors"
    train(state, Tiny(), steps(file), CONFIG)
    again = new_state()
    again.load(file)
    train(again, Tiny(kill_after=0), steps(), CONFIG)
    assert again.progress.step == 12


def test_a_finished_training_that_is_given_more_goes_on_as_if_it_had_not_ended(tmp_path):
    constant = {"schedule": "constant"}
    straight = new_state()
    train(straight, Tiny(), steps(**constant), CONFIG)
    file = tmp_path / "state.safetensors"
    train(new_state(), Tiny(), steps(file, **constant), dataclasses.replace(CONFIG, epochs=1))
    longer = new_state()
    longer.load(file)
    assert longer.progress.finished
    train(longer, Tiny(), steps(**constant), CONFIG)
    assert longer.progress.step == straight.progress.step
    for a, b in zip(values(straight), values(longer), strict=True):
        assert torch.equal(a, b)


def test_a_training_that_stopped_early_stays_stopped_however_much_it_is_given(tmp_path):
    file, impatient = tmp_path / "state.safetensors", dataclasses.replace(CONFIG, epochs=9, patience=1)
    stopped = new_state()
    train(stopped, Tiny(), steps(file, validation=validation(*[(0.5, 1.0)] * 9)), impatient)
    again = new_state()
    again.load(file)
    train(again, Tiny(kill_after=0), steps(), dataclasses.replace(impatient, epochs=20))
    assert again.progress.step == stopped.progress.step == 8


def test_a_state_of_another_training_is_refused(tmp_path):
    file = tmp_path / "state.safetensors"
    new_state().save(file)
    other = TrainState(
        model=build_model(ModelConfig(width=0.5, depth=1), 4, InputSpec(size=16)),
        optimizer=new_state().optimizer,
        average=None,
    )
    with pytest.raises(CheckpointError, match="another training"):
        other.load(file)


def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_good_state(tmp_path):
    file, calls = tmp_path / "state.safetensors", iter(range(100))

    def loss(logits, targets):
        plain = torch.nn.functional.cross_entropy(logits, targets)
        return plain * math.nan if next(calls) == 5 else plain

    with pytest.raises(TrainingError, match="nan at step 6"):
        train(new_state(), Tiny(), steps(file, loss=loss), CONFIG)
    kept = new_state()
    kept.load(file)
    assert kept.progress.step == 4
    assert all(torch.isfinite(v).all() for v in values(kept))


def validation(*pairs):
    return [{"val_accuracy": a, "val_loss": b} for a, b in pairs]


def test_best_is_what_validation_chose_and_of_equals_the_latest():
    kept = []
    scripted = validation((0.5, 1.0), (0.7, 0.8), (0.7, 0.9), (0.6, 0.1))
    state = new_state()
    train(state, Tiny(), steps(validation=scripted, kept=kept), dataclasses.replace(CONFIG, epochs=4))
    assert kept == [1, 2, 3]
    assert state.progress.best_epoch == 3


def test_patience_does_not_take_a_tie_for_an_improvement():
    kept, state = [], new_state()
    scripted = validation(*[(0.5, 1.0), (1.0, 0.3), (1.0, 0.2), (1.0, 0.1), (1.0, 0.05)])
    config = dataclasses.replace(CONFIG, epochs=10, patience=2)
    train(state, Tiny(), steps(validation=scripted, kept=kept), config)
    assert state.progress.epoch == 4
    assert kept == [1, 2, 3, 4]


def test_a_state_that_ranked_the_best_by_older_rules_is_taken_over(tmp_path):
    file, old = tmp_path / "old.safetensors", new_state()
    train(old, Tiny(), steps(file), dataclasses.replace(CONFIG, epochs=1))
    tensors, header = read_tensors(file)
    header["progress"]["best"] = [0.5, -1.0]
    write_tensors(tensors, json.dumps(header), file)
    again = new_state()
    again.load(file)
    assert again.progress == old.progress


def test_monitor_loss_chooses_by_loss():
    kept = []
    scripted = validation((0.5, 1.0), (0.7, 1.1), (0.4, 0.9))
    config = dataclasses.replace(CONFIG, monitor="loss")
    train(new_state(), Tiny(), steps(validation=scripted, kept=kept), config)
    assert kept == [1, 3]


def test_monitor_objective_chooses_by_the_loss_with_the_l2_term():
    kept = []
    scripted = validation((0.5, 1.0), (0.7, 1.0 + 1e-9), (0.7, 9.0))
    config = dataclasses.replace(CONFIG, monitor="objective")
    state = new_state()
    seen = []

    class Watch(Callback):
        def on_epoch(self, row):
            seen.append(row["val_loss"] + 0.01 * l2_penalty(state.evaluated).item())

    hooks = steps(validation=scripted, kept=kept)
    train(state, Tiny(), hooks, config, l2=0.01, callbacks=[Watch()])
    assert [row["val_objective"] for row in state.progress.history] == pytest.approx(seen)
    assert seen[1] < seen[0] < seen[2]  # the kernels shrank by more than the loss grew
    assert kept == [1, 2]


def test_without_an_l2_term_the_objective_is_the_loss():
    kept, state = [], new_state()
    config = dataclasses.replace(CONFIG, monitor="objective")
    train(state, Tiny(), steps(validation=validation((0.5, 1.0), (0.7, 1.1), (0.4, 0.9)), kept=kept), config)
    assert kept == [1, 3]
    assert "val_objective" not in state.progress.history[0]


def test_without_validation_the_latest_weights_are_best():
    kept = []
    train(new_state(), Tiny(), steps(kept=kept), CONFIG)
    assert kept == [1, 2, 3]


def test_patience_stops_early():
    state = new_state()
    scripted = validation((0.9, 1.0), (0.8, 1.0), (0.7, 1.0), (0.99, 1.0))
    train(state, Tiny(), steps(validation=scripted), dataclasses.replace(CONFIG, epochs=10, patience=2))
    assert state.progress.epoch == 3


def test_a_budget_of_minutes_is_kept_and_what_is_left_of_it_is_used_after_a_resume(tmp_path):
    config = dataclasses.replace(CONFIG, minutes=1.5 / 60)
    state, file = new_state(), tmp_path / "state.safetensors"
    seen = []

    class Watch(Callback):
        def on_step(self, step, loss, images_per_second, fraction_done):
            seen.append(fraction_done)
            if fraction_done > 0.5 and len(file.parts) and not state.progress.finished:
                raise Killed

    with pytest.raises(Killed):
        train(state, Tiny(), steps(file), config, callbacks=[Watch()])
    state.save(file)
    half = state.progress.seconds
    resumed = new_state()
    resumed.load(file)
    train(resumed, Tiny(), steps(file), config)
    assert 0.7 < half < 1.4
    assert 1.5 <= resumed.progress.seconds < 2.2
    assert seen == sorted(seen)


def test_rates_follow_the_schedule():
    rates = []

    class Watch(Callback):
        def on_step(self, step, loss, images_per_second, fraction_done):
            rates.append(state.optimizer.param_groups[0]["lr"])

    state = new_state()
    train(state, Tiny(), steps(warmup=0.5), CONFIG, callbacks=[Watch()])
    assert rates == pytest.approx(
        [0.05 * x for x in (0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)]
    )


def test_callbacks_hear_everything_and_the_end_also_after_an_error():
    heard = []

    class Watch(Callback):
        def on_start(self, budget):
            heard.append(("start", budget))

        def on_epoch(self, row):
            heard.append(("epoch", row["epoch"], row["step"]))

        def on_end(self):
            heard.append("end")

    train(new_state(), Tiny(), steps(), CONFIG, callbacks=[Watch()])
    assert heard == [("start", "3 epochs"), ("epoch", 1, 4), ("epoch", 2, 8), ("epoch", 3, 12), "end"]
    heard.clear()
    with pytest.raises(Killed):
        train(new_state(), Tiny(kill_after=1), steps(), CONFIG, callbacks=[Watch()])
    assert heard[-1] == "end"


def test_clipping_bounds_the_step():
    def moved(clip):
        state = new_state(ema=False)
        before = [p.clone() for p in state.model.parameters()]
        config = dataclasses.replace(CONFIG, epochs=1, clip_norm=clip)
        train(state, Tiny(), steps(warmup=0), config)
        return sum(
            (a - b).square().sum() for a, b in zip(before, state.model.parameters(), strict=True)
        ).sqrt()

    assert moved(1e-4) < 5e-3 < moved(0.0)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [({"samples": 20}, 5), ({"samples": 21}, 6), ({"gradients": 7}, 7), ({"epochs": 2}, 8)],
)
def test_a_budget_is_used_up_and_its_schedule_ends_with_it(budget, expected):
    state = new_state()
    train(state, Tiny(), steps(), dataclasses.replace(CONFIG, **budget))
    assert state.progress.step == expected
    fitted = build_schedule(ScheduleConfig(warmup=0.2))
    assert state.progress.history[-1]["lr"] == pytest.approx(0.05 * fitted((expected - 1) / expected))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "train.epochs is 0"),
        ({"minutes": 0.0}, "train.minutes is 0"),
        ({"samples": 0}, "train.samples is 0"),
        ({"samples": 8, "minutes": 1.0}, "train.minutes and train.samples are both set"),
        ({"batch_size": 1}, "batch_size"),
    ],
)
def test_budgets_that_train_nothing_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        train(new_state(), Tiny(), steps(), dataclasses.replace(CONFIG, **change))


def test_progress_of_a_fresh_training_is_empty():
    assert new_state().progress == Progress()


class Heard(Callback):
    def __init__(self):
        self.notices = []

    def on_notice(self, text):
        self.notices.append(text)


@pytest.mark.parametrize("schedule", SCHEDULES.names())
@pytest.mark.parametrize("budget", [{"samples": 4}, {"gradients": 1}, {"minutes": 1e-9}, {"samples": 8}])
def test_a_training_of_one_step_trains(schedule, budget):
    state = new_state()
    before = [p.detach().clone() for p in state.model.parameters()]
    train(state, Tiny(), steps(schedule=schedule, warmup=0.5), dataclasses.replace(CONFIG, **budget))
    assert state.progress.step <= 2
    assert any(not torch.equal(a, b) for a, b in zip(before, state.model.parameters(), strict=True))


def test_a_time_too_short_for_the_floor_in_steps_is_stretched_and_that_is_said():
    state, heard = new_state(), Heard()
    config = dataclasses.replace(CONFIG, minutes=1e-4, min_steps=10, stretch=1e6)
    train(state, Tiny(), steps(), config, callbacks=[heard])
    assert state.progress.step == 10
    assert state.progress.history[-1]["lr"] < 0.05 * 0.2  # the schedule came to its end with the steps
    (notice,) = heard.notices
    assert "of at least 10 steps" in notice
    assert "at most 100 min in all" in notice


def test_the_stretch_has_an_end():
    state, heard = new_state(), Heard()
    config = dataclasses.replace(CONFIG, minutes=0.2 / 60, min_steps=10**6, stretch=3.0)
    train(state, Tiny(), steps(), config, callbacks=[heard])
    assert 0.6 <= state.progress.seconds < 1.5
    assert len(heard.notices) == 1


def test_a_floor_that_is_reached_in_time_changes_nothing():
    state, heard = new_state(), Heard()
    train(
        state, Tiny(), steps(), dataclasses.replace(CONFIG, minutes=0.5 / 60, min_steps=2), callbacks=[heard]
    )
    assert 0.5 <= state.progress.seconds < 1.2
    assert state.progress.step > 2
    assert not heard.notices
    done = loop.fraction_done
    timed, floored = TrainConfig(minutes=1.0), TrainConfig(minutes=1.0, min_steps=10)
    for seconds, step in ((0.0, 0), (15.0, 5), (30.0, 6), (60.0, 11)):
        progress = Progress(seconds=seconds, step=step)
        assert done(progress, floored, None) == done(progress, timed, None)


def test_a_floor_in_steps_needs_a_budget_of_time():
    with pytest.raises(ConfigError, match=r"train\.min_steps=5 has no effect without train\.minutes"):
        train(new_state(), Tiny(), steps(), dataclasses.replace(CONFIG, min_steps=5))
    with pytest.raises(ConfigError, match=r"train\.stretch=2 has no effect"):
        TrainConfig(stretch=2.0)
