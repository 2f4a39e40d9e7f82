"""A bundle in ONNX Runtime: what it answers, what it takes, and bundles whose network is another."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import BundleError, ShapeError, UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference import onnx as module
from roadworthy.inference.bundle import Bundle, Manifest, parse_bundle, seal
from roadworthy.inference.onnx import Engine, load_engine, packaged

SIZE, STRIDE = 16, 8
CROP = Manifest(
    classes=("red", "green", "blue"),
    input=InputSpec(size=SIZE),
    temperature=1.5,
    rejection=Rejection(score="margin", threshold=0.25, coverage=0.9, n=40),
)
DENSE = dataclasses.replace(CROP, kind="dense", stride=STRIDE)


def bundle(model: Any, manifest: Manifest) -> Bundle:
    return parse_bundle(seal(model.SerializeToString(), manifest), "x.onnx")


def noise(*shape: int) -> ByteArray:
    return np.random.default_rng(0).integers(256, size=(*shape, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def crops(toy: Callable[..., Any]) -> Engine:
    return Engine(bundle(toy(SIZE), CROP))


@pytest.fixture(scope="module")
def dense(toy: Callable[..., Any]) -> Engine:
    return Engine(bundle(toy(SIZE, STRIDE), DENSE))


def test_it_says_what_its_manifest_says(toy: Callable[..., Any]) -> None:
    sealed = bundle(toy(SIZE), CROP)
    engine = Engine(sealed)
    assert engine.manifest == CROP
    assert engine.classes == ("red", "green", "blue")
    assert engine.spec == InputSpec(size=SIZE)
    assert (engine.temperature, engine.rejection) == (1.5, CROP.rejection)
    assert engine.sha256 == sealed.sha256
    assert len(engine.sha256) == 64


def test_logits_by_hand(crops: Engine) -> None:
    images = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    images[0] = (10, 20, 30)
    images[1, : SIZE // 2] = (200, 0, 100)
    found = crops.logits(images)
    assert found.dtype == np.float32
    assert found.tolist() == [[10, 20, 30], [100, 0, 50]]


def test_windows_by_hand(dense: Engine) -> None:
    image = noise(40, 24)
    found = dense.windows(image)
    assert found.dtype == np.float32
    assert found.shape == (4, 2, 3)
    for row in range(4):
        for column in range(2):
            top, left = row * STRIDE, column * STRIDE
            window = image[top : top + SIZE, left : left + SIZE]
            assert found[row, column] == pytest.approx(window.mean(axis=(0, 1)), rel=1e-5)
    assert dense.windows(image[:SIZE, :SIZE]).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "images",
    [
        noise(2, SIZE, SIZE).astype(np.float32),
        noise(2, SIZE, SIZE + 1),
        noise(2, SIZE + 8, SIZE + 8),
        noise(2, SIZE, SIZE)[..., :2],
        noise(SIZE, SIZE),
        noise(0, SIZE, SIZE),
    ],
    ids=lambda images: f"{images.dtype} {images.shape}",
)
def test_pictures_that_do_not_fit(crops: Engine, images: ByteArray) -> None:
    with pytest.raises(ShapeError, match=r"takes uint8 of the shape \(N, 16, 16, 3\), at least one"):
        crops.logits(images)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (noise(24, 24).astype(np.float32), r"uint8 \(H, W, 3\), H and W multiples of 8"),
        (noise(24, 23), "multiples of 8"),
        (noise(20, 24), "multiples of 8"),
        (noise(24, 24)[..., :1], "multiples of 8"),
        (noise(24, 24)[..., 0], "multiples of 8"),
        (noise(1, 24, 24), "the picture is"),
        (noise(8, 24), "the picture is 24 x 8; its windows have 16 pixels"),
        (noise(24, 8), "the picture is 8 x 24; its windows have 16 pixels"),
    ],
    ids=lambda value: f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_a_picture_whose_windows_do_not_fit(dense: Engine, image: ByteArray, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        dense.windows(image)


def test_crops_and_windows_are_not_taken_for_each_other(crops: Engine, dense: Engine) -> None:
    with pytest.raises(
        UsageError, match="is for a closer look at pictures of one sign; take the one for pictures of one"
    ):
        dense.logits(noise(1, SIZE, SIZE))
    with pytest.raises(UsageError, match="is for a closer look"):
        dense.all_logits(noise(3, SIZE, SIZE), 2)
    with pytest.raises(UsageError, match="is for pictures of one sign; take the one for a closer look"):
        crops.windows(noise(24, 24))


@pytest.mark.parametrize(
    ("manifest", "made", "words"),
    [
        (dataclasses.replace(CROP, input=InputSpec(size=24)), (SIZE,), r"\[None, 24, 24, 3\]"),
        (dataclasses.replace(CROP, classes=("red", "green")), (SIZE,), r"logits .* \[None, 2\]"),
        (dataclasses.replace(CROP, classes=tuple("abcd")), (SIZE,), r"logits .* \[None, 4\]"),
        (DENSE, (SIZE,), "images of the shape"),
        (CROP, (SIZE, STRIDE), "images of the shape"),
        (dataclasses.replace(DENSE, classes=("red", "green")), (SIZE, STRIDE), r"\[1, 2, None, None\]"),
    ],
    ids=["other size", "fewer classes", "more classes", "dense for crop", "crop for dense", "dense classes"],
)
def test_a_network_that_is_not_what_its_manifest_says_is_refused(
    toy: Callable[..., Any], manifest: Manifest, made: tuple[int, ...], words: str
) -> None:
    with pytest.raises(BundleError, match=words) as caught:
        Engine(bundle(toy(*made), manifest), name="mine.onnx")
    assert str(caught.value).startswith("mine.onnx has ")


def _renamed_input(model: Any) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "pictures"


def _renamed_output(model: Any) -> None:
    model.graph.output[0].name = model.graph.node[-1].output[0] = "scores"


def _floats(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = 1


def _integers(model: Any) -> None:
    from onnx import helper

    model.graph.node[-1].output[0] = "means"
    model.graph.node.append(helper.make_node("Cast", ["means"], ["logits"], to=6))
    model.graph.output[0].type.tensor_type.elem_type = 6


def _second_output(model: Any) -> None:
    model.graph.output.append(model.graph.output[0])
    model.graph.output[1].name = "levels"


def _one_at_a_time(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def _fewer_axes(model: Any) -> None:
    del model.graph.output[0].type.tensor_type.shape.dim[1]
    model.graph.node[-1].op_type = "ReduceMax"
    model.graph.initializer[0].CopyFrom(_axes(1, 2, 3))


def _axes(*axes: int) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor("axes", TensorProto.INT64, [len(axes)], axes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_renamed_input, r"has pictures of tensor\(uint8\) where images of tensor\(uint8\) belongs"),
        (_renamed_output, r"has scores of tensor\(float\) where logits"),
        (_floats, r"has images of tensor\(float\) where images of tensor\(uint8\)"),
        (_integers, r"has logits of tensor\(int32\) where logits of tensor\(float\)"),
        (_second_output, "logits of .*, levels of .* where logits of"),
        (_one_at_a_time, r"images of the shape \[1, 16, 16, 3\] where its manifest says \[None, 16, 16, 3\]"),
        (_fewer_axes, r"logits of the shape \[None\] where"),
    ],
)
def test_inputs_and_outputs_have_their_names_types_and_shapes(
    toy: Callable[..., Any], change: Callable[[Any], None], words: str
) -> None:
    model = toy(SIZE)
    change(model)
    with pytest.raises(BundleError, match=words):
        Engine(bundle(model, CROP))


def test_extents_that_a_file_leaves_open_may_be_the_right_ones(toy: Callable[..., Any]) -> None:
    model = toy(SIZE)
    for axis, name in ((1, "height"), (2, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"
    engine = Engine(bundle(model, CROP))
    assert engine.logits(np.full((1, SIZE, SIZE, 3), 7, np.uint8)).tolist() == [[7, 7, 7]]


def test_a_network_that_cannot_be_loaded_is_said_so_in_one_line(toy: Callable[..., Any]) -> None:
    model = toy(SIZE)
    model.graph.node[0].op_type = "Nonsense" * 50
    with pytest.raises(
        BundleError, match=r"mine\.onnx holds a network that ONNX Runtime cannot load: .*Non"
    ) as e:
        Engine(bundle(model, CROP), name="mine.onnx")
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < 300


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_all_logits_are_those_of_its_batches(crops: Engine, batch_size: int, tmp_path: Path) -> None:
    images = noise(7, SIZE, SIZE)
    found = crops.all_logits(images, batch_size)
    assert np.array_equal(found, crops.logits(images))
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.array_equal(crops.all_logits(mapped, batch_size), found)


def test_several_threads_may_ask_at_once(shipped: Any) -> None:
    engine = load_engine(shipped.bundle)
    size = engine.spec.size
    batches = [noise(1 + i % 4, size, size) + np.uint8(i) for i in range(40)]
    alone = [engine.logits(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            together = list(pool.map(engine.logits, batches))
            for one, other in zip(alone, together, strict=True):
                assert np.array_equal(one, other)


@pytest.mark.parametrize("threads", [-1, 513, 100_000])
def test_numbers_of_threads_that_halt_a_machine_are_refused(toy: Callable[..., Any], threads: int) -> None:
    with pytest.raises(UsageError, match=f"threads is {threads:,}; give 1 to 512"):
        Engine(bundle(toy(SIZE), CROP), threads=threads)


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_threads_change_no_answer(
    toy: Callable[..., Any], crops: Engine, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    asked = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, network: bytes, options: Any, **rest: Any) -> None:
            asked.append(options.intra_op_num_threads)
            super().__init__(network, options, **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    images = noise(5, SIZE, SIZE)
    engine = Engine(bundle(toy(SIZE), CROP), threads=threads)
    assert engine.logits(images) == pytest.approx(crops.logits(images))
    assert asked == [threads or 4]  # a classifier this small gains nothing from more


def cpu_seconds(engine: Engine, pictures: int = 60, rate: float = 30.0) -> float:
    """What the process computes while one picture after the other comes, `rate` of them a second."""
    image = noise(1, engine.spec.size, engine.spec.size)
    for _ in range(5):
        engine.logits(image)
    used, begun = time.process_time(), time.perf_counter()
    for number in range(pictures):
        engine.logits(image)
        time.sleep(max(0.0, begun + (number + 1) / rate - time.perf_counter()))
    return time.process_time() - used


def test_between_pictures_its_threads_leave_the_cores_to_others() -> None:
    path = packaged()
    assert path is not None
    # On another machine a picture costs something else, so one thread, which never waits for others, is the
    # measure. Threads that wait by spinning cost five times of it beside other work, and 25 times without.
    alone = cpu_seconds(load_engine(path, threads=1))
    assert cpu_seconds(load_engine(path, threads=2)) < 2.5 * alone + 0.03
    assert cpu_seconds(load_engine(path)) < 2.5 * alone + 0.03


def test_a_file_is_loaded_and_named_where_it_does_not_fit(toy: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "good.onnx"
    path.write_bytes(bundle(toy(SIZE), CROP).network)
    assert load_engine(path, threads=1).manifest == CROP
    path = tmp_path / "bad.onnx"
    path.write_bytes(bundle(toy(SIZE), DENSE).network)
    with pytest.raises(BundleError, match=r"bad\.onnx has images of the shape"):
        load_engine(path)
    with pytest.raises(BundleError, match="cannot be read"):
        load_engine(tmp_path / "none.onnx")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this copy's packaged bundles would be."""
    monkeypatch.setattr(module, "__file__", str(tmp_path / "onnx.py"))
    packaged.cache_clear()
    yield tmp_path / "packaged"
    packaged.cache_clear()


def test_the_packaged_bundle_is_found_where_this_copy_has_one(installed: Path) -> None:
    assert packaged() is None
    packaged.cache_clear()
    installed.mkdir()
    (installed / "crop.onnx").touch()
    assert packaged() == installed / "crop.onnx"


def test_logits_are_the_same_whatever_stands_beside(shipped: Any) -> None:
    engine = load_engine(shipped.bundle)
    images = noise(6, engine.spec.size, engine.spec.size)
    whole = engine.logits(images)
    assert np.isfinite(whole).all()
    for i, image in enumerate(images):
        assert engine.logits(image[None])[0] == pytest.approx(whole[i], abs=1e-4)
    assert not math.isclose(whole[0, 0], whole[1, 0])
