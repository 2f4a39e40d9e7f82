"""What is marked in frames as columns: millions of boxes fit in memory, each made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import FloatArray
from roadworthy.data.frames import Annotation


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """The boxes of all frames of a set, those of one frame beside one another.

    boxes: (N, 4) as in Annotation.  labels: (N,) places in `names`.  ignore: (N,).
    """

    boxes: FloatArray
    labels: NDArray[np.int32]
    ignore: NDArray[np.bool_]
    names: Sequence[str]


class Marks(Sequence[Annotation]):
    """The annotations of one frame, rows `start` to `stop` of columns; equal to a tuple of the same."""

    __slots__ = ("_columns", "_start", "_stop")

    def __init__(self, columns: Columns, start: int, stop: int) -> None:
        self._columns, self._start, self._stop = columns, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, index: int) -> Annotation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Annotation, ...]: ...
    def __getitem__(self, index: int | slice) -> Annotation | tuple[Annotation, ...]:
        return tuple(self)[index]

    def __iter__(self) -> Iterator[Annotation]:
        rows = slice(self._start, self._stop)
        own = self._columns
        for (x1, y1, x2, y2), label, ignore in zip(
            own.boxes[rows].tolist(), own.labels[rows].tolist(), own.ignore[rows].tolist(), strict=True
        ):
            yield Annotation(box=(x1, y1, x2, y2), label=own.names[label], ignore=ignore)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (tuple, Marks)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)
