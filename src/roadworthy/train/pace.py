"""How many threads and which precision a training computes with: tried once, then kept.

Both change speed, and both change the last digits of what is learnt; so the same training must not choose
anew each time.  What is chosen for a network on a machine is kept in the cache folder and taken again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from roadworthy.config import Config, TrainConfig
from roadworthy.core.device import AUTOCAST, keep_freed_memory, may_use_bf16, set_threads, with_threads
from roadworthy.core.files import write_json
from roadworthy.core.provenance import cpu_name
from roadworthy.core.waiting import waiting, warning
from roadworthy.data.cache import default_cache_dir
from roadworthy.models.catalogue import build_model
from roadworthy.train.losses import build_loss
from roadworthy.train.optim import build_optimizer

Precision = Literal["fp32", "bf16"]

ROUNDS, LIMIT_S = 5, 6.0  # of trial steps; after LIMIT_S no further round begins, but for a second one
SLOW_S = 0.8  # a step that takes longer is tried with fewer pictures
CLASSES = 10  # of the network tried: its last layer costs next to nothing
TIE = 1.02  # threads that gain less are not worth having
BUSY_TIE = 1.1  # beside other work more threads may lose so much: they gain again when it ends
CLEARLY = 1.2  # times as quick must bf16 be: rounding is only worth it for that
_VERSION = 1  # of how it is chosen; raise it when that changes


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The quickest of some steps with so many threads in one precision; seconds, forward and backward apart.

    step_s: the whole of one step, which no sum of the best of its parts tells.
    """

    threads: int
    precision: Precision
    forward_s: float
    backward_s: float
    step_s: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a training computes with.

    source: `measured` just now, `kept` from an earlier trial, `given` where there was nothing to choose.
    busy: whether other work held the cores while it was tried.  batch: pictures in a step that was tried.
    """

    threads: int
    precision: Precision
    source: Literal["measured", "kept", "given"] = "given"
    busy: bool = False
    batch: int = 0
    trials: tuple[Trial, ...] = ()
    waiting: str = field(default_factory=waiting)


def settle_pace(
    config: Config, device: torch.device, *, say: Callable[[str], None] = lambda text: None
) -> Pace:
    """What `train.threads` and `train.precision` of `config` come to on this machine.

    Threads range up to those that this process computes with; where OMP_NUM_THREADS is set they are those.
    Where there is a choice a few steps of the network are tried, forward, backward and update, and what comes
    out is kept: the same network, batch and machine get the same answer ever after.
    say: told before some seconds go by.
    """
    most = torch.get_num_threads()
    threads, precision = config.train.threads, config.train.precision
    counts = [most] if "OMP_NUM_THREADS" in os.environ or device.type != "cpu" else _counts(most)
    counts = counts if threads == "auto" else [threads or most]
    precisions: list[Precision] = [precision] if precision != "auto" else ["fp32"]
    if precision == "auto" and may_use_bf16(device):
        # A GPU that has it is quicker with it; on processors the instructions do not settle it.
        precisions = ["bf16"] if device.type == "cuda" else ["fp32", "bf16"]
    if len(counts) == len(precisions) == 1:
        return Pace(threads=counts[0], precision=precisions[0])

    about = _about(config, counts, precisions)
    kept = _file(about)
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _read(json.loads(kept.read_text(encoding="utf-8")))
    say("trying how this machine trains this network quickest; a few seconds, once")
    pace = _measure(config, counts, precisions)
    with suppress(OSError):  # a cache that cannot be written is no error
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json({"about": about, "pace": asdict(pace)}, kept)
    return pace


def resolve_pace(
    config: Config,
    device: torch.device,
    *,
    began: TrainConfig | None,
    stored: Mapping[str, Any],
    agree: Callable[[float], float],
    say: Callable[[str], None],
) -> tuple[TrainConfig, dict[str, Any]]:
    """`config.train` without `auto`, computing with so many threads from here on; also what provenance tells.

    began, stored: the settings and the pace of a run that is resumed, which keeps what it began with.
    agree: the first process's value, in all of them.
    """
    train = config.train
    if began is not None:
        threads = began.threads if train.threads == "auto" else train.threads
        precision = began.precision if train.precision == "auto" else train.precision
        train = dataclasses.replace(train, threads=threads, precision=precision)
    pace = dict(stored) if began is not None else {}
    if "auto" in (train.threads, train.precision):
        found = settle_pace(dataclasses.replace(config, train=train), device, say=say)
        pace = asdict(found)
        threads = int(agree(found.threads)) if train.threads == "auto" else train.threads
        train = dataclasses.replace(
            train, threads=threads, precision="bf16" if agree(found.precision == "bf16") else "fp32"
        )
    assert train.threads != "auto"
    if set_threads(train.threads) > 1 and (warned := warning()):
        say(warned)
    return train, pace or {"source": "given", "waiting": waiting()}


def _counts(most: int) -> list[int]:
    """1, 2, 4 ... and the most there are."""
    return sorted({most, *(2**i for i in range(most.bit_length()) if 2**i <= most)})


def _about(config: Config, counts: Sequence[int], precisions: Sequence[str]) -> dict[str, Any]:
    """All that the choice may depend on; neither seed nor budget nor data."""
    return {
        "version": _VERSION,
        "cpu": cpu_name(),
        "torch": torch.__version__,
        "waiting": waiting(),
        "threads": list(counts),
        "precisions": list(precisions),
        "model": asdict(config.model),
        "size": config.input.size,
        "batch_size": config.train.batch_size,
        "channels_last": config.train.channels_last,
        "optimizer": config.optim.name,
    }


def _file(about: Mapping[str, Any]) -> Path:
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:40]
    return default_cache_dir() / "pace" / f"{name}.json"


def _read(tree: Mapping[str, Any]) -> Pace:
    stored = dict(tree["pace"])
    trials = tuple(Trial(**trial) for trial in stored.pop("trials"))
    return dataclasses.replace(Pace(**stored, trials=trials), source="kept")


def choose(trials: Sequence[Trial], *, busy: bool) -> Trial:
    """Which of the trials to take; ties go to fewer threads and to fp32.

    busy: whether other work held the cores.  More threads then gain little, but sleeping ones lose little
    either, and gain when the work ends: the most are taken that are not clearly slower.
    """
    plain = [trial for trial in trials if trial.precision == "fp32"] or list(trials)
    best = min(trial.step_s for trial in plain)
    near = [trial for trial in plain if trial.step_s <= best * (BUSY_TIE if busy else TIE)]
    chosen = (max if busy else min)(near, key=lambda trial: trial.threads)
    reduced = [t for t in trials if t.precision == "bf16" and t.threads == chosen.threads]
    if reduced and reduced[0].step_s * CLEARLY < chosen.step_s:
        return reduced[0]
    return chosen


def _measure(config: Config, counts: Sequence[int], precisions: Sequence[Precision]) -> Pace:
    """Threads first, in the first precision; then with these the precision."""
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]), with_threads(0):
        network = _Network(config)
        seconds = network.step(min(counts), precisions[0])[2]
        if seconds > SLOW_S:
            network.shrink(max(2, int(len(network.targets) * SLOW_S / seconds)))
        trials, busy = _try(network, [(n, precisions[0]) for n in counts])
        if len(precisions) > 1:
            threads = choose(trials, busy=busy).threads
            both, loaded = _try(network, [(threads, precision) for precision in precisions])
            trials = [t for t in trials if t.threads != threads] + both
            busy = busy or loaded
            chosen = choose(both, busy=busy)
        else:
            chosen = choose(trials, busy=busy)
    return Pace(
        threads=chosen.threads,
        precision=chosen.precision,
        source="measured",
        busy=busy,
        batch=len(network.targets),
        trials=tuple(trials),
    )


def _try(network: _Network, candidates: Sequence[tuple[int, Precision]]) -> tuple[list[Trial], bool]:
    """The best of each candidate's steps, taken in turn: what slows the machine for a while slows all alike.

    Also whether other work held the cores: then a thread gets less of the processor than there is time.
    """
    taken: dict[tuple[int, Precision], list[tuple[float, float, float]]] = {c: [] for c in candidates}
    begun = time.perf_counter()
    for candidate in candidates:
        network.step(*candidate)  # the first of its kind prepares what later ones use again
    got, had = 0.0, 0.0
    for number in range(ROUNDS):
        if number > 1 and time.perf_counter() - begun > LIMIT_S:
            break
        for candidate in candidates:
            before, start = time.process_time(), time.perf_counter()
            taken[candidate].append(network.step(*candidate))
            if candidate[0] == min(n for n, _ in candidates):
                got += time.process_time() - before
                had += candidate[0] * (time.perf_counter() - start)
    trials = []
    for (threads, precision), steps in taken.items():
        forward, backward, whole = (min(seconds) for seconds in zip(*steps, strict=True))
        trial = Trial(
            threads=threads, precision=precision, forward_s=forward, backward_s=backward, step_s=whole
        )
        trials.append(trial)
    return trials, min(n for n, _ in candidates) == 1 and got < 0.85 * had


class _Network:
    """The network of a config and a batch of constant pictures, for steps that leave no trace."""

    def __init__(self, config: Config) -> None:
        model = build_model(config.model, CLASSES, config.input)
        if config.train.channels_last:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._model = model.train()
        # At a rate of 0 an update costs what it always does, and no loss grows without bounds.
        self._optimizer = build_optimizer(model, dataclasses.replace(config.optim, lr=0.0))
        self._loss = build_loss(0.0, None)
        self.targets = torch.arange(config.train.batch_size) % CLASSES
        self._images = _pictures(len(self.targets), config.input.size)

    def shrink(self, batch: int) -> None:
        """Keep so many pictures."""
        self.targets, self._images = self.targets[:batch], _pictures(batch, self._images.shape[-1])

    def step(self, threads: int, precision: Precision) -> tuple[float, float, float]:
        """Seconds of forward, of backward, and of the whole step with its update."""
        torch.set_num_threads(threads)
        dtype = AUTOCAST[precision]
        start = time.perf_counter()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            logits = self._model(self._images)
        loss = self._loss(logits, self.targets)
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        self._optimizer.step()
        return forward - start, backward - forward, time.perf_counter() - start


def _pictures(batch: int, size: int) -> Tensor:
    """(batch, 3, size, size), laid out in memory as pictures are."""
    return torch.randn(batch, size, size, 3).permute(0, 3, 1, 2)
