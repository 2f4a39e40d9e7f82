from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.gpmf import Packet, fixes_of, packets_of, read

Film = Callable[..., Path]
SCAL5 = (10_000_000, 10_000_000, 1000, 1000, 100)
POINTS = (
    (-378_000_000, 1_449_000_000, 31_500, 16_668, 1670),
    (-378_001_000, 1_449_000_000, 31_600, 16_700, 1670),
)


def item(key: str, kind: str, size: int, rows: bytes) -> bytes:
    """Key, type, size of a row, number of rows, the rows, and zeros up to four bytes."""
    head = key.encode() + kind.encode() + struct.pack(">BH", size, len(rows) // size)
    return head + rows + bytes(-len(rows) % 4)


def nested(key: str, *items: bytes) -> bytes:
    body = b"".join(items)
    return key.encode() + b"\0" + struct.pack(">BH", 1, len(body)) + body


def gps5(*points: tuple[int, ...], fix: int = 3, dop: int = 120, time: str = "260302013000.500") -> bytes:
    stream = nested(
        "STRM",
        item("STNM", "c", 1, b"GPS (Lat., Long., Alt., 2D speed, 3D speed)"),
        item("GPSF", "L", 4, struct.pack(">I", fix)),
        item("GPSU", "U", 16, time.encode()),
        item("GPSP", "S", 2, struct.pack(">H", dop)),
        item("SCAL", "l", 4, struct.pack(">5i", *SCAL5)),
        item("GPS5", "l", 20, b"".join(struct.pack(">5i", *point) for point in points)),
    )
    other = nested("STRM", item("SCAL", "s", 2, b"\0\1"), item("ACCL", "s", 6, bytes(6)))
    return nested("DEVC", item("DVNM", "c", 1, b"Hero"), other, stream)


def gps9(*points: tuple[int, ...]) -> bytes:
    scales = (*SCAL5, 1, 1000, 100, 1)
    return nested(
        "DEVC",
        nested(
            "STRM",
            item("TYPE", "c", 1, b"lllllllSS"),
            item("SCAL", "l", 4, struct.pack(">9i", *scales)),
            item("GPS9", "?", 32, b"".join(struct.pack(">7iHH", *point) for point in points)),
        ),
    )


def packet(data: bytes) -> Packet:
    return Packet(data=data, start_s=2.0, length_s=1.0)


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """A small film with a packet of telemetry each second."""

    def make(*packets: bytes) -> Path:
        path = tmp_path / "GH010001.MP4"
        with av.open(str(path), "w", format="mp4") as out:
            video = out.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
            data = out.add_data_stream("bin_data")
            data.time_base = Fraction(1, 1000)
            for i in range(5 * max(len(packets), 1)):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), i, np.uint8), "rgb24")
                frame.pts = i
                out.mux(video.encode(frame))
            out.mux(video.encode())
            for i, content in enumerate(packets):
                telemetry = av.Packet(content)
                telemetry.stream, telemetry.time_base = data, data.time_base
                telemetry.pts = telemetry.dts = 1000 * i
                telemetry.duration = 1000
                out.mux(telemetry)
        return path

    return make


def test_a_packet_of_gps5_worked_by_hand() -> None:
    first, second = fixes_of(packet(gps5(*POINTS)))
    assert (first.lat, first.lon) == pytest.approx((-37.8, 144.9))
    assert (first.height, first.speed, first.accuracy) == pytest.approx((31.5, 16.668, 6.0))
    assert first.time == datetime(2026, 3, 2, 1, 30, 0, 500_000, tzinfo=UTC)
    assert (first.film_s, second.film_s) == (2.0, 2.5)
    assert second.time == first.time + timedelta(seconds=0.5)


def test_a_packet_of_gps9_has_a_time_and_a_fix_for_each_point() -> None:
    # 9557 days after 2000-01-01 is 2026-03-02; 5400.5 s is half past one.
    good = (*POINTS[0], 9557, 5_400_500, 120, 3)
    refused: Counter[str] = Counter()
    fixes = fixes_of(packet(gps9((*good[:8], 0), good, (*good[:7], 9999, 3), good)), refused)
    assert [fix.film_s for fix in fixes] == [2.25, 2.75]
    assert fixes[0].time == datetime(2026, 3, 2, 1, 30, 0, 500_000, tzinfo=UTC)
    assert (fixes[0].lat, fixes[0].accuracy) == pytest.approx((-37.8, 6.0))
    assert refused == {"without a fix": 2}


@pytest.mark.parametrize("changes", [{"fix": 0}, {"dop": 9999}])
def test_points_without_a_fix_are_left_out(changes: dict[str, int]) -> None:
    refused: Counter[str] = Counter()
    assert fixes_of(packet(gps5(*POINTS, **changes)), refused) == []
    assert refused == {"without a fix": 2}


def test_a_camera_whose_clock_was_never_set_has_film_seconds_still() -> None:
    (fix,) = fixes_of(packet(gps5(POINTS[0], time="000000000000.000")))
    assert (fix.time, fix.film_s) == (None, 2.0)


def test_damaged_packets_are_counted_and_never_guessed() -> None:
    whole = gps5(*POINTS)
    for length in range(len(whole)):
        refused: Counter[str] = Counter()
        assert fixes_of(packet(whole[:length]), refused) == []
    unscaled = whole.replace(b"SCALl", b"XXXXl")
    assert fixes_of(packet(unscaled), refused := Counter()) == []
    assert refused == {"that cannot be decoded": 1}


def test_a_film_is_read_packet_by_packet(film: Film) -> None:
    path = film(gps5(*POINTS), gps5(*POINTS, fix=0), gps5(POINTS[0]))
    with notes.hearing() as heard, notes.aloud(lambda note: None):
        fixes = read(path)
    assert [fix.film_s for fix in fixes] == [0, 0.5, 2]
    assert heard == ["GH010001.MP4: 2 points without a fix left out"]


def test_a_cut_film_keeps_the_time_of_its_pictures(film: Film, tmp_path: Path) -> None:
    path = film(*(gps5((-378_000_000 - i, 1_449_000_000, 0, 0, 0)) for i in range(4)))
    # What a cut at 1.4 s writes: an edit list that begins there, in each track.
    cut = bytearray(path.read_bytes())
    bases = []
    for box in range(2):
        at = _nth(cut, b"elst", box)
        media = _nth(cut, b"mdhd", box)
        bases.append(struct.unpack_from(">I", cut, media + 16)[0])
        struct.pack_into(">i", cut, at + 16, round(1.4 * bases[-1]))
    (tmp_path / "cut.mp4").write_bytes(cut)
    packets = list(packets_of(tmp_path / "cut.mp4"))
    assert [each.start_s for each in packets] == pytest.approx([-1.4, -0.4, 0.6, 1.6], abs=1e-3)
    with av.open(str(tmp_path / "cut.mp4")) as opened:
        first = next(opened.decode(video=0))
    assert first.time == pytest.approx(0, abs=0.2)
    assert int(first.to_ndarray(format="gray").mean()) == pytest.approx(7, abs=3)  # the picture of 1.4 s


def _nth(data: bytearray, name: bytes, n: int) -> int:
    """Where the name of the n-th box of this kind ends, less four: its version."""
    at = -1
    for _ in range(n + 1):
        at = data.index(name, at + 1)
    return at


def test_what_holds_no_telemetry_gets_one_line(film: Film, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no position: 0 packets .*give the track as GPX"):
        read(film())
    with pytest.raises(DataError, match=r"holds no position: 1 packet .*, 2 points without a fix"):
        read(film(gps5(*POINTS, fix=0)))
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and no more")
    with pytest.raises(DataError, match=r"broken\.mp4 is no film that can be read"):
        read(tmp_path / "broken.mp4")
