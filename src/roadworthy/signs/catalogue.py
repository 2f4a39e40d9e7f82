"""The catalogue of sign classes and their faces, from catalogue.toml and faces/COUNTRY/*.toml.  No torch.

A class is a meaning (`no-entry`), named as a driver would: its kind is the stem of the name and its
value the number in it, if any (`speed-50` is `speed`, 50).  A face is a drawing (`au/R2-4`): a country, the
code of its standard, and an SVG; one class may have faces in several countries.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from roadworthy.core.errors import FaceError, LabelError
from roadworthy.core.files import check_regular

_NUMBERED = re.compile(r"(speed|end-speed)-(\d+)")
_CLASS = re.compile(r"\w([\w .+-]*\w)?")  # a folder may have this name
_FACE = re.compile(r"[a-z]{2,}/[A-Za-z0-9][\w.-]*")
_FIELDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "a text"),
    "class": (str, "a text"),
    "where": (str, "a text"),
    "aspect": ((int, float), "a number"),
    "colours": (list, "a list"),
    "file": (str, "a text"),
    "zone": (str, "a text"),
    "group": (str, "a text"),
    "numbers": (list, "a list"),
    "texts": (list, "a list"),
}
_NEEDED = ("name", "class", "where", "aspect", "colours")
NO_SIGN = "no-sign"  # the background class: it has no faces
OTHER_SIGN = "other-sign"  # whatever has no class of its own; its faces are in groups
NAMELESS = (NO_SIGN, OTHER_SIGN, "not-a-limit")  # classes that name no sign
FOLDER = Path(__file__).parent
PALETTE = {
    "red": "#c1121c",
    "white": "#ffffff",
    "black": "#111111",
    "blue": "#0f5a9c",
    "yellow": "#ffd200",
    "lime": "#bfff00",
    "orange": "#f58a1f",
    "green": "#1f9d55",
    "grey": "#8c9196",
    "brown": "#6b3f1d",
}
"""The colours that faces are drawn in, near those of the standards (RAL 3020, 5017, 1023; AS 2700)."""
CHROMATIC = frozenset(PALETTE) - {"white", "black", "grey", "brown", "green"}
"""Those that are another colour with red and blue swapped; brown becomes a dull blue, green stays."""


@dataclass(frozen=True, kw_only=True)
class SignClass:
    """One class: its name, family, meaning in a sentence, GTSRB number and mirror class."""

    name: str
    family: str
    meaning: str
    gtsrb: int | None = None
    mirror: str | None = None


@dataclass(frozen=True, kw_only=True)
class Face:
    """One drawing of a class.

    name: `country/code`.  file: its SVG.  where: where it is used, in words.  number: what is filled into a
    template's `{n}`, `{digits}` or `{hooked}`; text: into its `{t}`.  zone: `school`, `area` ... where a
    limit holds in a zone.  group: what a sign without a class of its own is about.
    aspect: width over height.  colours: names in PALETTE, all that cover a hundredth of it or more.
    """

    name: str
    sign: str
    file: Path
    where: str
    aspect: float
    colours: tuple[str, ...]
    number: int | None = None
    text: str | None = None
    zone: str | None = None
    group: str | None = None

    @property
    def country(self) -> str:
        """`au`, `de`, or the user's own."""
        return self.name.partition("/")[0]

    @property
    def code(self) -> str:
        """The standard's code (R2-4), with its number where it has one (R4-1-50)."""
        return self.name.partition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Classes by name, the families that they belong to, and the user's faces beside ours.

    groups: what signs without a class of their own are about, by name.  by_colour: kinds of signs that only
    colour tells apart, together.  brought: the user's faces by name.
    """

    classes: Mapping[str, SignClass]
    families: tuple[str, ...]
    groups: Mapping[str, str]
    by_colour: tuple[tuple[str, ...], ...] = ()
    brought: Mapping[str, Face] = field(default_factory=dict)

    @cached_property
    def faces(self) -> Mapping[str, Face]:
        """All faces by name: ours country by country, then the user's."""
        ours = {name: face for country in countries() for name, face in _faces_of(country).items()}
        return {**ours, **self.brought}


@cache
def catalogue(folder: Path | None = None) -> Catalogue:
    """Our catalogue; with `folder`, also the classes and faces of the catalogue.toml there.

    Raises FaceError naming the row that does not fit.
    """
    path = (folder or FOLDER) / "catalogue.toml"
    tree = _tree(path)
    if folder is None:
        families = tuple(tree["families"])
        by_colour = tuple(tuple(kinds) for kinds in tree["by_colour"])
        classes = _classes(tree, path, families)
        return Catalogue(classes=classes, families=families, groups=dict(tree["groups"]), by_colour=by_colour)
    ours = catalogue()
    theirs = _classes(tree, path, ours.families)
    if twice := sorted(ours.classes.keys() & theirs.keys()):
        raise FaceError(f"{path}: class {twice[0]} exists already; remove its lines")
    whole = replace(ours, classes={**ours.classes, **theirs})
    brought = _read_faces({path: tree}, folder, whole)
    for face in brought.values():
        if face.country in countries() and face.name in _faces_of(face.country):
            raise FaceError(f"{path}: face {face.name} exists already; give yours another name")
    return replace(whole, brought=brought)


@cache
def countries() -> tuple[str, ...]:
    """The countries that we have faces of, by name."""
    return tuple(sorted({path.parent.name for path in (FOLDER / "faces").glob("*/*.toml")}))


@cache
def _faces_of(country: str) -> Mapping[str, Face]:
    """Our own faces of a country; each country is read by itself, for most need but one or two."""
    lists = sorted((FOLDER / "faces" / country).glob("*.toml"))
    return _read_faces({path: _tree(path) for path in lists}, FOLDER / "faces", catalogue())


def _classes(tree: Mapping[str, Any], path: Path, families: Sequence[str]) -> dict[str, SignClass]:
    try:
        classes = {name: SignClass(name=name, **fields) for name, fields in tree.get("class", {}).items()}
    except (TypeError, AttributeError, KeyError) as error:
        raise FaceError(
            f"{path}: a class is [class.NAME] with family and meaning; got {str(tree.get('class'))[:200]}"
        ) from error
    for sign in classes.values():
        _check_class(sign, families, path)
    return classes


def _read_faces(lists: Mapping[Path, Mapping[str, Any]], folder: Path, known: Catalogue) -> dict[str, Face]:
    """The faces of some lists, whose SVGs lie in `folder`, by name."""
    found: dict[str, Face] = {}
    for path, tree in lists.items():
        for row in _rows(tree, path):
            for face in _faces(row, folder, path, known.groups):
                if face.name in found:
                    raise FaceError(f"{path}: face {face.name} has two entries; keep one")
                if face.sign not in known.classes:
                    raise FaceError(
                        f"{path}: face {face.name} has the class {face.sign!r}, which does not exist; add "
                        f"[class.{face.sign}] or use a known class"
                    )
                found[face.name] = face
    return found


def _tree(path: Path) -> dict[str, Any]:
    try:
        check_regular(path)
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FaceError(
            f"{path} cannot be read ({error.strerror or error}); --faces needs a folder with a "
            "catalogue.toml and the SVGs that it names"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FaceError(f"{path} is not valid TOML: {error}") from error


def _check_class(sign: SignClass, families: Sequence[str], path: Path) -> None:
    if not _CLASS.fullmatch(sign.name):
        raise FaceError(f"{path}: the class name {sign.name!r} may have only letters, digits and hyphens")
    if not isinstance(sign.meaning, str):
        raise FaceError(f"{path}: class {sign.name} has the meaning {sign.meaning!r}; it must be text")
    if sign.family not in families:
        raise FaceError(f"{path}: class {sign.name} has the family {sign.family!r}; known: {families}")


def _rows(tree: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """The rows of faces, each with all that it needs and nothing else."""
    rows = tree.get("face", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FaceError(f"{path}: each face must begin with [[face]], in double brackets, on its own line")
    for row in rows:
        if not set(_NEEDED) <= row.keys() <= _FIELDS.keys():
            others = ", ".join(name for name in _FIELDS if name not in _NEEDED)
            raise FaceError(
                f"{path}: the face {row} must have {', '.join(_NEEDED)}, may have {others}, and nothing else"
            )
        for name, value in row.items():
            kind, said = _FIELDS[name]
            if not isinstance(value, kind):
                raise FaceError(f"{path}: face {row['name']} has {name} = {value!r}; it must be {said}")
    return rows


def _faces(row: Mapping[str, Any], folder: Path, path: Path, groups: Mapping[str, str]) -> Iterator[Face]:
    """The faces of one row: one, or one for each of its numbers or texts."""
    _check_face(row, folder, path, groups)
    name, sign = row["name"], row["class"]
    face = Face(
        name=name,
        sign=sign,
        file=folder / row.get("file", f"{name}.svg"),
        where=row["where"],
        aspect=row["aspect"],
        colours=tuple(row["colours"]),
        zone=row.get("zone"),
        group=row.get("group"),
    )
    if "numbers" not in row and "texts" not in row:
        yield face
    for number in row.get("numbers", ()):
        yield replace(face, name=f"{name}-{number}", sign=sign.replace("{n}", str(number)), number=number)
    for text in row.get("texts", ()):
        yield replace(face, name=f"{name}-{_slug(text)}", text=text)


def _slug(text: str) -> str:
    """A text as it may stand in a face's name: `3.5 t` is `3.5-t`."""
    return re.sub(r"[^\w.]+", "-", text).strip("-")


def _check_face(row: Mapping[str, Any], folder: Path, path: Path, groups: Mapping[str, str]) -> None:
    name, file = row["name"], Path(row.get("file", f"{row['name']}.svg"))
    if not _FACE.fullmatch(name):
        raise FaceError(f"{path}: the face {name!r} must be named COUNTRY/CODE, like au/R1-1")
    if file.is_absolute() or ".." in file.parts:
        raise FaceError(f"{path}: face {name} has the file {str(file)!r}; it must lie in {folder}")
    if row["class"] == NO_SIGN:
        raise FaceError(f"{path}: face {name} has the class {NO_SIGN}, which cannot have faces")
    if not all(isinstance(colour, str) and colour in PALETTE for colour in row["colours"]):
        raise FaceError(f"{path}: face {name} has colours {row['colours']}; known: {', '.join(PALETTE)}")
    if "group" in row and row["group"] not in groups:
        raise FaceError(f"{path}: face {name} has the group {row['group']!r}; known: {', '.join(groups)}")
    if row["class"] == OTHER_SIGN and "group" not in row:
        raise FaceError(f"{path}: face {name} of {OTHER_SIGN} needs a group; known: {', '.join(groups)}")
    numbers, texts = row.get("numbers", ()), row.get("texts", ())
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise FaceError(
            f"{path}: face {name} has numbers = {numbers}; they must be whole and not negative, like [50, 60]"
        )
    if not all(isinstance(text, str) and _slug(text) for text in texts):
        raise FaceError(f'{path}: face {name} has texts = {texts}; they must be texts like ["3.5 t", "12 t"]')


def sign_classes() -> dict[str, SignClass]:
    """All classes by name, in catalogue order."""
    return dict(catalogue().classes)


def families() -> tuple[str, ...]:
    """All families."""
    return catalogue().families


def faces(of: Sequence[str] = (), folder: Path | None = None) -> tuple[Face, ...]:
    """The faces of these countries (of all, if none are named), in catalogue order."""
    brought = catalogue(folder).brought.values()
    return (
        *(face for country in countries() if not of or country in of for face in _faces_of(country).values()),
        *(face for face in brought if not of or face.country in of),
    )


def in_groups(drawn: Iterable[Face], groups: Sequence[str] = (), leave: Sequence[str] = ()) -> list[Face]:
    """The faces of classes of their own, and of the others those of `groups` (all, without) but `leave`."""
    return [
        face
        for face in drawn
        if (face.group not in leave) and (not groups or face.sign != OTHER_SIGN or face.group in groups)
    ]


def plain_face(sign: str, of: Sequence[str], folder: Path | None = None) -> Face | None:
    """The face that stands for a class: the first of the first of these countries that has any, else None.

    In catalogue order a country's own form of a sign comes before its variants.
    """
    return next((face for country in of if (face := _plain_faces(country, folder).get(sign))), None)


@cache
def _plain_faces(country: str, folder: Path | None) -> Mapping[str, Face]:
    """The first face of each class in a country."""
    return {face.sign: face for face in reversed(faces((country,), folder))}


@cache
def _names_by_gtsrb_id() -> dict[int, str]:
    return {c.gtsrb: c.name for c in sign_classes().values() if c.gtsrb is not None}


@cache
def _names_by_code(country: str) -> dict[str, str]:
    own = _faces_of(country).values() if country in countries() else ()
    return {face.code.upper(): face.sign for face in own}


def name_from_gtsrb_id(label: str | int) -> str:
    """Class name of a GTSRB number, 0 to 42; spreadsheets write 14 as `14.0`."""
    try:
        number = float(label)
        if not number.is_integer():
            raise ValueError
        return _names_by_gtsrb_id()[int(number)]
    except (KeyError, ValueError, OverflowError):
        raise LabelError(f"GTSRB class number {label!r} is unknown; numbers run from 0 to 42") from None


def plain_label(label: str) -> str:
    """A label in the one form in which labels are compared: letters with accents as single characters."""
    return label if label.isascii() else unicodedata.normalize("NFC", label)


def resolve_label(label: str, country: str = "") -> str:
    """A class name or a sign code of `country` (`R1-1` of `au`) as a class name; else the label in one form.

    Without a country nothing is taken for a code: R3-1 is a crossing in Australia, no right turn in America.
    """
    label = plain_label(label)
    if label in sign_classes():
        return label
    return _names_by_code(country).get(label.upper(), label)


def codes_of(label: str) -> dict[str, str]:
    """The class that a label would be as a sign code, by country, where it is one."""
    return {c: sign for c in countries() if (sign := _names_by_code(c).get(label.upper())) is not None}


def nearest_name(label: str) -> str:
    """The class whose name comes nearest to a label (`Stop`, `no entry`, `speed_50`), or nothing.

    Numbers are never taken for misspelt: speed-45 is no speed-40.
    """
    plain = re.sub(r"[\W_]+", "-", plain_label(label).lower()).strip("-")
    if plain in sign_classes():
        return plain
    numbers = re.findall(r"\d+", plain)
    names = [name for name in sign_classes() if re.findall(r"\d+", name) == numbers]
    return next(iter(difflib.get_close_matches(plain, names, n=1, cutoff=0.6)), "")


def kind_and_value(name: str) -> tuple[str, int | None]:
    """The two levels of an answer: `speed-50` is ("speed", 50), `stop` is ("stop", None)."""
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def family_of(name: str) -> str:
    """The family of a class; `speed-N` and `end-speed-N` by their stem, a user's own class is `other`."""
    known = sign_classes().get(name)
    if known is not None:
        return known.family
    return {"speed": "speed-limit", "end-speed": "end-of-limit"}.get(kind_and_value(name)[0], "other")


def told_by_colour(name: str) -> tuple[str, ...]:
    """The kinds of signs that only colour tells a class apart from; empty where shapes do.

    A speed limit of any number is one of them; a user's own class never is.
    """
    kind = kind_and_value(name)[0]
    others = [other for group in catalogue().by_colour if kind in group for other in group if other != kind]
    return tuple(dict.fromkeys(others))


def is_sign(name: str) -> bool:
    """Whether a class of this name shows signs: one of ours, of any number, or one of their families."""
    return name in sign_classes() or family_of(name) != "other" or name in set(families()) - {"other"}


def mirror_indices(classes: Sequence[str]) -> list[int]:
    """For each class the index of its mirror class among `classes`, or -1 where mirroring makes no sign."""
    known, index = sign_classes(), {name: i for i, name in enumerate(classes)}
    return [index.get(known[name].mirror or "", -1) if name in known else -1 for name in classes]


def swapped_indices(classes: Sequence[str]) -> list[int]:
    """For each class the index of no-sign where no face shows it once red and blue are swapped, else -1.

    Faces without a colour stay what they are, and so may whatever has such a face.
    """
    if NO_SIGN not in classes:
        return [-1] * len(classes)
    drawn = {face.sign for face in faces()}
    grey = {face.sign for face in faces() if not CHROMATIC & set(face.colours)}
    catch_all = set(NAMELESS)
    background = list(classes).index(NO_SIGN)
    return [background if name in drawn - grey - catch_all else -1 for name in classes]
