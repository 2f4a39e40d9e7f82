"""CIFAR-10: objects that are not signs, and the benchmark of the gradient-norm study."""

from __future__ import annotations

import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.files import check_regular, folder_replacing, is_file_name
from roadworthy.data.cache import default_cache_dir
from roadworthy.data.records import Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import refuse_unknown_options
from roadworthy.data.sources.folder import read_folder

_BATCHES = {"train": [f"data_batch_{n}.bin" for n in range(1, 6)], "test": ["test_batch.bin"]}
_SIDE, _META = 32, "batches.meta.txt"
_RECORD = 1 + 3 * _SIDE * _SIDE  # a label, then the planes of red, green and blue

TERMS = "CIFAR-10 (Krizhevsky 2009): published for research; its archives hold no licence text"


@SOURCES.register("cifar10")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """The archive or its folder: train and test with a folder per class, or the official binary version.

    An archive, and the binary version, are unpacked into the cache once.
    """
    refuse_unknown_options("cifar10", options)
    if not place.exists():
        raise DataNotFoundError(f"nothing at {place}; cifar10: needs the archive, or its unpacked folder")
    folder = place if place.is_dir() else _once("archive", place, lambda into: _unpack(place, into))
    inner = _find(folder, place)
    if (inner / _META).is_file():
        inner = _once("pictures", inner / _META, lambda into: _draw(inner, into))
    return read_folder(inner, str)


def _once(what: str, source: Path, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, kept in the cache for as long as the source stays as it is."""
    target = unpacked_at(source, what)
    if target.is_dir():
        return target
    try:
        check_regular(source)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}") from error
    try:
        with folder_replacing(target) as aside:
            make(aside)
    except OSError as error:
        raise DataError(f"{source} cannot be unpacked into {target}: {error}") from error
    return target


def unpacked_at(source: Path, what: str = "archive") -> Path:
    """The folder in the cache for what is made of that archive, whether it is there yet or not."""
    about = source.stat()
    name = f"{source.resolve()} {about.st_size} {about.st_mtime_ns}"
    digest = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return default_cache_dir() / "cifar10" / f"{what}-{digest}"


def _unpack(archive: Path, into: Path) -> None:
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")  # nothing outside, no links out, no devices
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"{archive} is not a complete tar archive ({error}); download it again") from error


def _find(folder: Path, place: Path) -> Path:
    """The folder that holds the pictures: this one, or the only one in it."""
    for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if (candidate / _META).is_file() or (candidate / "train").is_dir() or (candidate / "test").is_dir():
            return candidate
        if (candidate / "data_batch_1").is_file():
            raise DataError(
                f"{place} is the Python version of CIFAR-10, whose pickles could run code; "
                "use the binary version (cifar-10-binary.tar.gz)"
            )
    raise DataError(f"{place} has neither train and test folders nor {_META}; is it CIFAR-10?")


def _draw(batches: Path, into: Path) -> None:
    """Every record of the binary version as a PNG in a folder of its class."""
    classes = (batches / _META).read_text(encoding="utf-8").split()
    for name in classes:
        if not is_file_name(name):
            raise DataError(f"{batches / _META} has the class {name!r}, which cannot be a folder's name")
    for split, files in _BATCHES.items():
        number = 0
        for name in files:
            content = np.frombuffer(_bytes(batches / name), dtype=np.uint8)
            if not len(content) or len(content) % _RECORD:
                raise DataError(
                    f"{batches / name} is incomplete: {len(content):,} bytes, not a multiple of {_RECORD:,}; "
                    "unpack the archive again"
                )
            for record in content.reshape(-1, _RECORD):
                if record[0] >= len(classes):
                    raise DataError(
                        f"{batches / name} has the label {record[0]}, but {_META} has {len(classes)} classes"
                    )
                folder = into / split / classes[record[0]]
                folder.mkdir(parents=True, exist_ok=True)
                picture = record[1:].reshape(3, _SIDE, _SIDE).transpose(1, 2, 0)
                Image.fromarray(picture).save(folder / f"{number:05d}.png", compress_level=1)
                number += 1


def _bytes(path: Path) -> bytes:
    try:
        check_regular(path)
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}); is CIFAR-10 complete?"
        ) from error
