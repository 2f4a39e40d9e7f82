"""The data: pictures, signs, classes, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Table, Text
from roadworthy.core.words import plural
from roadworthy.report import figures
from roadworthy.report.sections.base import (
    labelled_gallery,
    listed,
    number_table,
    section,
    with_drawings_named,
)
from roadworthy.report.sections.run import Run

SAMPLES = 64  # pictures shown: they are most of the file's size
SPLITS = ("train", "val", "test")


@section("data", title="Data", order=20)
def data(run: Run) -> list[Block]:
    """Counts by split and class, what was left out, sample pictures and the audit."""
    stored = run.data
    counts, tracks = stored.get("counts") or {}, stored.get("tracks") or {}
    splits = [s for s in SPLITS if s in counts] + [s for s in counts if s not in SPLITS]
    return [
        *(Text(text=text) for text in (*_pictures(counts, tracks, splits), *_told(run))),
        *labelled_gallery(run, "icons", "The icon of each class", len(run.classes)),
        *labelled_gallery(run, "samples", "Sample pictures, as the network receives them", SAMPLES),
        *_unreadable(stored.get("unreadable") or []),
        *_audit(stored.get("audit")),
        *(_counts(run.classes, counts, tracks, splits) if splits else []),
        *_first_rows(stored.get("first_rows") or {}),
    ]


def _pictures(counts: Mapping[str, Any], tracks: Mapping[str, Any], splits: Sequence[str]) -> Iterator[str]:
    """How many there are in each split, and of how many signs."""
    signs = {s: n for s in splits if (n := sum((tracks.get(s) or {}).values()))}
    said = [
        f"{sum(counts[s].values()):,} {s}" + (f" ({plural(signs[s], 'sign')})" if s in signs else "")
        for s in splits
    ]
    if said:
        yield f"Pictures: {', '.join(said)}."


def _told(run: Run) -> Iterator[str]:
    """How signs are told apart, the data's own notes, new classes, and what was left out."""
    stored = run.data
    if stored.get("groups_from"):
        by_picture = run.config is not None and run.config.data.split_by == "image"
        yield (
            "The split was cut between pictures, not signs: one physical sign may be in several splits."
            if by_picture
            else f"Physical signs are told apart by: {stored['groups_from']}."
        )
    yield from map(str, stored.get("notes") or [])
    if own := stored.get("own"):
        yield f"Classes of your own, not in the catalogue: {listed(own, 20)}."
    if dropped := stored.get("dropped"):
        gone = [f"{name} ({n:,})" if isinstance(n, int) else f"{name}: {n}" for name, n in dropped.items()]
        yield f"Left out: {', '.join(gone)}."


def _first_rows(heads: Mapping[str, Sequence[Mapping[str, str]]]) -> list[Block]:
    return [
        Table(
            caption=f"First rows of {split}",
            columns=tuple(rows[0]),
            rows=tuple(tuple(with_drawings_named(cell) for cell in row.values()) for row in rows),
            collapsed=True,
        )
        for split, rows in heads.items()
        if rows
    ]


def _counts(
    classes: list[str], counts: Mapping[str, Any], tracks: Mapping[str, Any], splits: list[str]
) -> list[Block]:
    per_class = [(name, [int(counts[s].get(name, 0)) for s in splits]) for name in classes]
    by_size = sorted(per_class, key=lambda row: -sum(row[1]))
    (most, most_counts), (least, least_counts) = by_size[0], by_size[-1]
    alt = (
        f"{plural(len(classes), 'class')}. The largest is {most} with {sum(most_counts):,} pictures, "
        f"the smallest {least} with {sum(least_counts):,}."
    )
    figure = figures.bar_chart(
        name="counts",
        caption="Pictures in each class",
        alt=alt,
        rows=[figures.Bar(name=name, sizes=tuple(row)) for name, row in by_size],
        parts=splits,
    )
    columns = ["class", *splits, *(f"{s} signs" for s in splits if tracks.get(s))]
    rows = [
        (name, *(f"{n:,}" for n in row), *(f"{tracks[s].get(name, 0):,}" for s in splits if tracks.get(s)))
        for name, row in per_class
    ]
    return [figure, number_table("Pictures and signs in each class and split", columns, rows, collapsed=True)]


def _unreadable(rows: Sequence[Sequence[str]]) -> list[Block]:
    if not rows:
        return []
    were = "was" if len(rows) == 1 else "were"
    text = f"{plural(len(rows), 'picture')} could not be read and {were} left out."
    table = Table(
        caption="Pictures that could not be read",
        columns=("path", "reason"),
        rows=tuple((str(path), str(reason)) for path, reason in rows),
        collapsed=True,
    )
    return [Text(text=text, tone="warning"), table]


def _audit(audit: Mapping[str, Any] | None) -> list[Block]:
    if audit is None:
        return []
    findings = audit.get("findings") or []
    if not findings:
        return [Text(text="The audit of the data found nothing to worry about.", tone="good")]
    rows = tuple((str(found["severity"]), with_drawings_named(str(found["text"]))) for found in findings)
    return [Table(caption="What the audit of the data found", columns=("severity", "finding"), rows=rows)]
