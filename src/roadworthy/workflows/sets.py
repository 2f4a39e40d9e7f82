"""Two sets compared, and a set's labels mapped to ours."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from roadworthy.config import DataConfig
from roadworthy.core.files import make_folder, write_csv
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.data.overlap import Overlap, overlap
from roadworthy.data.propose_map import propose
from roadworthy.data.records import Record


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


def propose_map(data: DataConfig, out: StrPath) -> Path:
    """A table of classes for a set, to be corrected by hand and read with `?map=FILE`.

    out: the table to write, with the columns theirs, ours, n (how many signs bear the label) and why.
    """
    from roadworthy.data.spec import read_records

    counts = Counter(record.label for record in read_records(data.spec, data.labels))
    rows = [("theirs", "ours", "n", "why")]
    rows += [
        (one.theirs, one.ours, str(counts[one.theirs]), one.why)
        for one in propose(label for label, _ in counts.most_common())
    ]
    path = as_path(out)
    make_folder(path.parent)
    write_csv(rows, path)
    return path
