"""A trained network as ONNX, its preprocessing inside the graph."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.imaging.preprocess import EPSILON
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import INPUT, OUTPUT
from roadworthy.models.finder import centres, to_boxes

OPSET = 20
Form = Literal["crops", "windows", "frames"]


class Crops(nn.Module):
    """(B, S, S, 3) uint8 -> (B, C) logits: the one preprocessing after resizing, then the network."""

    def __init__(self, model: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.model, self.spec = model, spec

    def forward(self, images: Tensor) -> Tensor:
        """Answer."""
        planes = images.permute(0, 3, 1, 2).float() / 255.0
        if self.spec.normalise == "per-image":
            centred = planes - planes.mean(dim=(1, 2, 3), keepdim=True)
            # Runtimes add up one by one: what that leaves of a bright picture's mean is not nothing.
            centred = centred - centred.mean(dim=(1, 2, 3), keepdim=True)
            deviation = (centred * centred).mean(dim=(1, 2, 3), keepdim=True).sqrt()
            planes = centred / (deviation + EPSILON)
        logits: Tensor = self.model(planes)
        return logits


class Windows(nn.Module):
    """(1, H, W, 3) uint8 -> (1, C, h, w) logits of every window of S by S pixels, `stride` apart.

    H and W are multiples of the stride and at least S.  Every pixel is normalised by the mean and deviation
    of the windows about it, interpolated between their centres: of a single window, by its own.
    """

    def __init__(self, model: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.model, self.spec = model, spec
        self.stride: int = dense_stride(model, spec)

    def forward(self, images: Tensor) -> Tensor:
        """Answer."""
        planes = images.permute(0, 3, 1, 2).float() / 255.0
        if self.spec.normalise == "per-image":
            # It drops out again, but a variance is the difference of small numbers then.
            planes = planes - planes.mean()
            mean = self._windowed(planes)
            variance = self._windowed(planes * planes) - mean * mean
            planes = (planes - self._everywhere(mean)) / (
                self._everywhere(variance.clamp(min=0).sqrt()) + EPSILON
            )
        logits: Tensor = self.model.windows(planes, self.spec.size)  # type: ignore[operator]
        return logits

    def _windowed(self, planes: Tensor) -> Tensor:
        # By way of cells, which many windows share: quicker, and sums of fewer numbers are more exact.
        cells = F.avg_pool2d(planes.mean(dim=1, keepdim=True), self.stride)
        return F.avg_pool2d(cells, self.spec.size // self.stride, 1)

    def _everywhere(self, values: Tensor) -> Tensor:
        finer = F.interpolate(values, scale_factor=float(self.stride), mode="bilinear", align_corners=False)
        return F.pad(finer, [(self.spec.size - self.stride) // 2] * 4, mode="replicate")


class Frames(nn.Module):
    """(1, H, W, 3) uint8, H and W multiples of 32 -> (1, N, 5): each cell's box in pixels, and its score."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        # Levels as they are, and not shares of 255, into a first layer that makes up for it.
        first = next(module for module in self.model.modules() if isinstance(module, nn.Conv2d))
        first.weight.data /= 255

    def forward(self, images: Tensor) -> Tensor:
        """Answer."""
        answers = self.model(images.permute(0, 3, 1, 2).float())
        cells = centres(images.shape[1], images.shape[2])
        return torch.cat([to_boxes(answers[..., 1:], cells), answers[..., :1].sigmoid()], dim=2)


def dense_stride(model: nn.Module, spec: InputSpec) -> int:
    """Pixels between windows.  Raises UsageError for a network that cannot be applied to them."""
    stride = getattr(model, "stride", 0)
    if not stride or not hasattr(model, "windows"):
        raise UsageError(f"{type(model).__name__} cannot look closer at a picture; the model compact can")
    if spec.size % (2 * stride):
        raise UsageError(
            f"a network of {spec.size} px cannot look closer at a picture: its size must be a multiple of "
            f"{2 * stride}, like {max(1, round(spec.size / (2 * stride))) * 2 * stride}"
        )
    return int(stride)


def to_onnx(served: nn.Module, size: int, *, form: Form = "crops") -> bytes:
    """`Crops`, `Windows` or `Frames` as an ONNX model without metadata, batches (or H and W) of any size.

    Raises MissingExtraError without the optional part for export.
    """
    require("exporting", "export")
    import onnx

    # Other extents than any that the graph could take for constants.
    free_size = form != "crops"
    extents = (1, size + 96, size + 64, 3) if free_size else (3, size, size, 3)
    example = torch.randint(256, extents, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    free = (
        {1: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
        if free_size
        else {0: torch.export.Dim.DYNAMIC}
    )
    written = io.BytesIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        program = torch.onnx.export(
            served.eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    program.save(written)  # type: ignore[arg-type]
    model = onnx.load_from_string(written.getvalue())
    _strip(model)
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, name in ({1: "height", 2: "width"} if free_size else {0: "batch"}).items():
        shape.dim[axis].dim_param = name
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _strip(model: Any) -> None:
    """Leave out what the exporter notes down: source files and lines of this machine."""
    del model.metadata_props[:]
    model.doc_string = model.producer_name = model.producer_version = ""
    graph = model.graph
    graph.doc_string, graph.name = "", "roadworthy"
    for item in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del graph.value_info[:]
    for dim in graph.output[0].type.tensor_type.shape.dim:
        if not dim.HasField("dim_value"):
            dim.Clear()
