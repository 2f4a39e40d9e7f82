"""Which files are served, what is said of a name that is none, and what a reload costs."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="making ONNX files needs roadworthy[export]")

from roadworthy.core.errors import BundleError, UsageError
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest, seal
from roadworthy.inference.onnx import packaged
from roadworthy.serve.models import Models, _bundle
from roadworthy.serve.settings import ServiceConfig

CLASSES = ("stop", "speed-60", "no-sign")
PICTURE = np.full((16, 16, 3), (200, 10, 10), np.uint8)


def manifest(classes: tuple[str, ...] = CLASSES, stride: int = 0) -> Manifest:
    kind = {"kind": "dense", "stride": stride} if stride else {}
    return Manifest(classes=classes, input=InputSpec(size=16, normalise="unit"), **kind)  # type: ignore[arg-type]


@pytest.fixture
def place(toy: Callable[..., Any], tmp_path: Path) -> Path:
    """A bundle with one for a closer look beside it."""
    path = tmp_path / "m.onnx"
    path.write_bytes(seal(toy().SerializeToString(), manifest()))
    finder = seal(toy(stride=4).SerializeToString(), manifest(stride=4))
    path.with_name("m-find.onnx").write_bytes(finder)
    return path


def test_a_reload_of_what_is_as_it_was_costs_nothing(place: Path) -> None:
    async def main() -> None:
        models = Models(ServiceConfig(models=(place,)))
        await models.load()
        first, threads = models.get(), answering_threads()
        for _ in range(30):
            os.utime(place)
            await models.load()
        assert models.get() is first
        assert first.windows is not None
        assert answering_threads() == threads
        await models.close()

    asyncio.run(main())


def test_another_file_serves_at_once_and_the_old_one_goes_with_its_last_request(
    place: Path, toy: Callable[..., Any]
) -> None:
    async def main() -> None:
        models = Models(ServiceConfig(models=(place,)))
        await models.load()
        names, before = [CLASSES, ("give-way", "hump", "no-sign")], answering_threads() - 1
        for number in range(1, 20):
            with models.using() as old:
                classes = names[number % 2]
                place.write_bytes(seal(toy().SerializeToString(), manifest(classes)))
                finder = seal(toy(stride=4).SerializeToString(), manifest(classes, 4))
                place.with_name("m-find.onnx").write_bytes(finder)
                await models.load()
                assert models.get().crops.classes == classes
                assert (await old.batcher.logits([PICTURE])).argmax() == 0  # still answers
            await asyncio.sleep(0.01)
            assert old.batcher._task.done()
        assert answering_threads() <= before + 1
        await models.close()

    asyncio.run(main())


def answering_threads() -> int:
    """Of all services of this process."""
    return sum(thread.name.startswith("classify") for thread in threading.enumerate())


def refusal(place: Path) -> str:
    async def main() -> str:
        models = Models(ServiceConfig(models=(place,)))
        with pytest.raises(BundleError) as caught:
            await models.load()
        return str(caught.value)

    return asyncio.run(asyncio.wait_for(main(), 10))


def test_a_finder_of_another_network_is_refused(place: Path, toy: Callable[..., Any]) -> None:
    other = manifest(("give-way", "hump", "no-sign"), 4)
    place.with_name("m-find.onnx").write_bytes(seal(toy(stride=4).SerializeToString(), other))
    assert "m-find.onnx is of another network" in refusal(place)
    place.with_name("m-find.onnx").write_bytes(place.read_bytes())
    assert "m-find.onnx is no bundle for a closer look" in refusal(place)


def test_weights_that_are_no_numbers_are_refused(place: Path, toy: Callable[..., Any]) -> None:
    from onnx import helper, numpy_helper

    network = toy()
    network.graph.node[-1].output[0] = "means"
    network.graph.initializer.append(numpy_helper.from_array(np.full(3, np.nan, np.float32), "weights"))
    network.graph.node.append(helper.make_node("Mul", ["means", "weights"], ["logits"]))
    place.write_bytes(seal(network.SerializeToString(), manifest()))
    assert "not finite" in refusal(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_refused_and_not_waited_for(place: Path) -> None:
    place.unlink()
    os.mkfifo(place)
    assert "it is a pipe, no file" in refusal(place)


def test_a_name_that_is_no_bundle_is_refused_with_what_would_be(tmp_path: Path) -> None:
    bundle = tmp_path / "small.onnx"
    bundle.touch()
    assert _bundle(bundle) == bundle
    with pytest.raises(UsageError, match=r"there is no file .*smal\.onnx; did you mean .*small\.onnx\?"):
        _bundle(tmp_path / "smal.onnx")
    with pytest.raises(UsageError, match=r"there is no file .*other; name a bundle, or packaged"):
        _bundle(tmp_path / "none" / "other")
    with pytest.raises(UsageError, match=r"is a folder; make a bundle of the run in it: roadworthy export"):
        _bundle(tmp_path)


def test_packaged_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _bundle(Path("packaged")) == packaged()


def test_what_is_wrong_is_found_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        Models(ServiceConfig(models=(tmp_path / "none.onnx",))).prepare()
