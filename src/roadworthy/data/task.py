"""Which classes of the data a model is to tell apart, as they are or by family."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from roadworthy.core.errors import LabelError, UnknownNameError
from roadworthy.data.records import Record
from roadworthy.data.sources._labels import label_reader
from roadworthy.signs.catalogue import families, family_of, nearest_name, plain_label, sign_classes

GROUPINGS = ("none", "family")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Records whose labels are the task's classes.

    classes: in catalogue order, then the user's own alphabetically.
    dropped: labels that were left out, with their counts.
    own: labels that were kept although the catalogue does not know them; the user should be told.
    """

    records: tuple[Record, ...]
    classes: tuple[str, ...]
    dropped: Mapping[str, int]
    own: tuple[str, ...]


def select(
    records: Iterable[Record],
    classes: Sequence[str] = ("all",),
    group_by: str = "none",
    labels: str = "names",
) -> Task:
    """The task that `classes` and `group_by` describe: classes are picked first, then grouped.

    classes: class names, in any form that the data's labels may have, or `("all",)`.
    group_by: `none`, or `family` for the classes' families.
    Raises LabelError for a class that the data do not have.
    """
    if group_by not in GROUPINGS:
        raise UnknownNameError("grouping", group_by, GROUPINGS)
    records = tuple(records)
    counts = Counter(record.label for record in records)
    wanted = (
        set(counts) if tuple(classes) == ("all",) else {_in_data(name, counts, labels) for name in classes}
    )
    kept = tuple(record for record in records if record.label in wanted)
    own = tuple(sorted(wanted - sign_classes().keys()))
    if group_by == "family":
        kept = tuple(replace(record, label=family_of(record.label)) for record in kept)
        present = {record.label for record in kept}
        ordered = tuple(family for family in families() if family in present)
    else:
        ordered = (*(name for name in sign_classes() if name in wanted), *own)
    dropped = {label: n for label, n in sorted(counts.items()) if label not in wanted}
    return Task(records=kept, classes=ordered, dropped=dropped, own=own)


def restrict(
    records: Iterable[Record], classes: Sequence[str], skip_unknown: bool
) -> tuple[tuple[Record, ...], dict[str, int]]:
    """The records that a model with these classes can be measured on, and counts of the labels left out.

    Raises LabelError for unknown labels unless they may be skipped, and if nothing is left.
    """
    spelt = {plain_label(name): name for name in classes}  # older models keep names in any form
    records = tuple(
        record
        if (name := spelt.get(record.label, record.label)) == record.label
        else replace(record, label=name)
        for record in records
    )
    known = set(classes)
    unknown = dict(sorted(Counter(r.label for r in records if r.label not in known).items()))
    if unknown and not skip_unknown:
        raise LabelError(
            f"{sum(unknown.values()):,} pictures have labels that the model does not know: "
            f"{_counted(unknown)}; to leave these pictures out, add --skip-unknown"
        )
    kept = tuple(record for record in records if record.label in known)
    if not kept:
        raise LabelError(
            f"no picture has a label that the model knows: the data have "
            f"{_counted(unknown) or 'no pictures'}, the model knows {_some(classes)}"
        )
    return kept, unknown


def _in_data(name: str, counts: Mapping[str, int], labels: str) -> str:
    if (plain := plain_label(name)) in counts:
        return plain
    with suppress(LabelError):  # 'stop' is no number of GTSRB
        if (read := label_reader(labels)(name)) in counts:
            return read
    near = nearest_name(name)
    lower = {label.lower(): label for label in counts}
    close = [near] if near in counts else difflib.get_close_matches(plain.lower(), lower, n=1)
    hint = f"; did you mean {lower.get(close[0], close[0])!r}?" if close else "."
    raise LabelError(
        f"class {name!r} is not in the data{hint} The data have: {_some(sorted(counts)) or 'nothing'}"
    )


def _counted(labels: Mapping[str, int]) -> str:
    return _some([f"{label} ({n:,})" for label, n in labels.items()])


def _some(names: Sequence[str], most: int = 50) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
