"""What a study's figures follow from, in one small file: to go on with it elsewhere, or to compute them anew.

    python benchmarks/keep_study.py pack STUDIES/NAME docs/results/kept/NAME.tar.xz
    python benchmarks/keep_study.py unpack docs/results/kept/NAME.tar.xz STUDIES
    roadworthy study NAME ... --out STUDIES       # trains what is missing, counts what is there

Kept of each finished training: its measurements and which class it answered for each picture (as logits of 1
and 0).  Left out: weights, confidences of single pictures, histories; arms that start from another's weights
need that one trained again.  Data lie in ROADWORTHY_DATA, wherever that is on either machine.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import tarfile
from functools import cache
from pathlib import Path

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.predictions import Predictions
from roadworthy.data.spec import read_records
from roadworthy.studies.plan import MEASURED_FURTHER

MEASUREMENTS = ("metrics.json", MEASURED_FURTHER, "provenance.json", "config.toml")
HERE = "$ROADWORTHY_DATA"  # stands for that folder's path, which is another elsewhere
# Where CIFAR-10's archive is unpacked, which follows from when that was written here.
UNPACKED = re.compile(r".*/cifar10/archive-[0-9a-f]{16}(?=/)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("source", type=Path)
    parser.add_argument("to", type=Path)
    asked = parser.parse_args()
    data = str(Path(os.environ["ROADWORTHY_DATA"]).resolve())
    if asked.what == "pack":
        pack(asked.source, asked.to, data)
    else:
        unpack(asked.source, asked.to, data)


def pack(study: Path, archive: Path, data: str) -> None:
    """Everything that a study needs to count its finished trainings."""
    finished = sorted(path.parent for path in (study / "runs").rglob("metrics.json"))
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz", preset=9) as kept:
        for folder, names in ((study, ("plan.json",)), *((folder, MEASUREMENTS) for folder in finished)):
            place = Path(study.name) / folder.relative_to(study)
            for name in names:
                if (folder / name).is_file():
                    text = (folder / name).read_text(encoding="utf-8").replace(data, HERE)
                    add(kept, place / name, text.encode())
            if folder != study:
                said = Predictions.read(folder)
                add(kept, place / "predictions.npz", answers(said, data, HERE))
    print(f"{archive}: {len(finished)} measurements, {archive.stat().st_size / 1e6:.2f} MB")


def unpack(archive: Path, to: Path, data: str) -> None:
    """The study's folder in the folder `to`, where its trainings are not there yet."""
    with tarfile.open(archive) as kept:
        for entry in kept:
            tarfile.data_filter(entry, str(to))  # refuses names that lead out of the folder
            file, content = to / entry.name, kept.extractfile(entry)
            if content is None or file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".npz":
                file.write_bytes(content.read())
                file.write_bytes(answers(Predictions.read(file.parent), HERE, data))
            else:
                file.write_text(content.read().decode().replace(HERE, data), encoding="utf-8")


def answers(said: Predictions, old: str, new: str) -> bytes:
    """predictions.npz with which class was answered in place of the logits; not packed, the archive is."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        logits=np.eye(len(said.classes), dtype=np.float32)[said.logits.argmax(axis=1)],
        targets=said.targets,
        classes=np.array(said.classes),
        paths=np.array([moved(path, old, new) for path in said.paths]),
        groups=np.array(said.groups),
        temperature=1.0,
        rejection="null",
    )
    return buffer.getvalue()


def moved(path: str, old: str, new: str) -> str:
    """Where the same picture lies on this machine: pictures are told apart by their paths."""
    if UNPACKED.match(path):
        return UNPACKED.sub(unpacked_here(), path)
    return path.replace(old, new)


@cache
def unpacked_here() -> str:
    """The folder that CIFAR-10's archive, in ROADWORTHY_DATA, is unpacked into here."""
    first = read_records("cifar10:", load_config(None).data.labels)[0]
    found = UNPACKED.match(str(first.path))
    assert found, first.path
    return found.group()


def add(archive: tarfile.TarFile, name: Path, content: bytes) -> None:
    """A file without date or owner: the same study gives the same archive."""
    entry = tarfile.TarInfo(name.as_posix())
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    main()
