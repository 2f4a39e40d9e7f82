"""Sure and wrong: what a driver would have been told, and is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Gallery, Picture, Table, Text
from roadworthy.core.words import percent, plural
from roadworthy.report.finder_words import KINDS, ROWS, number, share
from roadworthy.report.sections.base import FINDER_SECTIONS, section, with_drawings_named
from roadworthy.report.sections.run import FinderRun, shown_boxes


@section(
    "wrong",
    title="Sure and wrong",
    order=50,
    registry=FINDER_SECTIONS,
    shows=(
        *("sure", "sure_wrong", "sure_wrong_per_frame", "frames_with_sure_wrong"),
        *("sure_wrong_kinds", "sure_wrong_as", "danger_per_100"),
    ),
)
def wrong(run: FinderRun) -> list[Block]:
    """How many there are, what they are, what they could do, and pictures of the worst."""
    m = run.metrics
    if m["sure_wrong_per_frame"] is None:
        return []
    if not m["sure_wrong"]:
        end = m["sure_wrong_per_frame_ci95"][1]
        said = f"None of {plural(m['sure'], 'sure box')} is wrong: at 95 % fewer than {end:.2g} a frame."
        return [Text(text=said, tone="good")]
    kinds = ", ".join(
        f"{n:,} {KINDS[kind]}" for kind, n in sorted(m["sure_wrong_kinds"].items(), key=lambda k: -k[1])
    )
    text = (
        f"{m['sure_wrong']:,} of {plural(m['sure'], 'sure box')} are wrong: "
        f"{number(m, 'sure_wrong_per_frame')} a frame, in {share(m, 'frames_with_sure_wrong')} of the "
        f"frames. They are {kinds}. Weighed by what they could do they cost {m['danger_per_100']:.1f} per "
        "100 frames. A sign that the set does not mark makes a right box wrong here."
    )
    return [Text(text=text, tone="warning"), _table(m), *_gallery(run)]


def _table(m: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            one["predicted"],
            "nothing" if one["kind"] == "nothing" else one["shown"] or "a sign of unknown class",
            KINDS[one["kind"]],
            f"{one['count']:,}",
            f"{one['cost']:g}",
            ROWS[one["row"]] if one["row"] else "–",
        )
        for one in m["sure_wrong_as"]
    )
    return Table(
        caption="What was said, and what is there",
        columns=("said", "is", "the box is", "times", "cost", "what it could do"),
        rows=rows,
        align_right=(3, 4),
        collapsed=len(rows) > 20,
    )


def _gallery(run: FinderRun) -> list[Block]:
    pictures = []
    there = run.pictures.get("wrong_shown", ())
    for (image, frame, box, kind), shown in zip(shown_boxes(run, "wrong"), there, strict=True):
        assert frame.predicted is not None  # else nothing is sure
        assert frame.confidence is not None
        said, sure = frame.predicted[box], percent(float(frame.confidence[box]), 1)
        pictures.append(
            Picture(
                image=image,
                title=f"{said}?",
                caption=f"{_what(kind, str(shown))}\n{sure} sure\n{with_drawings_named(frame.path)}",
                alt=f"{said} with confidence {sure}, {_what(kind, str(shown))}",
            )
        )
    total = run.metrics["sure_wrong"]
    caption = f"{len(pictures):,} of {total:,}, those that could do most first"
    return [Gallery(caption=caption, pictures=tuple(pictures))] if pictures else []


def _what(kind: str, shown: str) -> str:
    """What is there: on a sign of another class that class."""
    if kind == "nothing" or not shown:
        return KINDS[kind]
    return f"is {shown}" if kind == "misread" else f"{KINDS[kind]} ({shown})"
