"""Downloads of public data sets: resumable, checked, unpacked aside and then renamed into place."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import ssl
import stat
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from roadworthy.errors import DownloadError, UnknownNameError
from roadworthy.files import alone, replacing

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much

CHUNK = 1 << 18
RETRIES = 4  # in a row without a byte more than before
UNPACKED_ESTIMATE = 2.5  # unpacked size over archive size; the exact one is checked before unpacking
STAMP = "fetched.json"
_BROKEN = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that may be different in a moment


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip file to fetch: where it lies, its size in bytes and its MD5."""

    url: str
    size: int
    md5: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


_ERDA = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370"
ARCHIVES: Mapping[str, tuple[Archive, ...]] = {
    # The 39,209 and 12,630 pictures; GTSRB-Training_fixed.zip beside them has only 26,640.
    "gtsrb": (
        Archive(
            url=f"{_ERDA}/GTSRB_Final_Training_Images.zip",
            size=276_294_756,
            md5="f33fd80ac59bff73c82d25ab499e03a3",
        ),
        Archive(
            url=f"{_ERDA}/GTSRB_Final_Test_Images.zip",
            size=88_978_620,
            md5="c7e4e6327067d32654124b0fe9e82185",
        ),
        Archive(url=f"{_ERDA}/GTSRB_Final_Test_GT.zip", size=99_620, md5="fe31e9c9270bbcd7b84b7f21a9d9d9e5"),
    )
}


def fetch(
    name: str,
    dest: Path,
    *,
    archives: Mapping[str, Sequence[Archive]] = ARCHIVES,
    progress: Progress | None = None,
    timeout_s: float = 30,
    pause_s: float = 0.5,
) -> Path:
    """Download a data set and unpack it into `dest`, which `NAME:dest` then reads; returns `dest`.

    Does nothing where that has been done.  A broken download goes on where it stopped, now after a pause
    (`pause_s`, doubling) or with the next call.
    Raises DownloadError saying what was expected and what came, or how much space is missing.
    """
    if name not in archives:
        raise UnknownNameError("data set to fetch", name, archives)
    try:
        dest.mkdir(parents=True, exist_ok=True)
        with alone(dest):
            _fetch(archives[name], dest, progress, timeout_s, pause_s)
    except OSError as error:
        raise DownloadError(f"cannot write to {dest}: {error.strerror or error}") from error
    return dest


def _fetch(
    archives: Sequence[Archive], dest: Path, progress: Progress | None, timeout_s: float, pause_s: float
) -> None:
    left = [archive for archive in archives if not _is_unpacked(archive, dest)]
    for archive in archives:
        if archive not in left:  # killed between unpacking an archive and removing it
            _discard(_part(archive, dest))
    _require_space(dest, sum(int(a.size * (1 + UNPACKED_ESTIMATE)) - _size(_part(a, dest)) for a in left))
    for archive in left:
        part = _download(archive, dest, progress, timeout_s, pause_s)
        _unpack(archive, part, dest, progress)
        part.unlink()


# ---- download


def _part(archive: Archive, dest: Path) -> Path:
    return dest / f"{archive.name}.part"


def _validator(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download(
    archive: Archive, dest: Path, progress: Progress | None, timeout_s: float, pause_s: float
) -> Path:
    part = _part(archive, dest)
    resumed = _size(part) > 0
    _transfer_all(archive, part, progress, timeout_s, pause_s)
    got = _md5(part)
    if got != archive.md5 and resumed:
        # The beginning may stem from another version of the file: once more, from nothing.
        _discard(part)
        _transfer_all(archive, part, progress, timeout_s, pause_s)
        got = _md5(part)
    if got != archive.md5:
        _discard(part)
        raise DownloadError(
            f"{archive.url} is not the file expected: MD5 {archive.md5} expected, got {got}; it was removed"
        )
    _validator(part).unlink(missing_ok=True)
    return part


def _transfer_all(
    archive: Archive, part: Path, progress: Progress | None, timeout_s: float, pause_s: float
) -> None:
    failures = most = 0
    while (have := _size(part)) < archive.size:
        try:
            _transfer(archive, part, have, progress, timeout_s)
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
            if error.code == 416:  # it has fewer bytes than we: what we have is of another file
                _discard(part)
            elif error.code not in _PASSING:
                raise DownloadError(f"{archive.url}: {reason}") from error
        except _BROKEN as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        failures = 0 if _size(part) > max(have, most) else failures + 1
        most = max(most, _size(part))
        if _size(part) < archive.size:
            if failures > RETRIES:
                raise DownloadError(
                    f"{archive.url}: {reason}; got {_size(part):,} of {archive.size:,} bytes, "
                    "which are kept: run the same command again to go on"
                )
            time.sleep(pause_s * 2**failures)
    if _size(part) > archive.size:
        got = _size(part)
        _discard(part)
        raise DownloadError(
            f"{archive.url} is not the file expected: {archive.size:,} bytes expected, got {got:,} or more; "
            "it was removed"
        )


def _transfer(archive: Archive, part: Path, have: int, progress: Progress | None, timeout_s: float) -> None:
    headers = {"User-Agent": "roadworthy", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _validator(part).exists():
            headers["If-Range"] = _validator(part).read_text(encoding="ascii")
    request = urllib.request.Request(archive.url, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        _refuse_other_size(archive, response.headers, response.status)
        if response.status == 206:
            given = response.headers.get("Content-Range", "")
            if not given.startswith(f"bytes {have}-"):
                raise DownloadError(f"{archive.url}: asked for the bytes from {have:,}, got {given!r}")
        else:
            _discard(part)
            have = 0
            etag = response.headers.get("ETag", "")
            if etag.startswith('"') and etag.isascii():  # If-Range wants a strong one
                _validator(part).write_text(etag, encoding="ascii")
        with part.open("ab") as file:
            # One byte more than promised is asked for, to notice a file that is too long.
            while have <= archive.size and (data := response.read(min(CHUNK, archive.size + 1 - have))):
                file.write(data)
                have += len(data)
                if progress:
                    progress(archive.name, min(have, archive.size), archive.size)


def _refuse_other_size(archive: Archive, headers: Mapping[str, str], status: int) -> None:
    if status == 206:
        offered = headers.get("Content-Range", "").rpartition("/")[2]
    else:
        offered = headers.get("Content-Length", "")
    if offered.isdigit() and int(offered) != archive.size:
        raise DownloadError(
            f"{archive.url} is not the file expected: {archive.size:,} bytes expected, "
            f"the server offers {int(offered):,}"
        )


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        # It guards against damage, as the publisher gave it, not against an enemy.
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _require_space(dest: Path, needed: int) -> None:
    free = shutil.disk_usage(dest).free
    if needed > free:
        raise DownloadError(
            f"{dest} needs about {needed / 1e6:,.0f} MB for the download and what it unpacks to, but "
            f"{free / 1e6:,.0f} MB are free; free some or choose another folder"
        )


# ---- unpack


def _is_unpacked(archive: Archive, dest: Path) -> bool:
    stamp = _read_stamp(dest).get(archive.md5, [])
    return bool(stamp) and all((dest / path).exists() for path in stamp)


def _read_stamp(dest: Path) -> dict[str, list[str]]:
    try:
        stamp = json.loads((dest / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _unpack(archive: Archive, part: Path, dest: Path, progress: Progress | None) -> None:
    aside = dest / f"{archive.name}.unpacking"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with zipfile.ZipFile(part) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            for member in members:
                _refuse_unsafe(archive, member)
            _require_space(dest, sum(member.file_size for member in members))
            for number, member in enumerate(members, start=1):
                target = aside / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
                if progress:
                    progress(f"unpacking {archive.name}", number, len(members))
        _move_into(aside, dest)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DownloadError(f"{archive.name} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    tops = sorted({"/".join(PurePosixPath(member.filename).parts[:2]) for member in members})
    _write_stamp(dest, {**_read_stamp(dest), archive.md5: tops})


def _refuse_unsafe(archive: Archive, member: zipfile.ZipInfo) -> None:
    name = member.filename
    outside = name.startswith("/") or ".." in name.split("/") or "\\" in name or ":" in name
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        kind = "a path that leads outside" if outside else "a symbolic link"
        raise DownloadError(f"{archive.name} holds {kind} ({name!r}); nothing of it was unpacked")


def _move_into(source: Path, target: Path) -> None:
    """Rename all of `source` into `target`, folder into folder; goes on where a crash left off."""
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if entry.is_dir() and place.is_dir():
            _move_into(entry, place)
        else:
            entry.replace(place)
    source.rmdir()


def _write_stamp(dest: Path, stamp: Mapping[str, list[str]]) -> None:
    with replacing(dest / STAMP) as aside:
        aside.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
