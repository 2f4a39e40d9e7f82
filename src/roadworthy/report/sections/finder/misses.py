"""The signs that are not found, the largest first."""

from __future__ import annotations

from roadworthy.core.document import Block, Gallery, Picture, Text
from roadworthy.core.words import plural
from roadworthy.report.sections.base import FINDER_SECTIONS, section, with_drawings_named
from roadworthy.report.sections.run import FinderRun


@section("misses", title="Missed signs", order=70, registry=FINDER_SECTIONS)
def misses(run: FinderRun) -> list[Block]:
    """Pictures of the misses at the model's own threshold."""
    m = run.metrics
    if not m["signs"]:
        return []
    missed = round((1 - m["recall"]) * m["signs"])
    if not missed:
        return [Text(text=f"None: all {plural(m['signs'], 'sign')} are found.", tone="good")]
    images, index = run.pictures.get("misses_images"), run.pictures.get("misses_index")
    if images is None or index is None or not len(images):
        return [
            Text(text=f"{plural(missed, 'sign')} missed; no pictures of them are stored in pictures.npz.")
        ]
    pictures = []
    for image, (number, sign) in zip(images, index.tolist(), strict=True):
        frame = run.predictions.frames[number]
        x1, y1, x2, y2 = frame.wanted[sign].tolist()
        label = frame.labels[sign] or "class unknown"
        size = f"{x2 - x1:.0f} × {y2 - y1:.0f} px"
        pictures.append(
            Picture(
                image=image,
                title=label,
                caption=f"{size}\n{with_drawings_named(frame.path)}",
                alt=f"Missed sign, {label}, {size}",
            )
        )
    some = f"{missed:,} of {plural(m['signs'], 'sign')}"
    text = f"At the model's own threshold {some} are missed; here the largest."
    return [Text(text=text), Gallery(caption="The class, the size and the frame", pictures=tuple(pictures))]
