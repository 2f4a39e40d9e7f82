"""What the tests of serving share."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def bundle(colours: Path) -> Path:
    """The bundle that is served."""
    return colours


@pytest.fixture(scope="session")
def red_finder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finder whose every box is known: each square of 32 px, its score by how red it is.

    (200, 0, 0) has 0.78, black, grey, green and blue have 0.  A sign from 0.3 on, sure from 0.6 on.
    """
    pytest.importorskip("onnx", reason="making ONNX files needs roadworthy[export]")
    from onnx import TensorProto, helper

    from roadworthy.core.finding_rule import FindingRule
    from roadworthy.imaging.spec import InputSpec
    from roadworthy.inference.boxes import MULTIPLE
    from roadworthy.inference.bundle import Manifest, seal

    def node(kind: str, takes: list[str], gives: str, **how: Any) -> Any:
        return helper.make_node(kind, takes, [gives], **how)

    def number(name: str, kind: int, shape: list[int], values: list[float]) -> Any:
        return helper.make_tensor(name, kind, shape, values)

    square = {"kernel_shape": [MULTIPLE] * 2, "strides": [MULTIPLE] * 2}
    nodes = [
        node("Cast", ["images"], "levels", to=TensorProto.FLOAT),
        node("Transpose", ["levels"], "planes", perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "red"], "redness"),
        node("AveragePool", ["redness"], "mean", **square),
        node("Clip", ["mean", "none"], "score"),
        node("Mul", ["score", "none"], "zero"),
        node("Add", ["zero", "side"], "sides"),
        node("CumSum", ["sides", "third"], "x2"),
        node("CumSum", ["sides", "second"], "y2"),
        node("Sub", ["x2", "side"], "x1"),
        node("Sub", ["y2", "side"], "y1"),
        node("Concat", ["x1", "y1", "x2", "y2", "score"], "map", axis=1),
        node("Reshape", ["map", "flat"], "rows"),
        node("Transpose", ["rows"], "logits", perm=[0, 2, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "red",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, None, 5])],
        [
            number("red", TensorProto.FLOAT, [1, 3, 1, 1], [1 / 255, -1 / 255, -1 / 255]),
            number("none", TensorProto.FLOAT, [], [0.0]),
            number("side", TensorProto.FLOAT, [], [float(MULTIPLE)]),
            number("second", TensorProto.INT64, [], [2]),
            number("third", TensorProto.INT64, [], [3]),
            number("flat", TensorProto.INT64, [3], [1, 5, -1]),
        ],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    manifest = Manifest(
        kind="find",
        classes=("sign",),
        input=InputSpec(size=352),
        stride=MULTIPLE,
        finding=FindingRule(threshold=0.3, sure=0.6),
    )
    path = tmp_path_factory.mktemp("finds") / "red.onnx"
    path.write_bytes(seal(network.SerializeToString(), manifest))
    return path


@contextmanager
def _served(*models: Path, api_key: str = "", finder: Path | None = None) -> Iterator[str]:
    """The service in a thread of this process; without models with the packaged one."""
    pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
    import uvicorn

    from roadworthy.serve.app import create_app
    from roadworthy.serve.server import uvicorn_config
    from roadworthy.serve.settings import ServiceConfig

    config = uvicorn_config(create_app(ServiceConfig(models=models, api_key=api_key, finder=finder)))
    config.port = 0
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def served() -> Callable[..., AbstractContextManager[str]]:
    """To run the service for as long as a test likes."""
    return _served


@pytest.fixture(scope="session")
def address(bundle: Path) -> Iterator[str]:
    """Where the service answers with `bundle`."""
    with _served(bundle) as where:
        yield where


@pytest.fixture(scope="session")
def packaged_address() -> Iterator[str]:
    """Where the service answers with the packaged model."""
    with _served() as where:
        yield where


@pytest.fixture(scope="module")  # while it is open its event loop runs, which other modules cannot stand
def browser() -> Iterator[Any]:
    """Chromium with a camera of its own making."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on the PATH")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        opened = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()
