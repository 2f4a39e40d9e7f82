"""Packing a study's trainings, unpacking them on any machine, and verdicts computed from them anew."""

import io
import json
import lzma
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roadworthy import api
from roadworthy.config import write_config
from roadworthy.core.answers import StoredAnswers
from roadworthy.core.document import Column, DataTable
from roadworthy.core.errors import CheckpointError, UsageError
from roadworthy.core.files import write_arrays, write_json
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.inference.predictions import write_predictions
from roadworthy.studies.claims import better, judge, near
from roadworthy.studies.conclude import conclude, write_result
from roadworthy.studies.finished import done
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest, jobs, plan_of
from roadworthy.studies.questions.mistakes import _wrong_answers
from roadworthy.studies.results import Claim, Stored, StudyResult

KEPT = Path(__file__).parents[2] / "docs" / "results" / "kept"
SEEDS, PICTURES = 3, 60
CLASSES = ("stop", "yield", "no-entry")


class Sure(Study):
    """Is one better than the other?"""

    def plan(self, ask: StudyRequest) -> Plan:
        arms = (Arm(name="one"), Arm(name="other", settings={"train.epochs": 2}))
        return Plan(base={"train.threads": 1}, arms=arms, pairs=(("other", "one"),))

    def claims(self, result: StudyResult, folder: Path) -> list[Claim]:
        values = result.arm("one").values().values()
        return [
            judge(
                "C0", better(result.comparison("other", "one")), near("one", values, 0.8, 0.1), text="It is."
            )
        ]

    def tables(self, result: StudyResult, folder: Path) -> list[DataTable]:
        """Takes confidences, which are not kept."""
        said = [Predictions.read(folder / run.folder) for run in result.arm("one").runs]
        sure = [float(probabilities(one.logits).max(axis=1).mean()) for one in said]
        return [DataTable(caption="How sure", columns=(Column("sure", "share"),), rows=tuple(zip(sure)))]

    def galleries(self, result: StudyResult, folder: Path) -> list[Stored]:
        return [Stored(caption="Seen", file="seen.npz", captions=("red", "grey"))]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    STUDIES._entries["sure"] = Sure()
    yield
    STUDIES._entries.pop("sure")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADWORTHY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def studies(tmp_path: Path, data: Path) -> Path:
    """The folder of a study whose trainings are finished, and what it found."""
    ask = StudyRequest(data=f"folder:{data}/signs", new={"far": "folder:far"}, classes=CLASSES, seeds=SEEDS)
    folder = tmp_path / "studies" / "sure"
    folder.mkdir(parents=True)
    asked = {name: getattr(ask, name) for name in Sure.asks}
    plan = Sure().plan(ask)
    tree = {**plan.__dict__, "arms": [arm.__dict__ for arm in plan.arms]}
    write_json({"asked": asked, "plan": tree}, folder / "plan.json")
    every = jobs("sure", plan, ask, folder)
    random = np.random.default_rng(0)
    for job in every:
        for place, share in (("", 0.95 if job.arm == "other" else 0.8), ("far", 0.6)):
            measured(job.folder / place, share, random, data)
        write_config(job.config, job.folder / "config.toml")
        (job.folder / "history.csv").write_text("epoch,val_loss\n1,0.5\n")
        (job.folder / "weights.safetensors").write_bytes(b"not kept")
    images = np.repeat(np.array([200, 90], np.uint8), 16 * 16 * 3).reshape(2, 16, 16, 3)
    write_arrays({"images": images}, folder / "seen.npz")
    write_result(conclude("sure", ask, plan, every, folder, {"commit": "of then"}), folder)
    return folder.parent


def measured(folder: Path, share: float, random: np.random.Generator, data: Path) -> None:
    """A measurement in which about that share is right."""
    targets = np.arange(PICTURES) % len(CLASSES)
    answers = np.where(random.random(PICTURES) < share, targets, (targets + 1) % len(CLASSES))
    logits = 3 * np.eye(len(CLASSES))[answers] + random.random((PICTURES, len(CLASSES)))
    folder.mkdir(parents=True)
    paths = tuple(f"{data}/signs/{n}.png" for n in range(PICTURES))
    groups = tuple(f"sign {n // 2}" for n in range(PICTURES))
    said = Predictions(classes=CLASSES, logits=logits, targets=targets, paths=paths, groups=groups)
    write_predictions(said, folder)
    used = dict.fromkeys(("train_seconds", "epochs", "steps", "samples", "gradients"), 1)
    accuracy = float((answers == targets).mean())
    write_json({"split": "test", "n": PICTURES, "accuracy": accuracy, **used}, folder / "metrics.json")
    write_json({"commit": "of then"}, folder / "provenance.json")


def found(studies: Path) -> dict[str, object]:
    tree: dict[str, object] = json.loads((studies / "sure" / "results.json").read_text())
    return tree


def test_what_was_kept_gives_the_same_verdicts_elsewhere(
    studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(studies)
    (archive,) = api.keep([], studies, tmp_path / "kept")
    assert archive == tmp_path / "kept" / "sure.tar.xz"
    assert str(tmp_path).encode() not in lzma.decompress(archive.read_bytes())
    monkeypatch.setenv("ROADWORTHY_DATA", str(tmp_path / "elsewhere"))
    (folder,) = api.unpack([archive], tmp_path / "there")
    page = api.report(tmp_path / "there")
    after = found(tmp_path / "there")
    for part in ("arms", "comparisons", "claims", "domains", "provenance", "tables", "galleries"):
        assert after[part] == before[part], part
    assert after["asked"] == {**before["asked"], "data": f"folder:{tmp_path}/elsewhere/signs"}  # type: ignore[dict-item]
    first, second = after["notes"]  # type: ignore[misc]
    assert first.endswith("6 trainings: arms, comparisons, claims.")
    assert second.endswith("takes pictures, weights or confidences: tables, pictures.")
    assert second in page.read_text()
    run = folder / "runs" / "one" / "seed-0"
    assert StoredAnswers.read(run).paths[0] == f"{tmp_path}/elsewhere/signs/0.png"
    assert (run / "history.csv").read_text() == "epoch,val_loss\n1,0.5\n"
    assert not (run / "weights.safetensors").exists()
    with pytest.raises(CheckpointError, match="not how surely"):
        Predictions.read(run)


def test_claims_follow_the_stored_answers_and_not_what_was_concluded_from_them(
    studies: Path, tmp_path: Path
) -> None:
    tree = found(studies)
    claims, tree["claims"], tree["comparisons"], tree["arms"] = tree["claims"], [], [], []
    write_json(tree, studies / "sure" / "results.json")
    api.report(studies)
    assert found(studies)["claims"] == claims
    assert claims


def test_what_is_unpacked_can_be_gone_on_with(studies: Path, tmp_path: Path) -> None:
    api.unpack(api.keep(["sure"], studies, tmp_path), tmp_path / "there")
    folder = tmp_path / "there" / "sure"
    stored = json.loads((folder / "plan.json").read_text())
    ask = StudyRequest(**stored["asked"], seeds=SEEDS + 1)
    every = jobs("sure", plan_of(stored["plan"]), ask, folder)
    assert [job.seed for job in every if not done(job)] == [SEEDS, SEEDS]


def test_seeds_that_lack_a_training_are_left_out(studies: Path) -> None:
    (studies / "sure" / "runs" / "other" / "seed-2" / "metrics.json").unlink()
    api.report(studies)
    assert [len(arm["runs"]) for arm in found(studies)["arms"]] == [2, 2]  # type: ignore[attr-defined]


def test_the_same_study_gives_the_same_archive(studies: Path, tmp_path: Path) -> None:
    (one,), (other,) = (api.keep([], studies, tmp_path / name) for name in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_an_archive_names_no_folder_of_the_machine_that_made_it(studies: Path, tmp_path: Path) -> None:
    results = found(studies)
    command = {"command": f"roadworthy study sure --out {studies} --seeds 3"}
    write_json({**results, "provenance": command}, studies / "sure" / "results.json")
    (archive,) = api.keep([], studies, tmp_path / "kept")
    with tarfile.open(archive) as packed:
        texts = [
            packed.extractfile(one).read()
            for one in packed
            if one.name.endswith((".json", ".toml", ".csv"))  # type: ignore[union-attr]
        ]
    assert texts
    assert not [text for text in texts if str(tmp_path).encode() in text]


def test_results_without_trainings_are_shown_as_they_are(studies: Path) -> None:
    tree = found(studies) | {"answer": "Stored long ago."}
    write_json(tree, studies / "sure" / "results.json")
    for path in studies.glob("*/runs/*/*/metrics.json"):
        path.unlink()
    assert "Stored long ago." in api.report(studies).read_text()
    assert found(studies) == tree


def test_damaged_and_strange_archives_give_one_line(studies: Path, tmp_path: Path) -> None:
    (archive,) = api.keep([], studies, tmp_path)
    whole = archive.read_bytes()
    bad = tmp_path / "bad.tar.xz"
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (b"", b"text", whole[: len(whole) // 2], bytes(flipped), lzma.compress(b"no tar")):
        bad.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            api.unpack([bad], tmp_path / "there")
        assert "\n" not in str(caught.value)
        assert str(bad) in str(caught.value)
        assert not list((tmp_path / "there").glob("*"))
    with pytest.raises(UsageError, match="there is no file"):
        api.unpack([tmp_path / "nowhere.tar.xz"], tmp_path / "there")
    api.unpack([archive], tmp_path / "there")
    with pytest.raises(UsageError, match="is there already"):
        api.unpack([archive], tmp_path / "there")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sure/../../out.json", b"{}", "nothing that a study keeps|outside"),
        ("/etc/out.json", b"{}", "nothing that a study keeps|outside"),
        ("sure/run.py", b"1", "nothing that a study keeps"),
        ("unheard-of/plan.json", b"{}", "unknown"),
        ("sure/runs/one/seed-0/answers.npz", b"PK", "not a zip file"),
    ],
)
def test_archives_hold_what_studies_keep_and_nothing_else(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.tar.xz"
    with tarfile.open(bad, "w:xz") as packed:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        packed.addfile(entry, io.BytesIO(content))
    with pytest.raises(CheckpointError, match=reason):
        api.unpack([bad], tmp_path / "there")
    assert {path.name for path in tmp_path.iterdir()} == {"bad.tar.xz", "there"}
    assert not list((tmp_path / "there").iterdir())


def test_pickles_and_links_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, logits=np.array([{}], dtype=object))
    link = tarfile.TarInfo("sure/plan.json")
    link.type, link.linkname = tarfile.SYMTYPE, "results.json"
    pickled = tarfile.TarInfo("sure/runs/one/seed-0/predictions.npz")
    pickled.size = buffer.tell()
    for entry, reason in ((link, "nothing that a study keeps"), (pickled, "allow_pickle")):
        with tarfile.open(tmp_path / "bad.tar.xz", "w:xz") as packed:
            packed.addfile(entry, io.BytesIO(buffer.getvalue()) if entry is pickled else None)
        with pytest.raises(CheckpointError, match=reason):
            api.unpack([tmp_path / "bad.tar.xz"], tmp_path / "there")


def test_an_archive_that_would_fill_the_disk_is_refused(
    studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = api.keep([], studies, tmp_path)
    for bound, most in (("MOST_FILES", 5), ("MOST_BYTES", 1000), ("MOST_BYTES_A_FILE", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(f"roadworthy.studies.kept.{bound}", most)
            with pytest.raises(CheckpointError, match="unpacks to more than"):
                api.unpack(archives, tmp_path / "there")


def test_there_must_be_something_to_keep(studies: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no study in"):
        api.keep([], tmp_path, tmp_path / "kept")
    with pytest.raises(UsageError, match="there is no study unsure in"):
        api.keep(["unsure"], studies, tmp_path / "kept")
    for path in studies.glob("*/runs/*/*/metrics.json"):
        path.unlink()
    for path in studies.glob("*/runs/*/*/far/metrics.json"):
        path.unlink()
    with pytest.raises(UsageError, match="nothing to keep"):
        api.keep([], studies, tmp_path / "kept")


def test_an_older_archive_is_rendered_without_torch_or_data(tmp_path: Path) -> None:
    program = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"torch", "safetensors", "sklearn"}}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
from roadworthy.cli import app
assert app.run(["report", {str(KEPT / "gradient-norm-original.tar.xz")!r}, "--out", {str(tmp_path)!r}]) == 0
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
    tree = json.loads((tmp_path / "gradient-norm-original" / "results.json").read_text())
    (claim,) = tree["claims"]
    assert (claim["id"], claim["verdict"]) == ("C12", "refuted")
    # As docs/results/gradient-norm-measured.md has it.
    assert "69.85 %" in claim["evidence"]
    assert "C12" in (tmp_path / "report.html").read_text()


def test_mistakes_are_counted_from_answers_alone(studies: Path, tmp_path: Path) -> None:
    # Those that claims are judged by; to ask for confidences would leave the claims as they were.
    run = studies / "sure" / "runs" / "one" / "seed-0"
    before = _wrong_answers(StoredAnswers.read(run))
    (folder,) = api.unpack(api.keep([], studies, tmp_path), tmp_path / "there")
    assert _wrong_answers(StoredAnswers.read(folder / "runs" / "one" / "seed-0")) == before
    assert before["stop", "yield"] > 0


def test_answers_that_do_not_fit_together_are_refused(studies: Path) -> None:
    run = studies / "sure" / "runs" / "one" / "seed-0"
    said = StoredAnswers.read(run)
    assert said.right.mean() == pytest.approx(json.loads((run / "metrics.json").read_text())["accuracy"])
    with pytest.raises(ValueError, match="do not fit together"):
        replace(said, answers=said.answers[1:])
    with pytest.raises(ValueError, match="outside the 3 classes"):
        replace(said, answers=said.answers + 3)
