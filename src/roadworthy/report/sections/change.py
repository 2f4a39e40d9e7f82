"""A new set against the run's own test: pictures of both side by side, and how far accuracy changed."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.core.document import Block, Picture, SideBySide, Text
from roadworthy.core.words import interval, percent, plural, points, points_interval
from roadworthy.report import figures
from roadworthy.report.sections.base import number_table, section
from roadworthy.report.sections.run import Run
from roadworthy.report.verdict import SPLITS, said_of_change

Changed = Mapping[str, Mapping[str, float]]


@section("change", title="Against the run's own test", order=15, shows=("own_test",))
def change(run: Run) -> list[Block]:
    """What changed, by class and in all, and what both sets look like."""
    own = run.metrics.get("own_test")
    if own is None:
        return []
    split = SPLITS.get(own["split"], own["split"])
    text = f"{said_of_change(own)} Method: {own['method']}."
    changes = {"all pictures": own["accuracy_change"], **own["per_class"]}
    if own["recall_change"] is not None and len(own["per_class"]) > 1:
        changes["mean of classes"] = own["recall_change"]
        changes |= {name: changes.pop(name) for name in own["per_class"]}
    return [
        Text(text=text),
        *_pictures(run, f"The run's own {split} pictures", "This set"),
        _chart(changes, split),
        number_table(
            "Right answers, by class in both sets",
            ["", f"own {split}", "95 % interval", "this set", "95 % interval", "change in points", "95 %"],
            [_row(name, found) for name, found in changes.items()],
        ),
    ]


def _row(name: str, found: Changed) -> tuple[str, ...]:
    old, new, difference = (found[key] for key in ("old", "new", "difference"))
    return (
        name,
        percent(old["value"]),
        interval((old["low"], old["high"]), 1),
        percent(new["value"]),
        interval((new["low"], new["high"]), 1),
        points(difference["value"]),
        points_interval((difference["low"], difference["high"]), 1),
    )


def _chart(changes: Mapping[str, Changed], split: str) -> Block:
    differences = {name: found["difference"] for name, found in changes.items()}
    rows = [
        figures.Interval(name=name, value=one["value"], low=one["low"], high=one["high"])
        for name, one in differences.items()
    ]
    lowest = min(rows, key=lambda row: row.value)
    return figures.interval_chart(
        name="change",
        caption=f"This set minus the run's own {split}, in points of a percent, with 95 % intervals",
        alt=f"{plural(len(rows), 'difference')}; the lowest is {lowest.name}: {points(lowest.value)} points.",
        rows=rows,
        difference=True,
    )


def _pictures(run: Run, left: str, right: str) -> list[Block]:
    """Nothing where the run was trained before such pictures were kept."""
    own, new = _by_class(run, "own"), _by_class(run, "measured")
    if not own or not new:
        return []
    rows = [
        (name, own.get(label, ()), new.get(label, ()))
        for label, name in enumerate(run.classes)
        if label in own or label in new
    ]
    return [SideBySide(caption="The same classes in both sets", left=left, right=right, rows=tuple(rows))]


def _by_class(run: Run, name: str) -> dict[int, tuple[Picture, ...]]:
    images, labels = run.pictures.get(f"{name}_images"), run.pictures.get(f"{name}_labels")
    if images is None or labels is None:
        return {}
    found: dict[int, tuple[Picture, ...]] = {}
    for image, label in zip(images, labels.tolist(), strict=True):
        picture = Picture(image=image, caption="", alt=run.classes[label])
        found[label] = (*found.get(label, ()), picture)
    return found
