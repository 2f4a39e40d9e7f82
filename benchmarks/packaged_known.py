"""What the packaged reader's confidence is worth on validation: what accuracy without labels is held to.

    python benchmarks/packaged_known.py [--write]

The photographs are the validation cut of its recipe, the drawings those of other-val, of Australia and of all
countries.  --write puts it into both bundles, as every export does by itself; a bundle that was exported
before has none.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

import numpy as np
import onnx

from roadworthy import api
from roadworthy.config import DataConfig, load_config
from roadworthy.core.predictions import probabilities
from roadworthy.data.open import open_dataset, open_splits
from roadworthy.evaluate.drift import known_of
from roadworthy.evaluate.metrics import sign_indices
from roadworthy.inference.bundle import read_bundle, windows_path, write_bundle
from roadworthy.inference.network import all_logits
from roadworthy.inference.onnx import packaged

DRAWN = "rendered:au?recipe=other-val&per_class=32,rendered:all?recipe=other-val&per_class=32"
RECIPE = "recipes/packaged.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    path = packaged()
    assert path is not None, "this copy comes without a reader"
    reader = api.load()
    cut = load_config(RECIPE).data.val_fraction
    photographs = open_splits(DataConfig(spec="gtsrb:", val_fraction=cut), reader.spec, with_test=False).val
    drawn, _ = open_dataset(DataConfig(spec=DRAWN), reader.spec, reader.classes, skip_unknown=True)
    confidences, right, signs = [], [], []
    for number, data in enumerate((photographs, drawn)):
        logits = all_logits(reader, np.asarray(data.images), 512)
        targets = np.array([reader.classes.index(name) for name in data.classes])[data.targets]
        confidences.append(probabilities(logits, reader.temperature).max(axis=1))
        right.append(logits.argmax(axis=1) == targets)
        own = sign_indices([record.group for record in data.records], data.targets)
        own = np.arange(len(data)) if own is None else own
        signs += [f"{number}:{sign}" for sign in own.tolist()]
    known = known_of(np.concatenate(confidences), np.concatenate(right), signs)
    print(known)
    for file in (path, windows_path(path)) if asked.write else ():
        network = onnx.load(file)
        manifest = read_bundle(file).manifest
        del network.metadata_props[:]  # the old manifest and seal
        write_bundle(network.SerializeToString(), replace(manifest, known=asdict(known)), file)
        print(f"written: {file}")


if __name__ == "__main__":
    main()
