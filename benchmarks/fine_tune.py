"""Three classes of forty pictures each, trained from the packaged model and from nothing.

    python benchmarks/fine_tune.py [--seeds 3] [--only known|renamed|new] [--tuned]

Needs ROADWORTHY_DATA with belgium/, and roadworthy[train,signs].  Every training is the command that a user
would give, `roadworthy train --data folder:DIR [--start packaged]`, with nothing else set:

known    three classes of the packaged model, Belgian photographs (it was not trained on them)
renamed  three others of its classes under names of one's own, so that none of its answers is taken over
new      three signs that the catalogue lacks, drawn; further ones as the recipe other-test makes them

"by its own split" is what the run says of the signs that it set aside, "further pictures" are all those of
these classes that were not among the forty: other signs.  Seconds are of the whole command.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.data.spec import usual_places

PICTURES, FURTHER = 40, 200
KNOWN = {name: name for name in ("children", "no-vehicles", "speed-70")}
RENAMED = {"slow-down": "speed-50", "my-turn": "right-of-way", "round-we-go": "roundabout"}
PLATE = '<path d="M50 2 98 50 50 98 2 50Z" fill="#ffd200" stroke="#111" stroke-width="3"/>'
SYMBOLS = {
    "frogs": '<ellipse cx="50" cy="56" rx="20" ry="14"/><circle cx="40" cy="38" r="7"/>'
    '<circle cx="60" cy="38" r="7"/>',
    "boats": '<path d="M26 56H74L64 70H36Z"/><path d="M50 26 68 52H50Z"/>',
    "trees": '<path d="M50 22 70 60H30Z"/><path d="M46 60H54V74H46Z"/>',
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("known", "renamed", "new"))
    parser.add_argument("--tuned", action="store_true", help="nothing from nothing")
    asked = parser.parse_args()
    print("kind     start     seed  seconds  by its own split    further pictures")
    with tempfile.TemporaryDirectory(prefix="roadworthy-fine-tune-") as scratch:
        for kind, forty, further in sets(Path(scratch)):
            if asked.only not in (None, kind):
                continue
            for start in ("packaged",) if asked.tuned else ("packaged", "-"):
                for seed in range(asked.seeds):
                    out = Path(scratch) / f"{kind}-{start}-{seed}"
                    seconds = train(forty, out, start, seed)
                    metrics = api.evaluate(out, DataConfig(spec=f"folder:{further}"))
                    own = api.evaluate(out, DataConfig(spec=f"folder:{forty}"))
                    print(
                        f"{kind:<8} {start:<9} {seed:>4}  {seconds:7.1f}  "
                        f"{own.accuracy:8.2%} of {own.n:<4}  {metrics.accuracy:10.2%} of {metrics.n}",
                        flush=True,
                    )


def train(data: Path, out: Path, start: str, seed: int) -> float:
    """Seconds that the command took."""
    line = [sys.executable, "-m", "roadworthy", "train", "--data", f"folder:{data}", "--out", str(out)]
    line += ["--seed", str(seed)] + (["--start", start] if start != "-" else [])
    began = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    return time.perf_counter() - began


def sets(scratch: Path) -> Iterator[tuple[str, Path, Path]]:
    """Kind, folder of forty pictures a class, folder of further ones."""
    belgium = usual_places("belgium")[0]
    for kind, names in (("known", KNOWN), ("renamed", RENAMED)):
        photographs(belgium, names, scratch / kind)
        yield kind, scratch / kind / "forty", scratch / kind / "further"
    faces = own_faces(scratch / "faces")
    spec = f"rendered:my?signs={'+'.join(SYMBOLS)}"
    forty = api.render(spec, scratch / "new" / "forty", PICTURES * len(SYMBOLS), size=64, faces=faces)
    further = api.render(
        spec,
        scratch / "new" / "further",
        FURTHER * len(SYMBOLS),
        size=64,
        faces=faces,
        seed=1,
        recipe="other-test",
    )
    yield "new", forty, further


def photographs(belgium: Path, names: dict[str, str], out: Path) -> None:
    """Forty photographs of each class, whole signs at random, and all others."""
    for label, name in names.items():
        signs = defaultdict(list)
        for file in sorted((belgium / name).iterdir()):
            signs[file.stem.rpartition("_")[0]].append(file)
        order = sorted(signs)
        random.Random(0).shuffle(order)
        taken = 0
        for sign in order:
            part = "forty" if taken < PICTURES else "further"
            (out / part / label).mkdir(parents=True, exist_ok=True)
            for file in signs[sign]:
                # Of the last of the signs some pictures would be too many; they are in neither.
                if part == "further" or taken < PICTURES:
                    shutil.copy(file, out / part / label)
                    taken += 1


def own_faces(folder: Path) -> Path:
    (folder / "my").mkdir(parents=True)
    lines = []
    for name, symbol in SYMBOLS.items():
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{PLATE}{symbol}</svg>'
        (folder / "my" / f"{name}.svg").write_text(svg, encoding="utf-8")
        lines.append(
            f'[class.{name}]\nfamily = "warning"\nmeaning = "{name}."\n'
            f'[[face]]\nname = "my/{name}"\nclass = "{name}"\nwhere = "Here."\naspect = 1.0\n'
            'colours = ["yellow", "black"]\n'
        )
    (folder / "catalogue.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
