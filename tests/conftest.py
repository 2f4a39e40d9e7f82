"""What tests share: real data where there are some, drawn stand-ins everywhere, nothing outside tmp."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("no-entry", "speed-50", "speed-60", "stop")
TRACKS = {"train": 6, "test": 3}
FRAMES = 4


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches and logs of tests stay out of the user's folders."""
    place = tmp_path_factory.getbasetemp() / "places"
    monkeypatch.setenv("ROADWORTHY_CACHE", str(place / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "state"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that holds gtsrb/ and belgium/."""
    named = os.environ.get("ROADWORTHY_DATA")
    if not named or not (Path(named) / "gtsrb").is_dir():
        pytest.skip("ROADWORTHY_DATA names no folder that holds gtsrb/")
    return Path(named)


def draw_sign(name: str, size: int, rng: np.random.Generator) -> Image.Image:
    """A crude sign of one of CLASSES on a noisy ground, never twice the same."""
    ground = rng.normal(rng.uniform(70, 170), 12, (size, size, 3)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    middle = size / 2 + rng.uniform(-0.04, 0.04, 2) * size
    radius = size * rng.uniform(0.36, 0.44)
    red, white, black = (190, 25, 35), (235, 235, 230), (20, 20, 20)

    def disc(r: float, colour: tuple[int, int, int]) -> None:
        draw.ellipse([*(middle - r), *(middle + r)], fill=colour)

    def bar(x: float, y: float, w: float, h: float, colour: tuple[int, int, int]) -> None:
        left, top = middle + np.array([x - w / 2, y - h / 2]) * radius
        draw.rectangle([left, top, left + w * radius, top + h * radius], fill=colour)

    if name == "stop":
        turns = np.deg2rad(22.5 + 45 * np.arange(8))
        draw.polygon([tuple(middle + radius * np.array([np.cos(t), np.sin(t)])) for t in turns], fill=red)
        for x in (-0.5, -0.17, 0.17, 0.5):
            bar(x, 0, 0.16, 0.5, white)
    elif name == "no-entry":
        disc(radius, red)
        bar(0, 0, 1.4, 0.35, white)
    else:
        disc(radius, red)
        disc(radius * 0.78, white)
        # A seven-segment digit that tells the two apart, and the nought.
        for y in (-0.4, 0, 0.4):
            bar(-0.3, y, 0.45, 0.12, black)
        bar(-0.47, -0.2, 0.12, 0.4, black)
        bar(-0.13, 0.2, 0.12, 0.4, black)
        if name == "speed-60":
            bar(-0.47, 0.2, 0.12, 0.4, black)
        draw.ellipse(
            [*(middle + radius * np.array([0.08, -0.45])), *(middle + radius * np.array([0.52, 0.45]))],
            outline=black,
            width=max(2, size // 16),
        )
    shade = rng.uniform(0.7, 1.15)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.6))).point(lambda value: value * shade)


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `folder:` data set, train/ and test/, named as GTSRB names its frames: TRACK_NNNNN."""
    root = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(5)
    for split, tracks in TRACKS.items():
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
            for track in range(tracks):
                for frame in range(FRAMES):
                    picture = draw_sign(name, 32 + 4 * frame, rng)
                    picture.save(root / split / name / f"{split}{track:03d}_{frame:05d}.png")
    return root
