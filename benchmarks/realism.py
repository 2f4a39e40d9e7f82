"""Can a network tell drawn signs from photographs, and by what?

    python benchmarks/realism.py [--drawn rendered:de] [--real gtsrb:] [--sheet beside.png] [--seeds 3]

The same classes, as many of each from either side, training pictures only.  A small network is told to tell
them apart and judged on physical signs and drawings that it has not seen: 0.5 would mean that it cannot.
Below that, what each simple measure of a picture gives away on its own; `drawn` and `real` are its medians.
`--sheet` makes a sheet of 64 drawn beside 64 real, for looking at: the photographs are not ours to publish.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import Tensor

from roadworthy.config import DataConfig
from roadworthy.core.device import generator
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset
from roadworthy.data.sheet import contact_sheet
from roadworthy.imaging.ops import LUMA
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.compact import Compact
from roadworthy.signs.catalogue import catalogue


def main() -> None:
    asked = parse_arguments()
    spec = InputSpec(size=asked.size, crop=asked.crop)
    classes = [name for name, sign in catalogue().classes.items() if sign.gtsrb is not None]
    real, _ = open_dataset(DataConfig(spec=asked.real), spec, classes, split="train", skip_unknown=True)
    drawn, _ = open_dataset(DataConfig(spec=asked.drawn), spec, classes, split="train", skip_unknown=True)
    rows = [pairs(drawn, real, asked.per_class, seed) for seed in range(asked.seeds)]
    if asked.sheet:
        save_sheet(asked.sheet, drawn, real, *rows[0])
    scores = []
    for seed, (from_drawn, from_real) in enumerate(rows):
        pictures = torch.from_numpy(np.concatenate([drawn.images[from_drawn], real.images[from_real]]))
        pictures = pictures.permute(0, 3, 1, 2).float() / 255
        is_real = np.repeat([0, 1], len(from_drawn))
        groups = [drawn.records[i].group for i in from_drawn] + [real.records[i].group for i in from_real]
        held_out = np.isin(groups, held_out_groups(groups, seed))
        scores.append(auroc_of_network(pictures, is_real, held_out, asked.steps, seed))
        if seed == 0:
            measured = table(pictures, is_real)
    print(f"{asked.drawn} against {asked.real}: {len(rows[0][0]):,} pictures of either, {spec.size} px")
    print(f"AUROC of a network told to tell them apart: {', '.join(f'{s:.4f}' for s in scores)}")
    print(measured)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Drawn signs told from photographs.")
    parser.add_argument("--drawn", default="rendered:de", help="data spec of drawn signs")
    parser.add_argument("--real", default="gtsrb:", help="data spec of photographs")
    parser.add_argument("--size", type=int, default=32, help="side of the pictures in pixels")
    parser.add_argument("--crop", default="full", help="framing, as in the setting input.crop")
    parser.add_argument("--per-class", type=int, default=150, help="at most so many pictures of a class")
    parser.add_argument("--steps", type=int, default=400, help="of 128 pictures, that the network learns for")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="also a sheet of 64 beside 64")
    return parser.parse_args()


def pairs(drawn: Dataset, real: Dataset, per_class: int, seed: int) -> tuple[list[int], list[int]]:
    """Rows of either set, in an order in which the classes agree."""
    random = np.random.default_rng(seed)
    both: tuple[list[int], list[int]] = ([], [])
    for target in range(len(real.classes)):
        rows = [random.permutation(np.flatnonzero(side.targets == target)) for side in (drawn, real)]
        count = min(per_class, *map(len, rows))
        for chosen, some in zip(both, rows, strict=True):
            chosen.extend(some[:count].tolist())
    return both


def held_out_groups(groups: list[str], seed: int) -> list[str]:
    """A quarter of the physical signs."""
    known = sorted(set(groups))
    return np.random.default_rng(seed).permutation(known)[: len(known) // 4].tolist()


def auroc_of_network(
    pictures: Tensor, is_real: np.ndarray, held_out: np.ndarray, steps: int, seed: int
) -> float:
    """A small network, trained on the pictures not held out, judged on the others."""
    random = generator("cpu", "realism", seed)
    torch.manual_seed(seed)
    model = Compact(2, width=0.5, depth=1).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    train = torch.from_numpy(np.flatnonzero(~held_out))
    targets = torch.from_numpy(is_real)
    for _ in range(steps):
        batch = train[torch.randint(len(train), (128,), generator=random)]
        inputs = pictures[batch].contiguous(memory_format=torch.channels_last) - 0.5
        loss = torch.nn.functional.cross_entropy(model(inputs), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part - 0.5) for part in pictures[torch.from_numpy(held_out)].split(512)])
    return float(roc_auc_score(is_real[held_out], (logits[:, 1] - logits[:, 0]).numpy()))


def measures(pictures: Tensor) -> dict[str, Tensor]:
    """Simple numbers (N,) of each picture."""
    luma = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), pictures)
    chroma = pictures.amax(1) - pictures.amin(1)
    size = luma.shape[-1]
    edge, core = size // 8, slice(size // 4, size - size // 4)
    middle = luma[:, core, core].flatten(1)
    border = rim(luma, edge)
    inner = luma[:, 1:-1, 1:-1]
    beside = luma[:, 2:, 1:-1] + luma[:, :-2, 1:-1] + luma[:, 1:-1, 2:] + luma[:, 1:-1, :-2]
    detail = (inner * 4 - beside).abs()
    spread = luma.flatten(1).std(1)
    return {
        "mean grey": luma.flatten(1).mean(1),
        "deviation of grey": spread,
        "darkest 5 %": luma.flatten(1).quantile(0.05, dim=1),
        "brightest 5 %": luma.flatten(1).quantile(0.95, dim=1),
        "colour of the middle": chroma[:, core, core].flatten(1).mean(1),
        "colour of the border": rim(chroma, edge).mean(1),
        "deviation of the border": border.std(1),
        "deviation of the middle": middle.std(1),
        "middle less border": middle.mean(1) - border.mean(1),
        "fine detail": detail.flatten(1).mean(1) / (spread + 0.01),
        "noise": detail.flatten(1).quantile(0.2, dim=1) / (spread + 0.01),
        "red less blue": (pictures[:, 0] - pictures[:, 2]).flatten(1).mean(1),
        "green less the mean": (pictures[:, 1] - pictures.mean(1)).flatten(1).mean(1),
    }


def rim(planes: Tensor, edge: int) -> Tensor:
    """(N, M): what lies within `edge` pixels of the border of planes (N, H, W)."""
    sides = (planes[:, :edge], planes[:, -edge:], planes[:, edge:-edge, :edge], planes[:, edge:-edge, -edge:])
    return torch.cat([side.flatten(1) for side in sides], dim=1)


def table(pictures: Tensor, is_real: np.ndarray) -> str:
    """What each measure alone gives away, most first."""
    rows = []
    for name, values in measures(pictures).items():
        score = float(roc_auc_score(is_real, values.numpy()))
        drawn, real = (np.percentile(values.numpy()[is_real == side], [10, 50, 90]) for side in (0, 1))
        rows.append((abs(score - 0.5), f"| {name} | {score:.3f} | {text(drawn)} | {text(real)} |"))
    head = (
        "| measure | AUROC (real is more) | drawn: 10, 50, 90 % | real: 10, 50, 90 % |\n|---|---|---|---|\n"
    )
    return head + "\n".join(row for _, row in sorted(rows, reverse=True))


def text(values: np.ndarray) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def save_sheet(
    path: Path, drawn: Dataset, real: Dataset, from_drawn: list[int], from_real: list[int]
) -> None:
    """Eight rows of eight pairs: drawn left, real right."""
    random = np.random.default_rng(1)
    chosen = np.sort(random.permutation(len(from_drawn))[:64])
    images, captions = [], []
    for place in chosen:
        a, b = from_drawn[place], from_real[place]
        images += [drawn.images[a], real.images[b]]
        captions += [drawn.records[a].label, "real"]
    Image.fromarray(contact_sheet(images, captions, columns=16, cell=80)).save(path)


if __name__ == "__main__":
    main()
