"""Bundles: what was sealed comes back as it was, and nothing else is let in."""

import hashlib
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roadworthy.core.errors import BundleError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference import bundle
from roadworthy.inference.bundle import Manifest, parse_bundle, read_bundle, seal, write_bundle

onnx = pytest.importorskip("onnx", reason="making ONNX files needs roadworthy[export]")

MANIFEST = Manifest(
    classes=("red", "green", "blue"),
    codes={"red": ("R1-1", "206"), "green": ()},
    input=InputSpec(size=16, resize="bicubic", normalise="unit", crop="margin=0.1"),
    temperature=1.25,
    rejection=Rejection(score="probability", threshold=0.75, coverage=0.99, n=70),
    metrics={"folder:x, test": {"n": 3, "accuracy": 1.0, "accuracy_ci95": [0.5, 1.0], "sure": None}},
    parity={"fp32": {"n": 3, "agreement": 1.0}},
    provenance={"trained": {"seed": 0, "command": "train --data 'größer'"}, "exported": {}},
    licence="their own; “terms”",
    without_colour=True,
)
SEAL_BYTES = 87  # two for the entry, 2 + 17 for its key, 2 + 64 for its value


@pytest.fixture(scope="module")
def network(toy: Callable[..., Any]) -> bytes:
    data: bytes = toy().SerializeToString()
    return data


@pytest.fixture(scope="module")
def sealed(network: bytes) -> bytes:
    return seal(network, MANIFEST)


def with_seal(body: bytes) -> bytes:
    """The seal that fits, on whatever it is: anyone can put one."""
    return body + bundle._entry(bundle.SEAL, hashlib.sha256(body).hexdigest())


def told(network: bytes, **changes: Any) -> bytes:
    """A sealed bundle whose manifest says something else; without a value it lacks the key."""
    tree = json.loads(entries(seal(network, MANIFEST))[bundle.MANIFEST]) | changes
    tree = {key: value for key, value in tree.items() if value is not ...}
    return with_seal(network + bundle._entry(bundle.MANIFEST, json.dumps(tree)))


def entries(data: bytes) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}


def refused(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        parse_bundle(data, "x.onnx")
    message = str(caught.value)
    assert message.startswith("x.onnx ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        Manifest(classes=("a", "b"), input=InputSpec()),
        Manifest(kind="dense", stride=8, precision="int8", classes=("a", "b"), input=InputSpec(size=32)),
    ],
    ids=["full", "least", "dense"],
)
def test_what_was_sealed_comes_back(network: bytes, manifest: Manifest) -> None:
    data = seal(network, manifest)
    found = parse_bundle(data, "x")
    assert found.manifest == manifest
    assert found.network == data
    assert data.startswith(network)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=2, max_size=5, unique=True),
    st.floats(1e-6, 1e6),
    st.text(st.characters(codec="utf-8")),
)
def test_any_names_and_numbers_come_back(
    network: bytes, classes: list[str], temperature: float, licence: str
) -> None:
    manifest = Manifest(classes=tuple(classes), input=InputSpec(), temperature=temperature, licence=licence)
    assert parse_bundle(seal(network, manifest), "x").manifest == manifest


def test_the_seal_is_the_sha256_of_all_before_it(sealed: bytes) -> None:
    expected = hashlib.sha256(sealed[:-SEAL_BYTES]).hexdigest()
    assert sealed.endswith(expected.encode())
    assert parse_bundle(sealed, "x").sha256 == expected
    assert entries(sealed)["roadworthy.sha256"] == expected


def test_a_bundle_is_an_onnx_file_with_the_manifest_in_its_metadata(sealed: bytes) -> None:
    import onnxruntime

    model = onnx.load_from_string(sealed)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(sealed, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata == entries(sealed)
    tree = json.loads(metadata["roadworthy"])
    assert (tree["format"], tree["classes"]) == (1, ["red", "green", "blue"])
    pixels = np.full((1, 16, 16, 3), (10, 20, 30), np.uint8)
    assert session.run(None, {"images": pixels})[0].tolist() == [[10, 20, 30]]


def test_the_same_gives_the_same_bytes(network: bytes, sealed: bytes) -> None:
    assert seal(network, MANIFEST) == sealed
    assert seal(network, Manifest(classes=("a", "b"), input=InputSpec())) != sealed


def test_a_file_that_was_cut_short_anywhere_is_refused(sealed: bytes) -> None:
    reasons = {refused(sealed[:length]).split("(")[0] for length in range(len(sealed))}
    assert len(reasons) >= 3  # no ONNX, no network, no seal: not one reason for all


def test_a_file_with_any_bit_flipped_is_refused(sealed: bytes) -> None:
    reasons = set()
    for position in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[position] ^= 1 << bit
            reasons.add(refused(bytes(changed)).split("(")[0].split(":")[0])
    assert any("was changed or damaged" in reason for reason in reasons)
    assert any("no bundle of Roadworthy's" in reason for reason in reasons)


def test_damage_says_both_checksums(sealed: bytes) -> None:
    place = sealed.index(b"bicubic")
    changed = sealed[:place] + b"B" + sealed[place + 1 :]
    found = hashlib.sha256(changed[:-SEAL_BYTES]).hexdigest()
    assert f"its SHA-256 is {found}, not {sealed[-64:].decode()}" in refused(changed)


def test_what_is_added_at_the_end_is_noticed(sealed: bytes) -> None:
    added = bundle._entry("note", "hello")
    onnx.checker.check_model(onnx.load_from_string(sealed + added))
    assert "no bundle of Roadworthy's" in refused(sealed + added)


def test_a_real_bundle_with_a_byte_of_it_changed_is_refused(shipped: Any) -> None:
    data = shipped.bundle.read_bytes()
    for position in np.linspace(0, len(data) - 1, 199).astype(int).tolist():
        refused(data[:position])
        refused(data[:position] + bytes([data[position] ^ 255]) + data[position + 1 :])


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no ONNX file (0 bytes that hold no network)"),
        (_picture(), "no ONNX file"),
        (b"\x00" * 500, "no ONNX file"),
        (b"no model, but a line of text\n", "no ONNX file"),
    ],
    ids=["empty", "picture", "noughts", "text"],
)
def test_what_is_no_network_is_refused(data: bytes, words: str) -> None:
    assert words in refused(data)


@given(st.binary(max_size=300))
def test_no_bytes_are_worse_than_refused(data: bytes) -> None:
    refused(data)


def test_a_foreign_network_is_told_how_to_become_a_bundle(network: bytes) -> None:
    said = refused(network)
    assert "an ONNX file, but no bundle of Roadworthy's" in said
    assert "roadworthy export" in said


def _external(tensor: Any) -> Any:
    """A tensor whose values lie in another file."""
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "secret.bin"), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _numbers() -> Any:
    return onnx.helper.make_tensor("values", onnx.TensorProto.FLOAT, [1], [1.0])


def _sparse() -> Any:
    indices = onnx.helper.make_tensor("indices", onnx.TensorProto.INT64, [1], [0])
    return onnx.helper.make_sparse_tensor(_external(_numbers()), indices, [3])


def _constant(model: Any, **values: Any) -> None:
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["more"], **values))


def _if_node(model: Any) -> None:
    out = onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [1])
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Constant", [], ["out"], value=_external(_numbers()))], "branch", [], [out]
    )
    model.graph.node.append(
        onnx.helper.make_node("If", ["condition"], ["more"], then_branch=branch, else_branch=branch)
    )


def _graphs(model: Any) -> None:
    node = onnx.helper.make_node("Identity", ["logits"], ["more"])
    attribute = node.attribute.add(name="branches", type=onnx.AttributeProto.GRAPHS)
    attribute.graphs.add(name="branch")
    model.graph.node.append(node)


def _tensors(model: Any) -> None:
    node = onnx.helper.make_node("Identity", ["logits"], ["more"])
    attribute = node.attribute.add(name="values", type=onnx.AttributeProto.TENSORS)
    attribute.tensors.append(_external(_numbers()))
    model.graph.node.append(node)


def _sparse_tensors(model: Any) -> None:
    node = onnx.helper.make_node("Identity", ["logits"], ["more"])
    attribute = node.attribute.add(name="values", type=onnx.AttributeProto.SPARSE_TENSORS)
    attribute.sparse_tensors.append(_sparse())
    model.graph.node.append(node)


def _only_said_to_be_external(model: Any) -> None:
    model.graph.initializer.append(_numbers())
    model.graph.initializer[-1].external_data.add(key="location", value="secret.bin")


def _function(model: Any) -> None:
    node = onnx.helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(
        onnx.helper.make_function("", "Own", ["a"], ["b"], [node], [onnx.helper.make_opsetid("", 20)])
    )


UNSAFE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "external weights": (lambda m: m.graph.initializer.append(_external(_numbers())), "in other files"),
    "a place beside weights": (_only_said_to_be_external, "in other files"),
    "an external constant": (lambda m: _constant(m, value=_external(_numbers())), "in other files"),
    "external tensors": (_tensors, "in other files"),
    "sparse weights": (lambda m: m.graph.sparse_initializer.append(_sparse()), "in other files"),
    "a sparse constant": (lambda m: _constant(m, sparse_value=_sparse()), "sparse tensor"),
    "sparse tensors": (_sparse_tensors, "sparse tensor"),
    "a foreign operator": (
        lambda m: m.graph.node.append(
            onnx.helper.make_node("Gelu", ["logits"], ["more"], domain="com.microsoft")
        ),
        "not ONNX's own (com.microsoft)",
    ),
    "a foreign operator set": (
        lambda m: m.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3)),
        "not ONNX's own (ai.onnx.ml)",
    ),
    "a function": (_function, "operators of its own"),
    "an if": (_if_node, "a graph within If"),
    "graphs": (_graphs, "a graph within Identity"),
    "nothing": (lambda m: m.graph.ClearField("node"), "hold no network"),
}


@pytest.mark.parametrize(("change", "words"), UNSAFE.values(), ids=UNSAFE)
def test_what_is_not_safe_to_load_is_neither_sealed_nor_read(
    toy: Callable[..., Any], change: Callable[[Any], Any], words: str
) -> None:
    model = toy()
    change(model)
    unsafe = model.SerializeToString()
    assert words in refused(told_of(unsafe))
    with pytest.raises(BundleError, match=r"^the network ") as caught:
        seal(unsafe, MANIFEST)
    assert words in str(caught.value)


def told_of(network: bytes) -> bytes:
    """A network with a manifest and a seal that fit, made by somebody who checks nothing."""
    text = json.dumps({"format": 1})
    return with_seal(network + bundle._entry(bundle.MANIFEST, text))


def test_what_a_sparse_constant_would_let_in(
    toy: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why they are refused: a runtime reads the file that one names, wherever the process stands."""
    import onnxruntime

    (tmp_path / "secret.bin").write_bytes(np.float32(42).tobytes())
    monkeypatch.chdir(tmp_path)
    model = toy()
    model.graph.node[-1].output[0] = "means"
    _constant(model, sparse_value=_sparse())
    model.graph.node.append(onnx.helper.make_node("Add", ["means", "more"], ["logits"]))
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        said = session.run(None, {"images": np.zeros((1, 16, 16, 3), np.uint8)})[0].tolist()
    except Exception as error:  # its errors have no common base
        pytest.skip(f"this runtime does not: {error}")
    assert said == [[42, 0, 0]]
    assert "sparse tensor" in refused(told_of(model.SerializeToString()))


def test_operators_may_name_the_standard_in_full(toy: Callable[..., Any]) -> None:
    model = toy()
    model.graph.node[0].domain = "ai.onnx"
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx", 20))
    assert parse_bundle(seal(model.SerializeToString(), MANIFEST), "x").manifest == MANIFEST


def test_a_domain_that_is_no_text_is_foreign(toy: Callable[..., Any]) -> None:
    model = toy()
    model.graph.node[0].domain = "é"
    unsafe = model.SerializeToString().replace("é".encode(), b"\xff\xfe")
    assert "not ONNX's own" in refused(told_of(unsafe))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "written by a newer Roadworthy (format 2; this one reads 1)"),
        ({"format": "1"}, "cannot be read (TypeError"),
        ({"format": ...}, "cannot be read (KeyError: 'format')"),
        ({"classes": ...}, "cannot be read (KeyError: 'classes')"),
        ({"classes": 3}, "cannot be read"),
        ({"classes": ["red"]}, "makes no sense: 1 classes"),
        ({"codes": {"red": 5}}, "cannot be read"),
        ({"codes": ["red"]}, "cannot be read"),
        ({"temperature": 0}, "makes no sense"),
        ({"temperature": -1.5}, "temperature -1.5"),
        ({"temperature": math.nan}, "temperature nan"),
        ({"temperature": math.inf}, "temperature inf"),
        ({"temperature": "warm"}, "cannot be read (ValueError"),
        ({"classes": ["red", "green", "red"]}, "3 classes, 2 of them different"),
        ({"precision": "int4"}, "precision 'int4'"),
        ({"kind": "sideways"}, "kind 'sideways'"),
        ({"kind": ["crop"]}, "makes no sense"),
        ({"kind": "dense", "stride": 0}, "kind 'dense', stride 0"),
        ({"kind": "dense", "stride": -8}, "stride -8"),
        ({"input": {"size": 4}}, "between 8 and 512"),
        ({"input": {"size": "16"}}, "cannot be read (TypeError"),
        ({"input": {"side": 16}}, "side"),
        ({"input": 16}, "cannot be read"),
        ({"rejection": {"score": "probability"}}, "cannot be read (TypeError"),
    ],
    ids=str,
)
def test_a_manifest_that_makes_no_sense_is_refused(
    network: bytes, changes: dict[str, Any], words: str
) -> None:
    said = refused(told(network, **changes))
    assert words in said
    assert "manifest" in said or "newer" in said


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 200_000], ids=lambda text: text[:9])
def test_a_manifest_that_is_no_manifest_is_refused(network: bytes, text: str) -> None:
    assert "a manifest that cannot be read" in refused(
        with_seal(network + bundle._entry(bundle.MANIFEST, text))
    )


def test_a_seal_without_a_manifest_is_refused(network: bytes) -> None:
    assert "KeyError: 'roadworthy'" in refused(with_seal(network))


def test_a_file_is_written_whole_over_an_older_one(network: bytes, sealed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"older")
    write_bundle(network, MANIFEST, path)
    assert path.read_bytes() == sealed
    assert [file.name for file in tmp_path.iterdir()] == ["x.onnx"]
    assert read_bundle(path).manifest == MANIFEST


def test_what_is_unsafe_replaces_nothing(toy: Callable[..., Any], tmp_path: Path) -> None:
    model = toy()
    _function(model)
    path = tmp_path / "x.onnx"
    path.write_bytes(b"older")
    with pytest.raises(BundleError):
        write_bundle(model.SerializeToString(), MANIFEST, path)
    assert path.read_bytes() == b"older"
    assert [file.name for file in tmp_path.iterdir()] == ["x.onnx"]


def test_a_place_that_cannot_be_written_is_named(network: bytes, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere/x\.onnx cannot be written: No such file"):
        write_bundle(network, MANIFEST, tmp_path / "nowhere" / "x.onnx")


def test_files_that_cannot_be_read_are_named(
    sealed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match=r"x\.onnx cannot be read: No such file"):
        read_bundle(tmp_path / "x.onnx")
    with pytest.raises(BundleError, match="cannot be read: it is a folder"):
        read_bundle(tmp_path)
    path = tmp_path / "x.onnx"
    path.write_bytes(sealed)
    monkeypatch.setattr(bundle, "MAX_BYTES", len(sealed) - 1)
    with pytest.raises(BundleError, match=rf"has {len(sealed):,} bytes; a bundle has at most"):
        read_bundle(path)
    monkeypatch.setattr(bundle, "MAX_BYTES", len(sealed))
    assert read_bundle(path).manifest == MANIFEST


@pytest.mark.parametrize("said", [..., False, None, "yes"])
def test_a_bundle_that_does_not_say_so_was_not_trained_for_pictures_without_colour(
    network: bytes, said: object
) -> None:
    assert parse_bundle(told(network), "x").manifest.without_colour is True
    assert parse_bundle(told(network, without_colour=said), "x").manifest.without_colour is False
