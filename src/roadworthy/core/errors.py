"""Everything that Roadworthy raises on purpose.

    RoadworthyError
    ├── UsageError                  wrong usage or input: the CLI prints one line and exits 2
    │   ├── ConfigError             a setting that does not exist, or a value that it cannot take
    │   ├── UnknownNameError        a registry has no such entry; suggests the nearest
    │   ├── MissingExtraError       an optional part is not installed; names the pip command
    │   ├── ShapeError              arrays whose shapes do not fit together
    │   ├── DataError               a data set cannot be read as asked
    │   │   ├── DataNotFoundError   nothing at that place
    │   │   ├── LabelError          a label that the task or the model does not know
    │   │   ├── ImageError          one picture that cannot be decoded
    │   │   └── DownloadError       a download that failed, or was not what was promised
    │   ├── FaceError               a sign face that cannot be drawn
    │   ├── CheckpointError         weights or a run folder that cannot be used
    │   ├── BundleError             an exported file that is damaged, foreign or not safe to load
    │   └── ParityError             an export that does not answer as the network it was made from
    ├── TrainingError               training cannot go on (a loss that is not finite)
    ├── ScoringError                answering for many pictures cannot go on (a worker that keeps dying)
    └── RequirementError            `--require` was not met: the CLI exits 3

Every message says what was wrong, what arrived and what would work.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class RoadworthyError(Exception):
    """Base of everything raised on purpose; `exit_code` is what the CLI ends with."""

    exit_code = 2


class UsageError(RoadworthyError):
    """Wrong usage or input."""


class ConfigError(UsageError):
    """A setting that does not exist, or a value that it cannot take."""


class UnknownNameError(UsageError):
    """A registry or a list of names has no such entry."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        close = difflib.get_close_matches(name, self.known, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        super().__init__(f"{kind} {name!r} is unknown{hint} Known: {', '.join(self.known) or 'none'}")


class MissingExtraError(UsageError):
    """An optional part of Roadworthy is not installed; `extras.require` raises it."""

    def __init__(self, purpose: str, packages: Sequence[str], extras: Sequence[str]) -> None:
        self.packages, self.extras = tuple(packages), tuple(extras)
        *most, last = packages
        named = f"{', '.join(most)} and {last}" if most else last
        are, them = ("are", "them") if most else ("is", "it")
        super().__init__(
            f"{purpose} needs {named}, which {are} not installed; get {them} with: "
            f"pip install 'roadworthy[{','.join(extras)}]'"
        )


class ShapeError(UsageError, ValueError):
    """Arrays whose shapes do not fit together."""


class DataError(UsageError):
    """A data set cannot be read as asked."""


class DataNotFoundError(DataError):
    """Nothing at the place that a data spec names."""


class LabelError(DataError):
    """A label that the task or the model does not know."""


class ImageError(DataError):
    """One picture that cannot be decoded; the message holds the bare fact, the caller adds the path."""


class DownloadError(DataError):
    """A download that failed or was not what was promised."""


class FaceError(UsageError):
    """A sign face that cannot be drawn, or a row of the catalogue that does not fit."""


class CheckpointError(UsageError):
    """Weights or a run folder that cannot be used."""


class BundleError(UsageError):
    """An exported file that is damaged, foreign or not safe to load."""


class ParityError(UsageError):
    """An export that does not answer as the network it was made from."""


class TrainingError(RoadworthyError):
    """Training cannot go on; the last good state is kept."""


class ScoringError(RoadworthyError):
    """Answering for many pictures cannot go on; what was answered is kept."""


class RequirementError(RoadworthyError):
    """A `--require` was not met."""

    exit_code = 3
