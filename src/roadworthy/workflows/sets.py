"""Two sets compared, and a set's labels mapped to ours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import ImageError
from roadworthy.core.files import make_folder, write_csv
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.core.words import plural
from roadworthy.data.overlap import Overlap, overlap
from roadworthy.data.propose_map import Proposal, propose
from roadworthy.data.records import Record

if TYPE_CHECKING:
    from roadworthy.inference.classifier import Classifier

_LOOKED_AT = 24  # pictures of a label that a reader is shown
_AGREE = 0.5  # share of them that must be read as one class


def find_overlap(
    a: DataConfig, b: DataConfig, *, out: StrPath | None = None, progress: Progress | None = None
) -> Overlap:
    """The signs of one set that another shows, too: near-duplicates of what their boxes hold.

    Of frames each box is compared, and each whole frame where both sets have frames.
    b: another set.
    out: a table of the pairs.
    """
    from roadworthy.data.frame_specs import has_frames, read_frames
    from roadworthy.data.spec import read_records

    records = [read_records(data.spec, data.labels) for data in (a, b)]
    if has_frames(a.spec) and has_frames(b.spec):
        for own, data in zip(records, (a, b), strict=True):
            own += [Record(path=f.path, label="frame", fault=f.fault) for f in read_frames(data.spec)]
    found = overlap(*records, progress=progress)
    if out is not None:
        rows = [("path_a", "label_a", "split_a", "group_a", "path_b", "label_b", "split_b", "group_b")]
        for i, j in found.pairs:
            one, two = found.a[i], found.b[j]
            rows.append(
                (
                    *(one.path, one.label, one.split, one.group),
                    *(two.path, two.label, two.split, two.group),
                )
            )
        make_folder(as_path(out).parent)
        write_csv(rows, as_path(out))
    return found


def propose_map(data: DataConfig, out: StrPath, *, model: StrPath | None = None) -> Path:
    """A table of classes for a set, to be corrected by hand and read with `?map=FILE`.

    out: the table to write, with the columns theirs, ours, n (how many signs bear the label) and why.
    model: a bundle, a run folder or `packaged`: reads pictures of the labels that say nothing by themselves.
    """
    from roadworthy.data.spec import read_records

    records = read_records(data.spec, data.labels)
    counts = Counter(record.label for record in records)
    proposals = propose(label for label, _ in counts.most_common())
    if model is not None and not all(one.ours for one in proposals):
        from roadworthy.inference.classifier import load

        reader = load(model)
        proposals = [one if one.ours else _by_looks(one, records, reader) for one in proposals]
    rows = [("theirs", "ours", "n", "why")]
    rows += [(one.theirs, one.ours, str(counts[one.theirs]), one.why) for one in proposals]
    path = as_path(out)
    make_folder(path.parent)
    write_csv(rows, path)
    return path


def _by_looks(proposal: Proposal, records: Sequence[Record], reader: Classifier) -> Proposal:
    """What a reader says of some pictures of a label, taken from all over the set."""
    own = [record for record in records if record.label == proposal.theirs]
    step = -(-len(own) // _LOOKED_AT)
    crops = [crop for record in own[::step] if (crop := _cut_out(record)) is not None]
    rows = reader.predict(crops, on_error="row") if crops else ()
    votes = Counter(row.predicted for row in rows if row.error is None and row.accepted is not False)
    if not votes:
        return replace(
            proposal, why=f"nothing near, and none of {plural(len(crops), 'picture')} is read surely"
        )
    (name, n), *_ = votes.most_common()
    told = f"{n} of {plural(len(crops), 'picture')} read as {name}: look"
    return replace(proposal, ours=name if n >= _AGREE * len(crops) else "", why=told)


def _cut_out(record: Record) -> ByteArray | None:
    """What a box holds, or the picture of a record without one; None where it cannot be read."""
    from roadworthy.imaging.decode import decode

    try:
        image = decode(Path(record.path).read_bytes())
    except (OSError, ImageError):
        return None
    height, width = image.shape[:2]
    x1, y1, x2, y2 = record.box or (0, 0, width, height)
    crop = image[max(int(y1), 0) : math.ceil(y2), max(int(x1), 0) : math.ceil(x2)]
    return crop if min(crop.shape[:2]) > 1 else None
