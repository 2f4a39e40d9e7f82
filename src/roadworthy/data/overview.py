"""What a person wants to see first of a data set, as plain data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.data.records import SPLITS, Record
from roadworthy.data.sources.gtsrb import icons
from roadworthy.data.spec import locate, parse_spec
from roadworthy.signs.catalogue import Face, plain_face, sign_classes

HEAD_ROWS = 5
_USUAL_COUNTRIES = ("au", "de")  # whose faces stand for classes where the data name no country


@dataclass(frozen=True, kw_only=True)
class ClassOverview:
    """One class: what it means and how many pictures it has.

    counts and tracks: by split (empty for records without one); tracks are the known physical signs.
    icon: path of its picture in the data set, or None.
    face: name of the catalogue's face that represents it, or None.
    """

    name: str
    gtsrb: int | None
    meaning: str
    counts: Mapping[str, int]
    tracks: Mapping[str, int]
    icon: str | None
    face: str | None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The classes in the task's order, and the first rows of each split's table.

    table_heads: by split; rows have the columns path, label, group, split and box.
    """

    n: int
    splits: tuple[str, ...]
    classes: tuple[ClassOverview, ...]
    table_heads: Mapping[str, tuple[Mapping[str, str], ...]]


def overview(records: Iterable[Record], classes: Sequence[str], specs: Sequence[str] = ()) -> Overview:
    """Counts, tracks, icons and table heads of the records of a task.

    specs: the data specs that the records came from; their GTSRB places may hold icons.
    """
    records = list(records)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    groups: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    heads: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    total = 0
    for record in records:
        total += 1
        counts[record.label][record.split] += 1
        if record.group:
            groups[record.label][record.split].add(record.group)
        if len(heads[record.split]) < HEAD_ROWS:
            heads[record.split].append(_table_row(record))
    pictures, faces = _icons(specs), class_faces(records, classes, specs)
    splits = tuple(split for split in (*SPLITS, "") if split in heads)
    return Overview(
        n=total,
        splits=splits,
        classes=tuple(
            _class_overview(name, counts[name], groups[name], pictures.get(name), faces.get(name))
            for name in classes
        ),
        table_heads={split: tuple(heads[split]) for split in splits},
    )


def _class_overview(
    name: str,
    counts: Mapping[str, int],
    groups: Mapping[str, set[str]],
    icon: str | None,
    face: Face | None,
) -> ClassOverview:
    known = sign_classes().get(name)
    return ClassOverview(
        name=name,
        gtsrb=known.gtsrb if known else None,
        meaning=known.meaning if known else "",
        counts=dict(counts),
        tracks={split: len(members) for split, members in groups.items()},
        icon=icon,
        face=face.name if face else None,
    )


def class_faces(
    records: Iterable[Record], classes: Sequence[str], specs: Sequence[str] = ()
) -> dict[str, Face]:
    """The face that stands for each class, for those that have one.

    It is of a country that the data name: by what is drawn of it, or by GTSRB, which is German.  Where the
    data name none, or none with a face of the class, it is Australian, else German.
    """
    drawn = {(r.drawing.countries, r.drawing.faces): None for r in records if r.drawing is not None}
    german = any(part.source == "gtsrb" for spec in specs for part in parse_spec(spec))
    places = [*drawn, *([(("de",), "")] if german else []), (_USUAL_COUNTRIES, "")]
    found: dict[str, Face] = {}
    for name in classes:
        candidates = (plain_face(name, countries, Path(own) if own else None) for countries, own in places)
        if face := next(filter(None, candidates), None):
            found[name] = face
    return found


def _icons(specs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (part for spec in specs for part in parse_spec(spec)):
        if part.source == "gtsrb":
            found = {**icons(locate(part)), **found}
    return found


def _table_row(record: Record) -> Mapping[str, str]:
    box = "" if record.box is None else " ".join(f"{value:g}" for value in record.box)
    return {
        "path": record.path,
        "label": record.label,
        "group": record.group,
        "split": record.split,
        "box": box,
    }
