"""Everything that a training needs to go on after it was killed, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from roadworthy.core.errors import CheckpointError
from roadworthy.train.average import WeightAverage
from roadworthy.train.checkpoint import read_tensors, write_tensors


@dataclass(kw_only=True)
class Progress:
    """How far a training has come.

    epoch, batch: what comes next.  step: optimiser steps done.  gradients: computed, of one batch each.
    seconds: training time used, without validation and saving.  loss_sum, correct, seen, norm_sum, norms:
    running sums of the current epoch, the last two of the gradient norms that a penalty took.
    best_epoch: whose weights are the best so far, by train.choice.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    gradients: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    norm_sum: float = 0.0
    norms: int = 0
    best_epoch: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(kw_only=True)
class TrainState:
    """Network, average, optimiser and progress. Random numbers need no state: each step derives its own."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    progress: Progress = field(default_factory=Progress)

    @property
    def evaluated(self) -> nn.Module:
        """The network that is validated and saved: the averaged one where there is one."""
        return self.model if self.average is None else self.average.model

    def save(self, path: Path) -> None:
        """Write all of it to one safetensors file."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": value for name, value in self.average.model.state_dict().items()}
        stored = self.optimizer.state_dict()
        scalars: dict[str, dict[str, Any]] = {}
        for index, values in stored["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{index}.{name}"] = value
                else:
                    scalars.setdefault(str(index), {})[name] = value
        header = {
            "progress": asdict(self.progress),
            "groups": stored["param_groups"],
            "scalars": scalars,
            "averaged": 0 if self.average is None else self.average.count,
        }
        write_tensors(tensors, json.dumps(header), path)

    def load(self, path: Path) -> None:
        """Take over what `save` wrote; the network and optimiser must be those of the same config."""
        tensors, header = read_tensors(path)
        try:
            self.model.load_state_dict(_under(tensors, "model."))
            if self.average is not None:
                self.average.model.load_state_dict(_under(tensors, "average."))
                self.average.count = header.get("averaged", 0)
            state: dict[int, dict[str, Any]] = {}
            for key, value in _under(tensors, "optimizer.").items():
                index, _, name = key.partition(".")
                state.setdefault(int(index), {})[name] = value
            for key, values in header["scalars"].items():
                state.setdefault(int(key), {}).update(values)
            self.optimizer.load_state_dict({"state": state, "param_groups": header["groups"]})
            stored_progress = header["progress"]
            stored_progress.pop("best", None)  # older states rank the best so far
            progress = Progress(**stored_progress)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).replace("\n", " ")
            raise CheckpointError(
                f"{path} belongs to another training and cannot be resumed: {reason}"
            ) from error
        self.progress = progress


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
