"""One file that answers: an ONNX network with its manifest, sealed by a checksum.  Reading needs no torch.

A bundle is a plain ONNX file that other runtimes open, too.  Its metadata hold the manifest, and the last
bytes of the file are one more entry of metadata, the SHA-256 of all bytes before: a file that was cut short
or changed no longer fits.  The seal shows damage; it does not prove who made the file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from roadworthy.core.errors import BundleError, ConfigError
from roadworthy.core.files import check_regular, replacing
from roadworthy.core.finding_rule import FindingRule, read_finding_rule
from roadworthy.core.rejection import Rejection, read_rejection
from roadworthy.imaging.spec import InputSpec

FORMAT = 1
MANIFEST, SEAL = "roadworthy", "roadworthy.sha256"
INPUT, OUTPUT = "images", "logits"
MAX_BYTES = 256_000_000  # a classifier of signs is a hundredth of this
STANDARD = frozenset({"", "ai.onnx"})  # whose operators every runtime has
_METADATA = 14  # ModelProto's field
_EXTERNAL = 1  # TensorProto's data_location


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What must travel with the network.

    kind: `crop` takes (B, S, S, 3) uint8 RGB pictures, S being input.size, and answers (B, C) logits; `dense`
        takes (1, H, W, 3) and answers (1, C, h, w), a cell for each window of S by S, every `stride` pixels;
        `find` takes (1, H, W, 3), H and W multiples of `stride`, and answers (1, N, 5), boxes and scores.
    precision: `fp32` or `int8`.  codes: the signs' codes by class, like R1-1 for `stop`.
    metrics: by what was measured on, each with its n.  parity: how far it agrees with the network as trained.
    licence: what the data that it was trained on allow.
    without_colour: whether it was trained for pictures without colour, too; bundles that do not say were not.
    finding: from which score on a box of what finds is a sign; None of what reads.
    known: what confidence was worth on validation, by which accuracy is estimated where labels are missing:
        evaluate.drift.Known as a dict; empty in bundles that do not say.
    runtimes: by name of a runtime other than ONNX Runtime, what the check in it found: `run` (false where it
        could not be run), `versions`, `n`, `agreement`, the `temperature` and `threshold` that hold there.
    """

    kind: Literal["crop", "dense", "find"] = "crop"
    precision: Literal["fp32", "int8"] = "fp32"
    classes: tuple[str, ...]
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    input: InputSpec
    stride: int = 0
    temperature: float = 1.0
    rejection: Rejection | None = None
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    without_colour: bool = False
    finding: FindingRule | None = None
    known: Mapping[str, float] = field(default_factory=dict)
    runtimes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export wrote, the bundle first, and what it was found to be."""

    files: tuple[Path, ...]
    manifest: Manifest
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle whose seal, structure and manifest were found to be in order.

    network: the whole file, which is what a runtime loads.  sha256: of the file without its seal.
    """

    network: bytes
    manifest: Manifest
    sha256: str


def windows_path(bundle: Path) -> Path:
    """NAME-find.onnx beside NAME.onnx: where the bundle for a closer look at pictures of one sign belongs."""
    return bundle.with_name(f"{bundle.stem}-find.onnx")


def seal(network: bytes, manifest: Manifest) -> bytes:
    """The bytes of a bundle: an ONNX model without metadata of its own, its manifest and the seal."""
    _check_structure(network, "the network")
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, sort_keys=True)
    body = network + _entry(MANIFEST, text)
    return body + _entry(SEAL, hashlib.sha256(body).hexdigest())


def write_bundle(network: bytes, manifest: Manifest, path: Path) -> None:
    """Seal and write a bundle; nobody ever sees half a file."""
    write_bundles({path: (network, manifest)})


def write_bundles(bundles: Mapping[Path, tuple[bytes, Manifest]]) -> None:
    """The same for several that belong together: where one cannot be written, all files stay as they were."""
    try:
        with ExitStack() as together:
            for path, (network, manifest) in bundles.items():
                together.enter_context(replacing(path)).write_bytes(seal(network, manifest))
    except OSError as error:
        raise BundleError(f"{error.filename} cannot be written: {error.strerror or error}") from error


def read_bundle(path: Path) -> Bundle:
    """A bundle, once everything about it was checked.

    Raises BundleError saying what is not so: it is there, whole, unchanged, ours, of a format that this
    version reads, and has neither data in other files nor operators of its own.
    """
    try:
        check_regular(path)
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(f"{path} has {path.stat().st_size:,} bytes; a bundle has at most {MAX_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_bundle(data, str(path))


def kind_of(path: Path) -> str:
    """The kind of the bundle at a path; empty for what is none, which whoever reads it will say."""
    try:
        return read_bundle(path).manifest.kind
    except BundleError:
        return ""


def parse_bundle(data: bytes, name: str) -> Bundle:
    """The same for bytes; `name` is what errors call them."""
    _check_structure(data, name)
    start = len(data) - len(_entry(SEAL, "0" * 64))
    body, declared = data[: max(start, 0)], data[-64:]
    if data[max(start, 0) : -64] != _entry(SEAL, "0" * 64)[:-64]:
        raise BundleError(
            f"{name} is an ONNX file, but no bundle of Roadworthy's, or its end is missing; make one with: "
            "roadworthy export RUN --to FILE"
        )
    found = hashlib.sha256(body).hexdigest()
    if found.encode() != declared:
        raise BundleError(
            f"{name} was changed or damaged after it was made: its SHA-256 is {found}, not "
            f"{declared.decode(errors='replace')}"
        )
    return Bundle(network=data, manifest=_manifest(data, name), sha256=found)


def _manifest(data: bytes, name: str) -> Manifest:
    entries = {entry.key: entry.value for entry in _parsed(data, name).metadata_props}
    try:
        tree = json.loads(entries[MANIFEST])
        if tree["format"] > FORMAT:
            raise BundleError(
                f"{name} was written by a newer Roadworthy (format {tree['format']}; this one reads {FORMAT})"
            )
        manifest = Manifest(
            kind=tree["kind"],
            precision=tree["precision"],
            classes=tuple(tree["classes"]),
            codes={sign: tuple(codes) for sign, codes in tree["codes"].items()},
            input=InputSpec(**tree["input"]),
            stride=int(tree["stride"]),
            temperature=float(tree["temperature"]),
            rejection=read_rejection(tree["rejection"]),
            metrics=tree["metrics"],
            parity=tree["parity"],
            provenance=tree["provenance"],
            licence=str(tree["licence"]),
            without_colour=tree.get("without_colour", False) is True,
            finding=read_finding_rule(tree.get("finding")),
            known={str(name): float(value) for name, value in tree.get("known", {}).items()},
            runtimes={name: dict(facts) for name, facts in tree.get("runtimes", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, ConfigError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise BundleError(f"{name} has a manifest that cannot be read ({reason})") from error
    known = manifest.kind == "crop" or (manifest.kind in ("dense", "find") and manifest.stride > 0)
    known &= manifest.precision in ("fp32", "int8")
    finds = manifest.kind == "find"
    known &= finds == (manifest.finding is not None)
    several = len(set(manifest.classes)) == len(manifest.classes) > (0 if finds else 1)
    if not (several and 0 < manifest.temperature < math.inf and known):
        raise BundleError(
            f"{name} has a manifest that makes no sense: {len(manifest.classes)} classes, "
            f"{len(set(manifest.classes))} of them different, temperature {manifest.temperature}, kind "
            f"{manifest.kind!r}, stride {manifest.stride}, precision {manifest.precision!r}"
        )
    return manifest


def _check_structure(data: bytes, name: str) -> None:
    """Refuse what would read other files, or run operators that are not ONNX's."""
    model = _parsed(data, name)
    if not model.graph.node:
        raise BundleError(f"{name} is no ONNX file ({len(data):,} bytes that hold no network)")
    domains = {entry.domain for entry in model.opset_import} | {node.domain for node in model.graph.node}
    if foreign := sorted(map(str, domains - STANDARD)):  # text that is no UTF-8 arrives as bytes
        raise BundleError(
            f"{name} uses operators that are not ONNX's own ({', '.join(foreign)}); it is not loaded"
        )
    if model.functions:
        raise BundleError(f"{name} defines operators of its own ({len(model.functions)}); not loaded")
    tensors = list(model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise BundleError(
                    f"{name} has a graph within {node.op_type}; networks here have none, it is not loaded"
                )
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                raise BundleError(f"{name} has a sparse tensor; networks here have none, it is not loaded")
            tensors += [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]
    if model.graph.sparse_initializer or any(
        t.data_location == _EXTERNAL or t.external_data for t in tensors
    ):
        raise BundleError(f"{name} keeps weights in other files; export it as one file, it is not loaded")


def _parsed(data: bytes, name: str) -> Any:
    from google.protobuf.message import DecodeError

    model = _model_proto()()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise BundleError(f"{name} is no ONNX file, or its end is missing ({len(data):,} bytes)") from error
    return model


@cache
def _model_proto() -> Any:
    """The part of ONNX's format that is looked at, as a protobuf message; other fields are skipped.

    Source of the numbers: onnx.proto, ONNX IR specification.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {"text": 9, "bytes": 12, "int": 3, "enum": 5, "message": 11}
    messages: dict[str, list[tuple[str, int, str, bool]]] = {
        "Entry": [("key", 1, "text", False), ("value", 2, "text", False)],
        "Tensor": [("external_data", 13, "Entry", True), ("data_location", 14, "enum", False)],
        "Attribute": [
            ("t", 5, "Tensor", False),
            ("g", 6, "Nothing", False),
            ("tensors", 10, "Tensor", True),
            ("graphs", 11, "Nothing", True),
            ("sparse_tensor", 22, "Nothing", False),
            ("sparse_tensors", 23, "Nothing", True),
        ],
        "Node": [
            ("op_type", 4, "text", False),
            ("attribute", 5, "Attribute", True),
            ("domain", 7, "text", False),
        ],
        "Graph": [
            ("node", 1, "Node", True),
            ("initializer", 5, "Tensor", True),
            ("sparse_initializer", 15, "Nothing", True),
        ],
        "Opset": [("domain", 1, "text", False)],
        "Model": [
            ("graph", 7, "Graph", False),
            ("opset_import", 8, "Opset", True),
            ("metadata_props", _METADATA, "Entry", True),
            ("functions", 25, "Nothing", True),
        ],
        "Nothing": [],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="roadworthy/onnx.proto", package="roadworthy", syntax="proto2"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, repeated in fields:
            message.field.add(
                name=field_name,
                number=number,
                label=3 if repeated else 1,
                type=kinds.get(kind, kinds["message"]),
                type_name=None if kind in kinds else f".roadworthy.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("roadworthy.Model"))


def _entry(key: str, value: str) -> bytes:
    """One entry of a model's metadata in ONNX's own encoding; appended to a model it becomes part of it."""
    model = _model_proto()()
    model.metadata_props.add(key=key, value=value)
    encoded: bytes = model.SerializeToString()
    return encoded
