"""Which pictures of GTSRB's official test show the same sign, recovered from the pictures themselves.

    python benchmarks/official_test_signs.py [--steps 300] [--write]

The official test came without track numbers, but it is made of tracks of 30 frames as the training set is:
every class has a multiple of 30 pictures, 421 signs in all.  A small network learns on two thirds of the
training tracks to put frames of one track near each other (supervised contrastive loss, Khosla et al. 2020).
Within a class, likeness spreads along each picture's nearest neighbours (Zhou et al. 2003), and pictures are
dealt out to groups of exactly 30.  The same is done with the third of the training tracks that the network
never saw, whose signs are known: how well it holds there, pair by pair, is printed.

--write keeps the numbers in the package, where data/sources/gtsrb.py reads them.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.data.cache import load_pixels
from roadworthy.data.records import Record
from roadworthy.data.sources.gtsrb import TEST_SIGNS
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec

FRAMES = 30
SIDE = 32
CLASSES, TRACKS, OF_EACH = 3, 12, 6  # of a batch: classes, tracks of each, frames of each of those
RATE, TEMPERATURE = 2e-3, 0.1
NEIGHBOURS, SPREAD = 5, 0.99
HELD_OUT_EVERY = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.manual_seed(0)
    records = read_records("gtsrb:")
    held_out = [r for r in records if r.split == "train" and _number(r) % HELD_OUT_EVERY == 0]
    learnt = [r for r in records if r.split == "train" and _number(r) % HELD_OUT_EVERY]
    network = learn(_pictures(learnt), [r.group for r in learnt], asked.steps)

    sizes = Counter(record.group for record in held_out)
    held_out = [record for record in held_out if sizes[record.group] == FRAMES]
    precision = check(recovered(network, held_out), held_out)

    test = sorted((r for r in records if r.split == "test"), key=lambda r: r.path)
    signs = recovered(network, test)
    print(f"official test: {len(test):,} pictures in {signs.max() + 1} groups, {_digest(signs)}")
    if asked.write:
        labels = [test[int(np.flatnonzero(signs == sign)[0])].label for sign in range(signs.max() + 1)]
        np.savez_compressed(
            TEST_SIGNS, signs=signs.astype(np.uint16), labels=np.array(labels), precision=precision
        )
        print(f"{TEST_SIGNS}: {TEST_SIGNS.stat().st_size / 1e3:.1f} kB")


def check(found: IntArray, records: Sequence[Record]) -> float:
    """The precision of all pairs; also say how well the groups are the tracks, in the worst class too."""
    truth = np.array([record.group for record in records])
    precision, recall = pairwise(found, truth)
    print(f"check on {len(set(truth))} tracks that the network never saw, {len(truth):,} pictures:")
    print(f"  of the pairs put together {precision:.2%} show one sign")
    print(f"  of the pairs that show one sign {recall:.2%} are put together")
    of_class = {label: pairwise(found[own], truth[own])[0] for label, own in _by_class(records).items()}
    worst = min(of_class, key=lambda label: of_class[label])
    print(f"  the worst class is {worst}: {of_class[worst]:.2%}")
    return precision


def learn(images: Tensor, tracks: Sequence[str], steps: int) -> nn.Module:
    """A network whose outputs are near each other for frames of one track.

    images: (N, 3, S, S) uint8.  tracks: (N,) names that begin with the class's.
    """
    rng = np.random.default_rng(0)
    members: dict[str, list[NDArray[np.int64]]] = {}
    names = np.array(tracks)
    for track in np.unique(names):
        members.setdefault(track.partition("_")[0], []).append(np.flatnonzero(names == track))
    of_class = [own for own in members.values() if len(own) > 1]
    shares = np.array([len(own) for own in of_class]) / sum(map(len, of_class))
    network = _network().train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    for step in range(steps):
        drawn = [
            (100 * c + int(t), rng.choice(of_class[c][t], OF_EACH, replace=False))
            for c in rng.choice(len(of_class), CLASSES, replace=False, p=shares)
            for t in rng.permutation(len(of_class[c]))[:TRACKS]
        ]
        same = torch.tensor([track for track, _ in drawn]).repeat_interleave(OF_EACH)
        loss = contrastive(network(_floats(images[np.concatenate([own for _, own in drawn])])), same)
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            print(f"step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)
    return network.eval()


def contrastive(outputs: Tensor, tracks: Tensor) -> Tensor:
    """Supervised contrastive loss.  outputs: (N, D).  tracks: (N,).  Source: Khosla et al. 2020, eq. 2."""
    unit = functional.normalize(outputs)
    itself = torch.eye(len(tracks), dtype=torch.bool)
    likeness = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -1e9)
    log_share = likeness - likeness.logsumexp(1, keepdim=True)
    together = (tracks[:, None] == tracks) & ~itself
    return -((log_share * together).sum(1) / together.sum(1)).mean()


def recovered(network: nn.Module, records: Sequence[Record]) -> IntArray:
    """(N,) a number for the sign that each picture shows, from 0, class by class."""
    images, signs, first = _pictures(records), np.empty(len(records), np.int64), 0
    for own in _by_class(records).values():
        count = len(own) // FRAMES
        with torch.no_grad():
            unit = functional.normalize(network(_floats(images[own]))).double().numpy()
        signs[own] = first + dealt(spread_likeness(unit @ unit.T), count)
        first += count
    return signs


def spread_likeness(likeness_NN: FloatArray) -> FloatArray:
    """Likeness by way of nearest neighbours, scaled so that each picture is 1 to itself.

    Source: Zhou et al. 2003, eq. 4, on the graph of each picture's NEIGHBOURS nearest.
    """
    n = len(likeness_NN)
    nearest = np.argsort(-likeness_NN, axis=1)[:, 1 : NEIGHBOURS + 1]
    rows = np.arange(n)[:, None]
    edges = np.zeros((n, n))
    edges[rows, nearest] = np.exp((likeness_NN[rows, nearest] - 1) / TEMPERATURE)
    edges = (edges + edges.T) / 2
    degrees = np.sqrt(edges.sum(axis=1))
    walked = np.linalg.inv(np.eye(n) - SPREAD * edges / np.outer(degrees, degrees))
    own = np.sqrt(np.diag(walked))
    return np.asarray(walked / np.outer(own, own))


def dealt(likeness_NN: FloatArray, count: int) -> IntArray:
    """(N,) which of `count` groups of equal size: Ward's, then moved to the group that each is most like."""
    values, vectors = np.linalg.eigh(likeness_NN)
    places = vectors[:, -count:] * np.sqrt(np.maximum(values[-count:], 0))
    groups = np.asarray(fcluster(linkage(places, "ward"), count, "maxclust")) - 1
    for _ in range(30):
        like = np.stack([likeness_NN[:, groups == group].mean(axis=1) for group in range(count)], axis=1)
        _, seats = linear_sum_assignment(-np.repeat(like, FRAMES, axis=1))
        if (groups == seats // FRAMES).all():
            break
        groups = seats // FRAMES
    return np.asarray(groups, np.int64)


def pairwise(found: IntArray, true: Sequence[str] | NDArray[np.str_]) -> tuple[float, float]:
    """Precision and recall of pairs: put together and of one sign, of those put together, of those of one."""
    _, truth = np.unique(np.asarray(true), return_inverse=True)
    _, both = np.unique(np.stack([found, truth]), axis=1, return_counts=True)

    def pairs(counts: IntArray) -> float:
        return float((counts * (counts - 1)).sum()) / 2

    right = pairs(both)
    return right / pairs(np.bincount(found)), right / pairs(np.bincount(truth))


def _network() -> nn.Sequential:
    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]

    blocks = [(3, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 2)]
    layers = [layer for shape in blocks for layer in block(*shape)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * (SIDE // 8) ** 2, 128))


def _pictures(records: Sequence[Record]) -> Tensor:
    pixels = load_pixels(records, InputSpec(size=SIDE, resize="bilinear"))
    return torch.from_numpy(np.array(pixels.images)).permute(0, 3, 1, 2)


def _floats(images: Tensor) -> Tensor:
    return images.float() / 255 - 0.5


def _number(record: Record) -> int:
    return int(record.group.partition("_")[2])


def _by_class(records: Sequence[Record]) -> dict[str, IntArray]:
    labels = np.array([record.label for record in records])
    return {str(label): np.flatnonzero(labels == label) for label in np.unique(labels)}


def _digest(signs: IntArray) -> str:
    return hashlib.sha256(signs.astype(np.uint16).tobytes()).hexdigest()[:12]


if __name__ == "__main__":
    main()
