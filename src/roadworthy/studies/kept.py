"""What a study's figures follow from, in one small file: to compute them anew, or go on elsewhere.

Kept of each finished training: its measurements, its history, and which class it answered for each picture.
Left out: weights, and how sure single answers were; an arm that starts from another's weights needs that one
trained again.  Data lie where ROADWORTHY_DATA says, on either machine.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from PIL import Image

from roadworthy.core.answers import StoredAnswers
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import CheckpointError, DataError, DataNotFoundError, ImageError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import folder_replacing, is_file_name, make_folder, replacing, write_arrays
from roadworthy.core.paths import StrPath, as_path
from roadworthy.data.sources.cifar10 import unpacked_at
from roadworthy.data.spec import locate, parse_spec, usual_places
from roadworthy.imaging.decode import decode
from roadworthy.studies.files import MEASURED_FURTHER

SUFFIX = ".tar.xz"
PLAN, RESULTS = "plan.json", "results.json"
SIZES = "sizes.json"  # how large pictures are, where a study counted that
MEASUREMENTS = (
    *("metrics.json", MEASURED_FURTHER, "history.csv"),
    *("provenance.json", "config.toml", "data.json"),
)
ANSWERS, PREDICTIONS, PICTURES = "answers.npz", "predictions.npz", "pictures"
# What stands for folders that are others elsewhere: the data, the study's own, CIFAR-10 unpacked.
DATA, STUDY, STUDIES, CIFAR = "$ROADWORTHY_DATA", "$STUDY", "$STUDIES", "$CIFAR10"
_UNPACKED = re.compile(r".*/cifar10/archive-[0-9a-f]{16}(?=/)")
_TEXTS, _SHEET = (".json", ".toml", ".csv"), ".jpg"
GALLERY_BYTES, QUALITIES = 300_000, (85, 70, 50, 30)
# Far above what a study of hundreds of trainings takes, far below what fills a disk.
MOST_FILES, MOST_BYTES, MOST_BYTES_A_FILE = 100_000, 2_000_000_000, 200_000_000


def keep(names: Sequence[str], studies: StrPath, out: StrPath) -> list[Path]:
    """Pack what the trainings of studies measured and answered, each into a file of its own; trains nothing.

    names: of the studies; without any all that lie in `studies`.
    studies: the folder that `study` wrote to.  out: the folder for the archives, NAME.tar.xz.
    Raises UsageError where a study has no finished training there.
    """
    studies, out = as_path(studies), make_folder(as_path(out))
    found = [place.parent.name for place in sorted(studies.glob(f"*/{PLAN}"))]
    if not found:
        raise UsageError(f"there is no study in {studies}; name the folder that `roadworthy study` wrote to")
    for name in names:
        if name not in found:
            raise UsageError(f"there is no study {name} in {studies}; there are {', '.join(found)}")
    archives = [out / f"{name}{SUFFIX}" for name in names or found]
    for name, archive in zip(names or found, archives, strict=True):
        _pack(studies / name, archive)
    return archives


def unpack(archives: Sequence[StrPath], out: StrPath) -> list[Path]:
    """The studies' folders in `out`, ready for `report`, and for `study` to go on with.

    Raises CheckpointError for a file that is no archive of a study, or a damaged one; UsageError where a
    folder of that study is there.
    """
    return [_unpack(as_path(archive), make_folder(as_path(out))) for archive in archives]


def _pack(study: Path, archive: Path) -> None:
    """The plan and results of the study in that folder, then what each of its trainings measured."""
    finished = sorted(path.parent for path in (study / "runs").rglob("metrics.json"))
    if not finished:
        raise UsageError(f"no training of {study} is finished; there is nothing to keep")
    with replacing(archive) as aside, tarfile.open(aside, "w:xz", preset=9) as packed:
        here = _folders(study)
        known: set[str] = set()
        for name in (PLAN, RESULTS, SIZES):
            if (study / name).is_file():
                _add(packed, study, study / name, _text(study / name, here))
        for folder in finished:
            for name in MEASUREMENTS:
                if (folder / name).is_file():
                    _add(packed, study, folder / name, _text(folder / name, here))
            if (folder / PREDICTIONS).is_file():
                _add_answers(packed, study, folder, here, known)
        for place, sheet in _sheets(study):
            _add(packed, study, study / place, sheet)


def _add(packed: tarfile.TarFile, study: Path, path: Path, content: bytes) -> None:
    """A file without date or owner: the same study gives the same archive."""
    entry = tarfile.TarInfo((Path(study.name) / path.relative_to(study)).as_posix())
    entry.size = len(content)
    packed.addfile(entry, io.BytesIO(content))


def _add_answers(
    packed: tarfile.TarFile, study: Path, folder: Path, here: Mapping[str, str], known: set[str]
) -> None:
    """Which class was answered for each picture; what pictures these are once for all that have the same."""
    said = StoredAnswers.read(folder)
    pictures = _npz(
        classes=np.array(said.classes),
        targets=said.targets,
        groups=np.array(said.groups),
        paths=np.array([_placed(path, here) for path in said.paths]),
    )
    name = hashlib.blake2b(pictures, digest_size=8).hexdigest()
    if name not in known:
        known.add(name)
        _add(packed, study, study / PICTURES / f"{name}.npz", pictures)
    few = said.answers.astype(np.min_scalar_type(len(said.classes)))
    _add(packed, study, folder / ANSWERS, _npz(answers=few, pictures=np.array(name)))


def _npz(**arrays: Any) -> bytes:
    """Arrays as a file that is not compressed; the archive is."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _sheets(study: Path) -> Iterator[tuple[str, bytes]]:
    """The pictures that a study shows, one gallery a sheet, as far as they are small."""
    left = GALLERY_BYTES
    for gallery in _results(study).get("galleries", ()):
        with np.load(study / gallery["file"], allow_pickle=False) as stored:
            sheet = _sheet(stored["images"], left)
        if sheet:
            left -= len(sheet)
            yield gallery["file"] + _SHEET, sheet


def _sheet(images: ByteArray, most: int) -> bytes:
    """(N, H, W, 3) pictures one below the other as a JPEG of at most so many bytes; empty where none is."""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        whole = Image.fromarray(images.reshape(-1, *images.shape[2:]))
        if whole.height >= 1 << 16:  # more than a JPEG holds
            break
        whole.save(buffer, format="JPEG", quality=quality, subsampling=0)
        if buffer.tell() <= most:
            return buffer.getvalue()
    return b""


def _results(study: Path) -> dict[str, Any]:
    """What the study found as its trainings ended; empty where that is not stored."""
    path = study / RESULTS
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _unpack(archive: Path, out: Path) -> Path:
    """One study's folder, whole or not at all."""
    require("reading a study's archive", "train", modules=("scipy",))
    from roadworthy.studies.questions.catalogue import STUDIES

    try:
        entries = _entries(archive)
        first, content = next(entries)
        name = first.parts[0]
        if name not in STUDIES:
            raise DataError(f"it holds a study {name}, which is unknown; known: {', '.join(STUDIES)}")
        study = out / name
        if study.exists():
            raise UsageError(
                f"{study} is there already; `roadworthy report {out}` renders it again, or give another --out"
            )
        with folder_replacing(study) as aside:
            _fill(aside, name, [(first, content), *entries], _folders(study))
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {archive}") from error
    except StopIteration as error:
        raise CheckpointError(f"{archive} is empty") from error
    except (*_DAMAGES, DataError, ImageError) as error:
        raise CheckpointError(f"{archive} is no whole archive of a study: {error}") from error
    return study


_DAMAGES = (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError, KeyError, TypeError, BadZipFile)


def _entries(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Names and contents, as long as they are what a study's archive may hold."""
    total = 0
    with tarfile.open(archive, "r:xz") as packed:
        for number, entry in enumerate(packed):
            tarfile.data_filter(entry, "/")  # refuses names that lead out of the folder
            name = PurePosixPath(entry.name)
            named = len(name.parts) > 1 and all(map(is_file_name, name.parts))
            if not (named and entry.isreg() and name.suffix in (*_TEXTS, _SHEET, ".npz")):
                raise DataError(f"{entry.name} is nothing that a study keeps")
            total += entry.size
            if number >= MOST_FILES or entry.size > MOST_BYTES_A_FILE or total > MOST_BYTES:
                raise DataError(f"it unpacks to more than {total:,} bytes in {number + 1:,} files")
            content = packed.extractfile(entry)
            assert content is not None
            yield name, content.read()


def _fill(
    folder: Path, name: str, entries: Sequence[tuple[PurePosixPath, bytes]], here: Mapping[str, str]
) -> None:
    """Write what an archive holds, with this machine's own places."""
    pictures: dict[str, Mapping[str, Any]] = {}
    sheets: dict[str, bytes] = {}
    for path, content in entries:
        if path.parts[0] != name:
            raise DataError(f"it holds {path.parts[0]} beside {name}")
        file = folder.joinpath(*path.parts[1:])
        if path.suffix == _SHEET:
            sheets[path.relative_to(name).as_posix().removesuffix(_SHEET)] = content
        elif path.parts[1] == PICTURES:
            pictures[path.stem] = _arrays(content)
        elif path.suffix == ".npz":
            arrays = _arrays(content)
            if "pictures" in arrays:
                arrays |= pictures[str(arrays["pictures"])]
            file.parent.mkdir(parents=True, exist_ok=True)
            _write_answers(arrays, file.with_name(PREDICTIONS), here)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_local(content.decode("utf-8"), here), encoding="utf-8")
    for gallery in _results(folder).get("galleries", ()):
        if gallery["file"] in sheets:
            sheet = decode(sheets[gallery["file"]])
            images = sheet.reshape(len(gallery["captions"]), -1, *sheet.shape[1:])
            write_arrays({"images": images}, folder / gallery["file"])


def _arrays(content: bytes) -> dict[str, Any]:
    """The arrays of an .npz file; DataError where they would not fit."""
    with ZipFile(io.BytesIO(content)) as packed:
        size = sum(info.file_size for info in packed.infolist())
    if size > MOST_BYTES_A_FILE:
        raise DataError(f"arrays of {size:,} bytes")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dict(stored)


def _write_answers(arrays: Mapping[str, Any], path: Path, here: Mapping[str, str]) -> None:
    """predictions.npz with answers alone; older archives hold them as logits of 1 and 0."""
    answers = arrays["answers"] if "answers" in arrays else arrays["logits"].argmax(axis=1)
    paths = [_local(_placed(place, {}), here) for place in arrays["paths"].tolist()]
    kept = {name: arrays[name] for name in ("classes", "targets", "groups")}
    write_arrays({**kept, "answers": answers, "paths": np.array(paths)}, path)
    StoredAnswers.read(path.parent)  # which refuses what does not fit together


def _text(path: Path, here: Mapping[str, str]) -> bytes:
    return _placed(path.read_text(encoding="utf-8"), here).encode()


def _placed(text: str, here: Mapping[str, str]) -> str:
    """With what stands for this machine's folders in their place."""
    if _UNPACKED.match(text):
        return _UNPACKED.sub(lambda _: CIFAR, text)
    for sign, place in here.items():
        text = text.replace(place, sign)
    return text


def _local(text: str, here: Mapping[str, str]) -> str:
    """With this machine's folders where something stands for them."""
    if text.startswith(CIFAR):
        return text.replace(CIFAR, _cifar_here(), 1)
    for sign, place in here.items():
        text = text.replace(sign, place)
    return text


def _folders(study: Path) -> dict[str, str]:
    """This machine's folders by what stands for them."""
    folders = {STUDY: str(study.resolve()), STUDIES: str(study.resolve().parent)}
    if os.environ.get("ROADWORTHY_DATA"):
        folders[DATA] = str(usual_places("any")[0].resolve().parent)
    return folders


@cache
def _cifar_here() -> str:
    """The folder that CIFAR-10's archive is unpacked into here; what stands for it where there is none."""
    try:
        archive = locate(parse_spec("cifar10:")[0])
    except DataNotFoundError:
        return CIFAR
    return str(unpacked_at(archive)) if archive.is_file() else CIFAR
