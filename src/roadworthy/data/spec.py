"""Data specs: `SOURCE:PLACE[?setting=value&...][@share]`, several joined by commas."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from roadworthy.core.errors import (
    ConfigError,
    DataError,
    DataNotFoundError,
)
from roadworthy.core.notes import say
from roadworthy.core.paths import as_path, at_home
from roadworthy.data.class_map import map_records, read_map
from roadworthy.data.records import Record
from roadworthy.data.shots import apply_shots, parse_shots
from roadworthy.data.sources import FORMS, FRAME_SOURCES, SOURCES
from roadworthy.data.sources._labels import label_reader
from roadworthy.data.sources._looks import hint_of, pickled

_SHARE = re.compile(r"(?P<rest>.*)@(?P<share>-?\d*\.?\d+)", re.DOTALL)
_FILES = {"csv", "folder", *FORMS}  # sources whose places may be mistaken for one another
_SEARCHED = ("coco", "folder", "voc", "yolo")  # for whatever pictures or labels lie there
_OPTIONS = re.compile(
    r"(?P<rest>.*?)\?(?P<options>[A-Za-z][\w-]*=[^?&]*(?:&[A-Za-z][\w-]*=[^?&]*)*)", re.DOTALL
)
# Sources whose place is no file, and what an empty place means.
_COUNTRIES = {"rendered": "au", "streets": "au"}
_SETS = {"beside": "gtsdb"}
_PACKED = {"cifar10": (".tar.xz", ".tar.gz")}  # sources that read their archive as it is
_NO_SOURCE = re.compile(r"[A-Za-z]?|.*[\\/.~].*")  # a bare path, or the drive of one


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One part of a data spec.

    place: as written; empty for the usual place of the source.
    share: the source's share of every training batch, in (0, 1], or None for as it comes.
    """

    source: str
    place: str
    share: float | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def parse_spec(text: str) -> tuple[SourceSpec, ...]:
    """The parts of a data spec; no file is touched.

    The first colon ends the source's name.  A comma separates only where a known source and a colon follow.
    `@` and `?` belong to the place unless a number, or settings, follow them at the end of the part; a folder
    whose name really ends in `@0.3` is written with a slash after it.
    """
    known = "|".join(map(re.escape, SOURCES.names()))
    parts = tuple(_parse_part(part.strip()) for part in re.split(rf",(?=\s*(?:{known}):)", text))
    total = sum(part.share for part in parts if part.share is not None)
    if total > 1 + 1e-9:
        raise ConfigError(f"the shares of {text!r} sum to {total:g}; they must sum to at most 1")
    rest = [part for part in parts if part.share is None]
    if rest and total > 1 - 1e-9:
        raise ConfigError(
            f"the shares of {text!r} sum to 1 and leave nothing for {rest[0].source}:{rest[0].place}; "
            "give it a share too, or make the others smaller"
        )
    return parts


def _parse_part(part: str) -> SourceSpec:
    source, colon, rest = part.partition(":")
    if not colon or _NO_SOURCE.fullmatch(source):
        place = at_home(part or ".")
        if why := pickled(place):
            raise DataError(why)
        raise DataError(
            f"data spec {part!r} names no source; write SOURCE:PLACE, like folder:{part or 'DIR'} "
            f"(sources: {', '.join(SOURCES.names())}){hint_of(place) if part else ''}"
        )
    SOURCES.get(source)
    share, options = None, {}
    if match := _SHARE.fullmatch(rest):
        rest, share = match["rest"], float(match["share"])
        if not 0 < share <= 1:
            raise ConfigError(
                f"the share @{match['share']} in {part!r} must be above 0 and at most 1 "
                "(if the folder's name really ends like that, put a slash after it)"
            )
    if match := _OPTIONS.fullmatch(rest):
        rest = match["rest"]
        for setting in match["options"].split("&"):
            name, _, value = setting.partition("=")
            if name in options:
                raise ConfigError(f"the setting {name!r} is given twice in {part!r}")
            options[name] = value
    return SourceSpec(source=source, place=rest.strip(), share=share, options=options)


def locate(spec: SourceSpec) -> Path:
    """Where a part's data lie: its place, else under $ROADWORTHY_DATA, else in the user's data folder.

    A relative place that does not exist here is looked for under $ROADWORTHY_DATA too, with a note.
    """
    if spec.source in (no_files := _COUNTRIES | _SETS):
        return as_path(spec.place or no_files[spec.source])
    if spec.place:
        place = _place(spec)
        if why := pickled(place):
            raise DataError(why)
        return place
    folders = usual_places(spec.source)
    candidates = [
        *folders,
        *(f.with_name(f.name + end) for end in _PACKED.get(spec.source, ()) for f in folders),
    ]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    from roadworthy.data.fetch import ARCHIVES

    *most, last = map(str, folders)
    looked = f"{', '.join(most)} and {last}" if most else last
    fetch = f", or get the data with: roadworthy data fetch {spec.source}" if spec.source in ARCHIVES else ""
    raise DataNotFoundError(
        f"{spec.source}: has no place, and nothing was found at {looked}; write {spec.source}:PLACE{fetch}"
    )


def _place(spec: SourceSpec) -> Path:
    """The place as written, from here or, where it is not here, from $ROADWORTHY_DATA."""
    here = at_home(spec.place)
    folder = os.environ.get("ROADWORTHY_DATA")
    if here.is_absolute() or here.exists() or not folder:
        return here
    there = Path(folder).expanduser() / here
    if not there.exists():
        return here
    say(f"{spec.source}:{spec.place} is not here; taken from {there} (ROADWORTHY_DATA)")
    return there


def usual_places(source: str) -> list[Path]:
    """Where a source without a place looks, in this order."""
    import platformdirs

    above = [Path(platformdirs.user_data_dir("roadworthy", appauthor=False))]
    if folder := os.environ.get("ROADWORTHY_DATA"):
        above.insert(0, Path(folder).expanduser())
    inner = [(source,), ("frames", source)] if source in FRAME_SOURCES else [(source,)]
    return [base.joinpath(*parts) for base in above for parts in inner]


def refuse_within_data(out: Path, text: str) -> None:
    """DataError if the folder to write to lies inside a source's that is searched for pictures or labels."""
    for part in parse_spec(text):
        if part.source not in _SEARCHED:
            continue
        place = locate(part).resolve()
        if part.source == "coco" and place.is_file():  # which is all that is read of its folder
            continue
        place = place.parent if place.is_file() else place  # a data.yaml
        if out.resolve().is_relative_to(place):
            raise DataError(
                f"{out} lies inside the data, {part.source}:{part.place}, where its files would be read as "
                "further pictures or labels; give --out a folder elsewhere"
            )


def read_records(text: str, labels: str = "names") -> list[Record]:
    """All records of a data spec, each with the index of its source.

    labels: how folder and csv labels are read, as in DataConfig.
    Groups of different sources stay apart: each is prefixed with its source's index.
    """
    label_reader(labels)
    parts = parse_spec(text)
    records: list[Record] = []
    for index, part in enumerate(parts):
        found = _read_part(part, labels)
        if len(parts) > 1:
            found = [replace(r, source=index, group=r.group and f"{index}:{r.group}") for r in found]
        records += found
    return records


def _read_part(part: SourceSpec, labels: str) -> list[Record]:
    try:
        shots, options = (None, part.options) if part.source == "rendered" else parse_shots(part.options)
        table = ""
        if part.source not in FRAME_SOURCES:  # which read their labels with it
            options = dict(options)
            table = options.pop("map", "")
        found = SOURCES.get(part.source)(locate(part), options, labels)
        if shots is not None:
            found = apply_shots(found, shots)
        if table:
            found = map_records(found, read_map(at_home(table)))
    except DataError as error:
        raise explained(part, error) from error
    if not found:
        raise DataNotFoundError(f"{part.source}:{part.place} holds no pictures")
    return found


def explained(part: SourceSpec, error: DataError) -> DataError:
    """The error of a part that cannot be read, with what else its place may be."""
    spelling = spelling_hint(part) if isinstance(error, DataNotFoundError) else ""
    place = at_home(part.place) if part.place else Path()
    other = hint_of(place, part.source) if part.place and part.source in _FILES else ""
    return type(error)(f"{error}{spelling or other}")


def with_map(text: str, table: Path | str) -> str:
    """A data spec whose labels are read with a table of classes (`?map=FILE`).

    table: a table of classes to read labels with, with the columns theirs and ours.
    """
    parts = []
    for part in parse_spec(text):
        options = "&".join(f"{name}={value}" for name, value in {**part.options, "map": str(table)}.items())
        share = "" if part.share is None else f"@{part.share:g}"
        parts.append(f"{part.source}:{part.place}?{options}{share}")
    return ",".join(parts)


def spelling_hint(part: SourceSpec) -> str:
    """What to say of a part that is not found where its place most likely holds a misspelt source."""
    if not re.search(r",\s*\w+:", part.place):
        return ""
    return f" (a comma separates only before a known source: {', '.join(SOURCES.names())})"


def extras_for(*specs: str) -> tuple[str, ...]:
    """The extras that pictures of these data specs need: drawn ones are made with torch."""
    from roadworthy.data.spec import parse_spec

    drawn = any(part.source in _COUNTRIES for spec in specs if spec for part in parse_spec(spec))
    return ("train", "signs") if drawn else ()
