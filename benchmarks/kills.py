"""Does a study that is killed end as one that was not, with nothing trained twice?

    python benchmarks/kills.py --out runs/kills [--times 20]

Runs a small study on drawings once in peace.  Then, time after time in a new folder, it kills the command
(SIGKILL) after a random while, starts it again, and compares weights, metrics and which trainings were begun.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = (
    *("study", "baseline", "--seeds", "2", "--data", "rendered:au?n=3000"),
    *("--set", "train.epochs=4", "--set", "train.threads=1", "--set", "input.size=32"),
    *("--set", "evaluate.bootstrap=50"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="A study killed at random moments.")
    parser.add_argument("--out", type=Path, default=Path("runs/kills"))
    parser.add_argument("--times", type=int, default=20)
    asked = parser.parse_args()
    random.seed(0)
    shutil.rmtree(asked.out, ignore_errors=True)

    start = time.monotonic()
    subprocess.run(command(asked.out / "peace"), check=True, capture_output=True)
    whole = time.monotonic() - start
    expected = outcome(asked.out / "peace")
    same = twice = 0
    for number in range(asked.times):
        folder = asked.out / f"killed-{number}"
        after = random.uniform(0.1, 0.95) * whole
        process = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = {path: path.stat().st_mtime_ns for path in folder.rglob("runs/*/*/metrics.json")}
        subprocess.run(command(folder), check=True, capture_output=True)
        repeated = sum(path.stat().st_mtime_ns != stamp for path, stamp in done.items())
        equal = outcome(folder) == expected
        same, twice = same + equal, twice + repeated
        print(f"killed after {after:.1f} s, {len(done)} trainings done: ", end="")
        print(f"{'the same' if equal else 'NOT the same'}, {repeated} trained twice", flush=True)
        shutil.rmtree(folder)
    print(
        f"{same} of {asked.times} ended the same; {twice} trainings were done twice; {whole:.0f} s in peace"
    )


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "roadworthy", *COMMAND, "--out", str(out)]


def outcome(folder: Path) -> dict[str, bytes]:
    """The final weights of every training."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("last.safetensors"))
    }


if __name__ == "__main__":
    main()
