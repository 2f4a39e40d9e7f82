"""What the sources share: looking files up, reading tables, telling splits by their names."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from roadworthy.errors import ConfigError, DataError, DataNotFoundError, UsageError
from roadworthy.files import check_regular
from roadworthy.inputs import Box
from roadworthy.notes import say

T = TypeVar("T")

_FRAME = re.compile(r"(.+)_\d{5}")
_SPLIT = re.compile(
    r"(final|images?|pictures?|data)?(?P<name>train|training|val|valid|validation|dev|test|testing|eval|evaluation)"
    r"(set|split|data|dataset|images?|pictures?|signs?|\d{4})*"
)
_SPLITS = {"train": "train", "val": "val", "dev": "val", "test": "test", "eval": "eval"}
_USUAL = ("train", "val", "valid", "validation", "test")


def split_of(name: str) -> str:
    """The split that a folder's or a table's word stands for, or nothing: `train`, `val`, `test` or `eval`.

    People write Training, train_set, Final_Test, train-images, val2017; `eval` is told by what is beside it.
    """
    match = _SPLIT.fullmatch(re.sub(r"[\W_]+", "", name).lower())
    return (
        next((split for start, split in _SPLITS.items() if match["name"].startswith(start)), "")
        if match
        else ""
    )


def name_splits(names: Iterable[str], place: str) -> dict[str, str]:
    """The split of each name that stands for one; said aloud where a name is not the usual one.

    `eval` is the test where there is no other, else validation; `dev`, for development, is the training
    set where a test is beside it and nothing else to train on.
    """
    found = {name: split for name in names if (split := split_of(name))}
    evaluation = "val" if "test" in found.values() else "test"
    found = {name: evaluation if split == "eval" else split for name, split in found.items()}
    if set(found.values()) == {"val", "test"}:
        found = {name: "train" if name.lower().startswith("dev") else split for name, split in found.items()}
    said = [f"{name} as {split}" for name, split in found.items() if name.lower() not in _USUAL]
    if said:
        say(f"{place}: taken for splits: {', '.join(said)}")
    return found


def refuse_unknown_options(source: str, options: Mapping[str, str], known: tuple[str, ...] = ()) -> None:
    """ConfigError for a setting after the question mark that the source does not have."""
    for name in options:
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no settings"
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ConfigError(
                f"{source}: has no setting {name!r} (got ?{name}={options[name]}); {hint}{source}: {takes}"
            )


def sign_of(stem: str) -> str:
    """The part of a file name that names the physical sign: `pole7_00012` is `pole7`; else empty."""
    match = _FRAME.fullmatch(stem)
    return match[1] if match else ""


def _folded(name: str) -> str:
    """A name in lower case, accents in one form: systems differ in how they store both."""
    return (name if name.isascii() else unicodedata.normalize("NFC", name)).lower()


class Listing:
    """Folders' contents, each folder listed once; names are found in any letter case, exact ones first."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, str]] = {}

    def names(self, folder: str) -> dict[str, str]:
        """Names in `folder` by themselves and by their lower case; empty where there is no such folder."""
        known = self._folders.get(folder)
        if known is None:
            try:
                entries = sorted(entry.name for entry in os.scandir(folder))
            except (FileNotFoundError, NotADirectoryError):
                entries = []
            except OSError as error:
                raise DataError(f"folder {folder} cannot be read: {error.strerror or error}") from error
            known = {_folded(entry): entry for entry in reversed(entries)} | {
                entry: entry for entry in entries
            }
            self._folders[folder] = known
        return known

    def find(self, folder: str, *parts: str) -> str | None:
        """The path of `parts` below `folder`, spelt as on disk, or None."""
        for part in parts:
            names = self.names(folder)
            name = names.get(part) or names.get(_folded(part))
            if name is None:
                return None
            folder = folder + os.sep + name
        return folder


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table; columns are found by their names in lower case."""

    path: Path
    line: int
    columns: Mapping[str, int]
    cells: list[str]

    def text(self, column: str) -> str:
        """A cell without the blanks around it; empty where the table has no such column."""
        index = self.columns.get(column)
        return "" if index is None else self.cells[index].strip()

    def fail(self, what: str) -> DataError:
        """The error that names this row."""
        return DataError(f"{self.path}, line {self.line}: {what}")

    def checked(self, read: Callable[[str], T], column: str) -> T:
        """`read` applied to a cell; whatever it refuses becomes an error that names this row."""
        try:
            return read(self.text(column))
        except (ValueError, UsageError) as error:
            raise self.fail(f"column {column}: {error}") from error

    def box_or_fault(self, columns: tuple[str, str, str, str], inclusive: bool) -> tuple[Box | None, str]:
        """The box, or why there is none to be had of this row."""
        try:
            return self.box(columns, inclusive), ""
        except DataError as error:
            return None, f"has no usable box ({error})"

    def box(self, columns: tuple[str, str, str, str], inclusive: bool) -> Box | None:
        """The box in four columns, or None where they are absent or empty.

        inclusive: x2 and y2 are the last pixels inside, as in GTSRB; a Box ends one further.
        """
        cells = [self.text(column) for column in columns]
        if not any(cells):
            return None
        try:
            x1, y1, x2, y2 = (float(cell) for cell in cells)
        except ValueError:
            raise self.fail(f"the box needs four numbers ({', '.join(columns)}); got {cells}") from None
        x2, y2 = x2 + inclusive, y2 + inclusive
        if not (0 <= x1 < x2 and 0 <= y1 < y2):  # also refuses NaN
            raise self.fail(f"the box {cells} needs 0 <= x1 < x2 and 0 <= y1 < y2")
        return x1, y1, x2, y2


def read_table(path: Path) -> tuple[frozenset[str], Iterator[Row]]:
    """Column names in lower case and the rows of a table separated by commas, semicolons or tabs.

    UTF-8, or UTF-16 with its mark.  Blank lines are fine; a row with too few cells is not.
    """
    try:
        check_regular(path)
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        kind = DataNotFoundError if isinstance(error, FileNotFoundError) else DataError
        raise kind(f"table {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"table {path} is not {'UTF-16' if wide else 'UTF-8'} text ({error.reason} at byte {error.start})"
        ) from error
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    if not header_line:
        raise DataError(f"table {path} is empty; its first line must name the columns")
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=max(",;\t", key=header_line.count),
        skipinitialspace=True,  # "path", "label": the second is quoted, too
    )
    lines = ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
    header = [name.strip().lower() for name in next(lines)[1]]
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise DataError(f"table {path} has the column {doubled[0]!r} twice")
    columns = {name: index for index, name in enumerate(header) if name}

    def rows() -> Iterator[Row]:
        try:
            for line, cells in lines:
                row = Row(path=path, line=line, columns=columns, cells=cells)
                if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
                    raise row.fail(f"{len(cells)} cells where the header has {len(header)}")
                yield row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error

    return frozenset(columns), rows()


def require_columns(path: Path, has: frozenset[str], *needed: str) -> None:
    """DataError where the table lacks a column."""
    missing = [name for name in needed if name not in has]
    if missing:
        raise DataError(f"table {path} has no column {missing[0]!r}; it has: {', '.join(sorted(has))}")


def missing_pictures(table: Path, missing: list[str]) -> DataError:
    """One error for all pictures that a table names and the disk lacks."""
    more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    return DataError(
        f"{table} names pictures that are not there: {missing[0]}{more}; is the data set complete?"
    )
