"""Tables that map a set's classes to ours: the columns `theirs` and `ours`, made to be corrected by hand.

theirs   a label as the set writes it
ours     a class; `sign` for a sign that is not told which; `background` for no sign; empty to keep the label
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say, some
from roadworthy.data.records import Record
from roadworthy.data.tables import read_table, require_columns
from roadworthy.signs.catalogue import nearest_name, plain_label, sign_classes

NO_SIGN = "background"
NAMELESS = "sign"


def read_map(path: Path) -> dict[str, str]:
    """Ours by theirs, without the rows that leave a label as it is.

    Raises DataError for a label that is mapped to two classes; a class that is not in the catalogue is said.
    """
    if not path.is_file():
        raise DataNotFoundError(
            f"no file {path}; a table of classes has the columns theirs,ours "
            "(roadworthy data map SPEC --out FILE.csv proposes one)"
        )
    has, rows = read_table(path)
    require_columns(path, has, "theirs", "ours")
    found: dict[str, str] = {}
    for row in rows:
        theirs, ours = row.text("theirs"), row.text("ours")
        if not theirs:
            raise row.fail("theirs is empty; it is a label as the set writes it")
        if not ours:
            continue
        ours = plain_label(ours)
        if found.setdefault(theirs, ours) != ours:
            raise row.fail(f"{theirs!r} is {found[theirs]!r} and {ours!r}; each label has one class")
    _say_unknown(path, found)
    return found


def _say_unknown(path: Path, found: Mapping[str, str]) -> None:
    own = sorted(set(found.values()) - sign_classes().keys() - {NO_SIGN, NAMELESS})
    if own:
        near = [f"{name} (did you mean {close}?)" if (close := nearest_name(name)) else name for name in own]
        say(f"{path}: classes that are not in the catalogue become your own: {some(near)}")


def map_records(records: Sequence[Record], table: Mapping[str, str]) -> list[Record]:
    """Pictures of single signs with their labels mapped; those of no sign are left out.

    Raises DataError where nothing is left.
    """
    kept = [
        replace(record, label=ours) if (ours := table.get(record.label)) else record
        for record in records
        if table.get(record.label) not in (NO_SIGN, NAMELESS)
    ]
    if left := len(records) - len(kept):
        say(f"{left:,} pictures whose label the table of classes makes no class are left out")
    if not kept:
        raise DataError("the table of classes maps every label to no class, so no picture is left")
    return kept
