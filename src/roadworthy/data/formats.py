"""The table of formats with boxes, as the docs show it: what readers and writers say of themselves."""

from __future__ import annotations

from roadworthy.data.sources import FORMS
from roadworthy.data.writers import LAYOUTS

HEADER = ("format", "spec", "`--to`", "boxes", "films", "physical signs", "what is lost")


def rows() -> list[tuple[str, ...]]:
    """A row for each format, in the order of HEADER."""
    written: dict[str, list[str]] = {}
    for name, layout in LAYOUTS.items():
        written.setdefault(layout.source, []).append(f"`{name}`")
    return [
        (
            form.title,
            f"`{name}:`",
            ", ".join(sorted(written.get(name, []))) or "no",
            form.boxes,
            form.tracks or "no",
            form.groups or "no",
            form.lost,
        )
        for name, form in sorted(FORMS.items())
    ]


def table() -> str:
    """The same in Markdown."""
    lines = [HEADER, tuple("---" for _ in HEADER), *rows()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
