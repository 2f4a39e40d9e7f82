from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.drive.gps.fixes import FORMATS
from roadworthy.drive.gps.reading import film_clock, format_of, read_track

GPX = '<gpx version="1.1" creator="t"><trk><trkseg>{}</trkseg></trk></gpx>'
POINT = '<trkpt lat="-37.8" lon="{}"><time>2026-03-02T01:00:0{}Z</time></trkpt>'


@pytest.fixture
def gpx(tmp_path: Path) -> Path:
    path = tmp_path / "track.txt"  # names say nothing
    path.write_text(GPX.format("".join(POINT.format(144.9 + s * 1e-4, s) for s in range(5))))
    return path


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    def make(**metadata: str) -> Path:
        path = tmp_path / "film.mp4"
        with av.open(str(path), "w") as out:
            out.metadata.update(metadata)
            video = out.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
            for i in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                frame.pts = i
                out.mux(video.encode(frame))
            out.mux(video.encode())
        return path

    return make


def test_the_format_is_told_by_the_content(tmp_path: Path, gpx: Path, film: Callable[..., Path]) -> None:
    (tmp_path / "a.gpx").write_text("$GPRMC,013000,V,,,,,,,020326,,,N\n")
    assert [format_of(path) for path in (gpx, tmp_path / "a.gpx", film())] == ["gpx", "nmea", "gpmf"]
    assert FORMATS.names() == ["gpmf", "gpx", "nmea"]
    assert all(FORMATS.summary(name).startswith(("GP", "NMEA")) for name in FORMATS)


def test_a_track_is_set_on_the_film_by_its_clock(gpx: Path, film: Callable[..., Path]) -> None:
    track = read_track(gpx, film(creation_time="2026-03-02T00:59:59.000000Z"))
    assert track.placed
    assert list(track.seconds) == [1, 2, 3, 4, 5]
    assert not read_track(gpx).placed


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [({}, "does not say when it began"), ({"creation_time": "2026-03-02T12:00:00Z"}, "do not overlap")],
)
def test_where_clocks_say_nothing_the_track_is_left(
    gpx: Path, film: Callable[..., Path], metadata: dict[str, str], reason: str
) -> None:
    with notes.hearing() as heard, notes.aloud(lambda note: None):
        assert not read_track(gpx, film(**metadata)).placed
    assert reason in heard[0]


def test_when_a_film_began(film: Callable[..., Path]) -> None:
    began, length_s = film_clock(film(creation_time="2026-03-02T01:00:00Z"))
    assert began == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert length_s == pytest.approx(2, abs=0.01)
    assert film_clock(film(creation_time="1970-01-01T00:00:00Z"))[0] is None


def test_what_is_no_track_gets_one_line(tmp_path: Path, film: Callable[..., Path]) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_track(tmp_path / "nowhere.gpx")
    with pytest.raises(DataError, match="cannot be read"):
        read_track(tmp_path)
    (tmp_path / "a.gpx").write_bytes(b"")
    with pytest.raises(DataError, match="it is empty; tracks are read from gpmf, gpx, nmea"):
        read_track(tmp_path / "a.gpx")
    (tmp_path / "a.gpx").write_bytes(b"PK\3\4")
    with pytest.raises(DataError, match="begins with b'PK"):
        read_track(tmp_path / "a.gpx")
    with pytest.raises(UsageError, match="no film is given"):
        read_track("auto")
    with pytest.raises(DataError, match="holds no position"):
        read_track("auto", film())
