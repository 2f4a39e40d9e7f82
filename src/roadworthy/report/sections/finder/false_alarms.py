"""The false alarms that the finder was surest of."""

from __future__ import annotations

from roadworthy.core.document import Block, Gallery, Picture, Text
from roadworthy.core.words import percent, plural
from roadworthy.report.finder_words import KINDS
from roadworthy.report.sections.base import FINDER_SECTIONS, section, with_drawings_named
from roadworthy.report.sections.run import FinderRun, shown_boxes


@section(
    "false_alarms", title="False alarms", order=80, registry=FINDER_SECTIONS, shows=("false_kinds", "ignored")
)
def false_alarms(run: FinderRun) -> list[Block]:
    """What they are, and pictures of those of the highest scores."""
    m = run.metrics
    total = round(m["false_per_frame"] * m["frames"])
    if not total:
        return [Text(text=f"None in {plural(m['frames'], 'frame')}.", tone="good")]
    kinds = ", ".join(
        f"{n:,} {KINDS[kind]}" for kind, n in sorted(m["false_kinds"].items(), key=lambda k: -k[1])
    )
    ignored = f" {plural(m['ignored'], 'box')} in ignored regions are not counted." if m["ignored"] else ""
    said = Text(text=f"{plural(total, 'false alarm')} at the model's own threshold: {kinds}.{ignored}")
    pictures = []
    for image, frame, box, kind in shown_boxes(run, "false"):
        score, read = percent(float(frame.scores[box]), 1), ""
        if frame.predicted is not None and frame.confidence is not None:
            read = f"\n{frame.predicted[box]}, {percent(float(frame.confidence[box]), 1)} sure"
        pictures.append(
            Picture(
                image=image,
                title=score,
                caption=f"{KINDS[kind]}{read}\n{with_drawings_named(frame.path)}",
                alt=f"False alarm of score {score}, {KINDS[kind]}",
            )
        )
    caption = "The finder's score, what is there, how it was read, and the frame"
    return [said, Gallery(caption=caption, pictures=tuple(pictures))] if pictures else [said]
