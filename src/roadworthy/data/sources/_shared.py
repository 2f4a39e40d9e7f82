"""What the sources share: looking up files, reading tables, recognising splits by their names."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.core.notes import say
from roadworthy.imaging.decode import SUFFIXES, SYSTEM_FILES, suffix_of

T = TypeVar("T")
CLUTTER = ("__MACOSX", "@eaDir")

_FRAME = re.compile(r"(.+)_\d{5}")
_SPLIT = re.compile(
    r"(final|images?|pictures?|data)?(?P<name>train|training|val|valid|validation|dev|test|testing|eval|evaluation)"
    r"(set|split|data|dataset|images?|pictures?|signs?|\d{4})*"
)
_SPLITS = {"train": "train", "val": "val", "dev": "val", "test": "test", "eval": "eval"}
_USUAL = ("train", "val", "valid", "validation", "test")


def split_of(name: str) -> str:
    """The split that a folder's name or a table's word means, or nothing: `train`, `val`, `test` or `eval`.

    People write Training, train_set, Final_Test, train-images, val2017; `eval` depends on the others.
    """
    match = _SPLIT.fullmatch(re.sub(r"[\W_]+", "", name).lower())
    return (
        next((split for start, split in _SPLITS.items() if match["name"].startswith(start)), "")
        if match
        else ""
    )


def name_splits(names: Iterable[str], place: str) -> dict[str, str]:
    """The split of each name that means one, with a note where a name is not a usual one.

    `eval` is the test if there is no other, else validation; `dev`, for development, is the training
    set if there is a test and nothing else to train on.
    """
    found = {name: split for name in names if (split := split_of(name))}
    evaluation = "val" if "test" in found.values() else "test"
    found = {name: evaluation if split == "eval" else split for name, split in found.items()}
    if set(found.values()) == {"val", "test"}:
        found = {name: "train" if name.lower().startswith("dev") else split for name, split in found.items()}
    said = [f"{name} as {split}" for name, split in found.items() if name.lower() not in _USUAL]
    if said:
        say(f"{place}: read as splits: {', '.join(said)}")
    return found


def refuse_unknown_options(source: str, options: Mapping[str, str], known: tuple[str, ...] = ()) -> None:
    """ConfigError for a setting after the question mark that the source does not know."""
    for name in options:
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no settings"
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ConfigError(
                f"{source}: has no setting {name!r} (got ?{name}={options[name]}); {hint}{source}: {takes}"
            )


def sign_of(stem: str) -> str:
    """The part of a file name that names the physical sign, `pole7` of `pole7_00012`; else empty."""
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


def entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name, but for what is hidden."""
    try:
        with os.scandir(folder) as found:
            return sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise DataError(f"folder {folder} cannot be read: {error.strerror or error}") from error


def is_picture(name: str) -> bool:
    """Whether a file is a picture by its name."""
    return suffix_of(name) in SUFFIXES


def files_below(folder: Path | str, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the files at any depth, folder by folder, but for what nobody put there on purpose."""
    real = os.path.realpath(folder)
    if real in above:  # a link that leads back up
        return
    for entry in entries(folder):
        if entry.is_dir():
            if entry.name not in CLUTTER:
                yield from files_below(entry.path, (*above, real))
        elif entry.name not in SYSTEM_FILES:
            yield entry.path


def pictures_below(folder: Path | str, others: Counter[str]) -> Iterator[str]:
    """Paths of the pictures at any depth; `others` counts the suffixes of all other files."""
    for path in files_below(folder):
        if is_picture(path):
            yield path
        else:
            others[suffix_of(os.path.basename(path))] += 1  # noqa: PTH119 - as text: Paths take seconds
