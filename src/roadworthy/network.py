"""What answers, wherever its weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from roadworthy.errors import CheckpointError
from roadworthy.inputs import ByteArray, FloatArray, InputSpec
from roadworthy.results import Rejection

SUFFIXES = frozenset({".onnx", ".safetensors"})  # of files that are models
FOREIGN = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "a PyTorch file, which may run anything when it is opened"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which may run anything when it is opened"),
    **dict.fromkeys((".h5", ".keras", ".pb"), "a file of Keras or TensorFlow"),
    ".tflite": "a file of TensorFlow Lite",
    ".mlmodel": "a file of Core ML",
    ".engine": "a file of TensorRT",
}


def refuse_foreign(path: Path) -> None:
    """CheckpointError for a file that by its name is a model in a form that is not read."""
    form = FOREIGN.get(path.suffix.lower())
    if form is not None and not path.is_dir():
        raise CheckpointError(
            f"{path} is {form}: not read here; a MODEL is a run folder, its .safetensors file, or an .onnx "
            "bundle of roadworthy export"
        )


class Network(Protocol):
    """What answers: weights in torch, or a bundle in ONNX Runtime."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""

    @property
    def spec(self) -> InputSpec:
        """How pictures are prepared for this model."""

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become confidences."""

    @property
    def rejection(self) -> Rejection | None:
        """When its answers are not accepted; None where no threshold was chosen."""

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""

    def logits(self, images: ByteArray) -> FloatArray:
        """(B, S, S, 3) uint8 RGB, cropped and resized as `spec` says -> (B, C) float32."""
