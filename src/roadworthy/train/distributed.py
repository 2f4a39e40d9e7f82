"""One training by several processes: torchrun starts them, each takes its part of every batch.

`torchrun --nproc-per-node 2 -m roadworthy train ...` with a batch size of 64 takes the steps of one process
with 128: gradients are averaged over the processes.  Each process augments its part with random numbers of
its own.  BatchNorm takes mean and deviation of its own part of a batch, as if batches were smaller, and all
go on with the running statistics of the first; a network without it takes the same steps as one process,
but for the order in which floats are added.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from roadworthy.train.loop import Batches


@dataclass(frozen=True)
class World:
    """Which process this is, and of how many; the first one writes and speaks."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the first."""
        return self.rank == 0

    def forward(self, model: nn.Module) -> nn.Module:
        """The network as it is called in training: its gradients are averaged over all processes."""
        return model if self.size == 1 else DistributedDataParallel(model)

    def agree(self, value: float) -> float:
        """The first process's value, in all of them: clocks differ, and all must stop after the same step."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(shared, src=0)
        return float(shared.item())

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def world() -> Iterator[World]:
    """The processes that torchrun has started, or this one alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield World(rank=distributed.get_rank(), size=size)
    finally:
        distributed.destroy_process_group()


class Shared:
    """Batches of a loader, of which each process draws its part.

    The loader's batches hold every process's part; batch_size counts all of it.
    """

    def __init__(self, loader: Batches, world: World) -> None:
        self._loader, self._world = loader, world
        self.batch_size = loader.batch_size

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """This process's part of each batch, as near to equal as the sizes allow."""
        part = slice(self._world.rank, None, self._world.size)
        for batch in self._loader.epoch(epoch, start):
            yield tuple(of_each[part] for of_each in batch)
