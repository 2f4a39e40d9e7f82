"""Frames of one sign, answered together over HTTP, against each alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.inputs import ByteArray, decode
from roadworthy.serve.app import create_app
from roadworthy.serve.settings import ServiceConfig

FRAMES, ROUNDS = 8, 8
HIDDEN = 0.45  # of the sides: enough that single frames are often misread


def covered(image: ByteArray, rng: np.random.Generator) -> bytes:
    """With a leaf or the like before it, somewhere else in each frame."""
    spoilt, side = image.copy(), round(HIDDEN * len(image))
    top, left = rng.integers(0, len(image) - side, 2)
    spoilt[top : top + side, left : left + side] = rng.integers(0, 256, 3)
    buffer = io.BytesIO()
    Image.fromarray(spoilt).save(buffer, "PNG")
    return buffer.getvalue()


def test_frames_together_are_read_better_than_each_alone(shipped: Any, drawn_folder: Path) -> None:
    rng, alone, together = np.random.default_rng(0), list[bool](), list[bool]()
    with TestClient(create_app(ServiceConfig(models=(shipped.bundle,)))) as client:
        classes = client.get("/v1/models").json()["models"][0]["classes"]
        for sign in classes:
            tracks: dict[str, list[ByteArray]] = {}
            for path in sorted((drawn_folder / "train" / sign).glob("*_*.png")):
                tracks.setdefault(path.stem.rpartition("_")[0], []).append(decode(path))
            assert len(tracks) > 3
            for frames in list(tracks.values()) * ROUNDS:
                sent = [covered(frames[i % len(frames)], rng) for i in range(FRAMES)]
                files = [("images", (f"{i}.png", data)) for i, data in enumerate(sent)]
                single = client.post("/v1/predict", files=files).json()["results"]
                alone += [one["predicted"] == sign for one in single]
                track = client.post("/v1/track", files=files).json()
                assert track["frames"] == FRAMES
                together.append(track["answer"]["predicted"] == sign)
    wrong_alone, wrong_together = 1 - np.mean(alone), 1 - np.mean(together)
    assert 0.05 < wrong_alone < 0.7
    assert wrong_together < 0.85 * wrong_alone
