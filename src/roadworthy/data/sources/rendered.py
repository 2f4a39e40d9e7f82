"""Drawn signs: `rendered:au`, `rendered:au+de`, `rendered:all`, with settings after a question mark.

    recipe=NAME     of the drawn camera (roadworthy list recipes); `default`
    n=5000          training pictures in all
    per_class=2000  the same for each class; 512 without either
    signs=A+B       these classes alone
    seed=7          which ones
    faces=DIR       also the user's own faces: a catalogue.toml and the SVGs that it names
    photos=DIR      photographs (no signs in them) to draw some signs before
    without=A+B     camera effects to leave out
    misframed=0.3   share of no-sign that shows signs at the wrong scale or place, to learn to find signs
    distractors=0.5 share of no-sign that shows things much like signs: lamps, wheels, letters
    groups=A+B      of signs without a class of their own these groups alone (roadworthy list groups)
    leave=A+B       all groups but these: what a network never saw, to measure it on

A recipe to train on gives train, val and test splits; val is drawn with the recipe `other-val` and test with
`other-test`, both always the same pictures.  Those two recipes by name give a set without splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.core.paths import at_home
from roadworthy.data.records import Drawing, Record
from roadworthy.data.sources import SOURCES
from roadworthy.data.sources._shared import refuse_unknown_options
from roadworthy.signs.catalogue import NO_SIGN, catalogue, countries, faces, in_groups

PER_CLASS, VAL_PER_CLASS, TEST_PER_CLASS = 512, 64, 128
HELD_OUT = {"val": "other-val", "test": "other-test"}
_LISTS = ("without", "groups", "leave")
_SHARES = ("misframed", "distractors")
_OPTIONS = ("recipe", "n", "per_class", "signs", "seed", "faces", "photos", *_LISTS, *_SHARES)
EVERYWHERE = "all"  # in place of all countries' names
_FIXED_SEED = 0
_MOST = 5_000_000  # records of so many pictures take 3 GB

TERMS = "signs drawn by Roadworthy: Apache-2.0; road signs themselves are official works"


@SOURCES.register("rendered")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """Signs drawn by Roadworthy itself: au, de, au+de ... or all."""
    refuse_unknown_options("rendered", options, _OPTIONS)
    own = str(at_home(options["faces"])) if options.get("faces") else ""
    if options.get("photos"):
        at_home(options["photos"])  # a path, or an error now
    of = _countries(str(place), own)
    lists = {name: _names(options, name) for name in _LISTS}
    signs = _wanted(options.get("signs", ""), _signs(of, own, lists["groups"], lists["leave"]))
    recipe = options.get("recipe", "default")
    seed, n = _whole(options, "seed", 0, 0, 2**63 - 1), _whole(options, "n", 0, 1, _MOST)
    if n and "per_class" in options:
        raise ConfigError(
            f"rendered: got both n={options['n']} and per_class={options['per_class']}; give one of them"
        )
    n = n or _whole(options, "per_class", 0, 1, _MOST // len(signs)) * len(signs)
    series = Drawing(
        sign="",
        countries=of,
        recipe=recipe,
        seed=seed,
        number=0,
        faces=own,
        photos=options.get("photos", ""),
        misframed=_share(options, "misframed"),
        distractors=_share(options, "distractors"),
        without=lists["without"],
        groups=lists["groups"],
        leave=lists["leave"],
    )
    if recipe in HELD_OUT.values():
        return list(_series(series, signs, n or TEST_PER_CLASS * len(signs), split=""))
    records = list(_series(series, signs, n or PER_CLASS * len(signs), split="train"))
    for split, held_out in HELD_OUT.items():
        fixed = replace(series, recipe=held_out, seed=_FIXED_SEED)
        fixed = replace(fixed, photos="", without=(), misframed=0.0, distractors=0.0)
        per_class = VAL_PER_CLASS if split == "val" else TEST_PER_CLASS
        records += _series(fixed, signs, per_class * len(signs), split=split)
    return records


def _series(series: Drawing, signs: tuple[str, ...], n: int, split: str) -> Iterator[Record]:
    """n pictures divided among the classes; the remainder goes to the first ones."""
    for index, sign in enumerate(signs):
        start = _path(replace(series, sign=sign))
        for number in range(n // len(signs) + (index < n % len(signs))):
            drawing = replace(series, sign=sign, number=number)
            path = f"{start}#{number}"
            # Every drawing is a sign of its own: no other shows the same weather and damage.
            yield Record(path=path, label=sign, group=path, split=split, drawing=drawing)


def _path(series: Drawing) -> str:
    """What pictures are drawn from, in readable form; different series have different paths."""
    settings = {
        "countries": "+".join(series.countries),
        "recipe": series.recipe,
        "seed": series.seed,
        "faces": series.faces,
        "photos": series.photos,
        **{name: "+".join(getattr(series, name)) for name in _LISTS},
        **{name: f"{share:g}" if (share := getattr(series, name)) else "" for name in _SHARES},
    }
    named = "&".join(f"{name}={value}" for name, value in settings.items() if value != "")
    return f"rendered:{series.sign}?{named}"


def _countries(place: str, own: str) -> tuple[str, ...]:
    known = sorted(
        {*countries(), *(f.country for f in catalogue(Path(own) if own else None).brought.values())}
    )
    wanted = tuple(part.strip() for part in place.split("+") if part.strip())
    if wanted == (EVERYWHERE,):
        return tuple(known)
    if not wanted or len(set(wanted)) < len(wanted) or "," in place:
        raise ConfigError(
            f"rendered:{place} must name countries, each once and joined by +; known: {', '.join(known)}"
        )
    for country in wanted:
        if country not in known:
            raise UnknownNameError("country of drawn signs", country, known)
    if own:
        theirs = sorted({face.country for face in catalogue(Path(own)).brought.values()})
        if not set(theirs) & set(wanted):
            raise ConfigError(
                f"rendered:{place} uses none of the faces in {own}; their countries are: "
                f"{', '.join(theirs) or 'none'}"
            )
    return wanted


def _signs(of: tuple[str, ...], own: str, groups: tuple[str, ...], leave: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that these countries have faces of, in catalogue order, and the background class."""
    folder = Path(own) if own else None
    for name in (*groups, *leave):
        if name not in catalogue().groups:
            raise UnknownNameError("group of signs", name, catalogue().groups)
    drawn = {face.sign for face in in_groups(faces(of, folder), groups, leave)}
    return tuple(name for name in catalogue(folder).classes if name in drawn or name == NO_SIGN)


def _wanted(text: str, drawn: tuple[str, ...]) -> tuple[str, ...]:
    """The drawn classes that `signs=` names; all without it."""
    wanted = [name.strip() for name in text.split("+") if name.strip()]
    for name in wanted:
        if name not in drawn:
            raise UnknownNameError("class of drawn signs", name, drawn)
    return tuple(name for name in drawn if name in wanted) if wanted else drawn


def _names(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for part in options.get(name, "").split("+") if part)


def _share(options: Mapping[str, str], name: str) -> float:
    text = options.get(name, "0")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"rendered: got {name}={text!r}; it must be a share from 0 to 1")
    return value


def _whole(options: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    # So long a text is no number that would do, and int() refuses the longest.
    if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
        raise ConfigError(
            f"rendered: got {name}={text!r}; it must be a whole number from {least} to {most:,}"
        )
    return int(text)
