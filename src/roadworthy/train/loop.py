"""The training loop: forward, loss, backward, step. Everything else is a function that it calls."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from roadworthy.config import TrainConfig
from roadworthy.core.device import derive_seed
from roadworthy.core.errors import ConfigError, TrainingError
from roadworthy.core.timing import each, stage
from roadworthy.train.callbacks import Callback, tell
from roadworthy.train.choice import best_epoch, last_improvement
from roadworthy.train.gradient_norm import GradientRules, plain
from roadworthy.train.losses import Loss, l2_penalty
from roadworthy.train.schedules import Schedule, step_factor
from roadworthy.train.state import Progress, TrainState

SAVE_EVERY_S = 60.0


class Batches(Protocol):
    """What the loop draws from: data.loader.BatchLoader, or anything shaped like it."""

    batch_size: int

    def __len__(self) -> int:
        """Batches in an epoch."""
        ...

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """Batches from number `start` on, the same for the same epoch: what TrainingHooks.prepare takes."""
        ...


def right_classes(logits: Tensor, targets: Tensor) -> int:
    """Pictures whose first view is answered rightly; of targets that are shares the largest is wanted."""
    wanted = targets if targets.ndim == 1 else targets.argmax(dim=1)
    answers = logits[: len(targets)].detach().argmax(dim=1)
    return int((answers == wanted).sum())


@dataclass(frozen=True, kw_only=True)
class TrainingHooks:
    """What the loop is made of, injected: it knows nothing of data, augmentation or metrics.

    prepare: (images, targets, what else a batch holds of each picture, step=) -> what the network takes, on
    its device, and targets: classes (B,), or (B, C) their shares.  Further views of all B pictures may
    follow; targets stay one entry a picture.
    validate: -> {"val_loss", "val_accuracy"[, "val_accuracy_se": its standard error over signs]} of the
        network it is given, of a finder "val_ap50" in place of accuracy; {} where nothing is set aside.
    gradient_rules: of the network as it is called in training: what makes a step's gradients from its passes.
    keep_best: called when validation has chosen new weights.  save: called to store the whole state.
    right: (outputs, targets) -> how many pictures of a batch are answered rightly; None where answers are not
        right or wrong, and training has no accuracy.
    parallel, agree: where several processes train one network: the network as it is called in training, and
    the seconds that count for all of them.
    """

    prepare: Callable[..., tuple[Tensor, Tensor]]
    loss: Loss
    schedule: Schedule
    validate: Callable[[torch.nn.Module], Mapping[str, float]]
    keep_best: Callable[[TrainState], None]
    save: Callable[[TrainState], None]
    gradient_rules: Callable[[torch.nn.Module], GradientRules] = plain
    right: Callable[[Tensor, Tensor], int] | None = right_classes
    parallel: Callable[[torch.nn.Module], torch.nn.Module] = lambda model: model
    agree: Callable[[float], float] = lambda seconds: seconds


def train(
    state: TrainState,
    batches: Batches,
    hooks: TrainingHooks,
    config: TrainConfig,
    *,
    l2: float = 0.0,
    autocast: torch.dtype | None = None,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Train `state` in place until its budget is used, or validation stops improving.

    Seconds are those of training: batches, augmentation, forward, backward and update, without
    validation and saving.  Raises TrainingError when the loss is not finite; the last saved state stands.
    """
    check_budget(config)
    progress = state.progress
    total_steps = planned_steps(config, batches)
    used = functools.partial(fraction_done, progress, config, total_steps)
    trained = hooks.parallel(state.model)
    forward = torch.compile(trained) if config.compile else trained
    gradient_rule = hooks.gradient_rules(trained)

    loss_of = _with_l2(hooks.loss, state.model, l2)
    rates = _Rates(state.optimizer, hooks.schedule, progress)
    watch = _Watch(callbacks, progress, config)
    clock = Clock(progress, hooks.agree if config.minutes else None)
    # A finished training that was given a larger budget goes on.
    progress.finished = progress.finished and (used() >= 1 or _stalled(progress, config))
    try:
        while not progress.finished:
            state.model.train()
            clock.start()
            for batch in each("waiting for data", batches.epoch(progress.epoch, progress.batch)):
                done = used()
                rates.set(done, only=progress.step == 0 and (total_steps == 1 or config.gradients == 1))
                # Each step seeds its own random numbers, so that a resumed training draws the same ones.
                torch.manual_seed(derive_seed(config.seed, "step", progress.step))
                inputs, targets = hooks.prepare(*batch, step=progress.step)

                passes = _Passes(forward, inputs, targets, loss_of, autocast)
                state.optimizer.zero_grad(set_to_none=True)
                rule = gradient_rule(done, progress.step)
                loss = rule.backward(passes)
                value = _update(state, loss, config.clip_norm)

                _count_step(progress, passes.count)
                _take_average(state, used)
                with stage("metrics"):
                    _count(progress, value, passes.logits, targets, hooks.right)
                    _count_norm(progress, rule.gradient_norm)
                clock.lap()
                watch.step(value, progress.seen / max(clock.epoch_seconds, 1e-9), used(), rule.gradient_norm)
                if used() >= 1 and rates.moved:
                    break
                if clock.since_saved > SAVE_EVERY_S:
                    hooks.save(state)
                    clock.saved()
            validation = _validate(state, hooks, l2)
            _end_epoch(state, hooks, config, validation, used() >= 1 and rates.moved, clock)
            watch.epoch(progress.history[-1])
    finally:
        watch.end()


def _with_l2(loss: Loss, model: torch.nn.Module, l2: float) -> Loss:
    return (lambda logits, targets: loss(logits, targets) + l2 * l2_penalty(model)) if l2 else loss


class _Rates:
    """The learning rate of each step, and whether any step has moved the weights yet."""

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: Schedule, progress: Progress) -> None:
        self._optimizer, self._schedule = optimizer, schedule
        self.moved = progress.step > 1 or (progress.step == 1 and schedule(0.0) > 0)
        self._peaks = [group.setdefault("peak_lr", group["lr"]) for group in optimizer.param_groups]

    def set(self, done: float, *, only: bool) -> None:
        """The rate at that share of the budget; `only` for the one step of a budget."""
        # A budget of time that one step used up gets another, at a rate that trains.
        late = done >= 1 and not self.moved
        factor = step_factor(self._schedule, done, only=only or late)
        self.moved = self.moved or late or factor > 0
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor


class _Watch:
    """Tells the callbacks how a training goes."""

    def __init__(self, callbacks: Sequence[Callback], progress: Progress, config: TrainConfig) -> None:
        self._callbacks, self._progress, self._config = callbacks, progress, config
        self._stretched = _stretches(progress, config)  # said before a stop
        for callback in callbacks:
            callback.on_start(config.budget)

    def step(self, loss: float, images_per_second: float, done: float, norm: float | None) -> None:
        """A step is done; once, also that the time is stretched."""
        for callback in self._callbacks:
            callback.on_step(self._progress.step, loss, images_per_second, done)
            if norm is not None:
                callback.on_gradient_norm(self._progress.step, norm)
        if not self._stretched and _stretches(self._progress, self._config):
            self._stretched = True
            tell(self._callbacks, _stretch_in_words(self._progress, self._config))

    def epoch(self, row: Mapping[str, float]) -> None:
        """An epoch is done and validated."""
        for callback in self._callbacks:
            callback.on_epoch(row)

    def end(self) -> None:
        """Training is over, however it ended."""
        for callback in self._callbacks:
            callback.on_end()


def _update(state: TrainState, loss: Tensor, clip_norm: float) -> float:
    """Step with the gradients that are there; returns the loss, once it is known to be finite."""
    with stage("optimiser"):
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(state.model.parameters(), clip_norm)
        value = _finite(loss, state.progress.step)
        state.optimizer.step()
    return value


def _count_step(progress: Progress, gradients: int) -> None:
    progress.step += 1
    progress.batch += 1
    progress.gradients += gradients


def _take_average(state: TrainState, used: Callable[[], float]) -> None:
    """Take the weights as they are now into their average, where one is kept."""
    if state.average is not None:
        with stage("averaging"):
            state.average.update(state.model, state.progress.step, used())


class _Passes:
    """Forward, loss and backward of one batch, as often as its gradients need them."""

    def __init__(
        self,
        forward: Callable[[Tensor], Tensor],
        inputs: Tensor,
        targets: Tensor,
        loss: Loss,
        autocast: torch.dtype | None,
    ) -> None:
        self._forward, self._inputs, self._targets = forward, inputs, targets
        self._loss, self._autocast = loss, autocast
        self.count, self.logits = 0, torch.empty(0)

    def __call__(self) -> Tensor:
        """Add to every `.grad`; the logits of the first pass are kept."""
        kind = self._inputs.device.type
        with stage("forward"), torch.autocast(kind, self._autocast, enabled=self._autocast is not None):
            logits = self._forward(self._inputs)
        with stage("loss"):
            loss = self._loss(logits, self._targets)
        with stage("backward"):
            loss.backward()
        if not self.count:
            self.logits = logits.detach()
        self.count += 1
        return loss.detach()


class Clock:
    """Seconds of training, stopped while anything else goes on."""

    def __init__(self, progress: Progress, agree: Callable[[float], float] | None = None) -> None:
        self.progress, self._agree = progress, agree
        self.epoch_started = progress.history[-1]["seconds"] if progress.history else 0.0
        self.last = self.last_saved = time.perf_counter()

    def start(self) -> None:
        """Training goes on now."""
        self.last = time.perf_counter()

    def lap(self) -> None:
        """Add what has passed since the last lap."""
        now = time.perf_counter()
        self.progress.seconds += now - self.last
        if self._agree is not None:
            self.progress.seconds = self._agree(self.progress.seconds)
        self.last = now

    @property
    def epoch_seconds(self) -> float:
        """Training seconds of the current epoch."""
        return self.progress.seconds - self.epoch_started

    @property
    def since_saved(self) -> float:
        """Seconds since the state was last saved."""
        return time.perf_counter() - self.last_saved

    def saved(self) -> None:
        """The state was saved just now."""
        self.last_saved = time.perf_counter()
        self.start()


def check_budget(config: TrainConfig) -> None:
    """Refuse budgets and sizes that train nothing, and more than one budget."""
    budgets = {name: getattr(config, name) for name in ("minutes", "samples", "gradients")}
    given = {f"train.{name}": value for name, value in budgets.items() if value is not None}
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} are both set; a training has one budget")
    for name, value in (given or {"train.epochs": config.epochs}).items():
        if not value > 0:
            raise ConfigError(f"{name} is {value}; it must be positive")
    if config.min_steps and config.minutes is None:
        raise ConfigError(f"train.min_steps={config.min_steps} has no effect without train.minutes")
    if config.batch_size < 2:
        raise ConfigError(f"train.batch_size is {config.batch_size}; at least 2 are needed")


def planned_steps(config: TrainConfig, batches: Batches) -> int | None:
    """Steps in the budget, the last one begun counted whole; None where it is no number of steps."""
    if config.minutes is not None or config.gradients is not None:
        return None
    if config.samples is not None:
        return math.ceil(config.samples / batches.batch_size)
    return config.epochs * len(batches)


def fraction_done(progress: Progress, config: TrainConfig, total_steps: int | None) -> float:
    """How much of the budget is used, in [0, 1].

    Of minutes with a floor in steps whichever is behind counts, until the time is stretched to its end.
    """
    if config.minutes is not None:
        done = progress.seconds / (60 * config.minutes)
        if config.min_steps:
            done = max(min(done, progress.step / config.min_steps), done / config.stretch)
        return min(1.0, done)
    if config.gradients is not None:
        return min(1.0, progress.gradients / config.gradients)
    return min(1.0, progress.step / (total_steps or 1))


def _stretches(progress: Progress, config: TrainConfig) -> bool:
    """Whether the minutes are over and the steps that they should hold are not made."""
    if config.minutes is None or progress.step >= config.min_steps:
        return False
    return 60 * config.minutes <= progress.seconds < 60 * config.minutes * config.stretch


def _stretch_in_words(progress: Progress, config: TrainConfig) -> str:
    assert config.minutes is not None
    return (
        f"the time is over after {progress.step:,} of at least {config.min_steps:,} steps: this machine is "
        f"slow or busy; going on, for at most {config.minutes * config.stretch:g} min in all"
    )


def _finite(loss: Tensor, step: int) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingError(
            f"the loss is {value} at step {step + 1}; the last good state is kept. "
            "A smaller optim.lr, a longer schedule.warmup or train.clip_norm=5 usually helps"
        )
    return value


def _count(
    progress: Progress,
    loss: float,
    outputs: Tensor,
    targets: Tensor,
    right: Callable[[Tensor, Tensor], int] | None,
) -> None:
    progress.loss_sum += loss * len(targets)
    progress.seen += len(targets)
    if right is not None:
        progress.correct += right(outputs, targets)


def _count_norm(progress: Progress, norm: float | None) -> None:
    if norm is not None:
        progress.norm_sum += norm
        progress.norms += 1


def _validate(state: TrainState, hooks: TrainingHooks, l2: float) -> dict[str, float]:
    """What validation measures; with an L2 term also the loss that contains it, as the training loss does."""
    measured = dict(hooks.validate(state.evaluated))
    if measured and l2:
        with torch.no_grad():
            measured["val_objective"] = measured["val_loss"] + l2 * float(l2_penalty(state.evaluated))
    return measured


def _end_epoch(
    state: TrainState,
    hooks: TrainingHooks,
    config: TrainConfig,
    validation: Mapping[str, float],
    budget_used: bool,
    clock: Clock,
) -> None:
    """Remember the best, write the history row, decide whether to stop, save."""
    progress = state.progress
    row: dict[str, float] = {
        "epoch": progress.epoch + 1,
        "step": progress.step,
        "seconds": round(progress.seconds, 3),
        "lr": state.optimizer.param_groups[0]["lr"],
        "train_loss": progress.loss_sum / progress.seen,
        **({} if hooks.right is None else {"train_accuracy": progress.correct / progress.seen}),
        **validation,
        "images_per_second": round(progress.seen / max(clock.epoch_seconds, 1e-9), 1),
    }
    if progress.norms:
        row["gradient_norm"] = progress.norm_sum / progress.norms
    progress.history.append(row)
    progress.epoch += 1
    progress.batch, progress.loss_sum, progress.correct, progress.seen = 0, 0.0, 0, 0
    progress.norm_sum, progress.norms = 0.0, 0
    clock.epoch_started = progress.seconds
    if best_epoch(progress.history, config.monitor) == progress.epoch:
        progress.best_epoch = progress.epoch
        hooks.keep_best(state)
    progress.finished = budget_used or _stalled(progress, config)
    hooks.save(state)
    clock.saved()


def _stalled(progress: Progress, config: TrainConfig) -> bool:
    since = progress.epoch - last_improvement(progress.history, config.monitor)
    return bool(config.patience) and since >= config.patience
