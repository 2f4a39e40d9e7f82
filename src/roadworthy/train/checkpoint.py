"""Weights on disk: safetensors only, with everything in the header that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import CheckpointError, ConfigError
from roadworthy.core.files import check_regular, replacing
from roadworthy.core.finding_rule import FindingRule, read_finding_rule
from roadworthy.core.paths import refuse_foreign
from roadworthy.core.rejection import Rejection, read_rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_finder, build_model
from roadworthy.models.compact import Compact

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Card:
    """What must travel with the weights: network, classes, preprocessing, and how sure is sure enough.

    rejection: None where every answer is given.  facts: where the weights come from.
    without_colour: whether it was trained for pictures without colour, too.
    finding: of a finder, from which score on a box is a sign; None of what reads.
    """

    model: ModelConfig
    classes: tuple[str, ...]
    input: InputSpec
    temperature: float = 1.0
    rejection: Rejection | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    without_colour: bool = False
    finding: FindingRule | None = None

    @property
    def finds(self) -> bool:
        """Whether it is of a network that finds signs in frames, and not of one that reads them."""
        return self.finding is not None


def save_checkpoint(model: nn.Module, card: Card, path: Path) -> None:
    """Write the weights of `model` and its card; nobody ever sees half a file."""
    header = json.dumps({"format": FORMAT, **asdict(card)})
    write_tensors(dict(model.state_dict()), header, path)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> tuple[nn.Module, Card]:
    """The network of a checkpoint, in evaluation mode, and its card.

    path: a .safetensors file, or a run folder (then its best weights).
    Raises CheckpointError on whatever is missing, damaged, foreign or newer than this version reads.
    """
    path = find_checkpoint(path)
    tensors, header = read_tensors(path, device)
    try:
        card = _card(header, path)
        model = (
            build_finder(card.model) if card.finds else build_model(card.model, len(card.classes), card.input)
        )
        model.load_state_dict(tensors, strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError, ConfigError) as error:
        reason = str(error).replace("\n", " ")
        raise CheckpointError(
            f"{path} does not hold the weights of a Roadworthy network: {reason}"
        ) from error
    return model.to(device).eval(), card


def _card(header: Mapping[str, Any], path: Path) -> Card:
    """What the header of a checkpoint tells of it."""
    if header["format"] > FORMAT:
        raise CheckpointError(f"{path} was written by a newer Roadworthy (format {header['format']})")
    return Card(
        model=ModelConfig(**header["model"]),
        classes=tuple(header["classes"]),
        input=InputSpec(**header["input"]),
        temperature=float(header["temperature"]),
        rejection=read_rejection(header.get("rejection")),
        facts=header["facts"],
        without_colour=header.get("without_colour", False) is True,
        finding=read_finding_rule(header.get("finding")),
    )


def is_finder(path: Path) -> bool:
    """Whether a checkpoint is of a network that finds; False for what is none, which loading it will say."""
    try:
        path = find_checkpoint(path)
        with safetensors.safe_open(path, framework="pt") as file:
            return _card(json.loads((file.metadata() or {})["roadworthy"]), path).finds
    except (CheckpointError, OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError):
        return False


def start_from(source: nn.Module, card: Card, model: nn.Module, classes: Sequence[str]) -> None:
    """Give `model` the weights of `source`, and of its last layer those of the classes that both know.

    card: of `source`.  Blocks that only `model` has, at its end, keep their first weights, which pass on what
    comes in.  Raises CheckpointError for a network of another shape.
    """
    wanted = model.state_dict()
    weights = {**_further_blocks(source, model), **source.state_dict()}
    shared = [(classes.index(name), row) for row, name in enumerate(card.classes) if name in classes]
    for name in ("head.weight", "head.bias"):
        head = wanted[name].clone()
        for to, row in shared:
            if head[to].shape == weights[name][row].shape:
                head[to] = weights[name][row]
        weights[name] = head
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        reason = str(error).replace("\n", " ")
        raise CheckpointError(f"the network to start from is another: {reason}") from error


def _further_blocks(source: nn.Module, model: nn.Module) -> dict[str, Tensor]:
    """The weights of the blocks at the end of `model` that `source` lacks."""
    if not isinstance(source, Compact) or not isinstance(model, Compact):
        return {}
    more = tuple(f"blocks.{number}." for number in range(len(source.blocks), len(model.blocks)))
    return {name: value for name, value in model.state_dict().items() if more and name.startswith(more)}


def find_checkpoint(path: Path) -> Path:
    """The weights file that `path` stands for."""
    refuse_foreign(path)
    if path.is_dir():
        best = path / "checkpoints" / "best.safetensors"
        if not best.is_file():
            raise CheckpointError(f"{path} holds no checkpoints/best.safetensors; a finished run folder does")
        return best
    if path.suffix == ".onnx":
        raise CheckpointError(
            f"{path} is a bundle: it answers and is measured; give the run that it came from"
        )
    if not path.is_file():
        raise CheckpointError(f"no model at {path}; give a run folder or a .safetensors file")
    return path


def write_tensors(tensors: Mapping[str, Tensor], header: str, path: Path) -> None:
    """A safetensors file with a JSON header, written aside and renamed."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        with replacing(path) as aside:
            safetensors.torch.save_file(plain, aside, metadata={"roadworthy": header})
    except safetensors.SafetensorError as error:  # which is how it tells of a full disk
        raise CheckpointError(f"{path} cannot be written: {error}") from error


def read_tensors(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote."""
    try:
        check_regular(path)
        with safetensors.safe_open(path, framework="pt", device=str(device)) as file:
            header = json.loads((file.metadata() or {})["roadworthy"])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except KeyError as error:
        raise CheckpointError(f"{path} is a safetensors file, but not one of Roadworthy's") from error
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors: {error}") from error
