"""What tests share: real data where there are some, drawn stand-ins everywhere, nothing outside tmp."""

import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from roadworthy.core.arrays import ByteArray

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Before torch is imported: test processes that share the cores must not each compute with all of them.
    _SHARE = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _SHARE)))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs are started so, and what tests interrupt would not hear it either.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests were skipped, and why, last of all."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    terminalreporter.write_sep("-", f"{len(skipped)} skipped")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:4} {reason}")


CLASSES = ("no-entry", "speed-50", "speed-60", "stop")
TRACKS = {"train": 6, "test": 3}
FRAMES = 4
SHIPPED = ("no-entry", "speed-50", "stop")  # speed-60 is left for what a network does not know


@contextmanager
def own_places(factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Caches and logs stay out of the user's folders."""
    place = factory.getbasetemp() / "places"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADWORTHY_CACHE", str(place / "cache"))
        patch.setenv("XDG_STATE_HOME", str(place / "state"))
        yield patch


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those of tests."""
    with own_places(tmp_path_factory):
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that holds gtsrb/ and belgium/."""
    named = os.environ.get("ROADWORTHY_DATA")
    if not named or not (Path(named) / "gtsrb").is_dir():
        pytest.skip("ROADWORTHY_DATA names no folder that holds gtsrb/")
    return Path(named)


def draw_sign(name: str, size: int, rng: np.random.Generator) -> Image.Image:
    """A crude sign of one of CLASSES on a noisy ground, never twice the same."""
    ground = rng.normal(rng.uniform(70, 170), 12, (size, size, 3)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    middle = size / 2 + rng.uniform(-0.04, 0.04, 2) * size
    radius = size * rng.uniform(0.36, 0.44)
    red, white, black = (190, 25, 35), (235, 235, 230), (20, 20, 20)

    def disc(r: float, colour: tuple[int, int, int]) -> None:
        draw.ellipse([*(middle - r), *(middle + r)], fill=colour)

    def bar(x: float, y: float, w: float, h: float, colour: tuple[int, int, int]) -> None:
        left, top = middle + np.array([x - w / 2, y - h / 2]) * radius
        draw.rectangle([left, top, left + w * radius, top + h * radius], fill=colour)

    if name == "stop":
        turns = np.deg2rad(22.5 + 45 * np.arange(8))
        draw.polygon([tuple(middle + radius * np.array([np.cos(t), np.sin(t)])) for t in turns], fill=red)
        for x in (-0.5, -0.17, 0.17, 0.5):
            bar(x, 0, 0.16, 0.5, white)
    elif name == "no-entry":
        disc(radius, red)
        bar(0, 0, 1.4, 0.35, white)
    else:
        disc(radius, red)
        disc(radius * 0.78, white)
        # A seven-segment digit that tells the two apart, and the nought.
        for y in (-0.4, 0, 0.4):
            bar(-0.3, y, 0.45, 0.12, black)
        bar(-0.47, -0.2, 0.12, 0.4, black)
        bar(-0.13, 0.2, 0.12, 0.4, black)
        if name == "speed-60":
            bar(-0.47, 0.2, 0.12, 0.4, black)
        draw.ellipse(
            [*(middle + radius * np.array([0.08, -0.45])), *(middle + radius * np.array([0.52, 0.45]))],
            outline=black,
            width=max(2, size // 16),
        )
    shade = rng.uniform(0.7, 1.15)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.6))).point(lambda value: value * shade)


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `folder:` data set, train/ and test/, named as GTSRB names its frames: TRACK_NNNNN."""
    root = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(5)
    for split, tracks in TRACKS.items():
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
            for track in range(tracks):
                for frame in range(FRAMES):
                    picture = draw_sign(name, 32 + 4 * frame, rng)
                    picture.save(root / split / name / f"{split}{track:03d}_{frame:05d}.png")
    return root


class Shipped(NamedTuple):
    """A run, the bundle for crops that it was exported to, and both networks before they were sealed."""

    run: Path
    bundle: Path
    crops: bytes
    windows: bytes


@pytest.fixture(scope="session")
def shipped(drawn_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """A small run that tells SHIPPED apart, and its export in full precision: seconds, for all tests."""
    pytest.importorskip("onnxscript", reason="exporting needs roadworthy[export]")
    from roadworthy import api
    from roadworthy.config import load_config
    from roadworthy.workflows import export as shipping

    config = load_config(
        data={"spec": f"folder:{drawn_folder}", "classes": SHIPPED},
        input={"size": 32},
        model={"width": 0.25, "depth": 1},
        augment={"policy": "light"},
        optim={"lr": 0.05},
        train={"epochs": 12, "batch_size": 16, "threads": 1, "ema": 0.9},
    )
    place, made, to_onnx = tmp_path_factory.mktemp("shipped"), {}, shipping.to_onnx

    def kept(served: Any, size: int, *, form: Any = "crops") -> bytes:
        made[form] = to_onnx(served, size, form=form)
        return made[form]

    with own_places(tmp_path_factory) as patch:
        command = f"roadworthy train --data folder:{drawn_folder} --out {place / 'run'}"
        run = api.train(config, place / "run", command=command).folder
        patch.setattr(shipping, "to_onnx", kept)
        bundle = place / "export" / "signs.onnx"
        api.export(run, bundle, command=f"roadworthy export {run} --to {bundle}")
    return Shipped(run=run, bundle=bundle, crops=made["crops"], windows=made["windows"])


@pytest.fixture(scope="session")
def toy() -> Callable[..., Any]:
    """Makes a network by hand, as an onnx.ModelProto: its logits are the means of red, green and blue."""
    pytest.importorskip("onnx", reason="making ONNX files needs roadworthy[export]")
    from onnx import TensorProto, helper

    def make(size: int = 16, stride: int = 0) -> Any:
        """For crops; with `stride` for windows."""
        if stride:
            takes, answers = [1, "height", "width", 3], [1, 3, None, None]
            nodes = [
                helper.make_node("Cast", ["images"], ["levels"], to=TensorProto.FLOAT),
                helper.make_node("Transpose", ["levels"], ["planes"], perm=[0, 3, 1, 2]),
                helper.make_node(
                    "AveragePool", ["planes"], ["logits"], kernel_shape=[size] * 2, strides=[stride] * 2
                ),
            ]
        else:
            takes, answers = ["batch", size, size, 3], ["batch", 3]
            nodes = [
                helper.make_node("Cast", ["images"], ["levels"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMean", ["levels", "axes"], ["logits"], keepdims=0),
            ]
        graph = helper.make_graph(
            nodes,
            "toy",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, takes)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, answers)],
            [] if stride else [helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)

    return make


@pytest.fixture(scope="session")
def colours(toy: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose every answer is known: stop where a picture is red, speed-60 green, roundabout blue."""
    from roadworthy.core.rejection import Rejection
    from roadworthy.imaging.spec import InputSpec
    from roadworthy.inference.bundle import Manifest, seal

    path = tmp_path_factory.mktemp("served") / "colours.onnx"
    manifest = Manifest(
        classes=("stop", "speed-60", "roundabout"),
        input=InputSpec(size=16, normalise="unit"),
        temperature=10.0,
        rejection=Rejection(score="probability", threshold=0.9, coverage=0.99, n=100),
        without_colour=True,  # its pictures are of one colour each, which is as good as none
    )
    path.write_bytes(seal(toy().SerializeToString(), manifest))
    return path


@pytest.fixture(scope="session")
def red_finder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finder's bundle whose every answer is known: one box, about all that is red, with a score of 0.9."""
    pytest.importorskip("onnx", reason="making ONNX files needs roadworthy[export]")
    from onnx import parser

    from roadworthy.core.finding_rule import FindingRule
    from roadworthy.imaging.spec import InputSpec
    from roadworthy.inference.boxes import MULTIPLE
    from roadworthy.inference.bundle import Manifest, seal

    model = parser.parse_model(RED_FINDER)
    manifest = Manifest(
        kind="find",
        classes=("sign",),
        input=InputSpec(size=64),
        stride=MULTIPLE,
        finding=FindingRule(threshold=0.5, sure=0.8, frames=10),
    )
    path = tmp_path_factory.mktemp("finder") / "red.onnx"
    path.write_bytes(seal(model.SerializeToString(), manifest))
    return path


RED_FINDER = """
<ir_version: 10, opset_import: ["" : 20]>
red (uint8[1, height, width, 3] images) => (float[1, cells, 5] logits)
<int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3}, int64 first = {0},
 int64 step = {1}, float bright = {150.0}, float dark = {100.0}, float score = {0.9}, int64[2] all = {0, 1},
 int64[3] shape = {1, 1, 5}, int64[2] ends = {0, 3}>
{
  levels = Cast <to = 1> (images)
  reds = Slice (levels, zero, one, three)
  greens = Slice (levels, one, two, three)
  above = Greater (reds, bright)
  below = Less (greens, dark)
  both = And (above, below)
  shown = Cast <to = 1> (both)
  flat = Squeeze (shown, ends)
  columns = ReduceMax <keepdims = 0> (flat, zero)
  rows = ReduceMax <keepdims = 0> (flat, one)
  size = Shape (flat)
  height = Gather (size, first)
  width = Gather (size, step)
  xs = Range (first, width, step)
  ys = Range (first, height, step)
  x = Cast <to = 1> (xs)
  y = Cast <to = 1> (ys)
  wide = Cast <to = 1> (width)
  high = Cast <to = 1> (height)
  from_right = Sub (wide, x)
  from_below = Sub (high, y)
  unit = Cast <to = 1> (step)
  next_x = Add (x, unit)
  next_y = Add (y, unit)
  a = Mul (columns, from_right)
  b = Mul (rows, from_below)
  c = Mul (columns, next_x)
  d = Mul (rows, next_y)
  am = ReduceMax <keepdims = 1> (a, zero)
  bm = ReduceMax <keepdims = 1> (b, zero)
  x1 = Sub (wide, am)
  y1 = Sub (high, bm)
  x2 = ReduceMax <keepdims = 1> (c, zero)
  y2 = ReduceMax <keepdims = 1> (d, zero)
  any = ReduceMax <keepdims = 0> (flat, all)
  sure = Mul (any, score)
  last = Reshape (sure, one)
  row = Concat <axis = 0> (x1, y1, x2, y2, last)
  once = Reshape (row, shape)
  lines = Slice (size, zero, one)
  times = Concat <axis = 0> (one, lines, one)
  logits = Expand (once, times)
}
"""


@pytest.fixture
def in_node(tmp_path: Path) -> Callable[[str, Any], Any]:
    """What a program of the page's modules makes of `given`."""
    from roadworthy.serve.static import PAGE

    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the PATH")
    modules = {
        "resizing": "resize",
        "answering": "answer",
        "finding": "find",
        "boxing": "boxes",
        "model_check": "model_check",
        "colouring": "colour",
        "limits": "limit",
        "placing": "place",
    }

    def run(program: str, given: Any) -> Any:
        (tmp_path / "given.json").write_text(json.dumps(given))
        script = tmp_path / "program.mjs"
        script.write_text(
            'import fs from "fs";\n'
            + "".join(
                f'import * as {name} from "{(PAGE / f"{file}.js").as_uri()}";\n'
                for name, file in modules.items()
            )
            + f'const given = JSON.parse(fs.readFileSync("{(tmp_path / "given.json").as_posix()}"));\n'
            f"{program}\n"
        )
        done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def as_given() -> Callable[[ByteArray], dict[str, Any]]:
    """An (H, W, 3) picture as the browser has it."""

    def given(image: ByteArray) -> dict[str, Any]:
        height, width = image.shape[:2]
        opaque = np.dstack([image, np.full((height, width), 255, dtype=np.uint8)])
        return {"data": opaque.ravel().tolist(), "width": width, "height": height}

    return given
