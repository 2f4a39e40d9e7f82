import gc
from datetime import UTC, datetime

import av
import numpy as np
import pytest
from PIL import Image
from tests.drive.film.conftest import encode, index_in, numbered

from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.drive.film import open_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")
SIX = [numbered(n) for n in range(6)]
TWENTY = [numbered(n) for n in range(20)]
SHORT_GOPS = {"g": "5", "bf": "2", "x264-params": "scenecut=0"}


def seen(shots):
    """Index, time and what the picture itself tells, of each shot."""
    return [(shot.index, round(shot.time_s, 3), index_in(shot.image)) for shot in shots]


def test_times_are_the_films_own_where_its_rate_varies(tmp_path):
    times = [0.0, 0.033, 0.067, 0.5, 0.533, 1.8]
    film = open_film(encode(tmp_path / "a.mp4", SIX, times))
    assert seen(film) == [(n, t, n) for n, t in enumerate(times)]
    assert seen(film) == [(n, t, n) for n, t in enumerate(times)]  # and once more
    assert film.lost == 0


def test_a_film_whose_pictures_begin_late_counts_from_its_own_zero(tmp_path):
    times = [1.25 + n / 10 for n in range(6)]
    with hearing() as notes:
        film = open_film(encode(tmp_path / "a.mp4", SIX, times))
    assert seen(film) == [(n, round(t, 3), n) for n, t in enumerate(times)]
    assert film.about().duration_s == pytest.approx(1.85, abs=0.01)
    assert any("begin 1.2 s after its zero" in note for note in notes)


def test_a_transport_stream_counts_from_where_it_begins(tmp_path):
    path = encode(tmp_path / "a.ts", SIX, [100 + n / 10 for n in range(6)])
    assert seen(open_film(path)) == [(n, n / 10, n) for n in range(6)]


def test_frames_that_an_edit_list_hides_are_not_shown(tmp_path):
    whole = encode(tmp_path / "whole.mp4", TWENTY, options={"g": "20", "bf": "0"})
    cut = tmp_path / "cut.mp4"
    with (
        av.open(str(whole)) as source,
        av.open(str(cut), "w", options={"avoid_negative_ts": "disabled"}) as target,
    ):
        track = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            shift = round(0.35 / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, track
            target.mux(packet)
    expected = [(n - 4, round(n / 10 - 0.35, 3), n) for n in range(4, 20)]
    assert seen(open_film(cut)) == expected
    assert seen(open_film(cut).shots(start_s=0.5)) == [row for row in expected if row[1] >= 0.5]


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv"])
@pytest.mark.parametrize("open_gop", [False, True])
def test_reading_from_later_on_gives_the_same_frames(tmp_path, name, open_gop):
    options = SHORT_GOPS | ({"x264-params": "scenecut=0:open-gop=1:bframes=2:b-adapt=0"} if open_gop else {})
    film = open_film(encode(tmp_path / name, TWENTY, options=options))
    through = list(film)
    assert [shot.index for shot in through] == list(range(20))
    for start_s in (0.04, 0.5, 0.77, 1.9, 5.0):
        later, lost = list(film.shots(start_s=start_s)), film.lost
        expected = [shot for shot in through if shot.time_s >= start_s]
        assert [(s.index, s.time_s) for s in later] == [(s.index, s.time_s) for s in expected]
        assert all((a.image == b.image).all() for a, b in zip(later, expected, strict=True))
        assert lost == 0


def test_every_third_frame_is_the_same_wherever_reading_begins(tmp_path):
    film = open_film(encode(tmp_path / "a.mp4", TWENTY, options=SHORT_GOPS))
    assert [shot.index for shot in film.shots(every=3)] == [0, 3, 6, 9, 12, 15, 18]
    assert seen(film.shots(every=3, start_s=0.75)) == [
        (9, 0.9, 9),
        (12, 1.2, 12),
        (15, 1.5, 15),
        (18, 1.8, 18),
    ]


def damaged(path, number):
    """The film with what packet `number` holds overwritten."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    position, size = packets[number].pos, packets[number].size
    data[position + 4 : position + size] = b"\xff" * (size - 4)
    broken = path.with_name(f"broken{path.suffix}")
    broken.write_bytes(data)
    return broken


def test_what_cannot_be_decoded_is_counted_and_never_guessed(tmp_path):
    path = encode(tmp_path / "a.mp4", TWENTY, options={"g": "5", "bf": "0", "x264-params": "scenecut=0"})
    clean = list(open_film(path))
    film = open_film(damaged(path, 7))
    with hearing() as notes:
        shots = list(film)
    left = [shot.index for shot in shots]
    # The rest of its group is built on frame 7; frames that were still in the decoder may go with it.
    assert set(range(7, 10)).isdisjoint(left)
    assert {0, 1, 2, 3, 4, *range(10, 20)} <= set(left)
    assert film.lost == 20 - len(left)
    assert all((shot.image == clean[shot.index].image).all() for shot in shots)
    assert all(shot.time_s == clean[shot.index].time_s for shot in shots)
    assert [note for note in notes if f"{film.lost} frames could not be decoded" in note]
    later = [shot.index for shot in film.shots(start_s=0.95)]
    assert (later, film.lost) == (list(range(10, 20)), 0)


def noise(n):
    return np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_avi_which_knows_no_times_of_showing_keeps_the_order(tmp_path, b_frames):
    options = SHORT_GOPS | {"bf": b_frames, "x264-params": "scenecut=0:b-adapt=0"}
    path = encode(tmp_path / "a.avi", [numbered(n) for n in range(20)], options=options)
    shots = seen(open_film(path))
    late = shots[0][1]  # by which the encoder was behind
    assert [(index, picture) for index, _, picture in shots] == [(n, n) for n in range(20)]
    assert late <= 0.2
    # The last group of pictures is written in a hurry.
    assert [time for _, time, _ in shots[:18]] == pytest.approx([late + n / 10 for n in range(18)])
    film = open_film(damaged(path, 7))
    with hearing() as notes:
        left = seen(film)
    assert set(left) <= set(shots)
    assert len(left) >= 4
    # What was shown where after a loss could only be guessed where frames change places.
    assert any("breaks off" in note for note in notes) == (b_frames == "2")


def test_times_rise_even_where_a_film_says_one_twice(tmp_path):
    whole = encode(tmp_path / "whole.mkv", SIX, codec="mjpeg", pix_fmt="yuvj420p")
    twice = tmp_path / "twice.mkv"
    with av.open(str(whole)) as source, av.open(str(twice), "w") as target:
        track = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                if packet.pts == 300:  # in milliseconds
                    packet.pts = packet.dts = 200
                target.mux(packet)
    film = open_film(twice)
    assert [round(shot.time_s, 3) for shot in film] == [0, 0.1, 0.2, 0.4, 0.5]
    assert film.lost == 1


def test_half_a_jpeg_is_not_shown(tmp_path):
    images = [noise(n) for n in range(6)]
    path = encode(tmp_path / "a.avi", images, codec="mjpeg", pix_fmt="yuvj420p")
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][3]
    data, half = bytearray(path.read_bytes()), packet.size // 2
    data[packet.pos + 8 + half : packet.pos + 8 + packet.size] = (b"\xff\xd9" * half)[: packet.size - half]
    path.write_bytes(data)
    film = open_film(path)
    assert [shot.index for shot in film] == [0, 1, 2, 4, 5]
    assert film.lost == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_shows_no_frame_that_is_not_the_films(tmp_path, seed):
    path = encode(tmp_path / "a.mp4", [noise(n) for n in range(15)], options={"g": "5", "bf": "0"})
    clean = [shot.image for shot in open_film(path)]
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    start = data.index(b"mdat") + 4000
    data[rng.integers(start, len(data) - 3000)] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)
    film = open_film(path)
    wrong = [shot.index for shot in film if (shot.image != clean[shot.index]).any()]
    # A flip may be a valid stream of other levels, which nothing can know; it must stay within one group.
    assert len({index // 5 for index in wrong}) <= 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_film_that_was_cut_off_ends_with_a_note(tmp_path, name):
    path = tmp_path / name
    images = [noise(n) for n in range(30)]
    encode(path, images, options={"g": "5", "bf": "0"})
    if name == "a.mp4":  # its table at the front, as telephones write it
        front = tmp_path / "front.mp4"
        with (
            av.open(str(path)) as source,
            av.open(str(front), "w", options={"movflags": "+faststart"}) as target,
        ):
            track = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = track
                    target.mux(packet)
        path = front
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    film = open_film(path)
    with hearing() as notes:
        indices = [shot.index for shot in film]
    assert 8 <= len(indices) <= 20
    assert indices == list(range(len(indices)))
    # A transport stream does not say how long it should be.
    assert any("breaks off" in note for note in notes) == (name != "a.ts")


def test_joined_films_go_on_where_the_first_ends(tmp_path):
    one, other = (encode(tmp_path / f"{n}.ts", SIX, [5 + i / 2 for i in range(6)], rate=2) for n in (1, 2))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + other.read_bytes())
    film = open_film(joined)
    with hearing() as notes:
        shots = seen(film)
    assert [row[2] for row in shots] == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    times = [row[1] for row in shots]
    assert times[:6] == [0, 0.5, 1, 1.5, 2, 2.5]
    gaps = np.diff(times)
    assert gaps.min() > 0
    assert gaps.max() < 2
    assert any("falls back 1 time" in note for note in notes)


def test_what_a_film_says_of_itself(tmp_path):
    path = encode(
        tmp_path / "a.mp4", SIX, metadata={"creation_time": "2026-11-30T01:02:03.000000Z"}, colorspace=1
    )
    about = open_film(path).about()
    assert (about.width, about.height, about.codec) == (64, 48, "h264")
    assert about.rate == pytest.approx(10)
    assert about.duration_s == pytest.approx(0.6, abs=0.01)
    assert about.created is not None
    assert about.created.isoformat() == "2026-11-30T01:02:03+00:00"
    assert about.colour == "BT.709, limited range, 8 bit"
    assert (about.rotation_deg, about.mirrored, about.interlaced) == (0, False, False)


@pytest.mark.parametrize("year", [1904, 1970, 2150, 9999])
def test_a_date_that_no_camera_films_at_is_none(tmp_path, year):
    path = encode(tmp_path / "a.mkv", SIX, metadata={"creation_time": f"{year}-12-31T23:59:59.000000Z"})
    assert open_film(path).about().created is None
    with pytest.raises(UsageError, match=rf"at is in the year {year - 1000}"):
        open_film(path, at=datetime(year - 1000, 1, 1, tzinfo=UTC))


def test_pixels_that_are_not_square_become_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = 2

    film = open_film(encode(tmp_path / "a.mp4", SIX, prepare=wide))
    assert (film.about().width, film.about().height) == (128, 48)
    assert next(iter(film)).image.shape == (48, 128, 3)


def test_no_frame_is_held_longer_than_it_takes(tmp_path):
    film = open_film(encode(tmp_path / "a.mp4", TWENTY * 3, options=SHORT_GOPS))
    gc.collect()
    gc.disable()  # frames must go by themselves, for Python counts objects and not how large they are
    try:
        alive = []
        for _ in film:
            alive.append(sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects()))
    finally:
        gc.enable()
    assert len(alive) == 60
    assert 0 < max(alive) < 15


def sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_what_is_no_film_gets_one_line(tmp_path):
    def refused(path, kind=DataError):
        with pytest.raises(kind) as caught:
            open_film(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "it holds sound and no pictures; give a film" in refused(sound(tmp_path / "sound.mp4"))
    empty, text, noisy, picture = (tmp_path / n for n in ("e.mp4", "t.txt", "n.mp4", "p.png"))
    empty.touch()
    text.write_text("hello\n" * 99)
    noisy.write_bytes(np.random.default_rng(0).bytes(5000))
    Image.new("RGB", (64, 48)).save(picture)
    assert "is empty" in refused(empty)
    assert "is no film" in refused(text)
    assert "is no film" in refused(noisy)
    assert "is no film" in refused(picture)
    refused(tmp_path / "nowhere.mp4", DataNotFoundError)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(encode(tmp_path / "a.mp4", SIX).read_bytes()[:900])
    assert "repaired" in refused(cut)


def test_a_raw_stream_without_times_is_refused(tmp_path):
    with pytest.raises(DataError, match="bear no times"):
        open_film(encode(tmp_path / "a.h264", SIX))


def test_settings_out_of_range_are_refused(tmp_path):
    film = open_film(encode(tmp_path / "a.mp4", SIX))
    for wrong in ({"every": 0}, {"start_s": -1.0}, {"start_s": float("nan")}):
        with pytest.raises(UsageError):
            film.shots(**wrong)
