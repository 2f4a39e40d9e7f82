"""Answers as Parquet: the same as one by one, whoever dies on the way, and nothing done twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import MissingExtraError, ScoringError, UsageError
from roadworthy.core.files import alone
from roadworthy.inference.bundle import read_bundle
from roadworthy.workflows import score as scoring

parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs roadworthy[parquet]")

COLOURS = {"stop": (230, 10, 10), "speed-60": (10, 230, 10), "roundabout": (10, 10, 230)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty of known colours, and one that is damaged."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, colour in enumerate(list(COLOURS.values()) * 7):
        Image.fromarray(np.full((20, 20, 3), colour, np.uint8)).save(folder / f"{number:02d}.png")
    (folder / "20.png").write_bytes(b"no picture")
    return folder


def rows(out: Path) -> list[dict[str, Any]]:
    parts = sorted(out.glob("*.parquet"))
    return [row for part in parts for row in parquet.read_table(part).to_pylist()]


def about_model(out: Path) -> str:
    return str(parquet.read_schema(out / "part-00000.parquet").metadata[b"sha256"].decode())


def in_parts(model: Path, given: list[str], out: Path, **more: Any) -> scoring.Scored:
    return scoring.score(model, given, out, **{"part": 4, **more})


def test_the_rows_are_those_of_predict(colours: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = list[tuple[int, int]]()
    scored = in_parts(colours, [str(pictures)], out, progress=lambda done, total: told.append((done, total)))
    assert (scored.parts, scored.pictures, scored.unreadable, scored.kept) == (6, 21, 1, 0)
    assert told == [(n, 21) for n in (0, 4, 8, 12, 16, 20, 21)]
    found = rows(out)
    for row, expected in zip(found, api.predict(colours, [str(pictures)]), strict=True):
        assert row["path"] == expected.path
        assert row["error"] == expected.error
        if expected.error is None:
            assert row["predicted"] == expected.predicted == list(COLOURS)[int(Path(row["path"]).stem) % 3]
            assert (row["kind"], row["value"]) == (expected.kind, expected.value)
            assert row["accepted"] is expected.accepted
            assert row["confidence"] == pytest.approx(expected.confidence)
            assert [one["class"] for one in row["alternatives"]] == [
                name for name, _ in expected.alternatives
            ]
    assert about_model(out) == read_bundle(colours).sha256
    # The whole folder as one table, as people read it; what the plan is kept in is no part of it.
    assert parquet.read_table(out).num_rows == 21
    about = parquet.read_schema(out / "part-00000.parquet").metadata
    assert json.loads((out / "_plan" / "request.json").read_text())["sha256"].encode() == about[b"sha256"]


def test_a_second_command_does_what_is_missing(
    colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    in_parts(colours, [str(pictures)], out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    (out / "part-00002.parquet").unlink()
    # Pictures that come later do not move those that were listed.
    late = pictures / "005.png"
    try:
        Image.new("RGB", (9, 9)).save(late)
        monkeypatch.chdir(pictures)
        scored = in_parts(colours, ["."], out)
    finally:
        late.unlink()
    assert (scored.pictures, scored.kept) == (21, 17)
    after = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert [path.name for path in after if after[path] != before[path]] == ["part-00002.parquet"]
    assert [Path(row["path"]).stem for row in rows(out)] == [f"{n:02d}" for n in range(21)]


def test_another_request_leaves_the_folder_alone(colours: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    in_parts(colours, [str(pictures)], out)
    with pytest.raises(UsageError, match="top was 3, and is 2; name another folder"):
        in_parts(colours, [str(pictures)], out, top=2)
    finder = colours.with_name(f"{colours.stem}-find.onnx")
    try:
        finder.write_bytes(colours.read_bytes())
        with pytest.raises(UsageError, match="closer was"):
            in_parts(colours, [str(pictures)], out)
    finally:
        finder.unlink()
    with pytest.raises(UsageError, match="inputs was"):
        in_parts(colours, [str(pictures / "00.png")], out)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no answers"):
        in_parts(colours, [str(pictures)], other)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_nothing_is_made_where_there_are_no_pictures(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no picture at"):
        in_parts(colours, [str(tmp_path / "nowhere")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plan_that_was_not_finished_is_made_anew(colours: Path, pictures: Path, tmp_path: Path) -> None:
    plan = tmp_path / "out" / "_plan"
    plan.mkdir(parents=True)
    (plan / "part-00000.json").write_text('["half')
    assert in_parts(colours, [str(pictures)], tmp_path / "out").pictures == 21


def test_a_list_names_pictures(
    colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    (tmp_path / "list.txt").write_text(f"01.png\n\n{pictures / '00.png'}\ngone.png\n")
    given = f"@{tmp_path / 'list.txt'}"
    answers = list(api.predict(colours, [given]))
    assert [row.predicted for row in answers] == ["speed-60", "stop", ""]
    assert "No such file" in str(answers[2].error)
    in_parts(colours, [given], tmp_path / "out")
    assert [row["predicted"] for row in rows(tmp_path / "out")] == ["speed-60", "stop", None]
    with pytest.raises(UsageError, match=r"the list nowhere\.txt cannot be read"):
        api.predict(colours, ["@nowhere.txt"])


def test_names_that_are_no_text_are_escaped(colours: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff.png")
    (tmp_path / "pictures").mkdir()
    try:
        Image.new("RGB", (9, 9), "red").save(tmp_path / "pictures" / "x.png")
        (tmp_path / "pictures" / "x.png").rename(tmp_path / "pictures" / odd)
    except OSError:
        pytest.skip("this system has no such names")
    in_parts(colours, [str(tmp_path / "pictures")], tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert row["predicted"] == "stop"
    assert row["path"].endswith("\\xff.png")


def slow(folder: Path) -> list[str]:
    """Pictures large enough that a process can be killed at its work."""
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "large.png")
    (folder / "list.txt").write_text(f"{folder / 'large.png'}\n" * 16)
    return [f"@{folder / 'list.txt'}"]


def kill_one(
    is_worker: Callable[[int, bytes], bool], begun: Callable[[], bool], killed: list[int]
) -> threading.Thread:
    """Kill one process that fits, as soon as work has begun."""

    def look() -> None:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            time.sleep(0.01)
            if begun():
                for process in Path("/proc").iterdir():
                    with suppress(OSError):
                        if process.name.isdecimal() and is_worker(
                            int(process.name), (process / "cmdline").read_bytes()
                        ):
                            os.kill(int(process.name), signal.SIGKILL)
                            killed.append(int(process.name))
                            return

    thread = threading.Thread(target=look)
    thread.start()
    return thread


def parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the workers")
@pytest.mark.parametrize("on", ["local", "ray"])
def test_of_two_workers_one_is_killed_and_nothing_is_lost(
    on: str, colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on == "ray":
        pytest.importorskip("ray", reason="roadworthy[cluster] is not installed")
    given = slow(tmp_path / "slow")
    out = tmp_path / "out"

    def is_worker(process: int, command: bytes) -> bool:
        if on == "ray":
            return command.startswith(b"ray::") and b"Scorer" in command
        return b"spawn_main" in command and parent(process) == os.getpid()

    killed = list[int]()
    killer = kill_one(is_worker, lambda: bool(list(out.glob("*.parquet"))), killed)
    scored = in_parts(colours, given, out, on=on, jobs=2, part=1)
    killer.join()
    assert len(killed) == 1
    assert (scored.pictures, scored.parts) == (16, 16)
    assert len(rows(out)) == 16
    assert [path.suffix for path in out.iterdir() if path.is_file()] == [".parquet"] * 16


def test_a_part_that_ends_its_process_again_and_again_is_given_up(
    colours: Path, pictures: Path, tmp_path: Path
) -> None:
    # In a process of its own: what is planted there kills the workers, which import it anew.
    program = f"""
import os, sys
from pathlib import Path
from roadworthy.workflows import score as scoring
answer = scoring._Scorer.__call__
def deadly(self, number):
    if number == 1:
        with open({str(tmp_path / "deaths")!r}, "a") as file:
            file.write("x")
        os._exit(9)
    return answer(self, number)
scoring._Scorer.__call__ = deadly
if __name__ == "__main__":
    try:
        scoring.score({str(colours)!r}, [{str(pictures)!r}], Path({str(tmp_path / "out")!r}), part=4, jobs=2)
    except scoring.ScoringError as error:
        print(error)
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"], capture_output=True, text=True, timeout=120, check=True
    )
    assert "part-00001.json died 3 times; is there" in done.stdout
    assert "the same command tries these again" in done.stdout
    assert (tmp_path / "deaths").read_text() == "xxx"
    # It costs no other part, neither its neighbour in the pool nor those after it.
    kept = sorted(path.name for path in (tmp_path / "out").glob("*.parquet"))
    assert kept == [f"part-0000{number}.parquet" for number in (0, 2, 3, 4, 5)]
    # With the cause gone the rest is done.
    assert in_parts(colours, [str(pictures)], tmp_path / "out").kept == 17


def test_a_disk_that_is_full_is_said(
    colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scoring, "_write", full)
    request = scoring.Request(
        model=str(colours),
        inputs=("x",),
        sha256="",
        closer="",
        finder="",
        finder_path="",
        find=False,
        top=3,
        max_pixels=10**6,
        part=4,
    )
    scorer = scoring._Scorer(request, tmp_path, 1)
    (tmp_path / "_plan").mkdir()
    (tmp_path / "_plan" / "part-00000.json").write_text("[]")
    with pytest.raises(ScoringError, match=r"cannot be written.*No space left on device"):
        scorer(0)


OUTLIVED = """
import os
import sys
from pathlib import Path
from roadworthy.workflows import score as scoring

def at_work(self, number):
    os.write(1, b"at work\\n")  # whole, though several say it
    sys.stdin.read()
    import time
    time.sleep(120)

scoring._Scorer.__call__ = at_work
if __name__ == "__main__":
    scoring.score(sys.argv[1], [sys.argv[2]], Path(sys.argv[3]), part=4, jobs=2)
"""


def test_workers_end_with_the_command_that_started_them(
    colours: Path, pictures: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(OUTLIVED)
    command = [sys.executable, program, colours, pictures, tmp_path / "out"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"at work\n"
    process.kill()
    process.communicate(timeout=30)  # ends when nobody is left who could write


def test_two_commands_do_not_work_in_one_folder(colours: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "_plan").mkdir()
    with alone(tmp_path / "_plan"), pytest.raises(UsageError, match="another process is working on"):
        in_parts(colours, [str(pictures)], tmp_path)


def test_a_disk_that_is_full_while_planning_is_said(
    colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ScoringError, match=r"cannot be written.*No space left on device"):
        in_parts(colours, [str(pictures)], tmp_path / "out")


def test_the_command_line_says_what_it_did(
    colours: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["predict", str(colours), str(pictures), "--out", str(tmp_path / "out")]
    assert cli.run(line) == 2  # one picture is damaged, as without --out
    printed, said = capsys.readouterr()
    assert printed == f"{tmp_path / 'out'}: answers for 21 pictures in 1 Parquet file\n"
    assert said == "1 of the pictures could not be read; their rows say why\n"
    assert cli.run(line) == 2
    assert "21 of them were already there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jobs", "2"], "add --out DIR"),
        (["--on", "ray"], "add --out DIR"),
        (["--out", "OUT", "--on", "moon"], "executor 'moon' is unknown"),
        (["--out", "OUT", "--jobs", "0"], "--jobs is 0; use 1 or more"),
        (["--out", "OUT", "--format", "csv"], "--out writes Parquet files"),
        (["--out", "OUT", "--find", "--finder", "none.onnx"], "no finder at none.onnx; give a bundle"),
        (["--out", "OUT", "--find", "--finder", "none"], "no finder at none; give a bundle"),
        (["--out", "OUT", "--find", "--finder", "SOME"], "holds no checkpoints/best.safetensors"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    options: list[str],
    said: str,
    colours: Path,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [option.replace("OUT", str(tmp_path / "out")) for option in options]
    given = [option.replace("SOME", str(pictures)) for option in given]
    assert cli.run(["predict", str(colours), str(pictures), *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_part_of_the_product_is_named(
    colours: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[parquet\]"):
        in_parts(colours, [str(pictures)], tmp_path / "out")
