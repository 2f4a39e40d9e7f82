"""The packaged weights as a checkpoint, of the run that its bundle was exported from; trainings start there.

    python benchmarks/packaged_weights.py RUN

Writes src/roadworthy/inference/packaged/crop.safetensors (convolutions and the last layer in half precision,
temperature and threshold of the 8-bit bundle), and says how often it answers as the bundle does.  Run it
again whenever the bundle was made anew.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from roadworthy.config import DataConfig
from roadworthy.data.open import open_dataset
from roadworthy.inference.confidence import accepted
from roadworthy.inference.onnx import load_engine, packaged
from roadworthy.inference.torch import predict_logits
from roadworthy.train.checkpoint import load_checkpoint, save_checkpoint

COMPARED_ON = {
    "gtsrb:": "test",
    "rendered:au+de?recipe=plain&per_class=32&seed=99": "train",
    "rendered:au+de?per_class=32&seed=99": "train",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    path = packaged()
    assert path is not None
    engine = load_engine(path)
    model, card = load_checkpoint(parser.parse_args().run)
    if card.classes != engine.classes:
        raise SystemExit("the packaged bundle has other classes; export this run first")
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.half()
    to = path.with_suffix(".safetensors")
    save_checkpoint(model, replace(card, temperature=engine.temperature, rejection=engine.rejection), to)
    print(f"{to}: {to.stat().st_size:,} bytes")

    stored, _ = load_checkpoint(to)
    for spec, split in COMPARED_ON.items():
        data, _ = open_dataset(DataConfig(spec=spec), engine.spec, engine.classes, split=split)
        before = engine.all_logits(data.images, 64)
        after = predict_logits(stored, data.images, engine.spec)
        same = before.argmax(1) == after.argmax(1)
        sure = accepted(before, engine.temperature, engine.rejection)
        right = [float((logits.argmax(1) == data.targets).mean()) for logits in (before, after)]
        print(
            f"{same.mean():.2%} of {len(data):,} answers as before, {same[sure].mean():.2%} of those "
            f"accepted; right {right[0]:.2%} and {right[1]:.2%}  {spec}"
        )


if __name__ == "__main__":
    main()
