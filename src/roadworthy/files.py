"""Files that appear whole or not at all, whoever is killed and however many write at once.  No torch."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from roadworthy.errors import UsageError

_LONGEST = 200  # bytes of a name: file systems allow 255, and endings come behind it
_STALE_S = 86_400  # a file of another machine that was not touched for so long has lost its writer
_ASIDE = re.compile(r"\.rw-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new path beside `path` to write a file to; it takes the place of `path` when the block ends.

    Where the block raises, `path` stays as it was; an OSError names it.  Each writer has a name of its own,
    so of several at once the last to end wins.  What writers that were killed left there is removed first.
    """
    remove_leftovers(path.parent)
    aside = path.with_name(aside_name())
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        if error.errno is None:  # numpy tells of a full disk in words alone
            raise OSError(errno.EIO, str(error), str(path)) from error
        if error.filename in (None, str(aside)):  # a write that fails names no file
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def folder_replacing(path: Path) -> Iterator[Path]:
    """The same for a folder, made empty to begin with.

    Where `path` is there by the end of the block (another process was quicker), it stays as it is.
    """
    remove_leftovers(path.parent)
    aside = path.with_name(aside_name())
    aside.mkdir(parents=True)
    try:
        yield aside
        try:
            aside.rename(path)
        except OSError:
            if not path.is_dir():  # another process may have been quicker
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def folder_filling(folder: Path) -> Iterator[Path]:
    """A new folder within an empty one; what is in it moves up into `folder` when the block ends.

    Where the block raises, `folder` is as empty as before.
    """
    aside = folder / aside_name()
    aside.mkdir()
    try:
        yield aside
        for entry in sorted(aside.iterdir()):
            entry.rename(folder / entry.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for files that only this process needs; what killed processes left of theirs is removed."""
    place = Path(tempfile.gettempdir())
    remove_leftovers(place)
    folder = place / aside_name()
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(text: str, path: Path) -> None:
    """A text in UTF-8; `path` holds all of it, or what it held before."""
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While one process works in a folder no other may; UsageError where one is at it.

    The lock ends with its process, however that ends.
    """
    from filelock import FileLock, Timeout  # takes a while to import, which `predict` need not wait for

    lock = FileLock(folder / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"another process is working on {folder}; wait for it, or name another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()


def aside_name() -> str:
    """A name for a file that is not whole yet; tells who writes it, so that others know when nobody does."""
    return f".rw-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def remove_leftovers(folder: Path) -> None:
    """Remove from a folder what writers of files that are gone have left there."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _ASIDE.fullmatch(entry.name)
            if match is None:
                continue
            with suppress(OSError):
                if _abandoned(match[1], int(match[2]), entry.stat().st_mtime):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _abandoned(machine: str, process: int, touched_s: float) -> bool:
    # Windows has no harmless signal to ask with; there, and of other machines, only age tells.
    if machine != _machine() or os.name != "posix":
        return time.time() - touched_s > _STALE_S
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's, and alive
    return False


def _machine() -> str:
    return blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()


def is_file_name(name: str) -> bool:
    """Whether a name that came out of a file is one part of a path, on any system, and leads nowhere else."""
    return (
        0 < len(name.encode(errors="surrogateescape")) <= _LONGEST
        and name not in (".", "..")
        and name.isprintable()
        and not set(name) & set('/\\:*?"<>|')
    )


def as_file_name(name: str) -> str:
    """A name made of others that is one part of a path: what could be anything else becomes a hyphen."""
    return re.sub(r"[^\w.+,=@ -]", "-", name).lstrip(".")[:_LONGEST] or "-"


def check_regular(path: str | os.PathLike[str]) -> None:
    """Refuse what is there and no file: a pipe or a device could be waited for, or read, without end.

    Raises OSError, as opening it would where that fails.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116 - Path(...) costs more, and pictures come by the million
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, no file", str(path))


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
