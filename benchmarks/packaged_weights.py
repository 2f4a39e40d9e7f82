"""The packaged model's weights as a checkpoint, recovered from its 8-bit bundle: what `packaged` trains from.

    python benchmarks/packaged_weights.py

Writes src/roadworthy/inference/packaged/crop.safetensors (convolutions and the last layer in half
says how often it answers as the bundle does.  Run it again whenever the bundle was made anew.
"""

from __future__ import annotations

import numpy as np
import torch

from roadworthy.config import DataConfig, ModelConfig
from roadworthy.data.open import open_dataset
from roadworthy.export.recover import recover
from roadworthy.inference.bundle import read_bundle
from roadworthy.inference.confidence import accepted
from roadworthy.inference.onnx import load_engine, packaged
from roadworthy.inference.torch import predict_logits
from roadworthy.train.checkpoint import Card, load_checkpoint, save_checkpoint

MODEL = ModelConfig(width=0.75)  # as recipes/packaged.toml has it
# Pictures as it was trained on, in the recipe's shares.
TRAINED_ON = {
    "gtsrb:": 800,
    "rendered:au+de?per_class=12": 900,
    "rendered:au+de?signs=no-sign&per_class=300&misframed=0.5": 300,
}
COMPARED_ON = {
    "gtsrb:": "test",
    "rendered:au+de?recipe=plain&per_class=32&seed=99": "train",
    "rendered:au+de?per_class=32&seed=99": "train",
}


def main() -> None:
    path = packaged()
    assert path is not None
    bundle, engine = read_bundle(path), load_engine(path)
    rng = np.random.default_rng(0)
    parts = []
    for spec, n in TRAINED_ON.items():
        data, _ = open_dataset(DataConfig(spec=spec), engine.spec, engine.classes, split="train")
        parts.append(np.asarray(data.images)[np.sort(rng.permutation(len(data))[:n])])
    model = recover(bundle, MODEL, np.concatenate(parts))
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.half()
    card = Card(
        model=MODEL,
        classes=engine.classes,
        input=engine.spec,
        temperature=engine.temperature,
        rejection=engine.rejection,
        facts={**bundle.manifest.provenance["trained"], "recovered_from": bundle.sha256},
    )
    to = path.with_suffix(".safetensors")
    save_checkpoint(model, card, to)
    print(f"{to}: {to.stat().st_size:,} bytes")

    recovered, _ = load_checkpoint(to)
    for spec, split in COMPARED_ON.items():
        data, _ = open_dataset(DataConfig(spec=spec), engine.spec, engine.classes, split=split)
        before = engine.all_logits(data.images, 64)
        after = predict_logits(recovered, data.images, engine.spec)
        same = before.argmax(1) == after.argmax(1)
        sure = accepted(before, engine.temperature, engine.rejection)
        right = [float((logits.argmax(1) == data.targets).mean()) for logits in (before, after)]
        print(
            f"{same.mean():.2%} of {len(data):,} answers as before, {same[sure].mean():.2%} of those "
            f"accepted; right {right[0]:.2%} and {right[1]:.2%}  {spec}"
        )


if __name__ == "__main__":
    main()
