"""An export held to the trained network in each runtime it is for, calibrated anew where that differs."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.errors import ParityError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import scratch
from roadworthy.core.predictions import probabilities
from roadworthy.core.rejection import Rejection
from roadworthy.core.words import percent
from roadworthy.evaluate.calibration import fit_temperature
from roadworthy.evaluate.rejection import threshold_for
from roadworthy.export.box_parity import BoxParity, check_full_boxes, check_quantised_boxes
from roadworthy.export.parity import TOLERANCE, check_full, check_quantised, parity
from roadworthy.inference.bundle import Manifest, write_bundle
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.runtimes.catalogue import DEFAULT, runtime_of
from roadworthy.inference.runtimes.engine import RuntimeFinder, fingerprint, open_run
from roadworthy.inference.runtimes.runtime import Run, Runtime, Source

STAYS = 0.98  # least share of pictures that are accepted, or not, as in ONNX Runtime
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Held:
    """What an export is held to: N pictures, what they show, and what the trained network answers.

    eager: (N, C) logits of the network as trained; own: of the bundle in ONNX Runtime.
    """

    images: ByteArray
    targets: IntArray
    names: Sequence[str]
    eager: FloatArray
    own: FloatArray


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What runtimes were found to do, by name, and the files of their own, in a folder that will go."""

    facts: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Path]
    notes: tuple[str, ...]

    def placed(self, bundle: Path) -> tuple[Path, ...]:
        """Put the runtimes' own files beside the bundle; those of before go."""
        made = []
        for name, file in self.files.items():
            place = runtime_of(name).file(bundle)
            if place.is_dir():
                shutil.rmtree(place)
            shutil.move(file, place)
            made.append(place)
        return tuple(made)


NOTHING = Checked(facts={}, files={}, notes=())


def require_runtimes(names: Sequence[str], *, finds: bool, precision: str) -> None:
    """Refuse, before anything takes time, what is not installed or cannot be done.

    Raises UnknownNameError, MissingExtraError, UsageError.
    """
    for name in names:
        runtime = runtime_of(name)
        if finds and not runtime.finds:
            raise UsageError(f"{runtime.title} is for readers here; a finder's frames are of any size")
        parts = [part for part in (runtime.maker, runtime.runs_here() and runtime.extra) if part]
        if parts:
            require(f"exporting for {runtime.title}", *dict.fromkeys(parts))
        if runtime.note and not runtime.own and precision != "fp32":
            raise UsageError(f"{runtime.title} converts full precision itself; leave --precision at fp32")


@contextmanager
def checked_readers(
    names: Sequence[str], graph: bytes, manifest: Manifest, network: Any, held: Held, bundle: str
) -> Iterator[Checked]:
    """Make what each runtime reads and compare its answers; the files are there until the block ends.

    network: the module of torch that the graph was made from.  bundle: the file's name to come.
    Raises ParityError where a runtime answers otherwise.
    """
    others = [name for name in names if name != DEFAULT]
    if not others:
        yield NOTHING
        return
    with scratch() as folder:
        path = folder / bundle
        write_bundle(graph, manifest, path)
        facts: dict[str, Mapping[str, Any]] = {}
        files: dict[str, Path] = {}
        notes: list[str] = []
        for name in others:
            runtime = runtime_of(name)
            if runtime.own:
                files[name] = runtime.file(path)
                runtime.convert(Source(network=network, size=manifest.input.size), files[name])
            made = {"sha256": fingerprint(files[name])} if name in files else {}
            if not runtime.runs_here():
                facts[name] = {"run": False, "versions": runtime.versions(), **made}
                notes.append(f"{runtime.title}: not run here; {runtime.note.format(bundle=bundle)}")
                continue
            run = open_run(runtime, path, manifest, 0)
            facts[name] = {**_compared(runtime, run, manifest, held), **made}
        yield Checked(facts=facts, files=files, notes=tuple(notes))


def _compared(runtime: Runtime, run: Run, manifest: Manifest, held: Held) -> dict[str, Any]:
    """What a runtime answers beside the network as trained and beside ONNX Runtime, held to both."""
    images = held.images
    logits = np.concatenate([run(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])
    if not np.isfinite(logits).all():
        raise ParityError(f"{runtime.title} gives answers that are not finite; nothing was written")
    found = parity(held.eager, logits, held.targets, held.names, manifest.classes)
    full = manifest.precision == "fp32" or bool(runtime.own)
    _in_words(runtime, lambda: (check_full if full else check_quantised)(found))
    temperature, rejection = _calibrated(manifest, logits, held)
    before = probabilities(held.own, manifest.temperature)
    after = probabilities(logits, temperature)
    stays = _accepted_alike(manifest, held.own, rejection, temperature, logits)
    if stays < STAYS:
        raise ParityError(
            f"{runtime.title} accepts other answers: {percent(stays)} are accepted, or not, as in ONNX "
            f"Runtime (at least {percent(STAYS, 0)}); nothing was written, --precision fp32 keeps full "
            "precision"
        )
    return {
        "run": True,
        "versions": runtime.versions(),
        "precision": "fp32" if full else manifest.precision,
        **found.facts(),
        "confidence_difference": float(np.abs(before - after).max()),
        "accepted_alike": stays,
        "temperature": temperature,
        "threshold": None if rejection is None else rejection.threshold,
    }


def _in_words(runtime: Runtime, check: Callable[[], None]) -> None:
    """Run a check; what it raises says in which runtime."""
    try:
        check()
    except ParityError as error:
        raise ParityError(f"in {runtime.title}: {error}") from error


def _calibrated(manifest: Manifest, logits: FloatArray, held: Held) -> tuple[float, Rejection | None]:
    """The bundle's own temperature and threshold, or others where its logits move by more than rounding.

    Chosen on the same pictures as ONNX Runtime would be on these: what differs between the two is carried
    over, not the mix of classes in them.
    """
    if np.abs(logits - held.own).max() <= TOLERANCE:
        return manifest.temperature, manifest.rejection
    before, now = (fit_temperature(each, held.targets) for each in (held.own, logits))
    temperature = manifest.temperature * now / before
    rejection = manifest.rejection
    if rejection is not None:
        score = SCORES.get(rejection.score)
        kept = float((score(held.own, manifest.temperature) >= rejection.threshold).mean())
        if kept > 0:
            threshold = threshold_for(score(logits, temperature), kept)
            rejection = dataclasses.replace(rejection, threshold=threshold)
    return temperature, rejection


def _accepted_alike(
    manifest: Manifest, own: FloatArray, rejection: Rejection | None, temperature: float, logits: FloatArray
) -> float:
    """Share of pictures that are accepted in both, or in neither."""
    if manifest.rejection is None or rejection is None:
        return 1.0
    score = SCORES.get(rejection.score)
    before = score(own, manifest.temperature) >= manifest.rejection.threshold
    after = score(logits, temperature) >= rejection.threshold
    return float((before == after).mean())


def checked_finders(
    names: Sequence[str],
    graph: bytes,
    manifest: Manifest,
    compare: Callable[[RuntimeFinder], BoxParity],
    bundle: str,
) -> Checked:
    """The same for a finder, whose boxes `compare` compares with those of the network as trained."""
    others = [name for name in names if name != DEFAULT]
    if not others:
        return NOTHING
    facts: dict[str, Mapping[str, Any]] = {}
    notes: list[str] = []
    with scratch() as folder:
        path = folder / bundle
        # It opens as one that was checked, for it is being so.
        its = dataclasses.replace(manifest, runtimes={name: {"run": True} for name in others})
        write_bundle(graph, its, path)
        for name in others:
            runtime = runtime_of(name)
            if not runtime.runs_here():
                facts[name] = {"run": False, "versions": runtime.versions()}
                notes.append(f"{runtime.title}: not run here; {runtime.note.format(bundle=bundle)}")
                continue
            found = compare(RuntimeFinder(path, name))
            check = check_full_boxes if manifest.precision == "fp32" else check_quantised_boxes
            _in_words(runtime, lambda check=check, found=found: check(found))  # type: ignore[misc]
            facts[name] = {
                "run": True,
                "versions": runtime.versions(),
                "precision": manifest.precision,
                **found.facts(),
            }
    return Checked(facts=facts, files={}, notes=tuple(notes))
