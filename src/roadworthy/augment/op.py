"""What an augmentation is: the three kinds of it, and OPS, where each is found by its name."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from roadworthy.core.registry import Registry


@dataclass(frozen=True)
class Op(ABC):
    """What all augmentations share.

    amount: the end of the range that is drawn from; each op says what it measures.  0 changes nothing.
    probability: share of the pictures that it meets.
    draws: how many uniform numbers it needs for a picture.
    range_text: how `describe` words the amount.
    """

    amount: float
    probability: float = 1.0

    draws: ClassVar[int]
    range_text: ClassVar[str]

    def scaled(self, strength: float) -> Self:
        """The same op with `strength` times the amount."""
        return dataclasses.replace(self, amount=self.amount * strength)

    def describe(self) -> str:
        """Name, range and how often, for reports."""
        often = "every picture" if self.probability >= 1 else f"{self.probability:.0%} of pictures"
        return f"{name_of(type(self))}: {self.range_text.format(self.amount)}, {often}"


class Geometry(Op):
    """An op that moves points."""

    @abstractmethod
    def matrix(self, u: Tensor) -> Tensor:
        """(B, 3, 3) homographies from u (B, draws) in [0, 1)."""


class Colour(Op):
    """An op that changes colours."""

    @abstractmethod
    def matrix(self, u: Tensor, mean_grey: Tensor) -> Tensor:
        """(B, 3, 4) colour matrices from u (B, draws) in [0, 1) and each picture's mean grey (B,)."""


class Filter(Op):
    """An op that makes new pixels out of all the old ones."""

    @abstractmethod
    def apply(self, images: Tensor, u: Tensor, generator: torch.Generator) -> Tensor:
        """The changed pictures; u is (B, draws) in [0, 1), the generator for noise of the pictures' shape."""


OPS: Registry[type[Op]] = Registry("augmentation")


def signed(u: Tensor, amount: float) -> Tensor:
    """[0, 1) spread over [-amount, amount)."""
    return (2 * amount) * u - amount


def factor(u: Tensor, amount: float) -> Tensor:
    """[0, 1) spread over [1 - amount, 1 + amount), above 0."""
    return (1 + signed(u, amount)).clamp_min(0.05)


def name_of(op: type[Op]) -> str:
    """The name under which an augmentation is found in OPS."""
    return next(name for name in OPS if OPS.get(name) is op)
