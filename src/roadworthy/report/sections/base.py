"""What sections of a run's report are made of: their registry, and words and tables that several share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.core.document import Block, Gallery, Picture, Table
from roadworthy.core.registry import Registry
from roadworthy.report.sections.run import Run, StoredRun

Build = Callable[[Any], list[Block]]  # of a Run or a FinderRun, by the registry that it is in


@dataclass(frozen=True, kw_only=True)
class RunSection:
    """One section of a run's report.

    order: sections stand by it, the lowest first.  build: its blocks; none where there is nothing to show.
    shows: metrics that it shows, or that are not for the page; what no section shows, the measures list.
    """

    title: str
    anchor: str
    order: int
    build: Build
    shows: frozenset[str] = frozenset()


_DRAWING = re.compile(r"rendered:([^\s?#]+)\?[^\s#]*#(\d+)")

SECTIONS: Registry[RunSection] = Registry("report section")
FINDER_SECTIONS: Registry[RunSection] = Registry("section of a finder's report")
OF_BOTH = ("training", "model", "provenance")  # sections of SECTIONS that a finder's report has too


def section(
    anchor: str,
    *,
    title: str,
    order: int,
    shows: Sequence[str] = (),
    registry: Registry[RunSection] = SECTIONS,
) -> Callable[[Build], Build]:
    """Decorator that files the function which builds a section under its anchor."""

    def file(build: Build) -> Build:
        entry = RunSection(title=title, anchor=anchor, order=order, build=build, shows=frozenset(shows))
        registry.register(anchor)(entry)
        return build

    return file


def in_order(*, finder: bool = False) -> list[RunSection]:
    """Every section as it stands on the page, of a reader's or a finder's report."""
    entries = [SECTIONS.get(name) for name in SECTIONS if not finder or name in OF_BOTH]
    if finder:
        entries += [FINDER_SECTIONS.get(name) for name in FINDER_SECTIONS]
    return sorted(entries, key=lambda entry: entry.order)


def shown_metrics(*, finder: bool = False) -> frozenset[str]:
    """Metrics that some section shows in its own way."""
    return frozenset().union(*(entry.shows for entry in in_order(finder=finder)))


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names with commas; of more than `most` the first, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def with_drawings_named(text: str) -> str:
    """A text, or a path, in which `rendered:stop?countries=au&seed=1#7` is `drawn stop, number 7`."""
    return _DRAWING.sub(r"drawn \1, number \2", text)


def weights_used(run: StoredRun) -> str:
    """Which weights were measured, in a sentence; empty where that is not stored."""
    weights, best = run.metrics.get("weights"), run.metrics.get("best_epoch")
    epoch = f" (epoch {best})" if best is not None else ""
    return {
        "best": f"The weights measured are the best on validation{epoch}.",
        "last": f"The weights measured are the last epoch's, not the best on validation{epoch}.",
    }.get(str(weights), "")


def number_table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], collapsed: bool = False
) -> Table:
    """A table whose first column names the row and whose others are numbers."""
    return Table(
        caption=caption,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        align_right=tuple(range(1, len(columns))),
        collapsed=collapsed,
    )


def labelled_gallery(run: Run, name: str, caption: str, most: int) -> list[Block]:
    """Stored pictures of that name, each under its class; nothing where there are none."""
    images, labels = run.pictures.get(f"{name}_images"), run.pictures.get(f"{name}_labels")
    if images is None or labels is None or not len(images):
        return []
    words = {"icons": "Icon of", "samples": "Photograph of", "augmented": "Augmented picture of"}[name]
    named = [run.classes[int(label)] for label in labels]
    pictures = tuple(
        Picture(image=image, caption=label, alt=f"{words} {label}")
        for image, label in list(zip(images, named, strict=True))[:most]
    )
    return [Gallery(caption=caption, pictures=pictures)]
