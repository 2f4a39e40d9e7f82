"""Answers for pictures by the million: Parquet files, written in parts by several workers, resumable.

A folder of answers holds `part-NNNNN.parquet` and `_plan/`: the request and the paths of each part.  A part
is done when its file is there, so a command that was stopped continues with the missing parts.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

from roadworthy import __version__
from roadworthy.core.errors import ConfigError, ScoringError, UnknownNameError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import alone, make_folder, replacing, write_json
from roadworthy.core.paths import StrPath
from roadworthy.core.processes import end_with_parent
from roadworthy.core.progress import Progress
from roadworthy.core.ray import connect, ray_or_say_so
from roadworthy.imaging.decode import MAX_PIXELS
from roadworthy.inference.answers import Row
from roadworthy.inference.bundle import read_bundle, windows_path
from roadworthy.inference.classifier import load, model_file, refuse_unused
from roadworthy.inference.finder import finder_file, is_packaged
from roadworthy.inference.inputs import expand_inputs

PART = 10_000  # pictures: half a minute of work for one process, and a few hundred kilobytes
ATTEMPTS = 3  # at a part whose process dies
PLAN = "_plan"  # what reads folders of Parquet passes over names with a _
VERSION = 3  # 3: signs are found by a finder


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of every picture.  Paths are absolute: workers may stand elsewhere.

    sha256, closer, finder: of the model, of the bundle beside it that looks closer, and of what finds signs,
    as they name themselves.  finder_path: where that is; empty for the packaged one.
    """

    model: str
    inputs: tuple[str, ...]
    sha256: str
    closer: str
    finder: str
    finder_path: str
    find: bool
    top: int
    max_pixels: int
    part: int
    least_px: float | None = None
    version: int = VERSION


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a folder of answers holds.

    kept: pictures of them that were answered by an earlier command.
    """

    folder: Path
    parts: int
    pictures: int
    unreadable: int
    kept: int


def score(
    model: str | os.PathLike[str] | None,
    inputs: Sequence[str],
    out: Path,
    *,
    find: bool = False,
    finder: StrPath | None = None,
    least_px: float | None = None,
    top: int = 3,
    max_pixels: int = MAX_PIXELS,
    on: str = "local",
    jobs: int = 1,
    part: int = PART,
    progress: Progress | None = None,
) -> Scored:
    """Answer for every picture that `inputs` name, into the folder `out` (api.score tells the rules)."""
    if part < 1:
        raise UsageError(f"part is {part}; a part has at least 1 picture")
    weights = model is not None and (Path(model).is_dir() or Path(model).suffix.lower() == ".safetensors")
    further = [*(["train"] if weights else []), *(["cluster"] if on == "ray" else [])]
    require("writing answers as Parquet files", "parquet", *further)
    workers = _workers(on, jobs)
    chosen = model_file(model)
    beside = windows_path(chosen)
    refuse_unused(find, finder, least_px)
    request = Request(
        model=os.path.abspath(chosen),  # noqa: PTH100 - Path.absolute keeps '..'
        inputs=tuple(_absolute(given) for given in inputs),
        sha256=_identity(chosen),
        closer=_identity(beside) if beside.is_file() else "",
        finder=_identity(finder_file(finder)) if find else "",
        finder_path="" if is_packaged(finder) else os.path.abspath(finder_file(finder)),  # noqa: PTH100
        find=find,
        top=top,
        max_pixels=max_pixels,
        part=part,
        least_px=least_px,
    )
    classifier = load(model, finder=finder)
    if find:
        classifier.finder  # noqa: B018 - says where it cannot be opened
    if not (out / PLAN / "request.json").is_file():
        if out.is_dir() and any(path.name != PLAN for path in out.iterdir()):
            raise UsageError(f"{out} is not empty and holds no answers to continue from; name a new folder")
        # Raises where there are none: before a folder is made.
        expand_inputs(request.inputs, or_model=model is None)
    with alone(make_folder(out / PLAN)):
        return _carry_out(request, out, workers, progress)


def _carry_out(request: Request, out: Path, workers: _Workers, progress: Progress | None) -> Scored:
    sizes = _planned(request, out)
    missing = [number for number in range(len(sizes)) if not _part(out, number).is_file()]
    kept = done = sum(sizes) - sum(sizes[number] for number in missing)
    if progress is not None:
        progress(done, sum(sizes))
    with closing(workers.carry_out(missing, request, out)) as finished:
        for number in finished:
            done += sizes[number]
            if progress is not None:
                progress(done, sum(sizes))
    return Scored(
        folder=out, parts=len(sizes), pictures=sum(sizes), unreadable=_unreadable(out, len(sizes)), kept=kept
    )


def _identity(model: Path) -> str:
    """A bundle's own SHA-256, which the service tells too; a checkpoint's is its file's."""
    if model.suffix.lower() == ".onnx":
        return read_bundle(model).sha256
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _absolute(given: str) -> str:
    mark = "@" if given.startswith("@") and not Path(given).exists() else ""
    return mark + os.path.abspath(given.removeprefix(mark))  # noqa: PTH100 - of a glob as well


def _part(out: Path, number: int) -> Path:
    return out / f"part-{number:05d}.parquet"


def _paths(out: Path, number: int) -> Path:
    return out / PLAN / f"part-{number:05d}.json"


def _planned(request: Request, out: Path) -> list[int]:
    """How many pictures each part has; the paths are listed once, so that files that come later move none."""
    asked = json.loads(json.dumps(asdict(request)))
    stored = out / PLAN / "request.json"
    if stored.is_file():
        held = json.loads(stored.read_text(encoding="utf-8"))
        sizes: list[int] = held.pop("pictures")
        moved = ("model", "finder_path")  # files may be
        other = [name for name in asked if name not in moved and held.get(name) != asked[name]]
        if other:
            raise UsageError(
                f"{out} holds answers to something else: {other[0]} was {held.get(other[0])}, "
                f"and is {asked[other[0]]}; name another folder"
            )
        return sizes
    names, sizes = expand_inputs(request.inputs), []
    while part := [str(path) for path in islice(names, request.part)]:
        # Escaped: a name need not be valid text.
        try:
            _paths(out, len(sizes)).write_text(json.dumps(part), encoding="utf-8")
        except OSError as error:
            raise ScoringError(
                f"what is to be done cannot be written to {out / PLAN}: {error.strerror or error}; nothing "
                "was answered yet"
            ) from error
        sizes.append(len(part))
    write_json({**asked, "pictures": sizes}, stored)  # last: a plan without it is made anew
    return sizes


class _Scorer:
    """A worker's model, and what it does with a part."""

    def __init__(self, request: Request, out: Path, threads: int) -> None:
        self._request, self._out = request, out
        finder = request.finder_path or None
        self._classifier = load(request.model, threads=threads, finder=finder)

    def __call__(self, number: int) -> int:
        """Answer for the pictures of one part; its file appears whole or not at all."""
        request = self._request
        paths = json.loads(_paths(self._out, number).read_text(encoding="utf-8"))
        rows = self._classifier.answers(
            paths,
            find=request.find,
            least_px=request.least_px,
            top=request.top,
            max_pixels=request.max_pixels,
        )
        try:
            with replacing(_part(self._out, number)) as aside:
                _write(rows, request, aside)
        except OSError as error:
            raise ScoringError(
                f"the answers cannot be written to {self._out}: {error.strerror or error}; what is there is "
                "kept, and the same command goes on"
            ) from error
        return number


def _write(rows: Iterable[Row], request: Request, file: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    answer = pa.struct([("class", pa.string()), ("confidence", pa.float32())])
    about = {"roadworthy": __version__, "model": Path(request.model).name, "sha256": request.sha256}
    schema = pa.schema(
        [
            ("path", pa.string()),
            ("error", pa.string()),
            ("predicted", pa.dictionary(pa.int32(), pa.string())),
            ("kind", pa.dictionary(pa.int32(), pa.string())),
            ("value", pa.int32()),
            ("confidence", pa.float32()),
            ("accepted", pa.bool_()),
            ("alternatives", pa.list_(answer)),
            ("box", pa.list_(pa.float32())),
            ("found", pa.float32()),
            ("reason", pa.string()),
        ],
        metadata=about,
    )
    cells = [{**row.to_dict(), "path": _printable(row.path)} for row in rows]
    table = pa.Table.from_pylist(cells, schema=schema)
    parquet.write_table(table, file, compression="zstd")


def _printable(path: str) -> str:
    """A name that is no valid text, as Parquet wants it: odd bytes as backslash escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unreadable(out: Path, parts: int) -> int:
    from pyarrow import parquet

    errors = (parquet.read_table(_part(out, number), columns=["error"])["error"] for number in range(parts))
    return sum(len(column) - column.null_count for column in errors)


class _Workers(ABC):
    """Carry out parts, each a process's, and tell which are done."""

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ConfigError(f"--jobs is {jobs}; use 1 or more")
        self.jobs = jobs

    @abstractmethod
    def carry_out(self, parts: Sequence[int], request: Request, out: Path) -> Generator[int]:
        """The numbers of the parts, as they are done."""


class _Pool(_Workers):
    """Processes of this machine.  One that dies is replaced, and what it was at is done again."""

    def carry_out(self, parts: Sequence[int], request: Request, out: Path) -> Generator[int]:
        """With one process that dies the whole pool does; the parts lost are then tried one at a time.

        So a picture that ends its process is found, and costs no other part: ScoringError comes at the end.
        """
        waiting, lost, given_up = deque(parts), deque[int](), list[int]()
        attempts: Counter[int] = Counter()
        pool: ProcessPoolExecutor | None = None
        running: dict[Future[int], int] = {}
        try:
            while waiting or lost or running:
                if pool is None:
                    pool = self._new(request, out, len(parts))
                room = 1 if lost else self.jobs
                try:
                    while len(running) < room and (lost or waiting):
                        queue = lost or waiting
                        running[pool.submit(_answer, queue[0])] = queue[0]
                        attempts[queue.popleft()] += 1
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        number = future.result()
                        del running[future]
                        yield number
                except BrokenProcessPool:
                    pool = None
                    for number in running.values():
                        (given_up if attempts[number] == ATTEMPTS else lost).append(number)
                    running = {}
        finally:
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)
        if given_up:
            raise ScoringError(
                f"the process that answered for the pictures of {_paths(out, given_up[0])} died {ATTEMPTS} "
                f"times{f', and so for {len(given_up) - 1} more parts' if given_up[1:] else ''}; is there "
                "enough memory? All other pictures are answered, and the same command tries these again"
            )

    def _new(self, request: Request, out: Path, parts: int) -> ProcessPoolExecutor:
        processes = max(1, min(self.jobs, parts))
        threads = max(1, (os.cpu_count() or 1) // processes)
        return ProcessPoolExecutor(
            processes, get_context("spawn"), initializer=_open, initargs=(request, out, threads)
        )


_scorer: _Scorer | None = None  # of a process of the pool


def _open(request: Request, out: Path, threads: int) -> None:
    global _scorer
    end_with_parent()
    _scorer = _Scorer(request, out, threads)


def _answer(number: int) -> int:
    assert _scorer is not None
    return _scorer(number)


class _Cluster(_Workers):
    """Ray Data: on the cluster that RAY_ADDRESS names, or on this machine's cores.

    The folder of answers, the pictures and the model must be where all machines see them.
    """

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs)
        ray_or_say_so("answering on Ray")  # before anything is planned

    def carry_out(self, parts: Sequence[int], request: Request, out: Path) -> Generator[int]:
        """Ray starts lost workers anew, and gives their parts to others meanwhile."""
        if not parts:
            return
        ray = connect("answering on Ray")
        from ray.data import ActorPoolStrategy, DataContext, from_items

        try:
            DataContext.get_current().enable_progress_bars = False
            workers = min(self.jobs, len(parts))
            threads = max(1, int(ray.cluster_resources().get("CPU", 1)) // workers)
            done = from_items(list(parts), override_num_blocks=len(parts)).map(
                cast("Any", _RayScorer),  # its types know functions alone
                max_task_retries=ATTEMPTS,
                fn_constructor_args=(request, out.absolute(), threads),
                compute=ActorPoolStrategy(size=workers),
                num_cpus=threads,
            )
            for row in done.iter_rows():
                yield row["item"]
        except ray.exceptions.RayError as error:
            cause = str(error).strip().splitlines()[-1]
            raise ScoringError(
                f"the cluster gave up: {cause}. What was answered is kept, and the same command goes on"
            ) from error
        finally:
            ray.shutdown()


class _RayScorer(_Scorer):
    """The same, with a part's number as Ray Data hands it over."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        """Answer for the pictures of the part that the row names."""
        return {"item": super().__call__(int(row["item"]))}


WORKERS = {"local": _Pool, "ray": _Cluster}


def _workers(on: str, jobs: int) -> _Workers:
    if on not in WORKERS:
        raise UnknownNameError("executor", on, WORKERS)
    return WORKERS[on](jobs)
