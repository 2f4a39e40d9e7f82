"""The report of labels proposed by a model, and of those that came back from a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Facts, Section, Table, Text
from roadworthy.core.words import interval, percent, plural

_ROWS = 200
Row = tuple[str, float, int, str]
Share = tuple[float, tuple[float, float]] | None


def lead(frames: int, boxes: int) -> str:
    """What was written, in a sentence."""
    return f"{plural(boxes, 'box')} in {plural(frames, 'frame')}, those first that are most worth a look."


def proposal_sections(
    rows: Sequence[Row], threshold: float, unreadable: int, provenance: Mapping[str, Any]
) -> list[Section]:
    """The report of `roadworthy label`.  rows: each frame's name, worth, boxes and reasons, in order."""
    worth = sum(row[1] >= 0.5 for row in rows)
    facts = (
        ("frames", f"{len(rows):,}"),
        ("boxes", f"{sum(row[2] for row in rows):,}"),
        ("worth 0.5 or more", f"{worth:,}"),
        ("unreadable", f"{unreadable:,}"),
        ("boxes from a score of", f"{threshold:.3f}"),
    )
    table = Table(
        caption="What is worth a look, and why" + (f": the first {_ROWS}" if len(rows) > _ROWS else ""),
        columns=("frame", "worth", "boxes", "why"),
        rows=tuple((name, f"{value:.2f}", f"{boxes:,}", why) for name, value, boxes, why in rows[:_ROWS]),
        align_right=(1, 2),
    )
    return [
        Section(title="Labels", anchor="labels", blocks=(Facts(items=facts, headline=3), table)),
        _provenance(provenance),
    ]


def correction_sections(
    counts: Mapping[str, int],
    accuracy: Mapping[str, tuple[Share, Share]],
    hours: tuple[float, float],
    effort: Mapping[str, float],
    missing: int,
    classes: Sequence[tuple[str, int, int]],
    provenance: Mapping[str, Any],
) -> list[Section]:
    """The report of `roadworthy label --import`.

    counts: boxes by what became of them.  accuracy: for each measure its share before and after, with
    intervals; None where nothing tells.  hours: by hand, and with the model's labels.  effort: what that
    assumes, in seconds.  classes: of each how many boxes were proposed, and how many of them kept.
    """
    by_hand, helped = hours
    facts = (
        ("hours saved", f"{by_hand - helped:.2f}"),
        ("hours by hand", f"{by_hand:.2f}"),
        ("hours with the model", f"{helped:.2f}"),
    )
    became = Table(
        caption="What became of the boxes",
        columns=("boxes", "n"),
        rows=tuple((kind, f"{n:,}") for kind, n in counts.items()),
        align_right=(1,),
    )
    measured = Table(
        caption="Accuracy before and after, with 95 % intervals",
        columns=("measure", "before", "after"),
        rows=tuple((name, _said(before), _said(after)) for name, (before, after) in accuracy.items()),
        align_right=(1, 2),
    )
    by_class = Table(
        caption="Proposed boxes by class, and those kept as they were",
        columns=("class", "proposed", "kept"),
        rows=tuple((name, f"{proposed:,}", f"{kept:,}") for name, proposed, kept in classes),
        align_right=(1, 2),
        collapsed=len(classes) > 20,
    )
    assumed = ", ".join(f"{name.replace('_s', '')} {value:g} s" for name, value in effort.items())
    notes = [
        Text(
            text=f"Assumed a box: {assumed}. Looking at a frame for what is missing takes as long both ways."
        )
    ]
    if missing:
        notes.append(
            Text(text=f"{plural(missing, 'frame')} are not in the file and count nowhere.", tone="warning")
        )
    blocks: tuple[Block, ...] = (Facts(items=facts, headline=3), *notes, measured, became, by_class)
    return [Section(title="Corrections", anchor="corrections", blocks=blocks), _provenance(provenance)]


def _said(share: Share) -> str:
    return "not known" if share is None else f"{percent(share[0], 1)} ({interval(share[1], 1)})"


def _provenance(provenance: Mapping[str, Any]) -> Section:
    items = tuple((name, str(value)) for name, value in provenance.items())
    return Section(title="Provenance", anchor="provenance", blocks=(Facts(items=items),))
