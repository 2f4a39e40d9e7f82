from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data import frame_pixels
from roadworthy.data.frame_pixels import load_frames
from roadworthy.data.frames import Annotation, Frame
from roadworthy.imaging.decode import decode


@pytest.fixture
def frames(tmp_path: Path, draw_frame: Callable[..., Path]) -> list[Frame]:
    marks = (Annotation(box=(10, 6, 30, 26)), Annotation(box=(-4, 20, 12, 60)))
    sizes = [(40, 30), (65, 48), (20, 20)]
    return [
        Frame(path=str(draw_frame(tmp_path / f"set/{n}.png", size, n)), annotations=marks if n == 1 else ())
        for n, size in enumerate(sizes)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def decoded_anew(frames: list[Frame], folder: Path, **settings: int) -> bool:
    """Whether this call decoded anything."""
    said: list[int] = []
    load_frames(frames, cache_dir=folder, progress=lambda n, total: said.append(n), **settings)
    return bool(said)


def test_frames_are_what_decode_gives(frames: list[Frame], folder: Path) -> None:
    for _ in range(2):  # decoded, then mapped
        pixels = load_frames(frames, cache_dir=folder)
        assert (len(pixels), pixels.note, pixels.failures) == (3, "", ())
        for i, frame in enumerate(frames):
            assert pixels.frames[i] == frame
            assert np.array_equal(pixels.frame(i), decode(frame.path))
            assert not pixels.frame(i).flags.writeable
        assert pixels.originals.tolist() == [[40, 30], [65, 48], [20, 20]]
    assert [path.suffix for path in folder.iterdir()] == [".frames"]
    assert not decoded_anew(frames, folder)


def test_large_frames_are_shrunk_and_their_boxes_with_them(frames: list[Frame], folder: Path) -> None:
    pixels = load_frames(frames, max_side=30, cache_dir=folder)
    assert [pixels.frame(i).shape for i in range(3)] == [(22, 30, 3), (22, 30, 3), (20, 20, 3)]
    expected = Image.open(frames[1].path).resize((30, 22), Image.Resampling.BILINEAR)
    assert np.array_equal(pixels.frame(1), np.asarray(expected))
    x, y = 30 / 65, 22 / 48
    assert np.allclose(pixels.boxes(1), [[10 * x, 6 * y, 30 * x, 26 * y], [0, 20 * y, 12 * x, 22]])
    assert pixels.boxes(1).dtype == np.float32
    assert pixels.boxes(0).shape == (0, 4)
    whole = load_frames(frames, cache_dir=folder)
    assert whole.boxes(1).tolist() == [[10, 6, 30, 26], [0, 20, 12, 48]]
    with pytest.raises(ConfigError, match="max_side is 0"):
        load_frames(frames, max_side=0)


def test_a_crop_is_grey_beyond_the_frame(frames: list[Frame], folder: Path) -> None:
    pixels = load_frames(frames, cache_dir=folder)
    image = pixels.frame(0)
    inside = pixels.crop(0, 3, 5, 10, 8)
    assert np.array_equal(inside, image[5:13, 3:13])
    inside[:] = 0  # a copy
    assert image[5:13, 3:13].any()
    edge = pixels.crop(0, 35, -2, 10, 8)
    assert np.array_equal(edge[2:, :5], image[:6, 35:40])
    assert (edge[:2] == 128).all()
    assert (edge[:, 5:] == 128).all()
    assert (pixels.crop(0, 100, 100, 4, 4) == 128).all()
    assert pixels.crop(2, -5, -5, 30, 30).shape == (30, 30, 3)


def test_changed_files_and_settings_are_decoded_anew_and_labels_are_not(
    frames: list[Frame], folder: Path, draw_frame: Callable[..., Path]
) -> None:
    assert decoded_anew(frames, folder)
    assert decoded_anew(frames, folder, max_side=30)
    relabelled = [Frame(path=frame.path, annotations=(Annotation(box=(0, 0, 1, 1)),)) for frame in frames]
    assert not decoded_anew(relabelled, folder)
    assert load_frames(relabelled, cache_dir=folder).frames == tuple(relabelled)
    draw_frame(Path(frames[0].path), (41, 30), 9)
    assert decoded_anew(frames, folder)


def test_what_cannot_be_read_is_an_error_or_left_out(frames: list[Frame], folder: Path) -> None:
    broken = [
        *frames[:1],
        Frame(path="gone.png"),
        Frame(path=frames[1].path, fault="has no usable box"),
        frames[2],
    ]
    with pytest.raises(DataError, match=r"2 of 4 pictures cannot be read: gone\.png .*has no usable box"):
        load_frames(broken, cache_dir=folder)
    for _ in range(2):
        pixels = load_frames(broken, cache_dir=folder, skip_unreadable=True)
        assert [frame.path for frame in pixels.frames] == [frames[0].path, frames[2].path]
        assert [path for path, _ in pixels.failures] == ["gone.png", frames[1].path]
        assert np.array_equal(pixels.frame(1), decode(frames[2].path))


def test_a_damaged_file_is_made_anew(frames: list[Frame], folder: Path) -> None:
    load_frames(frames, cache_dir=folder)
    (path,) = folder.iterdir()
    data = path.read_bytes()
    for broken in (b"", data[:-20], data[100:], b"x" * len(data)):
        path.write_bytes(broken)
        assert decoded_anew(frames, folder)
        assert path.read_bytes() == data


def test_a_folder_that_cannot_be_written_leaves_frames_in_memory(frames: list[Frame], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pixels = load_frames(frames, cache_dir=tmp_path / "file")
    assert "kept in memory" in pixels.note
    assert all(np.array_equal(pixels.frame(i), decode(frame.path)) for i, frame in enumerate(frames))
    assert not pixels.frame(0).flags.writeable


def test_a_killed_process_leaves_no_cache(frames: list[Frame], folder: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from roadworthy.data.frames import Frame\n"
        "from roadworthy.data.frame_pixels import load_frames\n"
        "frames = [Frame(path=path) for path in sys.argv[2:]]\n"
        "load_frames(frames, cache_dir=Path(sys.argv[1]), workers=1, progress=lambda *_: os._exit(9))"
    )
    paths = [frame.path for frame in frames]
    done = subprocess.run([sys.executable, "-c", program, str(folder), *paths], check=False)
    assert done.returncode == 9
    assert not list(folder.glob("*.frames"))
    assert decoded_anew(frames, folder)
    assert [path.suffix for path in folder.iterdir()] == [".frames"]  # and what it left is gone


def test_old_caches_make_room(frames: list[Frame], folder: Path) -> None:
    load_frames(frames, cache_dir=folder)
    (first,) = folder.iterdir()
    os.utime(first, (1, 1))
    load_frames(frames[:2], cache_dir=folder, max_cache_bytes=20_000)
    assert not first.exists()
    assert len(list(folder.iterdir())) == 1


def test_no_frames_at_all(folder: Path) -> None:
    assert len(load_frames([], cache_dir=folder)) == 0


def test_few_frames_are_held_at_once(
    frames: list[Frame], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = frame_pixels.read_rgb
    monkeypatch.setattr(frame_pixels, "read_rgb", lambda path, most: read.append(path) or real(path, most))
    decoder = frame_pixels._Decoder(frames * 10, None, 10**6, 1, None)
    next(decoder.decoded())
    assert len(read) <= frame_pixels._AHEAD
