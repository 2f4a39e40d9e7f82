"""Tables that sources read: rows with named cells, and errors that name the row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.files import check_regular

T = TypeVar("T")


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
        """`read` applied to a cell; an error from it becomes one that names this row."""
        try:
            return read(self.text(column))
        except (ValueError, UsageError) as error:
            raise self.fail(f"column {column}: {error}") from error

    def box_or_fault(self, columns: tuple[str, str, str, str], inclusive: bool) -> tuple[Box | None, str]:
        """The box, or why this row has none that can be used."""
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
            raise self.fail(f"the box is {cells}; it needs 0 <= x1 < x2 and 0 <= y1 < y2")
        return x1, y1, x2, y2


def read_table(path: Path) -> tuple[frozenset[str], Iterator[Row]]:
    """Column names in lower case, and the rows, of a table separated by commas, semicolons or tabs.

    UTF-8, or UTF-16 with a byte order mark.  Blank lines are fine; a row with too few cells is an error.
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
                    raise row.fail(f"the row has {len(cells)} cells, the header {len(header)}")
                yield row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error

    return frozenset(columns), rows()


def require_columns(path: Path, has: frozenset[str], *needed: str) -> None:
    """DataError if the table lacks a column."""
    missing = [name for name in needed if name not in has]
    if missing:
        raise DataError(f"table {path} has no column {missing[0]!r}; it has: {', '.join(sorted(has))}")


def missing_pictures(table: Path, missing: list[str]) -> DataError:
    """One error for all pictures that a table names and that do not exist."""
    more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    return DataError(
        f"{table} names pictures that do not exist: {missing[0]}{more}; is the data set complete?"
    )
