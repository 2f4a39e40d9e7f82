"""From which score on the packaged finder shows a box, and accepts what the packaged reader says of it.

    python benchmarks/finding_rule.py [--write]

Both thresholds are chosen anew on validation frames of GTSDB and voc877, as `train` chooses them, which is
needed whenever the reader changes: an answer counts by the product of both confidences.  --write puts them
into find.onnx.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import onnx

from roadworthy import api
from roadworthy.config import DataConfig, load_config
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.data.open_frames import open_own_split
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.inference.bundle import read_bundle, write_bundle
from roadworthy.inference.finder import packaged_finder
from roadworthy.inference.onnx_finder import load_finder
from roadworthy.workflows.find_frames import results
from roadworthy.workflows.find_training import chosen_rule

SPEC = "gtsdb:?corrections=ours,voc:frames/voc877?corrections=ours"
ASKED = {"false_per_frame": 0.3, "sure_wrong": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description="Thresholds of the packaged finder, on validation.")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    path = packaged_finder()
    if path is None:
        parser.error("this copy comes without a finder")
    config = load_config(finding=ASKED)
    frames = open_own_split(DataConfig(spec=SPEC), "val")
    finder, reader = load_finder(path), api.load()
    found = results(finder, frames, reader=reader)
    rule = chosen_rule(found, config)
    print(f"before: {finder.rule}\nnow:    {rule}")
    for said, one in (("before", finder.rule), ("now", rule)):
        again = results(finder, frames, reader=reader, sure=one.sure)
        predictions = FinderPredictions(frames=again, threshold=one.threshold)
        metrics = compute_finder_metrics(predictions, split="val", config=config.evaluate)
        print(said, metrics)
    if asked.write:
        manifest = read_bundle(path).manifest
        network = onnx.load(path)
        del network.metadata_props[:]  # the old manifest and seal
        write_bundle(network.SerializeToString(), replace(manifest, finding=rule), path)
        print(f"written: {path}")


if __name__ == "__main__":
    main()
