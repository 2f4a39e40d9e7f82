"""The pictures that files, folders, globs and lists name."""

from __future__ import annotations

import codecs
import difflib
import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

from roadworthy.core import notes
from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.files import check_regular
from roadworthy.core.paths import as_path
from roadworthy.imaging.decode import SUFFIXES, SYSTEM_FILES, left_out, suffix_of


def expand_inputs(inputs: Sequence[str], *, or_model: bool = False) -> Iterator[Path]:
    """The pictures that files, folders and globs name, each input's in sorted order; @FILE lists paths.

    A file counts whatever its name; in a folder, at any depth, the files with a picture's suffix do, hidden
    ones left out and links to folders not followed.  A list has a path on each line, and every one of them
    counts.  A folder that cannot be read comes as itself, so that
    it ends as a row with its error.  Memory holds the names of one folder, or of one glob, at a time.
    or_model: the first might have been meant as a model, and an error says so.
    Raises DataNotFoundError at the call, not at the first picture, if an input names none.
    """
    for place, given in enumerate(inputs):
        others: Counter[str] = Counter()
        if next(_expand(given, others), None) is None:
            raise DataNotFoundError(_nothing_at(given, others, or_model and not place))
    return chain.from_iterable(map(_expand_all, inputs))


def _nothing_at(given: str, others: Counter[str], or_model: bool) -> str:
    path, would = Path(given), "name picture files, folders of them, or globs"
    fact = f"no picture at {given!r}" + (f" ({left_out(others)})" if others else "")
    if or_model and not (path.is_dir() or glob.has_magic(given) or path.suffix.lower() in SUFFIXES):
        fact = f"{given!r} is neither a model nor a picture: nothing is there"
        would = f"a model is a run folder, .onnx or .safetensors file; {would}"
    near = nearest(path)
    return f"{fact}; did you mean {str(near)!r}?" if near else f"{fact}; {would}"


def nearest(path: Path) -> Path | None:
    """What is there instead of a path that is not, as one would mistype it; None where nothing is like it."""
    missing = [part for part in (path, *path.parents) if not part.exists()]
    if not missing:
        return None
    try:
        beside = [entry.name for entry in missing[-1].parent.iterdir()]
    except OSError:
        return None
    for name in difflib.get_close_matches(missing[-1].name, beside, n=3):
        found = missing[-1].with_name(name) / path.relative_to(missing[-1])
        if found.exists():
            return found
    return None


class MissingInput(str):
    """A name that stands for no picture, and why; it ends as a row with that error."""

    error: str


def expand_items(items: Sequence[Any], *, raising: bool) -> list[Any]:
    """Pictures of any kind, with those that folders, globs and lists among them stand for.

    raising: DataNotFoundError where one names none; without, it comes as a MissingInput.
    """
    found: list[Any] = []
    for item in items:
        name = os.fspath(item) if isinstance(item, (str, PathLike)) else ""
        if not _names_several(name):
            found.append(item)
            continue
        try:
            found += expand_inputs([name])
        except DataNotFoundError as error:
            if raising:
                raise
            missing = MissingInput(name)
            missing.error = str(error)
            found.append(missing)
    return found


def _names_several(name: str) -> bool:
    return os.path.isdir(name) or (  # noqa: PTH112 - Path's raises where a name is too long
        not os.path.exists(name) and (glob.has_magic(name) or name.startswith("@"))  # noqa: PTH110
    )


def _expand_all(given: str) -> Iterator[Path]:
    """Its pictures; in the end what was left out is said."""
    others: Counter[str] = Counter()
    yield from _expand(given, others)
    if others:
        notes.say(f"{given}: {left_out(others)}")


def _expand(given: str, others: Counter[str]) -> Iterator[Path]:
    path = as_path(given)
    # A name that exists is meant literally, brackets and all.
    if path.is_dir():
        yield from _walk(path, others)
    elif path.exists():
        yield path
    elif given.startswith("@"):
        yield from _listed(as_path(given[1:]))
    elif "**" in path.parts:
        yield from _recursive(path, others)
    else:
        # Path.glob takes no absolute patterns.
        for match in map(Path, sorted(glob.iglob(given, recursive=True))):  # noqa: PTH207
            if match.is_dir():
                yield from _walk(match, others)
            else:
                yield match


def _recursive(pattern: Path, others: Counter[str]) -> Iterator[Path]:
    """What a pattern with ** matches, each once; links to folders may lead in circles."""
    before = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
    wanted = pattern.parts[before:]

    def below(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
        if _fits(parts, wanted):
            yield from _walk(folder, others)
            return
        try:
            found = _entries(folder)
        except OSError:
            yield folder
            return
        for name, is_folder in found:
            if is_folder:
                yield from below(folder / name, (*parts, name))
            elif _fits((*parts, name), wanted):
                yield folder / name

    root = Path(*pattern.parts[:before])
    if root.is_dir():
        yield from below(root, ())


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path are what a pattern's are, ** being any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**" and _fits(parts, pattern[1:]):
        return True
    if not parts or not (pattern[0] == "**" or fnmatch.fnmatchcase(parts[0], pattern[0])):
        return False
    return _fits(parts[1:], pattern if pattern[0] == "**" else pattern[1:])


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder, sorted, hidden ones left out, and whether each is a folder and no link to one."""
    with os.scandir(folder) as entries:
        return sorted((e.name, e.is_dir(follow_symlinks=False)) for e in entries if e.name[0] != ".")


def _listed(file: Path) -> Iterator[Path]:
    empty = True
    try:
        check_regular(file)
        with file.open("rb") as start:
            wide = start.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "surrogateescape")
        with file.open(encoding=encoding, errors=errors) as lines:
            for number, line in enumerate(map(str.strip, lines), 1):
                if line:
                    empty = False
                    yield _named(line, file, number)
    except UnicodeDecodeError as error:
        raise DataError(f"the list {file} is no whole UTF-16 text: {error.reason}") from error
    except OSError as error:
        raise DataNotFoundError(f"the list {file} cannot be read: {error.strerror or error}") from error
    if empty:
        raise DataNotFoundError(f"the list {file} is empty; it needs the path of a picture on each line")


def _named(line: str, file: Path, number: int) -> Path:
    try:
        return as_path(line)
    except UsageError as error:
        wide = "; is the list UTF-16 text without its mark?" if "\0" in line else ""
        raise DataError(f"the list {file}, line {number}: {error}{wide}") from error


def _walk(folder: Path, others: Counter[str]) -> Iterator[Path]:
    """The pictures in a folder at any depth; `others` counts the suffixes of what is none."""
    try:
        found = _entries(folder)
    except OSError:
        yield folder
        return
    for name, is_folder in found:
        if is_folder:
            yield from _walk(folder / name, others)
        elif suffix_of(name) in SUFFIXES:
            yield folder / name
        elif name not in SYSTEM_FILES:
            others[suffix_of(name)] += 1
