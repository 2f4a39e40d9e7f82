"""Round numbers for axes, and where on the page a value stands."""

from __future__ import annotations

import math
from collections.abc import Callable

Scale = Callable[[float], float]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from the last at or below `low` to the first at or above `high`."""
    span = high - low
    if span < 1e-12 + 1e-9 * abs(high):  # a flat line, or as good as one
        span = abs(high) if abs(high) > 1e-9 else 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def ticks_within(low: float, high: float, least: float, most: float, about: int = 5) -> list[float]:
    """`ticks` of an axis that does not go beyond `least` and `most`, round numbers both."""
    inside = [min(max(end, least), most) for end in (low, high)]
    found = ticks(inside[0], inside[1], about)
    if found[-1] > most:  # a flat line at the upper end
        found = ticks(inside[1] - (found[-1] - found[0]), inside[1], about)
    return [tick for tick in found if least <= tick <= most]


def log_ticks(low: float, high: float, most: int = 9) -> list[float]:
    """Round positive numbers, roughly even in their logarithm, from at or below `low` to at or above `high`.

    low, high: positive.  Powers of ten, with as much between them as `most` numbers allow; where low and
    high are so near each other that this is little, the even numbers of `ticks`.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        every = [m * 10.0**power for power in range(first, last + 1) for m in steps]
        start = max(i for i, tick in enumerate(every) if tick <= low or i == 0)
        end = next((i for i, tick in enumerate(every) if tick >= high and i > start), len(every) - 1)
        if end - start < 3:
            unit = 10.0**first  # `ticks` rounds, which must not take anything from small numbers
            return [unit * tick for tick in ticks(low / unit, high / unit)]
        if end - start < most:
            return every[start : end + 1]
    stride = math.ceil((last - first) / (most - 1))
    return [10.0**power for power in range(first, last + stride, stride)]


def scale(low: float, high: float, start: float, end: float, *, log: bool = False) -> Scale:
    """Where a value stands between `start` and `end`, the places of `low` and `high`."""
    if log:
        linear = scale(math.log(low), math.log(high), start, end)
        return lambda value: linear(math.log(value))
    return lambda value: start + (value - low) / ((high - low) or 1.0) * (end - start)


def tick_percent(fraction: float) -> str:
    """A round fraction beside its axis, in as many digits as it has: `0.005` as `0.5 %`."""
    return f"{round(100 * fraction, 6):g} %"
