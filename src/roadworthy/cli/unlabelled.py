"""What `roadworthy evaluate --unlabelled` prints, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from roadworthy.cli.printing import print_facts, print_line, print_prose, print_table
from roadworthy.core.words import interval, percent, plural

if TYPE_CHECKING:
    from roadworthy.workflows.unlabelled import Unlabelled


def print_unlabelled(found: Unlabelled) -> None:
    """The estimates, what they rest on, and what has changed."""
    print_facts(_facts(found))
    if found.changes is None:
        return
    print_line("")
    print_table(
        ["trait", "now", "before", "p", ""],
        [
            [one.trait, f"{one.now:.3g}", f"{one.before:.3g}", f"{one.p:.2g}", _verdict(found, one.trait)]
            for one in found.changes
        ],
    )
    said = f"changed: {', '.join(found.alarms)}" if found.alarms else "no change that shows"
    print_prose(f"{said}; at most {percent(found.alarm_rate, 1)} of such looks alarm without a change")


def _facts(found: Unlabelled) -> Iterator[tuple[str, str]]:
    signs = "" if found.signs is None else f" of {plural(found.signs, 'sign')}"
    left_out = f"; {found.unreadable:,} cannot be read" if found.unreadable else ""
    yield "pictures", f"{found.n:,}{signs}, labels not asked{left_out}"
    for name, one in found.estimates.items():
        spread = interval((one.low, one.high))
        yield "accuracy, estimated", f"{percent(one.value)} ({spread}), by {name}"
    yield "mean confidence", percent(found.confidence)
    if found.accepted is not None:
        yield "accepted", percent(found.accepted)
    if found.known is not None:
        known = found.known
        yield "held to", f"{known.n:,} pictures with labels, {percent(known.accuracy)} of them right"


def _verdict(found: Unlabelled, trait: str) -> str:
    return "changed" if trait in found.alarms else ""
