"""Frames of one sign, answered together over HTTP, against each alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.data.open import open_splits
from roadworthy.evaluate.corruptions import corrupt, standard_corruptions
from roadworthy.evaluate.fusion import tracks
from roadworthy.imaging.decode import decode
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.onnx import packaged
from roadworthy.serve.app import create_app
from roadworthy.serve.settings import ServiceConfig

FRAMES, ROUNDS = 8, 8
HIDDEN = 0.45  # of the sides: enough that single frames are often misread


def png(image: ByteArray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def covered(image: ByteArray, rng: np.random.Generator) -> bytes:
    """With a leaf or the like before it, somewhere else in each frame."""
    spoilt, side = image.copy(), round(HIDDEN * len(image))
    top, left = rng.integers(0, len(image) - side, 2)
    spoilt[top : top + side, left : left + side] = rng.integers(0, 256, 3)
    return png(spoilt)


def test_frames_together_are_read_better_than_each_alone(shipped: Any, drawn_folder: Path) -> None:
    rng, alone, together = np.random.default_rng(0), list[bool](), list[bool]()
    with TestClient(create_app(ServiceConfig(models=(shipped.bundle,))), "http://localhost") as client:
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


def test_the_packaged_model_reads_the_frames_of_a_photographed_sign_better_than_each(
    real_data: Path,
) -> None:
    """Signs that it was not trained on, each under another of ImageNet-C's fifteen at severity 3."""
    if packaged() is None:
        pytest.skip("this copy has no packaged model")
    config = DataConfig(spec=f"gtsrb:{real_data / 'gtsrb'}", val_fraction=0.05)  # as in recipes/packaged.toml
    held = open_splits(config, InputSpec(size=48)).val
    names, generator = standard_corruptions(), torch.Generator().manual_seed(0)
    alone, together = list[bool](), list[bool]()
    with TestClient(create_app(ServiceConfig()), "http://localhost") as client:
        for number, track in enumerate(tracks(held)):
            sign, rows = held.classes[track.target], track.spread(FRAMES).rows
            frames = corrupt(np.asarray(held.images[rows]), names[number % len(names)], 3, generator)
            files = [("images", (f"{i}.png", png(frame))) for i, frame in enumerate(frames)]
            single = client.post("/v1/predict", files=files).json()["results"]
            alone += [one["predicted"] == sign for one in single]
            answer = client.post("/v1/track", files=files).json()["answer"]
            together.append(answer["predicted"] == sign)
    assert len(together) > 50
    wrong_alone, wrong_together = 1 - np.mean(alone), 1 - np.mean(together)
    assert 0.01 < wrong_alone < 0.3
    assert wrong_together < 0.75 * wrong_alone
