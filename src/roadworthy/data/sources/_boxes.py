"""What the formats with boxes share: how they are filed, what their words mean, how pictures are found.

corrections=FILE   a table of corrections to the labels (data/corrections.py); `ours` is the project's own
map=FILE           a table of classes, theirs and ours (data/class_map.py)
split_seed=0       divides a set that names no splits, by a seed; 0 gives the project's own test
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import NoReturn

from roadworthy.core.arrays import Box
from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError, LabelError, UsageError
from roadworthy.core.files import check_regular
from roadworthy.core.notes import say, some
from roadworthy.core.paths import as_path, at_home
from roadworthy.core.words import plural
from roadworthy.data.class_map import NO_SIGN, read_map
from roadworthy.data.corrections import correct, read_corrections
from roadworthy.data.frame_splits import with_splits
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.records import Record
from roadworthy.data.sources import FORMS, FRAME_SOURCES, SOURCES, Form, FrameSource
from roadworthy.data.sources._labels import GTSRB_IDS, label_reader, say_labels
from roadworthy.data.sources._looks import LOOKS, Looks
from roadworthy.data.sources._shared import Listing, is_picture, refuse_unknown_options
from roadworthy.signs.catalogue import sign_classes

WORDS = ("only", "background", "map")  # settings of the formats whose labels are words
_COMMON = ("corrections", "split_seed")
OURS = "ours"  # corrections that come with the project
_PLAIN = re.compile(r"\w[\w.-]*", re.ASCII)  # the name of a file without folders
_MOST_BYTES = 1_000_000_000  # of a file of labels: COCO's own have half of that

# Words of public sets that are no class of ours, by their letters alone.
_OTHER_NAMES = {
    "stopsign": "stop",
    "crosswalk": "pedestrian-crossing",
    "yield": "give-way",
    "yieldsign": "give-way",
}
_NAMELESS = {"speedlimit", "speedlimitsign", "sign", "roadsign", "trafficsign", "othersign"}
_NAMELESS |= {"prohibitory", "mandatory", "danger", "warning", "regulatory", "information"}
_NO_SIGNS = {"trafficlight", "trafficlights"}


def frame_source(
    name: str,
    *,
    settings: tuple[str, ...] = (),
    to_readers: str = "",
    form: Form | None = None,
    looks: Looks | None = None,
) -> Callable[[FrameSource], FrameSource]:
    """Decorator that files a function of Frames under `name`, for finders and, box by box, for readers.

    settings: those after the question mark that the format itself takes.
    to_readers: what a person must know who reads the boxes as pictures, or nothing.
    form: what the format can say, where it is one that others write too.
    looks: whether a place looks like it, for whoever named another.
    """
    if form is not None:
        FORMS[name] = form
    if looks is not None:
        LOOKS[name] = looks

    def file(read: FrameSource) -> FrameSource:
        @functools.wraps(read)
        def frames(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
            refuse_unknown_options(name, options, (*settings, *_COMMON))
            own = {setting: value for setting, value in options.items() if setting not in _COMMON}
            found = read(place, own, labels)
            if table := options.get("corrections"):
                found = correct(
                    found, read_corrections(_corrections(name, place, table), label_reader(labels))
                )
            seed = options.get("split_seed")
            return found if seed is None else with_splits(found, _seed(name, seed))

        @functools.wraps(read)
        def records(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
            if to_readers:
                say(f"{name}:{place}: {to_readers}")
            return records_of(frames(place, options, labels), f"{name}:{place}")

        SOURCES.register(name)(records)
        return FRAME_SOURCES.register(name)(frames)

    return file


def _seed(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ConfigError(f"{name}: got split_seed={text!r}; it must be a whole number, like split_seed=0")
    return int(text)


def _corrections(source: str, place: Path, table: str) -> Path:
    """A table by its path, or the project's own for a format, or for a set in a folder of that name."""
    if table != OURS:
        return at_home(table)
    known = {path.stem: path for path in (Path(__file__).parents[1] / "corrected").glob("*.csv")}
    for name in (source, place.name):
        if name in known:
            return known[name]
    there = ", ".join(sorted(known))
    raise ConfigError(f"corrections=ours: {source}:{place} has none; there are some of {there}")


def records_of(frames: Sequence[Frame], place: str) -> list[Record]:
    """Each box that bears a class as a picture of its own; what is left out is said."""
    records = []
    nameless = ignored = 0
    for frame in frames:
        for marked in frame.annotations:
            nameless += not marked.label and not marked.ignore
            ignored += marked.ignore
            if marked.ignore or not marked.label:
                continue
            # All signs of one class in a film may be one.
            seen = f"{frame.sequence}/{marked.label}" if frame.sequence else ""
            records.append(
                Record(
                    path=frame.path,
                    label=marked.label,
                    group=marked.group or seen,
                    split=frame.split,
                    box=marked.box,
                    fault=frame.fault,
                    in_frame=True,
                )
            )
    reasons = {"of signs without a class": nameless, "that are to be ignored": ignored}
    left_out = [f"{plural(n, 'box')} {why}" for why, n in reasons.items() if n]
    if left_out:
        say(f"{place}: nothing can be read from {' and '.join(left_out)}; left out")
    if not records:
        raise DataNotFoundError(f"{place} has no box that bears a class, so there is no sign to read")
    return records


class SignWords:
    """What a set's words for what it marks mean: a class, a sign that is not told which, or no sign."""

    def __init__(self, place: str, labels: str, options: Mapping[str, str]) -> None:
        self._place, self._labels, self._read = place, labels, label_reader(labels)
        self._only, self._background = (
            {word.strip() for word in options.get(name, "").split("+") if word.strip()}
            for name in ("only", "background")
        )
        self._map = read_map(at_home(options["map"])) if options.get("map") else {}
        self._classes: dict[str, str] = {}
        self._chosen: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._meant: dict[str, str | None] = {}

    def read(self, word: str) -> str | None:
        """A class, "" for a sign that is not told which, or None for what is no sign.

        Raises LabelError for what can be neither.
        """
        word = word.strip()
        if word not in self._meant:
            self._meant[word] = self._meaning(word)
        self._counts[word] += 1
        return self._meant[word]

    def read_many(self, word: str, n: int) -> str | None:
        """The same for a word that stands there `n` times."""
        meant = self.read(word)
        self._counts[word.strip()] += n - 1
        return meant

    def _meaning(self, word: str) -> str | None:
        if word in self._background or (self._only and word not in self._only):
            return None
        if ours := self._map.get(word):
            return self._mapped(word, ours)
        letters = _letters(word)
        known = word in sign_classes() or self._labels == GTSRB_IDS
        if not known and letters in _NO_SIGNS and word not in self._only:
            return None
        if not word or (not known and letters in _NAMELESS):
            return ""
        self._classes[word] = name = self._read(word if known else _OTHER_NAMES.get(letters, word))
        return name

    def _mapped(self, word: str, ours: str) -> str | None:
        if ours == NO_SIGN:
            return None
        if _letters(ours) in _NAMELESS:
            return ""
        self._chosen[word] = ours
        return ours

    @staticmethod
    def _is_other_name(word: str, name: str) -> bool:
        return word != name and _OTHER_NAMES.get(_letters(word)) == name

    def say(self) -> None:
        """How words were taken; ConfigError where a setting names one that the set does not have."""
        for setting, named in (("only", self._only), ("background", self._background)):
            if absent := sorted(named - self._counts.keys()):
                raise ConfigError(
                    f"{self._place}: {setting}= names {absent[0]!r}, which is no label of the set; it has "
                    f"{some(sorted(self._counts)) or 'none'}"
                )
        ours = {word: name for word, name in self._classes.items() if self._is_other_name(word, name)}
        say_labels({w: n for w, n in self._classes.items() if w not in ours}, self._labels, self._place)
        if self._chosen:
            say(
                f"{self._place}: labels by the table of classes: "
                f"{some(f'{w} is {n}' for w, n in self._chosen.items())}"
            )
        if ours:
            say(f"{self._place}: labels in other words: {some(f'{w} is {n}' for w, n in ours.items())}")
        own = [word for word, name in self._classes.items() if name not in sign_classes()]
        if own and not self._only:
            say(
                f"{self._place}: if some labels are no signs, leave them to the background with "
                "?background=A+B, or name all that are with ?only=A+B"
            )
        kinds = {"": "signs whose class is not told", None: "no signs, so they are background"}
        for kind, meaning in kinds.items():
            words = [f"{w or 'nothing'} ({self._counts[w]:,})" for w, m in self._meant.items() if m == kind]
            if words:
                say(f"{self._place}: boxes labelled {some(words)} mark {meaning}")


def _letters(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).lower()


def rounded(x1: float, y1: float, x2: float, y2: float) -> Box:
    """`box_of` to a millionth of a pixel: what is written as shares comes back to the digit."""
    return box_of(round(x1, 6), round(y1, 6), round(x2, 6), round(y2, 6))


def box_of(x1: float, y1: float, x2: float, y2: float) -> Box:
    """A box, if it can be one; ValueError saying what arrived."""
    if not (all(map(math.isfinite, (x1, y1, x2, y2))) and x1 < x2 and y1 < y2):
        raise ValueError(f"the box reaches from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) and holds nothing")
    return x1, y1, x2, y2


def marked(box: Box, label: str | None, *, ignore: bool = False, group: str = "") -> tuple[Annotation, ...]:
    """The annotation of a box, or none where its label says that it is no sign."""
    return () if label is None else (Annotation(box=box, label=label, ignore=ignore, group=group),)


def refuse_text(path: Path | str, what: str, error: object) -> NoReturn:
    """The DataError of a file of labels that is not what it should be."""
    reason = " ".join(str(error).split())
    raise DataError(f"{path} is no {what}: {reason}")


def read_bytes(path: Path | str) -> bytes:
    """A file of labels; DataError where it cannot be read."""
    try:
        check_regular(path)
        if (size := os.path.getsize(path)) > _MOST_BYTES:  # noqa: PTH202 - may come by the million
            raise DataError(f"{path} has {size:,} bytes, more than any file of labels")
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def read_text(path: Path | str) -> str:
    """The same as text, UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start})") from error


class Pictures:
    """Finds pictures by the names that labels call them: in any letter case, and saved in another format."""

    def __init__(self) -> None:
        self._listing = Listing()
        self._stems: dict[str, dict[str, list[str]]] = {}
        self._renamed: list[str] = []

    def find(self, folder: Path | str, named: str) -> str | None:
        """The path of the picture below `folder` that is called so, or None.

        Raises DataError where two pictures may be meant, and for a name that is no path.
        """
        # Most are plain, and Paths take seconds.
        if _PLAIN.fullmatch(named) and (found := self._listing.find(os.path.normpath(folder), named)):
            return found
        try:
            parts = PurePath(as_path(named.replace("\\", "/"))).parts
        except UsageError as error:
            raise DataError(str(error)) from error
        inner, name = os.path.normpath(os.path.join(folder, *parts[:-1])), parts[-1]  # noqa: PTH118
        if found := self._listing.find(inner, name):
            return found
        stem = PurePath(name).stem.lower()
        known = self._by_stem(inner).get(stem, [])
        if len(known) > 1:
            raise DataError(f"{named} may be {known[0]} or {known[1]} in {inner}; remove one of them")
        if not known:
            return None
        self._renamed.append(f"{name} from {known[0]}")
        return os.path.join(inner, known[0])  # noqa: PTH118

    def _by_stem(self, folder: str) -> dict[str, list[str]]:
        known = self._stems.get(folder)
        if known is None:
            known = {}
            for name in sorted(set(self._listing.names(folder).values())):
                if is_picture(name):
                    known.setdefault(PurePath(name).stem.lower(), []).append(name)
            self._stems[folder] = known
        return known

    def say(self, place: str) -> None:
        """Which pictures were taken from files of another suffix."""
        if self._renamed:
            many = f"{len(self._renamed):,} pictures are" if len(self._renamed) > 1 else "1 picture is"
            say(f"{place}: {many} there in another format than the labels name: {some(self._renamed, 2)}")


def without_doubles(frames: Sequence[Frame], place: str) -> list[Frame]:
    """The frames, each file once, with all that is marked in it; of two splits the first counts."""
    kept: dict[str, Frame] = {}
    doubled: Counter[str] = Counter()
    folders: dict[str, str] = {}
    for frame in frames:
        file = _real(frame.path, folders)
        first = kept.setdefault(file, frame)
        if first is frame:
            continue
        doubled[f"{frame.split or 'the set'} that {first.split or 'it'} has already"] += 1
        together = dict.fromkeys((*first.annotations, *frame.annotations))
        kept[file] = replace(first, annotations=tuple(together), fault=first.fault or frame.fault)
    if doubled:
        named = [f"{n:,} of {what}" for what, n in doubled.items()]
        say(f"{place}: frames that are named twice count once: {some(named)}")
    return list(kept.values())


def _real(path: str, folders: dict[str, str]) -> str:
    """The path without links; each folder is asked once, for sets have many files."""
    if os.path.islink(path):  # noqa: PTH114 - as text: Paths take seconds
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    real = folders.get(folder)
    if real is None:
        real = folders[folder] = os.path.realpath(folder)
    return os.path.join(real, name)  # noqa: PTH118


def read_label(words: SignWords, word: str, where: str) -> str | None:
    """`words.read`, its error naming the place of the word."""
    try:
        return words.read(word)
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from error
