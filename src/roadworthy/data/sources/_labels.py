"""Labels as the user wrote them, and what became of each: nothing is translated or merged silently."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

from roadworthy.core.errors import LabelError, UnknownNameError
from roadworthy.core.notes import say, some
from roadworthy.core.paths import short
from roadworthy.data.records import Record
from roadworthy.signs.catalogue import (
    codes_of,
    countries,
    name_from_gtsrb_id,
    nearest_name,
    plain_label,
    resolve_label,
    sign_classes,
)

GTSRB_IDS = "gtsrb-ids"


def label_ways() -> tuple[str, ...]:
    """How labels can be read: as names, with the codes of a country, as GTSRB's numbers."""
    return "names", *countries(), GTSRB_IDS


def label_reader(labels: str) -> Callable[[str], str]:
    """The function that turns a label as written into a class name."""
    if labels not in label_ways():
        raise UnknownNameError("way to read labels", labels, label_ways())
    if labels == GTSRB_IDS:
        return name_from_gtsrb_id
    country = "" if labels == "names" else labels

    def read(label: str) -> str:
        _refuse_unwritable(label)
        return resolve_label(label, country)

    return read


def _refuse_unwritable(label: str) -> None:
    """LabelError for what cannot be a class name: names go to terminals, pages and files."""
    if any(unicodedata.category(character) == "Cc" for character in label):
        raise LabelError(f"the label {short(label)} contains a control character; write it without")
    if label in (".", "..") or "/" in label or "\\" in label:
        raise LabelError(f"the label {short(label)} looks like a path; write it without / and \\")


def say_labels(read: Mapping[str, str], labels: str, place: str) -> None:
    """Say what labels were translated, which became one, and which the catalogue does not know.

    read: class names by the labels as written.
    """
    translated = [f"{was} is {name}" for was, name in read.items() if plain_label(was) != name]
    if translated:
        how = "GTSRB's numbers" if labels == GTSRB_IDS else f"sign codes of {labels!r}"
        say(f"{place}: labels are read as {how}: {some(translated)}")
    written = defaultdict(list)
    for was, name in read.items():
        written[name].append(short(was))
    for name, several in written.items():
        if len(several) > 1:
            say(
                f"{place}: {len(several)} labels become one class: {some(several)} are {name}; to keep them "
                "apart, give them other names"
            )
    _say_unknown([was for was, name in read.items() if name not in sign_classes()], labels, place)


def _say_unknown(own: list[str], labels: str, place: str) -> None:
    if not own:
        return
    hints = {label: nearest_name(label) for label in own}
    # Those that look like a misspelling come first: they are what is worth reading.
    shown = sorted(own, key=lambda label: not hints[label])
    named = [short(label) + (f" (did you mean {hints[label]!r}?)" if hints[label] else "") for label in shown]
    many = f"{len(own):,} labels are" if len(own) > 1 else "1 label is"
    become = "become classes" if len(own) > 1 else "becomes a class"
    hint = _codes_hint(own, labels)
    say(f"{place}: {many} not in the catalogue and {become} of your own: {some(named)}{hint}")


def _codes_hint(own: list[str], labels: str) -> str:
    """How to read labels that look like codes or numbers."""
    if labels == "names":
        coded: dict[str, list[str]] = defaultdict(list)
        for label in own:
            for country, name in codes_of(label).items():
                coded[country].append(f"{label} as {name}")
        ways = [f"--labels {country} reads {some(read, 3)}" for country, read in coded.items()]
        if all(label.isdecimal() and int(label[:9]) <= 42 for label in own):
            ways.append(f"--labels {GTSRB_IDS} reads GTSRB's numbers")
        if ways:
            return f"; if they are codes, {', '.join(ways)}"
    return ""


def doubt_names(records: list[Record], place: str) -> list[Record]:
    """The records, without groups where file names would make all pictures of a class one physical sign.

    `image_00001.png`, `image_00002.png` ... are numbered pictures, not frames of one sign.  A name with a
    number of its own (`01234_00000.ppm`) is believed if other classes show that names tell signs apart.
    """
    pictures = Counter(record.label for record in records)
    signs: dict[str, set[str]] = defaultdict(set)
    for record in records:
        signs[record.label].add(record.group)
    lone = {label: next(iter(own)) for label, own in signs.items() if len(own) == 1 and "" not in own}
    all_lone = len(lone) == len(signs)
    doubted = {
        label: sign
        for label, sign in lone.items()
        if pictures[label] > 1 and (all_lone or not re.search(r"\d", sign.rpartition("/")[2]))
    }
    if not doubted:
        return records
    named = [f"all {pictures[label]:,} pictures of {label} ({sign}_NNNNN)" for label, sign in doubted.items()]
    say(
        f"{place}: by their names {some(named, 3)} would be one physical sign; that is unlikely, so only "
        "near-duplicates are grouped; if they are frames of one sign, name the sign of each in the group "
        "column of a table (csv:)"
    )
    return [replace(record, group="") if record.label in doubted else record for record in records]
