from datetime import datetime

import av
import numpy as np
import pytest
from tests.drive.film.conftest import index_in, numbered

from roadworthy.core.errors import DataError, ShapeError, UsageError
from roadworthy.drive.film import open_film, write_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")


def test_what_is_written_is_read_again_with_its_times_and_colours(tmp_path):
    path, times = tmp_path / "out.mp4", [0.0, 0.04, 0.5, 0.51, 1.25]
    red = np.full((720, 64, 3), (200, 16, 46), np.uint8)
    with write_film(path, 25) as film:
        for n, time_s in enumerate(times):
            film.write(red if n == 4 else numbered(n, 64, 720), time_s)
        assert not path.exists()
    read = open_film(path)
    shots = list(read)
    assert [shot.time_s for shot in shots] == pytest.approx(times, abs=1e-4)
    assert [index_in(shot.image) for shot in shots[:4]] == [0, 1, 2, 3]
    assert shots[4].image[300, 30] == pytest.approx((200, 16, 46), abs=4)
    assert read.about().colour == "BT.709, limited range, 8 bit"
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        context = track.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        tags = context.colorspace, context.color_primaries, context.color_trc, context.color_range
        assert tags == (1, 1, 1, 1)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # so that browsers can begin at once
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]


def test_a_film_says_when_it_began(tmp_path):
    began = datetime.fromisoformat("2026-11-30T08:15:00+11:00")
    with write_film(tmp_path / "out.mp4", 25, created=began) as film:
        film.write(numbered(0), 0.0)
    assert open_film(tmp_path / "out.mp4").about().created == began


def test_a_film_that_begins_late_keeps_its_times(tmp_path):
    with write_film(tmp_path / "a.mp4", 10) as film:
        for n in range(4):
            film.write(numbered(n), 7.5 + n / 10)
    assert [shot.time_s for shot in open_film(tmp_path / "a.mp4")] == pytest.approx([7.5, 7.6, 7.7, 7.8])


def test_sides_of_odd_length_are_made_even(tmp_path):
    with write_film(tmp_path / "a.mp4", 10) as film:
        film.write(numbered(3, 63, 47), 0)
    (shot,) = open_film(tmp_path / "a.mp4")
    assert shot.image.shape == (48, 64, 3)
    assert index_in(shot.image) == 3


def test_what_breaks_off_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")

    def broken():
        with write_film(path, 10) as film:
            film.write(numbered(0), 0)
            raise KeyError("stop")

    with pytest.raises(KeyError):
        broken()
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def write(path, *frames, rate=10):
    with write_film(path, rate) as film:
        for image, time_s in frames:
            film.write(image, time_s)


def test_frames_that_do_not_fit_are_refused(tmp_path):
    path, grey = tmp_path / "a.mp4", numbered(0)
    for error, frames in (
        (ShapeError, [(grey, 0), (numbered(0, 32, 48), 1)]),
        (ShapeError, [(grey[..., 0], 0)]),
        (ShapeError, [(grey.astype(np.float32), 0)]),
        (ShapeError, [(grey[:0], 0)]),
        (UsageError, [(grey, 1), (grey, 1)]),
        (UsageError, [(grey, -1)]),
        (UsageError, [(grey, float("nan"))]),
        (DataError, []),
    ):
        with pytest.raises(error):
            write(path, *frames)
        assert not path.exists()
    for rate in (0, float("nan"), 1e9):
        with pytest.raises(UsageError, match="rate is"):
            write(path, (grey, 0), rate=rate)
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "nowhere" / "a.mp4", (grey, 0))
