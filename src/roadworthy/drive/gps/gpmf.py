"""GPMF, the telemetry that GoPro cameras write into their films, decoded by us.

A film's packets of type data hold trees of key, length, value.  `DEVC` holds streams `STRM`; the one of the
receiver holds GPS5 (Hero 5 to 10: some 18 points a second, in a packet a second) or GPS9 (from Hero 11 on: 10
a second, each with its own time, precision and fix).  GPSU is the time of a packet's first GPS5, GPSF its fix
(0 none, 2 flat, 3), GPSP its dilution of precision times 100, SCAL what the integers are divided by.
Points without a fix are left out: cameras repeat their last position then, or write 0, with GPSP 9999.

Film seconds are those of the pictures, also in films cut without encoding, whose edit list hides what lies
before the cut: the reader asks FFmpeg for plain times there, for it would move the data to the cut.
Source: https://github.com/gopro/gpmf-parser
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.core.extras import require
from roadworthy.core.words import plural
from roadworthy.drive.gps.fixes import METRES_PER_DOP, MOST_DOP, Fix, is_place, track_format

_FIELDS = {
    "b": "b",
    "B": "B",
    "s": "h",
    "S": "H",
    "l": "i",
    "L": "I",
    "f": "f",
    "d": "d",
    "j": "q",
    "J": "Q",
    "q": "i",
    "Q": "q",
}
"""GPMF's types of numbers as Python's struct knows them, all with the high byte first."""
_HEADER = 8
_MOST_DEPTH = 8
_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_NO_FIX, _BROKEN, _NO_PLACE = "without a fix", "that cannot be decoded", "at no place"
_FLAT_FIX = 2
_SECOND = 1.0  # what a packet lasts where the film does not say

Values = Sequence[tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Packet:
    """A packet of telemetry: its bytes, and the seconds of the film that it covers."""

    data: bytes
    start_s: float
    length_s: float


def _recognises(start: bytes) -> bool:
    return start[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}


@track_format("gpmf", recognises=_recognises)
def read(path: Path) -> list[Fix]:
    """GPMF: the telemetry within GoPro's films (MP4)."""
    refused: Counter[str] = Counter()
    fixes: list[Fix] = []
    packets = 0
    for packet in packets_of(path):
        packets += 1
        fixes += fixes_of(packet, refused)
    if not fixes:
        said = ", ".join(f"{plural(n, 'point')} {why}" for why, n in refused.items())
        raise DataError(
            f"{path} holds no position: {plural(packets, 'packet')} of GoPro's telemetry"
            f"{f', {said}' if said else ''}; give the track as GPX or NMEA (for other cameras: "
            "exiftool -ee -p gpx.fmt FILM > track.gpx; a film copied by FFmpeg needs -map 0)"
        )
    for why, n in refused.items():
        notes.say(f"{path.name}: {plural(n, 'point')} {why} left out")
    return fixes


def packets_of(path: Path) -> Iterator[Packet]:
    """The packets of a film's telemetry, in order; none where it has none.  Its pictures are not decoded."""
    require("watching drives", "drive")
    import av
    from av.stream import Discard

    try:
        # Without this, FFmpeg puts the first packet of a cut film at the cut, up to a second early.
        with av.open(str(path), options={"advanced_editlist": "0"}) as film:
            tracks = list(film.streams.data)
            for stream in film.streams:
                if stream.type != "data":
                    stream.discard = Discard.all
            for packet in film.demux(tracks) if tracks else ():
                data = bytes(packet)
                if data[:4] == b"DEVC" and packet.pts is not None and packet.time_base is not None:
                    base = float(packet.time_base)
                    yield Packet(
                        data=data,
                        start_s=packet.pts * base,
                        length_s=(packet.duration or 0) * base or _SECOND,
                    )
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{path} is no film that can be read: {error}") from error


def fixes_of(packet: Packet, refused: Counter[str] | None = None) -> list[Fix]:
    """The fixes of one packet, spread over its seconds; what is refused is counted by its reason."""
    refused = Counter() if refused is None else refused
    fixes: list[Fix] = []
    try:
        for stream in _streams(packet.data):
            if "GPS9" in stream:
                fixes += _gps9(stream, packet, refused)
            elif "GPS5" in stream:
                fixes += _gps5(stream, packet, refused)
    except (ValueError, struct.error):
        refused[_BROKEN] += 1
    return fixes


def _gps5(stream: dict[str, Values], packet: Packet, refused: Counter[str]) -> Iterator[Fix]:
    points = _scaled(stream["GPS5"], stream.get("SCAL"), 5)
    dop = stream["GPSP"][0][0] / 100 if stream.get("GPSP") else None
    if (stream.get("GPSF") and stream["GPSF"][0][0] < _FLAT_FIX) or (dop is not None and dop > MOST_DOP):
        refused[_NO_FIX] += len(points)
        return
    began = _utc(stream["GPSU"][0]) if stream.get("GPSU") else None
    for i, (lat, lon, height, speed, _) in enumerate(points):
        into = packet.length_s * i / len(points)
        time = began + timedelta(seconds=into) if began is not None else None
        if not is_place(lat, lon):
            refused[_NO_PLACE] += 1
            continue
        yield _fix(lat, lon, height, speed, dop, time, packet.start_s + into)


def _gps9(stream: dict[str, Values], packet: Packet, refused: Counter[str]) -> Iterator[Fix]:
    points = _scaled(stream["GPS9"], stream.get("SCAL"), 9)
    for i, (lat, lon, height, speed, _, days, seconds, dop, fix) in enumerate(points):
        if fix < _FLAT_FIX or dop > MOST_DOP:
            refused[_NO_FIX] += 1
        elif not is_place(lat, lon):
            refused[_NO_PLACE] += 1
        else:
            time = _YEAR_2000 + timedelta(days=days, seconds=seconds)
            film_s = packet.start_s + packet.length_s * i / len(points)
            yield _fix(lat, lon, height, speed, dop, time, film_s)


def _fix(
    lat: float,
    lon: float,
    height: float,
    speed: float,
    dop: float | None,
    time: datetime | None,
    film_s: float,
) -> Fix:
    return Fix(
        lat=lat,
        lon=lon,
        time=time,
        film_s=film_s,
        speed=speed if speed >= 0 else None,
        accuracy=dop * METRES_PER_DOP if dop is not None and dop > 0 else None,
        height=height,
    )


def _scaled(points: Values, scales: Values | None, width: int) -> Values:
    """Integers divided by their scales: one for all columns, or one each."""
    if scales is None:
        raise ValueError("no SCAL")
    by = [scale for row in scales for scale in row]
    by = by * width if len(by) == 1 else by
    if len(by) != width or 0 in by or any(len(point) != width for point in points):
        raise ValueError("SCAL does not fit")
    return [tuple(value / scale for value, scale in zip(point, by, strict=True)) for point in points]


def _utc(text: tuple[float | str, ...]) -> datetime | None:
    """GPSU, `yymmddhhmmss.sss`; None where it is no time, as before the first fix."""
    try:
        return datetime.strptime(f"20{text[0]}", "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def _streams(data: bytes) -> Iterator[dict[str, Values]]:
    """What each STRM of a packet holds, by key; of a key that comes twice, the last."""
    for key, kind, _, _, body in _items(data):
        if key == "STRM" and kind == "\0":
            yield dict(_values(body))
        elif kind == "\0":
            yield from _streams(body)


def _values(data: bytes) -> Iterator[tuple[str, Values]]:
    """The values of one stream that bear on positions; `TYPE` says what those of type `?` are made of."""
    made_of = ""
    for key, kind, size, count, body in _items(data):
        if key == "TYPE":
            made_of = body[: size * count].decode("latin-1").strip("\0")
        elif key in {"GPS5", "GPS9", "GPSF", "GPSP", "SCAL"}:
            yield key, _numbers(kind, made_of, size, count, body)
        elif key == "GPSU":
            yield key, [(body[: size * count].decode("latin-1").strip("\0 "),)]  # type: ignore[list-item]


def _numbers(kind: str, made_of: str, size: int, count: int, body: bytes) -> Values:
    """`count` rows of numbers, each of `size` bytes."""
    each = made_of if kind == "?" else kind
    if not each or any(field not in _FIELDS for field in each):
        raise ValueError(f"type {kind!r} is no number")
    row = struct.Struct(">" + "".join(_FIELDS[field] for field in each))
    if size % row.size:
        raise ValueError("sizes do not fit")
    flat = struct.Struct(">" + "".join(_FIELDS[field] for field in each) * (size // row.size))
    return [flat.unpack_from(body, i * size) for i in range(count)]


def _items(data: bytes) -> Iterator[tuple[str, str, int, int, bytes]]:
    """Key, type, size of a row, number of rows and body of each item; bodies are padded to four bytes."""
    at = 0
    while at + _HEADER <= len(data):
        key, kind, size, count = struct.unpack_from(">4scBH", data, at)
        if key == b"\0\0\0\0":
            return  # padding up to the end
        length = size * count
        if at + _HEADER + length > len(data):
            raise ValueError("an item is longer than what holds it")
        yield key.decode("latin-1"), kind.decode("latin-1"), size, count, data[at + 8 : at + 8 + length]
        at += _HEADER + (length + 3) // 4 * 4
