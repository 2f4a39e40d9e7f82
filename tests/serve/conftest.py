"""A bundle whose every answer is known: it names the colour that there is most of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.export.bundle import Manifest, seal
from roadworthy.inputs import InputSpec
from roadworthy.results import Rejection

CLASSES = ("stop", "speed-60", "roundabout")  # red, green, blue


@pytest.fixture(scope="session")
def bundle(toy: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "colours.onnx"
    manifest = Manifest(
        classes=CLASSES,
        input=InputSpec(size=16, normalise="unit"),
        temperature=10.0,
        rejection=Rejection(score="probability", threshold=0.9, coverage=0.99, n=100),
    )
    path.write_bytes(seal(toy().SerializeToString(), manifest))
    return path
