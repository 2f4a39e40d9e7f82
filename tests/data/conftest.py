"""Small sets of frames in the formats that have boxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.arrays import ByteArray

SIZES = {"a": (40, 30), "b": (64, 48), "c": (20, 20)}
Thing = tuple[str, Sequence[float], Mapping[str, int]]


def noise(width: int, height: int, seed: int) -> ByteArray:
    """A coarse pattern, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(tiles).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def draw_frame() -> Callable[..., Path]:
    """Writes a picture: draw_frame(path, (width, height), seed)."""

    def write(path: Path, size: tuple[int, int] = (40, 30), seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(*size, seed)).save(path)
        return path

    return write


def voc_xml(name: str, size: tuple[int, int], things: Sequence[Thing]) -> str:
    objects = "".join(
        f"<object><name>{word}</name>"
        + "".join(f"<{flag}>{value}</{flag}>" for flag, value in flags.items())
        + "<bndbox>"
        + "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
        + "</bndbox></object>"
        for word, corners, flags in things
    )
    width, height = size
    return (
        f"<annotation><filename>{name}</filename><size><width>{width}</width><height>{height}</height>"
        f"<depth>3</depth></size>{objects}</annotation>"
    )


@pytest.fixture
def voc(tmp_path: Path, draw_frame: Callable[..., Path]) -> Path:
    """A set in Pascal VOC's format: frames a and b with boxes, c without."""
    things: dict[str, list[Thing]] = {
        "a": [("stop", (1, 1, 10, 20), {"difficult": 0}), ("give-way", (5, 6, 40, 30), {"difficult": 1})],
        "b": [("stop", (3.5, 4.25, 20.5, 30.75), {})],
        "c": [],
    }
    for seed, (name, size) in enumerate(SIZES.items()):
        draw_frame(tmp_path / f"voc/images/{name}.png", size, seed)
        path = tmp_path / f"voc/annotations/{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(voc_xml(f"{name}.png", size, things[name]))
    return tmp_path / "voc"


@pytest.fixture
def yolo(tmp_path: Path, draw_frame: Callable[..., Path]) -> Path:
    """A set in YOLO's format, described by a data.yaml; c is empty."""
    root = tmp_path / "yolo"
    lines = {
        "a": "0 0.25 0.5 0.2 0.4\n1 0.5625 0.6 0.875 0.8\n",
        "b": "2 0.1 0.1 0.1 0.125\n0 0.5 0.5 1 1\n",
        "c": "",
    }
    (root / "labels/train").mkdir(parents=True)
    for seed, (name, size) in enumerate(SIZES.items()):
        draw_frame(root / f"images/train/{name}.png", size, seed)
        (root / f"labels/train/{name}.txt").write_text(lines[name])
    (root / "data.yaml").write_text("train: images/train\nnc: 3\nnames: [stop, give-way, '60']\n")
    return root


def coco_tree() -> dict[str, list[dict[str, object]]]:
    """Ids with gaps, one of them 0; one crowd; picture c without annotations."""
    return {
        "images": [
            {"id": number, "file_name": f"{name}.png", "width": width, "height": height}
            for number, (name, (width, height)) in zip((0, 7, 100), SIZES.items(), strict=True)
        ],
        "categories": [{"id": 3, "name": "stop"}, {"id": 90, "name": "give-way"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 90, "bbox": [1, 2, 10, 20], "area": 200, "iscrowd": 0},
            {
                "id": 5,
                "image_id": 7,
                "category_id": 3,
                "bbox": [0.5, 1.25, 30.5, 20],
                "area": 610,
                "iscrowd": 0,
            },
            {"id": 9, "image_id": 7, "category_id": 3, "bbox": [40, 4, 20, 40], "area": 800, "iscrowd": 1},
        ],
    }


@pytest.fixture
def coco(tmp_path: Path, draw_frame: Callable[..., Path]) -> Path:
    """A set in COCO's format: the .json beside its pictures."""
    for seed, (name, size) in enumerate(SIZES.items()):
        draw_frame(tmp_path / f"coco/{name}.png", size, seed)
    path = tmp_path / "coco/instances.json"
    path.write_text(json.dumps(coco_tree()))
    return path


@pytest.fixture
def gtsdb(tmp_path: Path, draw_frame: Callable[..., Path]) -> Path:
    """A set in GTSDB's form: two frames to train on, the second without boxes, and one of the test."""
    for seed, number in enumerate((0, 1, 450)):
        draw_frame(tmp_path / f"gtsdb/{number:05d}.ppm", (64, 48), seed)
    (tmp_path / "gtsdb/gt.txt").write_text(
        "00000.ppm;10;11;25;30;11\n00000.ppm;40;4;52;16;1\n00450.ppm;0;0;15;15;14\n"
    )
    return tmp_path / "gtsdb"
