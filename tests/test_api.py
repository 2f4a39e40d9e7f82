"""Signs drawn into folders, bundles that answer, and what is wrong with a request said in one line."""

import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import BundleError, DataNotFoundError, ImageError, UsageError
from roadworthy.core.files import aside_name
from roadworthy.core.predictions import Predictions
from roadworthy.data.spec import read_records
from roadworthy.inference import onnx as engine

pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
SQUARE = '<rect width="9" height="9" fill="#c1121c"/>'
CLASS = '[class.{}]\nfamily = "warning"\nmeaning = "X."\n'
FACE = '[[face]]\nname = "my/a"\nclass = {}\nwhere = "x"\naspect = 1.0\ncolours = ["red"]\n'


def own_faces(folder: Path, sign: str = "frogs", svg: str = SVG.format(SQUARE)) -> Path:
    """A folder with one face of one class of its own."""
    (folder / "my").mkdir(parents=True)
    (folder / "my" / "a.svg").write_text(svg)
    (folder / "catalogue.toml").write_text(CLASS.format(f'"{sign}"') + FACE.format(f'"{sign}"'))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refused(line: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command is refused with."""
    assert cli.run(line) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_fewer_pictures_than_classes_are_of_the_first_classes(tmp_path: Path) -> None:
    one, three = (api.render("rendered:au", tmp_path / str(n), n, size=16) for n in (1, 3))
    assert files(one) == ["speed-20/00000_00000.png"]
    assert files(three) == [f"speed-{n}/00000_00000.png" for n in (20, 30, 50)]
    assert {(r.label, r.group) for r in read_records(f"folder:{one}")} == {("speed-20", "speed-20/00000")}
    # The same picture, whatever else is drawn.
    assert (one / files(one)[0]).read_bytes() == (three / files(one)[0]).read_bytes()


def test_so_many_of_each_class_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = "rendered:au?signs=stop+no-entry&n=50"
    line = ["render", spec, "--per-class", "2", "--size", "16", "--out", str(tmp_path / "two")]
    assert cli.run(line) == 0
    spec = f"folder:{tmp_path / 'two'}"
    assert capsys.readouterr() == (f"{spec}\n", f"4 pictures, 2 classes; use as --data {spec}\n")
    assert files(tmp_path / "two") == [
        f"{sign}/{number:05d}_00000.png" for sign in ("no-entry", "stop") for number in (0, 1)
    ]
    named = api.render("rendered:au?signs=stop+no-entry&per_class=2", tmp_path / "named", size=16)
    assert files(named) == files(tmp_path / "two")


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be asked for")
def test_a_drawing_that_was_stopped_leaves_no_half_set_and_can_be_drawn_again(tmp_path: Path) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        api.render("rendered:au", out, 3, size=16, progress=stopped)
    assert not list(out.iterdir())
    gone = subprocess.Popen(["true"])
    gone.wait()
    killed = out / aside_name().replace(f"-{os.getpid()}-", f"-{gone.pid}-")
    (killed / "stop").mkdir(parents=True)
    (killed / "stop" / "00000_00000.png").write_bytes(b"half")
    assert len(files(api.render("rendered:au", out, 3, size=16))) == 3
    assert len(list(out.iterdir())) == 3


def test_own_faces_may_lie_in_any_folder(tmp_path: Path) -> None:
    own = own_faces(tmp_path / "my & yours?n=3@0.5")
    assert files(api.render("rendered:my", tmp_path / "out", 2, size=16, faces=own)) == [
        "frogs/00000_00000.png",
        "no-sign/00000_00000.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("rendered:au --n 0", "x>=1"),
        ("rendered:au --n many", "--n"),
        ("rendered:au", "--n N or --per-class N"),
        ("rendered:au --n 3 --per-class 2", "both n=3 and per_class=2"),
        ("rendered:au --per-class 0", "x>=1"),
        ("rendered:au --n 9999999", "to 5,000,000"),
        ("rendered:au --n 1 --size 4", "between 8 and 512"),
        ("rendered:au --n 1 --seed -1", "a whole number from 0"),
        ("rendered:au --n 1 --recipe hardd", "did you mean 'hard'"),
        ("rendered:au?without=shadows --n 1", "did you mean 'shadow'"),
        ("rendered:xx --n 1", "Known: at, au"),
        ("rendered:au@0.5 --n 1", "nothing to draw"),
        ("rendered:au,rendered:de --n 1", "rendered:au+de"),
        ("folder:x --n 1", "nothing to draw"),
        ("rendered:au?photos=/nowhere --n 1", "has no pictures"),
        ("rendered:au --n 1 --faces /nowhere", "catalogue.toml"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    arguments: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(["render", *arguments.split(), "--out", str(tmp_path / "out")], capsys)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("svg", "words"),
    [
        ("<svg", "not valid XML"),
        (SVG.format("<script>x</script>"), "<script>"),
        (SVG.format('<use href="http://example.org/x.svg#a"/>'), "links to"),
        (SVG.format(""), "shows nothing"),
    ],
)
def test_an_svg_that_is_no_drawing_is_named(
    svg: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = own_faces(tmp_path / "own", svg=svg)
    out = str(tmp_path / "out")
    said = refused(["render", "rendered:my", "--n", "2", "--faces", str(own), "--out", out], capsys)
    assert words in said
    assert str(own / "my" / "a.svg") in said
    line = ["train", "--data", f"rendered:my?faces={own}&per_class=2", "--size", "16", "--out", out]
    assert words in refused(line, capsys)


def test_a_class_named_like_a_way_out_writes_nothing_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = own_faces(tmp_path / "own", sign="../../evil")
    before = files(tmp_path)
    line = ["render", "rendered:my", "--n", "2", "--faces", str(own), "--out", str(tmp_path / "a" / "out")]
    assert "'../../evil' may have only letters" in refused(line, capsys)
    assert files(tmp_path) == before


def test_a_folder_that_holds_something_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for out, words in ((tmp_path, "is not empty"), (tmp_path / "mine.txt", "a file has this name")):
        assert words in refused(["render", "rendered:au", "--n", "1", "--out", str(out)], capsys)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_full_disk_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(UsageError, match=r"No space left on device; nothing is left there"):
        api.render("rendered:au?recipe=plain", tmp_path, 1, size=16)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("out", "words"), [("sheet", ".png"), ("sheet.txt", ".png"), ("file/x.png", "file cannot be made")]
)
def test_a_preview_needs_a_name_for_a_picture(
    out: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    line = ["data", "preview", "rendered:au?recipe=plain&n=1", "--n", "1", "--out", str(tmp_path / out)]
    assert words in refused(line, capsys)


def test_too_few_drawn_pictures_to_train_on_are_told_of_briefly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "--data", "rendered:au?n=3", "--classes", "speed-20,stop,no-entry", "--size", "16"]
    said = refused([*line, "--out", str(tmp_path / "run")], capsys)
    assert "no training pictures of stop, no-entry; add some (drawn ones with n= or per_class=)" in said


def some(shipped: Any) -> list[str]:
    """Paths of every fifth picture that the run was measured on."""
    return list(Predictions.read(shipped.run).paths[::5])


def test_a_bundle_answers_as_the_run_it_came_from(shipped: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    paths = [*some(shipped), str(tmp_path / "bad.png")]
    rows = list(api.predict(shipped.bundle, paths, top=2))
    for row, other in zip(rows, api.predict(shipped.run, paths, top=2), strict=True):
        assert (row.path, row.error, row.predicted) == (other.path, other.error, other.predicted)
        assert (row.kind, row.value, row.accepted) == (other.kind, other.value, other.accepted)
        assert row.confidence == pytest.approx(other.confidence, abs=1e-3)
        assert [name for name, _ in row.alternatives] == [name for name, _ in other.alternatives]
    assert {row.predicted for row in rows if row.error is None} == {"no-entry", "speed-50", "stop"}
    assert rows[-1].error
    alone, all_at_once = (list(api.predict(shipped.bundle, paths, batch_size=n)) for n in (1, 64))
    assert [row.predicted for row in alone] == [row.predicted for row in all_at_once]


def test_a_loaded_bundle_answers_paths_bytes_arrays_and_images_alike(shipped: Any) -> None:
    model, run = api.load(str(shipped.bundle)), api.load(shipped.run)
    assert (model.classes, model.spec) == (run.classes, run.spec)
    assert (model.temperature, model.rejection) == (run.temperature, run.rejection)
    path = Path(some(shipped)[0])
    image = Image.open(path)
    answers = model.predict([str(path), path.read_bytes(), image, np.asarray(image)])
    assert len({(answer.predicted, answer.confidence) for answer in answers}) == 1
    assert answers[0].predicted == run.predict(path)[0].predicted == path.parent.name
    assert model.predict([]) == []
    batch = np.zeros((3, model.spec.size, model.spec.size, 3), np.uint8)
    assert model.logits(batch) == pytest.approx(run.logits(batch), abs=1e-3)


def test_a_bundle_may_be_called_onnx_in_capitals(shipped: Any, tmp_path: Path) -> None:
    copy = shutil.copy(shipped.bundle, tmp_path / "SIGNS.ONNX")
    assert api.load(copy).classes == api.load(shipped.bundle).classes


def test_without_a_model_the_packaged_one_answers(shipped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "packaged", lambda: shipped.bundle)
    assert api.load().classes == api.load(None).classes == api.load(shipped.bundle).classes
    (row,) = api.predict(None, some(shipped)[:1])
    assert row.predicted


def test_where_none_is_packaged_a_model_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "packaged", lambda: None)
    with pytest.raises(UsageError, match="no model given, and none comes with this copy; train one"):
        api.load(None)
    with pytest.raises(UsageError, match="no model given"):
        api.predict(None, ["x.png"])


def test_a_bundle_answers_on_the_processor_alone(shipped: Any) -> None:
    assert api.load(shipped.bundle, device="auto").classes
    with pytest.raises(UsageError, match="device is 'cuda'; a bundle answers on the processor"):
        api.load(shipped.bundle, device="cuda")


def test_a_bundle_that_cannot_answer_for_a_sign_is_refused(shipped: Any, tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(shipped.bundle.read_bytes()[:-100])
    for path, words in (
        (tmp_path / "cut.onnx", "or its end is missing"),
        (tmp_path / "none.onnx", "cannot be read: No such file"),
    ):
        with pytest.raises(BundleError, match=words):
            api.load(path)
    windows = shipped.bundle.with_name("signs-find.onnx")
    for paths in (some(shipped)[:1], some(shipped)[:3]):
        with pytest.raises(UsageError, match="is for a closer look"):
            list(api.predict(windows, paths))


@pytest.fixture
def by_means(tmp_path: Path, toy: Any) -> Path:
    """A bundle of known answers, which has not learned to do without colour: red, then green, then blue."""
    from roadworthy.core.rejection import Rejection
    from roadworthy.imaging.spec import InputSpec
    from roadworthy.inference.bundle import Manifest, seal

    manifest = Manifest(
        classes=("end-speed-60", "stop", "no-sign"),
        input=InputSpec(size=16, normalise="unit"),
        temperature=10.0,
        rejection=Rejection(score="probability", threshold=0.3, coverage=0.99, n=100),
    )
    path = tmp_path / "means.onnx"
    path.write_bytes(seal(toy().SerializeToString(), manifest))
    return path


def mostly(red: int, green: int, blue: int) -> ByteArray:
    """A picture of that colour, with another in its corner."""
    image = np.full((20, 20, 3), (red, green, blue), np.uint8)
    image[:7, :7] = (blue, red, green)
    return image


def test_a_picture_that_cannot_be_read_is_named_or_becomes_a_row(by_means: Path, tmp_path: Path) -> None:
    model, good = api.load(by_means), mostly(30, 200, 40)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for item, words in (
        (tmp_path / "bad.png", r"image 1 \(.*bad\.png\) is no picture in a known format"),
        (str(tmp_path / "none.png"), r"image 1 \(.*none\.png\) cannot be read: No such file"),
        (b"no picture", r"image 1 \(bytes of a file\) is no picture"),
        (Image.new("RGB", (0, 4)), r"image 1 \(Image\) has 0 x 4 pixels"),
        (np.zeros((0, 4, 3), np.uint8), r"image 1 \(array\) has 4 x 0 pixels"),
    ):
        with pytest.raises(ImageError, match=words):
            model.predict([good, item, good])
        first, second, third = model.predict([good, item, good], on_error="row")
        assert (first.predicted, third.predicted) == ("stop", "stop")
        assert (first.path, third.path) == ("image 0", "image 2")
        assert second.error
        assert second.error.split()[0] in ("is", "has", "cannot")
        assert second.path == (str(item) if isinstance(item, (str, Path)) else "image 1")
    assert [row.error is None for row in model.predict([None, None], on_error="row")] == [False, False]
    with pytest.raises(UsageError, match="on_error is 'skip'; it must be raise or row"):
        model.predict(good, on_error="skip")


def test_the_order_of_channels_is_of_arrays_alone(by_means: Path) -> None:
    model, image = api.load(by_means), mostly(20, 40, 220)
    swapped = np.ascontiguousarray(image[..., ::-1])
    for one in (image, Image.fromarray(image)):
        assert model.predict(one)[0].predicted == "no-sign"
    assert model.predict(swapped, order="BGR")[0].predicted == "no-sign"
    assert model.predict(Image.fromarray(image), order="BGR")[0].predicted == "no-sign"
    crops = np.stack([image[:16, :16]])
    assert np.array_equal(model.logits(crops[..., ::-1], order="BGR"), model.logits(crops))
    for call in (model.predict, model.logits):
        with pytest.raises(UsageError, match="order is 'bgr'"):
            call(crops if call == model.logits else image, order="bgr")


def test_a_turned_photograph_is_read_alike_as_file_and_as_image(by_means: Path, tmp_path: Path) -> None:
    image = np.zeros((30, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (200, 30, 30), (30, 60, 30)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)
    model = api.load(by_means)
    with Image.open(tmp_path / "turned.png") as opened:
        rows = model.predict([tmp_path / "turned.png", opened, np.rot90(image, -1)])
    assert len({(row.predicted, row.confidence) for row in rows}) == 1


def test_without_colour_nothing_is_accepted_that_only_colour_tells_apart(by_means: Path) -> None:
    model = api.load(by_means)
    assert model.without_colour is False
    grey = np.full((20, 20), 120, np.uint8)
    for arrived in (grey, Image.fromarray(grey), grey.astype(np.uint16) * 257, np.dstack([grey] * 3) / 255):
        (row,) = model.predict(arrived)
        assert (row.predicted, row.accepted) == ("end-speed-60", False)
        assert row.reason is not None
        assert "no colour" in row.reason
    assert model.predict(mostly(30, 200, 40))[0].accepted is True


def reads_red_best(model: api.Classifier, monkeypatch: pytest.MonkeyPatch, doubt: float) -> None:
    """Give a model other logits: sure of end-speed-60 where red is strongest, less sure of stop elsewhere."""

    def logits(images: ByteArray) -> Any:
        red = images.reshape(len(images), -1, 3).mean(axis=1).argmax(axis=1) == 0
        return np.where(red[:, None], [100.0, 0.0, 0.0], [0.0, 100.0 - doubt, 0.0])

    monkeypatch.setattr(model._network, "logits", logits)


def test_an_array_that_reads_better_the_other_way_round_is_not_accepted(
    by_means: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, image = api.load(by_means), mostly(30, 40, 220)
    reads_red_best(model, monkeypatch, doubt=30.0)
    with pytest.warns(UserWarning, match=r'in 1 of 2 arrays, first in image 1; say order="BGR"'):
        right, row, file = model.predict([image[..., ::-1], image, Image.fromarray(image)])
    assert (right.predicted, right.accepted) == ("end-speed-60", True)
    assert (row.predicted, row.accepted, row.unsure) == ("stop", False, False)
    assert row.reason == "red and blue seem to be swapped in the array"
    assert (file.predicted, file.accepted) == ("stop", True)  # a file's order is known
    assert model.predict(image, order="BGR")[0].accepted is True


def test_a_small_difference_between_the_orders_is_no_mistake(
    by_means: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = api.load(by_means)
    reads_red_best(model, monkeypatch, doubt=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(mostly(30, 40, 220))[0].accepted is True


@pytest.mark.parametrize("top", [0, -1, "a", True, 1.5])
def test_a_number_of_answers_below_one_is_refused_before_a_picture_is_read(by_means: Path, top: Any) -> None:
    model = api.load(by_means)
    for ask in (model.predict, model.find):
        with pytest.raises(UsageError, match=f"top is {top!r}"):
            ask("there-is-none.png", top=top)


def test_find_names_the_picture_that_it_cannot_read(by_means: Path) -> None:
    model = api.load(by_means)
    with pytest.raises(ImageError, match=r"image 0 \(nope.png\) cannot be read"):
        model.find("nope.png")
    with pytest.raises(ImageError, match=r"image 0 \(array\) has 5 x 0 pixels"):
        model.find(np.zeros((0, 5, 3), np.uint8))


def test_a_glob_of_nothing_becomes_a_row(by_means: Path) -> None:
    model, good = api.load(by_means), mostly(30, 200, 40)
    first, missing, last = model.predict([good, "zz*.png", good], on_error="row")
    assert missing.path == "zz*.png"
    assert "no picture at 'zz*.png'" in missing.error
    assert first.error is None is last.error
    with pytest.raises(DataNotFoundError, match="zz"):
        model.predict([good, "zz*.png"])
