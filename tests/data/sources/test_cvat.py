"""CVAT's files as its projects and people's scripts leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.frames import Frame
from roadworthy.data.sources import FRAME_SOURCES

Draw = Callable[..., Path]


def read(place: Path, **options: str) -> tuple[list[Frame], str]:
    with hearing() as notes:
        frames = FRAME_SOURCES.get("cvat")(place, options, "names")
    return frames, "\n".join(notes)


def box(x: float = 2, y: float = 3, label: str = "stop", **more: object) -> str:
    """A box of 10 x 20."""
    told = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<box label="{label}" xtl="{x}" ytl="{y}" xbr="{x + 10}" ybr="{y + 20}" z_order="0"{told}></box>'


def images(folder: Path, *inner: str, name: str = "a.png", before: str = "") -> Path:
    text = f'<image id="0" name="{name}" width="40" height="30">{"".join(inner)}</image>'
    folder.mkdir(exist_ok=True)
    path = folder / "annotations.xml"
    path.write_text(f"{before}<annotations><version>1.1</version>{text}</annotations>", encoding="utf-8")
    return path


def film(folder: Path, *tracks: str) -> Path:
    meta = "<meta><task><name>drive 1</name><subset>Train</subset></task></meta>"
    path = folder / "annotations.xml"
    path.write_text(f"<annotations><version>1.1</version>{meta}{''.join(tracks)}</annotations>")
    return path


def track(*boxes: str, number: int = 0, label: str = "stop") -> str:
    return f'<track id="{number}" label="{label}" source="manual">{"".join(boxes)}</track>'


@pytest.fixture
def frames(tmp_path: Path, draw_frame: Draw) -> Callable[..., Path]:
    def draw(*numbers: int) -> Path:
        for number in numbers:
            draw_frame(tmp_path / f"images/frame_{number:06d}.png", seed=number)
        return tmp_path

    return draw


def test_a_turned_box_is_enclosed_and_an_occluded_one_stays(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "a.png")
    turned, plain = box(12, 2, rotation="90.0"), box(occluded=1)
    (frame,), notes = read(images(tmp_path, turned, plain))
    # Turned by 90 degrees about (17, 12), 10 x 20 becomes 20 x 10.
    assert frame.annotations[0].box == pytest.approx((7, 7, 27, 17))
    assert frame.annotations[1].box == (2, 3, 12, 23)
    assert "turned boxes are enclosed: 1" in notes


def test_what_is_no_box_is_left_out_and_counted(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "a.png")
    shapes = [
        '<polygon label="stop" points="1,1;5,1;5,9"/>',
        '<mask label="stop" rle="1, 2" left="0" top="0" width="2" height="2"/>',
        '<points label="stop" points="1,1"/>',
        '<tag label="night" source="manual"/>',
    ]
    (frame,), notes = read(images(tmp_path, *shapes, box()))
    assert len(frame.annotations) == 1
    assert "shapes that are no boxes are left out: 3" in notes


def test_names_with_folders_a_byte_order_mark_and_windows_strokes(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "images/day 1/ä.png")
    path = images(tmp_path, box(), name="day 1\\ä.png", before='\ufeff<?xml version="1.0" encoding="utf-8"?>')
    (frame,), _ = read(path)
    assert frame.path.endswith("images/day 1/ä.png")
    assert read(tmp_path)[0] == [frame]


def test_pictures_of_two_folders_are_not_taken_for_one(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "0.png")
    path = tmp_path / "annotations.xml"
    path.write_text(
        f'<annotations><image name="a/0.png">{box()}</image><image name="b/0.png"/></annotations>'
    )
    with pytest.raises(DataError, match=r"names a/0\.png and b/0\.png, and .*0\.png alone is there for both"):
        read(path)


def test_attributes_of_ours(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "a.png")
    told = '<attribute name="ignore">true</attribute><attribute name="track_id"> pole 7 </attribute></box>'
    (frame,), _ = read(images(tmp_path, box().replace("</box>", told)))
    assert (frame.annotations[0].ignore, frame.annotations[0].group) == (True, "pole 7")


def test_between_key_frames_a_box_moves_on_a_line(frames: Callable[..., Path]) -> None:
    path = film(frames(*range(6)), track(box(0, 0, frame=0), box(8, 4, frame=4)))
    found, _ = read(path)
    assert [f.annotations[0].box[:2] for f in found[:5]] == [(0, 0), (2, 1), (4, 2), (6, 3), (8, 4)]
    assert found[5].annotations == ()
    assert {(f.sequence, f.split) for f in found} == {("drive 1", "train")}
    assert {f.annotations[0].group for f in found[:5]} == {"drive 1/0"}


def test_outside_a_sign_is_not_there_until_it_comes_back(frames: Callable[..., Path]) -> None:
    rows = [box(frame=4), box(frame=1, outside=1), box(frame=0, outside=0)]  # in any order
    found, _ = read(film(frames(*range(5)), track(*rows)))
    assert [len(f.annotations) for f in found] == [1, 0, 0, 0, 1]


def test_a_task_with_a_frame_step_has_pictures_of_its_steps_alone(frames: Callable[..., Path]) -> None:
    found, notes = read(film(frames(0, 5, 10), track(box(0, 0, frame=0), box(10, 10, frame=10))))
    assert [f.annotations[0].box[0] for f in found] == [0, 5, 10]
    assert "boxes between key frames, in frames without a picture, are left out: 8" in notes


def test_a_far_key_frame_takes_no_time(frames: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="track 0, frame 9000000000000: no picture in"):
        read(film(frames(0), track(box(frame=0), box(frame=9 * 10**12))))


def test_a_key_frame_without_its_picture_is_refused(frames: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"track 0, frame 3: no picture in .* has this number; frames count"):
        read(film(frames(0, 1), track(box(frame=3))))


def test_a_film_without_frames_says_how_to_write_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no numbered frames lie in .*ffmpeg -i FILM -start_number 0"):
        read(film(tmp_path, track(box(frame=0))))


def test_tracks_of_polygons_are_left_out_and_counted(frames: Callable[..., Path]) -> None:
    found, notes = read(film(frames(0), '<track id="0" label="x"><polygon frame="0" points="1,1"/></track>'))
    assert found[0].annotations == ()
    assert "tracks that have no boxes are left out: 1" in notes


@pytest.mark.parametrize("rows", [(0, 1), (1, 0)])
def test_a_box_that_is_no_box_is_a_fault_of_its_frames(frames: Callable[..., Path], rows: tuple[int]) -> None:
    keys = [box(frame=0), box(frame=2)]
    keys[rows[0]] = keys[rows[0]].replace('xbr="12"', 'xbr="wide"')
    found, _ = read(film(frames(0, 1, 2), track(*keys)))
    assert [bool(f.fault) for f in found] == [rows[0] == 0, True, rows[0] == 1]
    assert "could not convert string to float: 'wide'" in found[2 * rows[0]].fault


@pytest.mark.parametrize("odd", ['rotation="much"', 'xbr="nan"', 'xbr="1"'])
def test_a_box_that_holds_nothing_is_a_fault_of_its_picture(
    tmp_path: Path, draw_frame: Draw, odd: str
) -> None:
    draw_frame(tmp_path / "a.png")
    row = (
        box().replace('xbr="12"', odd) if odd.startswith("xbr") else box().replace(' z_order="0"', f" {odd}")
    )
    (frame,), _ = read(images(tmp_path, row))
    assert "a.png, box 1: " in frame.fault
    assert "\n" not in frame.fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotation><object/></annotation>", "is no file of CVAT: it begins with <annotation>"),
        ("<annotations><image", "is no XML: unclosed token"),
        ("", "is no XML: no element found"),
        ('<annotations><image id="4"/></annotations>', "image 4: it has no name"),
        ('<annotations><image name="b.png"/></annotations>', "names pictures that do not exist: b.png"),
        ('<annotations><image name="a.png"><box label="x"/></image></annotations>', "a box has no 'xtl'"),
        ("<!DOCTYPE a []><annotations/>", "declares a document type"),
        ("<annotations><track><box/></track></annotations>", "a box has no frame ('frame')"),
        ('<annotations><track><box frame="1.5"/></track></annotations>', "a box has no frame (invalid"),
    ],
)
def test_bad_files_get_one_line(tmp_path: Path, draw_frame: Draw, text: str, said: str) -> None:
    draw_frame(tmp_path / "a.png")
    draw_frame(tmp_path / "images/0.png")
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "annotations.xml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_places_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"no \.xml in"):
        read(tmp_path)
    with pytest.raises(DataNotFoundError, match="nothing at"):
        read(tmp_path / "none")
