"""How well drawn streets can be told from real ones, patch by patch: the AUROC of a simple classifier.

    python benchmarks/streets_real.py [--frames 30] [--recipes plain,street] [--patches 24] [--seed 0]

Real: GTSDB's training frames (of 00000 to 00449) under ROADWORTHY_DATA, shrunk to 1,280 pixels in width.
Patches of 64 x 64 pixels are described by histograms of their colours, of the directions and strengths of
their edges and by their spectrum; a random forest judges them, by five-fold cross-validation that cuts
between frames.  0.5 is what nobody can tell apart, 1 what anybody can.  A second figure takes copies of half
the size after JPEG: there the camera's noise and codec tell less, and the shapes more.
"""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.data.drawings import face_tiles
from roadworthy.render.street import draw_frame

WIDTH, HEIGHT, SIDE = 1280, 720, 64
TRAINING = 450  # GTSDB's frames from here on are the test


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--recipes", default="plain,street")
    parser.add_argument("--patches", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(asked.seed)
    faces = face_tiles(("au", "de"), 128)
    real = [real_frame(int(n)) for n in rng.choice(TRAINING, asked.frames, replace=False)]
    print(f"{asked.frames} frames each, {asked.patches} patches of {SIDE} px a frame, seed {asked.seed}")
    print(
        "| recipe | patches | patches, half size after JPEG | frames (mean of patches) |\n|---|---|---|---|"
    )
    for recipe in asked.recipes.split(","):
        drawn = [
            draw_frame(asked.seed, number, recipe, WIDTH, HEIGHT, faces).image
            for number in range(asked.frames)
        ]
        plain = told_apart(real, drawn, asked.patches, asked.seed)
        blind = told_apart([worn(f) for f in real], [worn(f) for f in drawn], asked.patches, asked.seed)
        print(f"| {recipe} | {plain[0]:.3f} | {blind[0]:.3f} | {plain[1]:.3f} |")


def real_frame(number: int) -> ByteArray:
    """A training frame of GTSDB, as wide as the drawn ones, its middle 720 rows."""
    folder = Path(os.environ["ROADWORTHY_DATA"]) / "frames" / "gtsdb"
    with Image.open(folder / f"{number:05d}.webp") as file:
        picture = file.convert("RGB")
    picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    top = (picture.height - HEIGHT) // 2
    return np.array(picture.crop((0, top, WIDTH, top + HEIGHT)))


def worn(image: ByteArray) -> ByteArray:
    """Half the size, then through JPEG."""
    file = io.BytesIO()
    Image.fromarray(image).reduce(2).save(file, "JPEG", quality=75)
    with Image.open(file) as read:
        return np.array(read.convert("RGB"))


def told_apart(real: list[ByteArray], drawn: list[ByteArray], count: int, seed: int) -> tuple[float, float]:
    """AUROC by patches and by frames, each patch judged by a forest that saw nothing of its frame."""
    rng = np.random.default_rng(seed)
    rows, frames, targets = [], [], []
    for number, image in enumerate([*real, *drawn]):
        for _ in range(count):
            y, x = (int(rng.integers(side - SIDE + 1)) for side in image.shape[:2])
            rows.append(described(image[y : y + SIDE, x : x + SIDE]))
            frames.append(number)
            targets.append(number >= len(real))
    features, groups, wanted = np.array(rows), np.array(frames), np.array(targets)
    scores = np.zeros(len(wanted))
    for train, test in GroupKFold(5, shuffle=True, random_state=seed).split(features, wanted, groups):
        forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=seed)
        scores[test] = forest.fit(features[train], wanted[train]).predict_proba(features[test])[:, 1]
    means = [scores[groups == number].mean() for number in range(len(real) + len(drawn))]
    by_frame = roc_auc_score([number >= len(real) for number in range(len(means))], means)
    return float(roc_auc_score(wanted, scores)), float(by_frame)


def described(patch: ByteArray) -> FloatArray:
    """Histograms of brightness, colour, edges' strengths and directions; the fall of the spectrum; grain."""
    levels = patch.astype(np.float64) / 255
    grey = levels.mean(axis=2)
    tints = np.stack([levels[..., 0] - grey, levels[..., 2] - grey])
    down, across = np.gradient(grey)
    strength, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    parts = [np.histogram(grey, 16, (0, 1))[0] / grey.size]
    parts += [np.histogram(tint, 12, (-0.25, 0.25))[0] / tint.size for tint in tints]
    parts.append(np.histogram(np.log10(strength + 1e-4), 16, (-4, 0))[0] / grey.size)
    parts.append(np.histogram(angle, 8, (0, np.pi), weights=strength)[0] / (strength.sum() + 1e-6))
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * np.hanning(SIDE)[:, None] * np.hanning(SIDE))) ** 2
    radius = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    ring = np.clip((radius * 16 / 0.5).astype(int), 0, 15)
    spectrum = np.bincount(ring.ravel(), power.ravel(), 16) / np.bincount(ring.ravel(), minlength=16)
    parts.append(np.log10(spectrum + 1e-6))
    fine = grey[1:-1, 1:-1] * 4 - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    parts.append([fine.std(), np.median(np.abs(fine)), levels.std(axis=(0, 1)).mean(), (grey > 0.98).mean()])
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
