import pytest
from PIL import Image
from tests.drive.film.conftest import index_in, numbered

from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.drive.film import open_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")


def folder(place, *names):
    place.mkdir(exist_ok=True)
    for n, name in enumerate(names):
        Image.fromarray(numbered(n)).save(place / name)
    return place


def seen(shots):
    return [(shot.index, round(shot.time_s, 4), index_in(shot.image)) for shot in shots]


def test_numbers_count_with_their_rate_and_gaps_stay_gaps(tmp_path):
    place = folder(tmp_path / "f", "frame_8.png", "frame_9.jpg", "frame_10.png", "frame_14.png")
    (place / "notes.txt").write_text("x")
    film = open_film(place, rate=4)
    assert seen(film) == [(0, 0, 0), (1, 0.25, 1), (2, 0.5, 2), (3, 1.5, 3)]
    assert seen(film.shots(every=2, start_s=0.3)) == [(2, 0.5, 2)]
    about = film.about()
    assert (about.width, about.height, about.rate, about.duration_s) == (64, 48, 4, 1.75)
    assert about.created is None


@pytest.mark.parametrize(
    ("names", "times", "created"),
    [
        (["12.5.png", "12.75.png", "100.0.png"], [0, 0.25, 87.5], None),
        (["1790000000000.png", "1790000000040.png"], [0, 0.04], "2026-09-21T14:13:20+00:00"),
        (["c_1790000000000000.png", "c_1790000000050000.png"], [0, 0.05], "2026-09-21T14:13:20+00:00"),
        (["20261130_235959.png", "20261201_000001.250.png"], [0, 2.25], None),
        (["2026-11-30T10-15-30Z.png", "2026-11-30T10-15-31Z.png"], [0, 1], "2026-11-30T10:15:30+00:00"),
        (["0001-01-01T00-00-00Z.png", "0001-01-01T00-00-01Z.png"], [0, 1], None),  # a clock never set
        (["9990000000000000.png", "9990000001000000.png"], [0, 1], None),  # the year 2286
    ],
)
def test_names_that_are_times(tmp_path, names, times, created):
    film = open_film(folder(tmp_path / "f", *names))
    assert [shot.time_s for shot in film] == pytest.approx(times, abs=1e-4)
    about = film.about()
    assert (about.created.isoformat() if about.created else None) == created


def test_a_picture_that_cannot_be_decoded_is_counted(tmp_path):
    place = folder(tmp_path / "f", "0.png", "1.png", "2.png")
    (place / "1.png").write_bytes(b"no picture")
    film = open_film(place, rate=1)
    with hearing() as notes:
        assert seen(film) == [(0, 0, 0), (2, 2, 2)]
    assert film.lost == 1
    assert any("1 frame could not be decoded" in note for note in notes)


@pytest.mark.parametrize(
    ("names", "rate", "error", "words"),
    [
        ((), 1, DataError, "holds no pictures"),
        (("a.png",), 1, DataError, "a.png"),
        (("1.png", "2.png"), None, UsageError, "rate"),
        (("1.png",), 0, UsageError, "rate is 0"),
        (("1.png",), float("nan"), UsageError, "rate is nan"),
        (("front_1.png", "rear_1.png"), 1, DataError, "front_1.png and rear_1.png"),
        (("1.5.png", "2.5.png"), 10, UsageError, "leave it out"),
    ],
)
def test_names_that_tell_no_order_are_refused(tmp_path, names, rate, error, words):
    with pytest.raises(error, match=words):
        open_film(folder(tmp_path / "f", *names), rate=rate)


def test_a_folder_of_broken_pictures_is_refused(tmp_path):
    place = folder(tmp_path / "f", "1.png")
    (place / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="none can be decoded"):
        open_film(place, rate=1)


def test_frames_of_another_size_are_fitted_in_without_being_stretched(tmp_path):
    place = folder(tmp_path / "f", "0.png", "1.png", "2.png")
    Image.new("RGB", (48, 48), (250, 250, 250)).save(place / "1.png")
    film = open_film(place, rate=1)
    with hearing() as notes:
        images = [shot.image for shot in film]
    assert {image.shape for image in images} == {(48, 64, 3)}
    assert images[1][:, :8].max() == images[1][:, 56:].max() == 0
    assert images[1][:, 8:56].min() == 250
    assert [note for note in notes if "48 x 48, too; they are fitted into 64 x 48" in note]


def test_each_frame_tells_what_was_lost_before_it(tmp_path):
    place = folder(tmp_path / "f", "0.png", "1.png", "2.png", "3.png", "4.png")
    for name in ("1.png", "3.png"):
        (place / name).write_bytes(b"no picture")
    assert [(shot.index, shot.lost) for shot in open_film(place, rate=1)] == [(0, 0), (2, 1), (4, 2)]
    assert [(shot.index, shot.lost) for shot in open_film(place, rate=1).shots(start_s=2)] == [(2, 0), (4, 1)]
