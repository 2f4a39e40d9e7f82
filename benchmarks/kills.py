"""Do commands that are killed leave nothing behind, and end as if nobody had killed them?

    python benchmarks/kills.py [--times 30] [--only predict export] [--out runs/kills]

Each command runs once in peace.  Then, time after time in a new folder, it is killed (SIGKILL, its main
process alone) after a random share of that time, and run again.  Compared with peace: its files byte by byte,
and which of them there are.  Nothing is asked of the network but of this machine.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

ENDS_S = 5  # that what a killed command started has to end
PROGRAM = "import sys; from roadworthy.cli import app as cli; {before}; sys.exit(cli.run(sys.argv[1:]))"
QUICK = ["--set", "train.threads=1", "--set", "train.precision=fp32", "--set", "evaluate.bootstrap=50"]
QUICK += ["--set", "train.epochs=4", "--set", "input.size=32"]
SMALL = ["--set", "model.width=0.25", "--set", "model.depth=1"]


@dataclass
class _Tally:
    """What came of the kills of one command."""

    kills: int = 0
    midway: int = 0
    same: int = 0
    lost: int = 0
    doubled: int = 0
    running: int = 0
    leftovers: int = 0


@dataclass
class _Case(ABC):
    """A command to kill.

    shared: a folder with what all runs of it read.  before: a statement that sets sizes which no option sets.
    compared: the files that must hold the same bytes.  whole: those that are done for good once they exist.
    """

    shared: Path
    before = "None"
    compared: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[tuple[str, ...]] = ()

    @property
    def drawn(self) -> str:
        """1,500 drawn pictures."""
        return f"folder:{self.shared / 'pictures'}"

    @abstractmethod
    def command(self, out: Path) -> list[str]:
        """The arguments that write into `out`."""

    def again(self, out: Path) -> list[str]:
        """What is run after a kill."""
        return self.command(out)

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Make what all runs read."""

    def content(self, path: Path) -> bytes:
        """What of a file must be the same."""
        return path.read_bytes()

    def rows(self, out: Path) -> Counter[str]:
        """What must be there once each: files, if nothing finer."""
        place = out.parent
        return Counter(str(path.relative_to(place)) for path in _found(place, self.compared))


class _Predict(_Case):
    """Answers for 1,500 pictures in 15 parts, by two processes."""

    before = "from roadworthy.workflows import score as scoring; scoring.score.__kwdefaults__['part'] = 100"
    compared = whole = ("out/part-*.parquet",)

    def command(self, out: Path) -> list[str]:
        return ["predict", "packaged", str(self.shared / "pictures"), "--out", str(out), "--jobs", "2"]

    def rows(self, out: Path) -> Counter[str]:
        from pyarrow import parquet

        return Counter(parquet.read_table(out, columns=["path"])["path"].to_pylist())


class _Train(_Case):
    """A small network on drawn pictures, gone on with where there is something to go on with."""

    compared = ("out/checkpoints/*", "out/predictions.*", "out/splits.csv", "out/pictures.npz")

    def command(self, out: Path) -> list[str]:
        return ["train", "--data", self.drawn, "--out", str(out), *QUICK, *SMALL]

    def again(self, out: Path) -> list[str]:
        begun = (out / "config.toml").is_file()
        return ["train", "--out", str(out), "--resume"] if begun else self.command(out)

    def rows(self, out: Path) -> Counter[str]:
        with (out / "history.csv").open(newline="") as file:
            return Counter(row["epoch"] for row in csv.DictReader(file))


class _Export(_Case):
    """The packaged network as bundles with their card."""

    compared = ("out/*.onnx",)

    def command(self, out: Path) -> list[str]:
        data = f"folder:{self.shared / 'few'}"
        return ["export", "packaged", "--to", str(out / "sign.onnx"), "--data", data]

    def prepare(self) -> None:
        for folder in (self.shared / "pictures").iterdir():
            (self.shared / "few" / folder.name).mkdir(parents=True)
            for path in sorted(folder.iterdir())[:4]:
                (self.shared / "few" / folder.name / path.name).hardlink_to(path)

    def content(self, path: Path) -> bytes:
        import onnx

        from roadworthy.inference.bundle import read_bundle

        facts = {**asdict(read_bundle(path).manifest), "provenance": None}  # it tells when it was made
        model = onnx.load(path)
        del model.metadata_props[:]
        return repr(facts).encode() + model.SerializeToString()


class _Render(_Case):
    """Drawn pictures as files."""

    compared = ("out/*/*.png",)

    def command(self, out: Path) -> list[str]:
        return ["render", "rendered:au", "--n", "1500", "--size", "64", "--out", str(out)]


class _Fetch(_Case):
    """An archive of 3,000 files from a server on this machine that takes its time, and goes on midway."""

    compared = ("out/GTSRB/*/*",)

    def prepare(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for number in range(3000):
                archive.writestr(f"GTSRB/{number % 43:05d}/{number:05d}.ppm", random.randbytes(6000))
        body = packed.getvalue()
        port = _serve(body, piece=len(body) // 40, pause_s=0.05)
        md5 = hashlib.md5(body).hexdigest()
        about = f"url='http://127.0.0.1:{port}/signs.zip', size={len(body)}, md5='{md5}'"
        self.before = f"from roadworthy.data.fetch import *; ARCHIVES['gtsrb'] = [Archive({about})]"

    def command(self, out: Path) -> list[str]:
        return ["data", "fetch", "gtsrb", "--out", str(out)]


class _Cache(_Case):
    """4,500 pictures of 400 px decoded into a cache by two processes, and measured on."""

    compared = ("cache/*.pixels", "out/predictions.*")
    copies = 3

    def command(self, out: Path) -> list[str]:
        data = f"folder:{self.shared / 'large'}"
        return ["evaluate", "packaged", "--data", data, "--skip-unknown", "--out", str(out)]

    def prepare(self) -> None:
        from PIL import Image

        for path in sorted((self.shared / "pictures").glob("*/*.png")):
            first = self.shared / "large" / path.parent.name / f"{path.stem[:5]}_00000.jpg"
            first.parent.mkdir(parents=True, exist_ok=True)
            Image.open(path).resize((400, 400)).save(first)
            for number in range(1, self.copies):
                first.with_stem(f"{path.stem[:5]}_{number:05d}").hardlink_to(first)


class _Study(_Case):
    """Ten small trainings, and what they say."""

    compared = ("out/baseline/runs/*/*/checkpoints/*",)
    whole = ("out/baseline/runs/*/*/metrics.json",)

    def command(self, out: Path) -> list[str]:
        return ["study", "baseline", "--data", "rendered:au?n=600", "--seeds", "2", "--out", str(out), *QUICK]


CASES: dict[str, type[_Case]] = {
    "predict": _Predict,
    "train": _Train,
    "export": _Export,
    "render": _Render,
    "fetch": _Fetch,
    "cache": _Cache,
    "study": _Study,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Commands killed at random moments.")
    parser.add_argument("--out", type=Path, default=Path("runs/kills"))
    parser.add_argument("--times", type=int, default=30, help="kills in all, spread over the commands")
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    asked = parser.parse_args()
    random.seed(0)
    shutil.rmtree(asked.out, ignore_errors=True)
    began = time.monotonic()
    shared = asked.out.absolute() / "shared"
    drawn = ["render", "rendered:au", "--n", "1500", "--size", "96", "--out", str(shared / "pictures")]
    assert _run(_Render(shared), shared, drawn)
    tallies: dict[str, _Tally] = {}
    for place, name in enumerate(asked.only):
        times = asked.times // len(asked.only) + (place < asked.times % len(asked.only))
        tallies[name] = _killed(name, CASES[name](shared), asked.out.absolute() / name, times)
    print("\n| command | kills | midway | ended the same | lost | doubled | left running | leftovers |")
    print("|---|---|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        print(f"| {name} | {' | '.join(map(str, asdict(tally).values()))} |")
    print(f"\n{time.monotonic() - began:.0f} s in all")


def _killed(name: str, case: _Case, folder: Path, times: int) -> _Tally:
    case.prepare()
    peace = folder / "peace"
    start = time.monotonic()
    assert _run(case, peace, case.command(peace / "out"))
    whole_s = time.monotonic() - start
    expected, tree, rows = _outcome(case, peace), _tree(peace), case.rows(peace / "out")
    assert expected
    assert rows
    tally = _Tally()
    for number in range(times):
        place = folder / f"killed-{number}"
        after_s = random.uniform(0.1, 0.9) * whole_s
        midway, running = _kill(case, place, after_s)
        done = {path: path.stat().st_mtime_ns for path in _found(place, case.whole)}
        ended = _run(case, place, case.again(place / "out"))
        found = case.rows(place / "out") if ended else Counter[str]()
        repeated = sum(path.stat().st_mtime_ns != stamp for path, stamp in done.items())
        one = _Tally(
            kills=1,
            midway=midway,
            same=ended and _outcome(case, place) == expected,
            lost=(rows - found).total(),
            doubled=(found - rows).total() + repeated,
            running=running,
            leftovers=len(_tree(place) - tree),
        )
        tally = _Tally(**{key: value + asdict(one)[key] for key, value in asdict(tally).items()})
        print(f"{name}: killed after {after_s:.1f} of {whole_s:.1f} s, {len(done)} done: {one}", flush=True)
        print("".join(f"  left over: {extra}\n" for extra in sorted(_tree(place) - tree)[:5]), end="")
        shutil.rmtree(place)
    return tally


def _start(case: _Case, place: Path, arguments: list[str], stderr: int) -> subprocess.Popen[bytes]:
    """A command in a session of its own, as are its cache and its folder for temporary files."""
    own = {"ROADWORTHY_CACHE": str(place / "cache"), "TMPDIR": str(place / "tmp"), "no_proxy": "*"}
    (place / "tmp").mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(before=case.before), *arguments],
        env={**os.environ, **own},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


def _run(case: _Case, place: Path, arguments: list[str]) -> bool:
    """Whether a command ends well; what it says where it does not is passed on."""
    process = _start(case, place, arguments, subprocess.PIPE)
    said = process.communicate()[1]
    if process.returncode:
        print(f"  exit {process.returncode}: {said.decode(errors='replace').strip()}", flush=True)
    return process.returncode == 0


def _kill(case: _Case, place: Path, after_s: float) -> tuple[bool, int]:
    """Whether the command still ran when it was to be killed, and how many processes it left running."""
    process = _start(case, place, case.command(place / "out"), subprocess.DEVNULL)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    end = time.monotonic() + ENDS_S
    while (left := _session(process.pid)) and time.monotonic() < end:
        time.sleep(0.1)
    for number in left:
        os.kill(number, signal.SIGKILL)
    return process.returncode == -signal.SIGKILL, len(left)


def _session(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(stat.parent.name))
    return found


def _found(place: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in place.glob(pattern))


def _outcome(case: _Case, place: Path) -> dict[str, str]:
    """The files that must be the same, by what of them must be."""
    files = _found(place, case.compared)
    return {str(path.relative_to(place)): hashlib.sha256(case.content(path)).hexdigest() for path in files}


def _tree(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def _serve(body: bytes, *, piece: int, pause_s: float) -> int:
    """The port of a server that gives out `body` slowly, from any byte on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("ETag", '"signs"')
            self.end_headers()
            with suppress(ConnectionError):  # who asked was killed
                for at in range(start, len(body), piece):
                    self.wfile.write(body[at : at + piece])
                    time.sleep(pause_s)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


if __name__ == "__main__":
    main()
