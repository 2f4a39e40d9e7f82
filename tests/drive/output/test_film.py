import tracemalloc

import numpy as np
import pytest
from tests.drive.film.conftest import encode
from tests.drive.output.conftest import CLASSES, event, trail

from roadworthy.core.errors import DataError
from roadworthy.drive.film import Shot, open_film
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.annotate import SURE, BoxNow
from roadworthy.drive.output.film import AnnotatedFilm, boxes_by_frame, write_annotated
from roadworthy.drive.seen import Seen, Trail

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")
ROWS = (
    LimitRow(from_s=0, to_s=0.5, limit=None, state="unknown", condition="no sign yet"),
    LimitRow(from_s=0.5, to_s=1.0, limit=60, state="limit", event="e0001"),
)
BOX = (100.0, 100.0, 140.0, 150.0)
GREY = np.full((360, 640, 3), 120, np.uint8)


def now(box=BOX):
    return BoxNow(box=box, sign="speed-60", confidence=0.97, accepted=True)


def is_boxed(image):
    return abs(image[125, 95:100].astype(int) - np.array(SURE)).sum(axis=-1).min() < 90


@pytest.mark.parametrize("as_function", [False, True])
def test_a_film_is_read_again_and_written_with_its_boxes(tmp_path, as_function):
    source = encode(tmp_path / "in.mp4", [GREY] * 10)
    boxes = {3: [now()], 4: [now()]}
    ticks = []
    with open_film(source) as film:
        per_frame = (lambda index: boxes.get(index, ())) if as_function else boxes
        written = write_annotated(film, per_frame, ROWS, tmp_path / "out.mp4", tick=ticks.append)
    assert written == 10
    shots = list(open_film(tmp_path / "out.mp4"))
    assert [shot.time_s for shot in shots] == pytest.approx([n / 10 for n in range(10)], abs=1e-3)
    assert ticks == pytest.approx([n / 10 for n in range(10)], abs=1e-3)
    assert [is_boxed(shot.image) for shot in shots] == [n in (3, 4) for n in range(10)]
    red = [
        ((s.image[:120, 480:, 0] > 150) & (s.image[:120, 480:, 1] < 100)).sum() > 100 for s in shots
    ]  # the ring of 60, from 0.5 s on
    assert red == [n >= 5 for n in range(10)]


def test_every_second_frame(tmp_path):
    source = encode(tmp_path / "in.mp4", [GREY] * 10)
    with open_film(source) as film:
        assert write_annotated(film, {}, ROWS, tmp_path / "out.mp4", every=2) == 5
    assert len(list(open_film(tmp_path / "out.mp4"))) == 5


def test_frames_can_be_fed_as_they_come(tmp_path):
    with AnnotatedFilm(tmp_path / "out.mp4", rate=10) as out:
        out.add(Shot(index=0, time_s=-0.1, image=GREY), [], ROWS)  # before the film's zero
        for n in range(6):
            known = ROWS[: 1 + (n > 4)]
            out.add(Shot(index=n, time_s=n / 10, image=GREY), [now()] if n == 2 else [], known)
        out.add(Shot(index=6, time_s=0.5, image=GREY), [], ROWS)  # not later than the last
    assert out.frames == 6
    shots = list(open_film(tmp_path / "out.mp4"))
    assert [is_boxed(shot.image) for shot in shots] == [False, False, True, False, False, False]


def test_memory_does_not_grow_with_the_film(tmp_path):
    def held(n):
        tracemalloc.start()
        with AnnotatedFilm(tmp_path / "out.mp4", rate=30, duration_s=100) as out:
            for i in range(n):
                out.add(Shot(index=i, time_s=i / 30, image=GREY.copy()), [now()], ROWS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    held(4)
    assert held(60) < held(10) + 2 * GREY.nbytes


def test_a_film_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"before")

    def broken(_):
        raise ZeroDivisionError

    with open_film(encode(tmp_path / "in.mp4", [GREY] * 3)) as film, pytest.raises(ZeroDivisionError):
        write_annotated(film, broken, ROWS, path)
    with pytest.raises(DataError, match="no frames"), AnnotatedFilm(path):
        pass
    assert path.read_bytes() == b"before"
    with pytest.raises(RuntimeError, match="within its `with` block"):
        AnnotatedFilm(path).add(Shot(index=0, time_s=0.0, image=GREY), [], ROWS)


def test_boxes_of_frames_between_two_sightings_lie_between_them():
    def seen(frame, left):
        box = (left, 10.0, left + 20, 40.0)
        return Seen(frame=frame, time_s=frame / 10, box=box, logits=np.zeros(len(CLASSES)), score=0.9)

    moving = Trail(number=0, seen=(seen(4, 100.0), seen(6, 80.0), seen(12, 20.0)))
    made = event(1, sign="speed-60", accepted=False, confidence=0.4, counts=False)
    frames = boxes_by_frame([(made, moving), (event(2), trail(1, event(2)))])
    lefts = {frame: boxes[0].box[0] for frame, boxes in frames.items() if frame < 20}
    assert lefts == {4: 100, 5: 90, 6: 80, 12: 20}  # 0.6 s without a sighting stay empty
    (box,) = frames[5]
    assert box == BoxNow(
        box=(90.0, 10.0, 110.0, 40.0), sign="speed-60", confidence=0.4, accepted=False, counts=False
    )
    assert boxes_by_frame([]) == {}
