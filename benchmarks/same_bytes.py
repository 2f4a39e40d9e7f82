"""Do two commits give the same bytes?

    python benchmarks/same_bytes.py COMMIT [COMMIT]

Checks out both commits (the second is HEAD where none is named) side by side, runs the same commands in each,
by the command line alone, and compares every file and everything printed, byte for byte but for what differs
from one run to the next: see CLOCK, SPELT and DIGESTS.  Prints a table; exits 1 where something differs.
About a minute and a half on two cores.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SETTINGS = (
    "--set train.threads=1 --set train.precision=fp32 --set train.epochs=2 --set input.size=32 "
    "--set evaluate.bootstrap=50"
)
DATA = "--data folder:pictures --classes all --split 0.6/0.2/0.2"
SMALL = "--set model.width=0.25 --set model.depth=1"
FEW = "rendered:au?recipe=plain&signs=stop+no-entry+speed-50&per_class=24 --classes all"
DRAWN = "rendered:au?recipe=plain&signs=stop+no-entry+speed-50 --per-class 24 --size 40 --seed 3"
COMMANDS = {
    "render": f"render {DRAWN} --out pictures",
    "train": f"train {DATA} --seed 1 {SETTINGS} {SMALL} --out run",
    "evaluate": "evaluate run --data folder:pictures --out evaluated",
    "predict": "predict run pictures --format json",
    "export": "export run --to signs.onnx --precision fp32",
    "study": f"study baseline --data {FEW} --seeds 1 {SETTINGS} --out studies",
}
"""What is run, in this order, each with the files that those before it wrote."""

PAGES = (".html", ".md", ".txt", ".svg", ".toml")
SERVICE = "serve signs.onnx"
PICTURE = "pictures/stop/00000_00000.png"

CLOCK = {
    *("seconds", "train_seconds", "images_per_second", "peak_rss_mb", "ms_per_picture", "milliseconds"),
    *("started", "commit", "dirty"),
}
"""Keys of JSON and columns of CSV that hold times, speed, memory and the commit."""

DIGESTS = {"sha256", "roadworthy.sha256"}
"""Keys whose values cover a time or a commit, so that they differ with these."""

SPELT = {
    "time": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+\d\d:\d\d| UTC)?|\d{4}-\d\d-\d\d"),
    "digest or commit": re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{12}\b"),
    "memory of a training": re.compile(r"peak_rss_mb(?: \| |</dt><dd>)[\d.]+"),
    "duration": re.compile(r"\d+(\.\d+)? (?:s|min|h|ms)\b"),
    "speed": re.compile(r"[\d,.]+ (?:images|pictures)(?:/s| a second| per second)"),
    "size of a bundle, which names the seconds of its training": re.compile(
        r"(?<=\.onnx \| )[\d,]+|(?<=\.onnx\t)[\d,]+"
    ),
    "memory": re.compile(r"[\d,.]+ (?:MB|GB)\b"),
}
"""The same where it stands in sentences: pages, cards, what is printed."""

TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", metavar="COMMIT")
    parser.add_argument("after", metavar="COMMIT", nargs="?", default="HEAD")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as folder:
        places = [Path(folder) / "before", Path(folder) / "after"]
        with checked_out(asked.before, places[0]), checked_out(asked.after, places[1]):
            with ThreadPoolExecutor(len(places)) as pool:
                list(pool.map(run_all, places))
            found = list(compared(*(place / "work" for place in places)))
    return report(found)


@contextmanager
def checked_out(commit: str, place: Path) -> Iterator[None]:
    """The tree of a commit in `place`/tree, for as long as it is needed."""
    tree = str(place / "tree")
    git("worktree", "add", "--quiet", "--detach", tree, commit)
    try:
        yield
    finally:
        git("worktree", "remove", "--force", tree)


def git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True)


def run_all(place: Path) -> None:
    """Every command in `place`/work with the code of `place`/tree; what each prints lies in printed/."""
    work, environment = (
        place / "work",
        {
            **os.environ,
            "PYTHONPATH": str(place / "tree" / "src"),
            "ROADWORTHY_CACHE": str(place / "cache"),
            "XDG_STATE_HOME": str(place / "state"),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "COLUMNS": "100",
        },
    )
    (work / "printed").mkdir(parents=True)
    for name, command in COMMANDS.items():
        done = subprocess.run(
            [sys.executable, "-m", "roadworthy", *command.split()],
            cwd=work,
            env=environment,
            capture_output=True,
            check=False,
        )
        (work / "printed" / f"{name}.txt").write_bytes(done.stdout)  # stderr is progress
        if done.returncode:
            said = done.stderr.decode(errors="replace")
            raise SystemExit(f"{place.name}: roadworthy {command} ended with {done.returncode}\n{said}")
    (work / "printed" / "service.json").write_bytes(asked_of_service(work, environment))


def asked_of_service(work: Path, environment: dict[str, str]) -> bytes:
    """What the service answers to one picture."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "roadworthy", *SERVICE.split(), "--port", str(port)]
    service = subprocess.Popen(
        command, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", service)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/predict",
            data=(work / PICTURE).read_bytes(),
            headers={"content-type": "image/png"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(60)


def wait_for(address: str, service: subprocess.Popen[bytes]) -> None:
    """Until the service takes requests."""
    for _ in range(240):
        if service.poll() is not None:
            raise SystemExit(f"the service ended with {service.returncode} before it answered")
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.25)
    raise SystemExit("the service did not answer within a minute")


def compared(before: Path, after: Path) -> Iterator[tuple[str, str]]:
    """Every file of either side, and how it fares: `same`, `only before`, `only after`, `differs: WHERE`."""
    sides = [{p.relative_to(side): p for p in side.rglob("*") if p.is_file()} for side in (before, after)]
    for name in sorted(sides[0].keys() | sides[1].keys()):
        if name not in sides[1]:
            yield str(name), "only before"
        elif name not in sides[0]:
            yield str(name), "only after"
        else:
            old, new = (
                bare(side[name], str(place)) for side, place in zip(sides, (before, after), strict=True)
            )
            yield str(name), "same" if old == new else f"differs: {first_difference(old, new)}"


def bare(path: Path, place: str) -> bytes:
    """What is in a file without what differs from one run to the next, the folder of the run among it."""
    data = path.read_bytes()
    if path.suffix in (".csv", *PAGES):
        data = data.replace(place.encode(), b"[place]")
    read = READERS.get(path.suffix)
    return data if read is None else read(data)


def bare_json(data: bytes) -> bytes:
    return json.dumps(without_clock(json.loads(data)), ensure_ascii=False).encode()


def bare_csv(data: bytes) -> bytes:
    header, *rows = csv.reader(io.StringIO(data.decode()))
    kept = [i for i, column in enumerate(header) if column not in CLOCK]
    return "\n".join("\t".join(row[i] for i in kept) for row in [header, *rows]).encode()


def bare_text(data: bytes) -> bytes:
    text = TABLE.sub(lambda found: without_clock_columns(found[0]), data.decode())
    for name, spelt in SPELT.items():
        text = spelt.sub(f"[{name}]", text)
    return text.encode()


def without_clock_columns(table: str) -> str:
    """A table of HTML without the cells that stand under a name of CLOCK."""
    rows = [CELL.findall(row) for row in table.split("<tr")]
    header = next((row for row in rows if row), [])
    kept = [i for i, cell in enumerate(header) if cell.replace(" ", "_") not in CLOCK]
    return "\n".join("\t".join(row[i] for i in kept if i < len(row)) for row in rows)


def bare_safetensors(data: bytes) -> bytes:
    """Its header is JSON, in which metadata are JSON once more."""
    end = 8 + int.from_bytes(data[:8], "little")
    return bare_json(data[8:end]) + data[end:]


def bare_onnx(data: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(data)
    said = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    network: bytes = model.SerializeToString()
    return bare_json(json.dumps(said).encode()) + network


def without_clock(tree: Any) -> Any:
    """A tree of JSON without CLOCK and DIGESTS, texts within it read in the same way."""
    if isinstance(tree, dict):
        return {key: without_clock(tree[key]) for key in tree if key not in CLOCK | DIGESTS}
    if isinstance(tree, list):
        return [without_clock(part) for part in tree]
    if not isinstance(tree, str):
        return tree
    if tree.startswith("{"):
        return without_clock(json.loads(tree))
    return bare_text(tree.encode()).decode()


READERS = {
    ".json": bare_json,
    ".csv": bare_csv,
    ".safetensors": bare_safetensors,
    ".onnx": bare_onnx,
    **dict.fromkeys(PAGES, bare_text),
}


def first_difference(old: bytes, new: bytes) -> str:
    """The first place where two files part, with what stands about it."""
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shown = [part[max(0, at - 30) : at + 40].decode(errors="replace") for part in (old, new)]
    return f"byte {at:,}, {shown[0]!r} became {shown[1]!r}"


def report(found: list[tuple[str, str]]) -> int:
    """Print what there is, pictures counted together."""
    print("| files | of them the same |\n| --- | ---: |")
    for kind in sorted({Path(name).suffix for name, _ in found}):
        own = [state for name, state in found if Path(name).suffix == kind]
        print(f"| {len(own)} {kind or 'without ending'} | {own.count('same')} |")
    apart = [(name, state) for name, state in found if state != "same"]
    for name, state in apart:
        print(f"{name}: {state}")
    print("the same" if not apart else f"{len(apart)} of {len(found)} files differ")
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
