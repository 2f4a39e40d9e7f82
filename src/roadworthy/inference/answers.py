"""What a classifier said of several pictures: one value to look at, select from and hand on.  No torch."""

from __future__ import annotations

import base64
import io
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import ImageError, ShapeError, UsageError
from roadworthy.core.words import percent
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.signs.catalogue import NO_SIGN, kind_and_value

WORTH = 0.0005  # of confidence: what rounds to 0.0 % is not worth saying
FACES = Path(__file__).parents[1] / "serve" / "page" / "faces"
THUMBNAIL = InputSpec(size=48, crop="roi")  # of its box, where a row has one
ROWS_IN_SHELL, ROWS_IN_NOTEBOOK = 10, 30


class Seen(NamedTuple):
    """What is kept of a picture that is no file.  size: width and height.  thumbnail: (S, S, 3) uint8."""

    size: tuple[int, int]
    thumbnail: ByteArray


def sure(confidence: float) -> str:
    """A confidence to a tenth of a percent; none but 1 itself is said to be all."""
    return percent(confidence, 1)


@dataclass(frozen=True, kw_only=True, repr=False)
class Row:
    """What is said of one picture: an error, or an answer with its two levels (kind and value).

    accepted: whether the answer is sure enough to be given; None where no threshold was chosen.
    reason: why it is not accepted although it is sure: the picture lacks what the sign is told apart by.
    alternatives: further classes with their confidence, likeliest first, the predicted one left out.
    box: x1, y1, x2, y2 of the sign in the picture's pixels, where it was looked for.
    found: how sure finder and reader are together that the box shows a sign at all, in [0, 1].
    """

    path: str
    error: str | None = None
    predicted: str = ""
    kind: str = ""
    value: int | None = None
    confidence: float = 0.0
    accepted: bool | None = None
    reason: str | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    box: Box | None = None
    found: float | None = None

    @property
    def doubt(self) -> str:
        """What stands behind an answer that is not accepted, for a person; empty where there is nothing."""
        if self.accepted is not False:
            return ""
        return " (not sure)" if self.reason is None else f" ({self.reason})"

    @property
    def unsure(self) -> bool:
        """Whether it is not accepted because it is not sure: another look may help."""
        return self.accepted is False and self.reason is None

    def __repr__(self) -> str:
        where = "" if self.box is None else f" at {' '.join(f'{edge:.0f}' for edge in self.box)}"
        others = "".join(f", or {name} {sure(share)}" for name, share in self.alternatives if share >= WORTH)
        return f"Row({self.path!r}: {self.said()}{others}{where})"

    def said(self) -> str:
        """The answer and how sure it is, in a few words."""
        if self.error is not None:
            return f"unreadable, {self.error}"
        return f"{self.predicted} {sure(self.confidence)}{self.doubt}"

    def _repr_html_(self) -> str:
        return Answers([self])._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON: `path` and `error`, or the answer; `box` and `reason` where there is one."""
        if self.error is not None:
            return {"path": self.path, "error": self.error}
        box = {} if self.box is None else {"box": [round(edge, 1) for edge in self.box]}
        found = {} if self.found is None else {"found": self.found}
        reason = {} if self.reason is None else {"reason": self.reason}
        return {
            "path": self.path,
            "predicted": self.predicted,
            "kind": self.kind,
            "value": self.value,
            "confidence": self.confidence,
            "accepted": self.accepted,
            "alternatives": [{"class": name, "confidence": share} for name, share in self.alternatives],
            **box,
            **found,
            **reason,
        }


class Answers(Sequence[Row]):
    """Rows in the order of the pictures: a sequence that also takes boolean masks.

    answers[0] is a Row; answers[2:5], answers[mask] and answers[[0, 3]] are Answers.  It equals a list of the
    same rows.  Pictures are not kept: of files their path is, of others a thumbnail.
    rows: of any source, `roadworthy.predict`'s too.  classes: of the model, which number `to_coco`'s
    categories.  seen: for each row what is known of its picture; None for files.
    """

    def __init__(
        self, rows: Iterable[Row] = (), *, classes: Sequence[str] = (), seen: Sequence[Seen | None] = ()
    ) -> None:
        self._rows, self._classes = tuple(rows), tuple(classes)
        self._seen = tuple(seen) or (None,) * len(self._rows)
        if len(self._seen) != len(self._rows):
            raise ShapeError(f"{len(self._rows)} rows and {len(self._seen)} pictures do not fit together")

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice | Sequence[bool] | Sequence[int] | NDArray[Any]) -> Answers: ...

    def __getitem__(self, index: Any) -> Row | Answers:
        if isinstance(index, slice):
            return self._of(range(len(self))[index])
        if isinstance(index, (bool, np.bool_)):
            raise TypeError(f"answers were asked for by {index}; use an integer, a slice or a boolean mask")
        try:
            place = operator.index(index)
        except TypeError:
            return self._of(_chosen(index, len(self)))
        return self._rows[_place(place, len(self))]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Answers, list, tuple)):
            return self._rows == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it equals lists, which have none

    def __add__(self, other: Iterable[Row]) -> Answers:
        more = other if isinstance(other, Answers) else Answers(other)
        classes = self._classes or more._classes
        return Answers([*self, *more], classes=classes, seen=[*self._seen, *more._seen])

    def __radd__(self, other: Iterable[Row]) -> Answers:
        return Answers(other, classes=self._classes) + self

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(N,) whether each answer is to be relied on: answers[answers.accepted], answers[~answers.accepted].

        False where the model was not sure enough, and for pictures that could not be read.  A model without
        a threshold accepts every answer.
        """
        return np.array([row.error is None and row.accepted is not False for row in self], dtype=np.bool_)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as the command line's JSON has them."""
        return [row.to_dict() for row in self]

    def to_dataframe(self, library: Literal["pandas", "polars"] | None = None) -> Any:
        """A data frame with a line for each row; None takes pandas, and polars where that alone is installed.

        Columns: path, error, predicted, kind, value, confidence, accepted, alternatives (a list of class and
        confidence) and the box's x1, y1, x2, y2; what a row lacks is missing.
        Raises UsageError where the library is not installed.
        """
        if library not in (None, "pandas", "polars"):
            raise UsageError(f"a data frame of {library!r} was asked for; known: pandas, polars")
        name, module = _frames(library)
        columns = {column: [line[column] for line in map(_line, self)] for column in _line(Row(path=""))}
        if name == "polars":
            alternative = module.Struct({"class": module.String, "confidence": module.Float64})
            types = {int: module.Int64, float: module.Float64, bool: module.Boolean, str: module.String}
            schema = {column: types[kind] for column, kind in _COLUMNS.items()}
            return module.DataFrame(columns, schema={**schema, "alternatives": module.List(alternative)})
        types = {int: "Int64", float: "float64", bool: "boolean", str: "object"}
        return module.DataFrame(columns).astype({column: types[kind] for column, kind in _COLUMNS.items()})

    def to_coco(self) -> dict[str, Any]:
        """The boxes as a COCO data set, to be dumped as JSON; its `annotations` are COCO results as well.

        A box is [x, y, width, height] in pixels of the upright picture: our x2 and y2 are exclusive, so the
        width is x2 - x1.  `score` is the confidence.  Categories are numbered from 1 in the order of the
        model's classes, and their supercategory is the kind.  A row without a box gives its picture no
        annotation; pictures that could not be read are left out.
        """
        names = list(dict.fromkeys([*self._classes, *(row.predicted for row in self if row.error is None)]))
        names = [name for name in names if name != NO_SIGN]
        category = {name: number for number, name in enumerate(names, 1)}
        images: dict[str, dict[str, Any]] = {}
        annotations: list[dict[str, Any]] = []
        for row, seen in zip(self, self._seen, strict=True):
            if row.error is not None:
                continue
            if row.path not in images:
                width, height = seen.size if seen is not None else _upright_size(row.path)
                images[row.path] = {
                    "id": len(images) + 1,
                    "file_name": row.path,
                    "width": width,
                    "height": height,
                }
            if row.box is None or row.predicted == NO_SIGN:
                continue
            x1, y1, x2, y2 = map(float, row.box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": images[row.path]["id"],
                    "category_id": category[row.predicted],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "score": float(row.confidence),
                }
            )
        return {
            "images": list(images.values()),
            "annotations": annotations,
            "categories": [
                {"id": number, "name": name, "supercategory": kind_and_value(name)[0]}
                for name, number in category.items()
            ],
        }

    def __repr__(self) -> str:
        lines = [f"Answers: {self._counted()}"]
        for row in self._rows[:ROWS_IN_SHELL]:
            said = row.said() if len(row.said()) <= 50 else row.said()[:47] + "..."
            lines.append(f"  {said}  {_shortened(row.path, 76 - len(said))}")
        if len(self) > ROWS_IN_SHELL:
            lines.append(f"  ... {len(self) - ROWS_IN_SHELL:,} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        shown = zip(self._rows[:ROWS_IN_NOTEBOOK], self._seen, strict=False)
        lines = "".join(_html_line(row, seen) for row, seen in shown)
        left = len(self) - ROWS_IN_NOTEBOOK
        more = f"<p>... {left:,} more</p>" if left > 0 else ""
        head = "".join(f"<th>{name}</th>" for name in ("picture", "sign", "answer", "or else", "where"))
        return f"<p>{self._counted()}</p><table><tr>{head}</tr>{lines}</table>{more}"

    def _counted(self) -> str:
        unread = sum(row.error is not None for row in self)
        parts = [f"{len(self):,} {'answer' if len(self) == 1 else 'answers'}"]
        if refused := len(self) - int(self.accepted.sum()) - unread:
            parts.append(f"{refused:,} not sure")
        return ", ".join(parts + ([f"{unread:,} unreadable"] if unread else []))

    def _of(self, places: Iterable[int]) -> Answers:
        places = list(places)
        return Answers(
            [self._rows[i] for i in places], classes=self._classes, seen=[self._seen[i] for i in places]
        )


_COLUMNS: dict[str, type] = {
    **dict.fromkeys(("path", "error", "predicted", "kind"), str),
    "value": int,
    "confidence": float,
    "accepted": bool,
    **dict.fromkeys(("x1", "y1", "x2", "y2"), float),
}


def _line(row: Row) -> dict[str, Any]:
    """A row as a data frame has it, all of its columns."""
    tree = row.to_dict()
    box = row.box or (None,) * 4
    return {
        **{name: tree.get(name) for name in (*list(_COLUMNS)[:7], "alternatives")},
        **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
    }


def _frames(library: str | None) -> tuple[str, Any]:
    from importlib import import_module

    for name in (library,) if library else ("pandas", "polars"):
        try:
            return name, import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # it is there, and broken
                raise
    wanted = library or "pandas or polars"
    raise UsageError(
        f"a data frame needs {wanted}, which is not installed; get it with: "
        f"pip install {library or 'pandas'}, or take to_dicts()"
    )


def _chosen(index: Any, count: int) -> list[int]:
    """The places that a mask, or a list of places, selects."""
    places = np.asarray(index)
    if places.size == 0 and places.ndim == 1 and not (places.dtype == bool and count):
        return []
    if places.ndim == 1 and places.dtype == bool:
        if len(places) != count:
            raise IndexError(f"the mask has {len(places)} entries; there are {count} answers")
        return [int(i) for i in np.flatnonzero(places)]
    if places.ndim == 1 and np.issubdtype(places.dtype, np.integer):
        return [_place(int(i), count) for i in places]
    raise TypeError(
        f"answers were asked for by {type(index).__name__}; use an integer, a slice or a boolean mask"
    )


def _place(index: int, count: int) -> int:
    """A place from the front, of one that may be counted from the end."""
    if not -count <= index < count:
        raise IndexError(f"answer {index} was asked for; there are {count}")
    return index % count


def _upright_size(path: str) -> tuple[int, int]:
    """Width and height of a picture file as `decode` turns it, from its header."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) >= 5  # EXIF's orientations on their side
            return (image.height, image.width) if turned else (image.width, image.height)
    except (OSError, ValueError) as error:
        raise ImageError(f"the size of {path} cannot be read, which COCO needs: {error}") from error


def _html_line(row: Row, seen: Seen | None) -> str:
    if row.error is not None:
        cells = ["", "", f"<b>unreadable</b>: {escape(row.error)}", "", escape(row.path)]
    else:
        box = "" if row.box is None else f" at {' '.join(f'{edge:.0f}' for edge in row.box)}"
        doubt = " (not sure)" if row.accepted is False else ""
        cells = [
            _image(_thumbnail(row, seen), "jpeg"),
            _image(_face(row.predicted), "png"),
            f"<b>{escape(row.predicted)}</b> {escape(sure(row.confidence))}{doubt}",
            escape(", ".join(f"{name} {sure(share)}" for name, share in row.alternatives if share >= WORTH)),
            escape(_shortened(row.path, 60)) + box,
        ]
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def _image(data: bytes | None, kind: str) -> str:
    if data is None:
        return ""
    return f'<img height="48" alt="" src="data:image/{kind};base64,{base64.b64encode(data).decode("ascii")}">'


def _thumbnail(row: Row, seen: Seen | None) -> bytes | None:
    """The sign as it was read, as JPEG; None where the file is no longer there."""
    try:
        pixels = seen.thumbnail if seen is not None else crop_resize(decode(row.path), THUMBNAIL, row.box)
    except ImageError:
        return None
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    return stream.getvalue()


@cache
def _face(sign: str) -> bytes | None:
    """The drawn face of a class of the catalogue as PNG, Australia's form where there are several."""
    # By stem: a class of the user's own may have any name.
    path = next((file for file in sorted(FACES.rglob("*.png")) if file.stem == sign), None)
    return None if path is None else path.read_bytes()


def _shortened(text: str, most: int) -> str:
    """The end of a path tells more than its beginning."""
    return text if len(text) <= most else "..." + text[-(most - 3) :]
