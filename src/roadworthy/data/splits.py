"""Training, validation and test: which picture belongs where.  No split cuts through a track.

Random choices are hashes of the seed and the track's name, so that the same records in any order give
the same split, and further pictures move few of the old ones.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.records import SPLITS, Record

AUTO_TEST = 0.2  # of the tracks, where a set has no test pictures of its own
Splits = dict[str, list[Record]]
_Track = tuple[str, list[Record]]  # the track's name and its pictures


def parse_split(text: str) -> tuple[float, float, float]:
    """`0.7/0.1/0.2`, `70/10/20` or `0.8/0.2` (no test) as fractions for train, val and test."""
    hint = (
        f"data.split is {text!r}; use auto, or train/val/test like 0.7/0.1/0.2, or train/val like 80/20, "
        "or fold=2/5"
    )
    try:
        parts = [float(part) for part in text.split("/")]
    except ValueError:
        raise ConfigError(hint) from None
    if len(parts) not in (2, 3) or not all(math.isfinite(part) and part >= 0 for part in parts):
        raise ConfigError(hint)
    whole = 100.0 if sum(parts) > 1.5 else 1.0
    if abs(sum(parts) - whole) > 1e-3 * whole:
        raise ConfigError(f"{hint}; the parts must add up to 1 or to 100, yours add up to {sum(parts):g}")
    train, val, test = ([part / sum(parts) for part in parts] + [0.0])[:3]
    if train <= 0:
        raise ConfigError(f"{hint}; the part for training must be above 0")
    return train, val, test


def parse_fold(text: str) -> tuple[int, int] | None:
    """`fold=2/5` as (2, 5): which fold, counted from 1, of how many; None for any other rule."""
    if not text.startswith("fold="):
        return None
    number, slash, folds = text.removeprefix("fold=").partition("/")
    if not (slash and number.isdecimal() and folds.isdecimal() and 1 <= int(number) <= int(folds)):
        raise ConfigError(f"data.split is {text!r}; write a fold like fold=2/5, the second of five")
    return int(number), int(folds)


def split_records(
    records: Iterable[Record],
    split: str = "auto",
    split_by: str = "track",
    seed: int = 0,
    val_fraction: float = 0.1,
) -> Splits:
    """Records by split, each list ordered by path; the rules are DataConfig's.

    Tracks are divided class by class, sizes counted in pictures.  A class with two or more tracks has one in
    every part, as far as its tracks go (train first, then val, then test); a class with one track stays
    in train.  A record without a group is a track of its own.
    """
    everything = sorted(records, key=_order)
    pinned = [record for record in everything if record.pinned]
    ordered = [record for record in everything if not record.pinned]
    parts = _split(ordered, split, split_by, seed, val_fraction)
    if pinned:
        parts = {
            name: sorted([*part, *(r for r in pinned if r.split == name)], key=_order)
            for name, part in parts.items()
        }
    return parts


def _split(ordered: list[Record], split: str, split_by: str, seed: int, val_fraction: float) -> Splits:
    if fold := parse_fold(split):
        return _fold(ordered, *fold, split_by, seed, val_fraction)
    if split != "auto":
        return _cut(ordered, parse_split(split), split_by, seed)
    if not 0 <= val_fraction < 1 - AUTO_TEST:
        raise ConfigError(
            f"data.val_fraction is {val_fraction:g}; it must be at least 0 and below {1 - AUTO_TEST:g}"
        )
    result: Splits = {name: [] for name in SPLITS}
    # Each source of a mixture keeps its own rules: one may bring an official test and the next none.
    for source in sorted({record.source for record in ordered}):
        part = _auto([record for record in ordered if record.source == source], split_by, seed, val_fraction)
        for name in SPLITS:
            result[name] += part[name]
    return {name: sorted(part, key=_order) for name, part in result.items()}


def _auto(records: list[Record], split_by: str, seed: int, val_fraction: float) -> Splits:
    own: Splits = {name: [] for name in SPLITS}
    for record in records:
        own[record.split or "train"].append(record)
    if own["val"]:
        return own
    if own["test"]:
        return {
            **_cut(own["train"], (1 - val_fraction, val_fraction, 0.0), split_by, seed),
            "test": own["test"],
        }
    return _cut(records, (1 - AUTO_TEST - val_fraction, val_fraction, AUTO_TEST), split_by, seed)


def _fold(
    records: list[Record], number: int, folds: int, split_by: str, seed: int, val_fraction: float
) -> Splits:
    own = [record for record in records if record.split != "test"]
    rest, held_out = next(islice(kfold(own, folds, seed, split_by), number - 1, None))
    return {**_cut(rest, (1 - val_fraction, val_fraction, 0.0), split_by, seed), "test": held_out}


def _cut(records: list[Record], fractions: tuple[float, float, float], split_by: str, seed: int) -> Splits:
    result: Splits = {name: [] for name in SPLITS}
    for tracks in _tracks_by_class(records, _unit(split_by), seed).values():
        for name, chosen in zip(SPLITS, _allot(tracks, fractions), strict=True):
            for _, pictures in chosen:
                result[name] += pictures
    return {name: sorted(part, key=_order) for name, part in result.items()}


def _allot(tracks: list[_Track], fractions: tuple[float, float, float]) -> tuple[list[_Track], ...]:
    """One class's tracks for train, val and test."""
    total = sum(len(pictures) for _, pictures in tracks)
    wanted = [name for name in ("val", "test") if fractions[SPLITS.index(name)] > 0]
    rest, parts = list(tracks), {"val": list[_Track](), "test": list[_Track]()}
    for i, name in enumerate(wanted):
        # One track must be left for train and one for each part still to come, as far as there are enough.
        spare = len(rest) - 1 - (len(wanted) - 1 - i if len(tracks) > len(wanted) else 0)
        parts[name] = _pick(rest, fractions[SPLITS.index(name)] * total, spare)
        taken = {track for track, _ in parts[name]}
        rest = [track for track in rest if track[0] not in taken]
    return rest, parts["val"], parts["test"]


def _pick(tracks: list[_Track], target: float, most: int) -> list[_Track]:
    """Tracks with `target` pictures as nearly as their order allows: at least one, never above `most`."""
    if most < 1:
        return []
    chosen: list[_Track] = []
    count = 0
    for track in tracks:
        if len(chosen) < most and count + len(track[1]) / 2 <= target:
            chosen.append(track)
            count += len(track[1])
    return chosen or [min(tracks, key=lambda track: abs(len(track[1]) - target))]


def kfold(
    records: Iterable[Record], k: int, seed: int = 0, split_by: str = "track"
) -> Iterator[tuple[list[Record], list[Record]]]:
    """k pairs (train, held out) that never cut a track; every record is held out exactly once.

    Each class's tracks are dealt largest first to the fold that has fewest of its pictures, so folds agree
    in their class balance as far as tracks allow.
    """
    ordered = sorted(records, key=_order)
    by_class = _tracks_by_class(ordered, _unit(split_by), seed)
    tracks = sum(map(len, by_class.values()))
    if not 2 <= k <= tracks:
        raise DataError(f"{k} folds cannot be made of {tracks} tracks; use from 2 to {tracks}")
    folds: list[list[Record]] = [[] for _ in range(k)]
    for label in sorted(by_class):
        counts = [0] * k
        for _, pictures in sorted(by_class[label], key=lambda track: -len(track[1])):
            fold = min(range(k), key=lambda f: (counts[f], len(folds[f]), f))
            folds[fold] += pictures
            counts[fold] += len(pictures)
    return (
        (
            sorted((r for other in folds if other is not fold for r in other), key=_order),
            sorted(fold, key=_order),
        )
        for fold in folds
    )


def split_notes(splits: Splits) -> tuple[str, ...]:
    """What a person should know of a split: classes missing from a part, tracks cut through."""
    notes = []
    labels = {name: {record.label for record in part} for name, part in splits.items()}
    for name in ("val", "test"):
        missing = sorted(labels["train"] - labels[name])
        if splits[name] and missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            notes.append(f"no {name} pictures of {shown}: too few tracks, or none in the data's own split")
    parts_of_group: dict[str, set[str]] = defaultdict(set)
    for name, part in splits.items():
        for record in part:
            if record.group:
                parts_of_group[record.group].add(name)
    cut = sum(len(parts) > 1 for parts in parts_of_group.values())
    if cut:
        notes.append(
            f"{cut:,} of {len(parts_of_group):,} tracks lie in more than one split: "
            "scores on these splits are too good"
        )
    return tuple(notes)


def _tracks_by_class(
    records: Sequence[Record], unit: Callable[[Record], str], seed: int
) -> dict[str, list[_Track]]:
    """Tracks in random order under the label that most of their pictures bear."""
    tracks: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        tracks[unit(record)].append(record)
    by_class: dict[str, list[_Track]] = defaultdict(list)
    for name in sorted(tracks, key=lambda name: (_draw(seed, name), name)):
        labels = Counter(record.label for record in tracks[name])
        by_class[min(labels, key=lambda label: (-labels[label], label))].append((name, tracks[name]))
    return by_class


def _unit(split_by: str) -> Callable[[Record], str]:
    if split_by == "track":
        return lambda record: f"group {record.group}" if record.group else f"path {record.path}"
    if split_by == "image":
        return lambda record: f"{record.path} {record.box}"
    raise ConfigError(f"data.split_by is {split_by!r}; use track or image")


def _draw(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode(errors="surrogateescape"), digest_size=8).digest()


def _order(record: Record) -> tuple[str, str, str]:
    return record.path, str(record.box), record.label
