"""CVAT 1.1: for images, and for video with a folder for each film."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from roadworthy.data.frames import Annotation
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import classes_of, number, word_of

_EDGES = ("xtl", "ytl", "xbr", "ybr")


@writer("cvat", Layout(source="cvat", keeps=("ignore", "group", "sequence", "split")))
def write(frames: Sequence[Written], out: Path) -> str:
    """CVAT for images 1.1: annotations.xml beside images/."""
    root, task = _root(classes_of(frames))
    _text(task, "name", "roadworthy")
    for count, frame in enumerate(frames):
        picture = SubElement(
            root,
            "image",
            id=str(count),
            name=frame.picture.removeprefix("images/"),
            width=str(frame.width),
            height=str(frame.height),
        )
        for name in ("split", "sequence"):
            if value := getattr(frame, name):
                picture.set("subset" if name == "split" else name, value)
        for one in frame.annotations:
            told = {"label": word_of(one), "source": "manual", "occluded": "0"}
            box = SubElement(picture, "box", told | _corners(one))
            box.set("z_order", "0")
            _told(box, one, group=True)
    _save(root, out / "annotations.xml")
    return "annotations.xml"


@writer(
    "cvat-video",
    Layout(
        source="cvat",
        picture="{film}/images/frame_{number:06d}{suffix}",
        films=True,
        keeps=("ignore", "group", "sequence", "split"),
    ),
)
def write_video(frames: Sequence[Written], out: Path) -> str:
    """CVAT for video 1.1: a folder for each film, annotations.xml beside its numbered frames."""
    films: dict[str, list[Written]] = defaultdict(list)
    for frame in frames:
        films[PurePosixPath(frame.picture).parts[0]].append(frame)
    for folder, own in films.items():
        _save(_film(own), out / folder / "annotations.xml")
    return "."


def _film(frames: Sequence[Written]) -> Element:
    root, task = _root(classes_of(frames))
    _text(task, "name", frames[0].sequence)
    _text(task, "subset", frames[0].split)
    tracks: dict[tuple[str, str], dict[int, Annotation]] = {}
    for count, frame in enumerate(frames):
        for place, one in enumerate(frame.annotations):
            key = (one.group, word_of(one)) if one.group else (f"\0{count} {place}", word_of(one))
            if count in tracks.get(key, {}):  # one sign marked twice in a frame
                key = (one.group, f"{word_of(one)}\0{count} {place}")
            tracks.setdefault(key, {})[count] = one
    for identity, ((group, word), marks) in enumerate(tracks.items()):
        track = SubElement(root, "track", id=str(identity), label=word.partition("\0")[0], source="manual")
        _attribute(
            track, "lone" if group.startswith("\0") else "track_id", "true" if "\0" in group else group
        )
        last = None
        for count, one in sorted(marks.items()):
            if last is not None and count > last[0] + 1:
                _shape(track, last[0] + 1, last[1], outside="1")
            _shape(track, count, one, outside="0")
            last = count, one
        if last is not None and last[0] + 1 < len(frames):
            _shape(track, last[0] + 1, last[1], outside="1")
    return root


def _shape(track: Element, frame: int, one: Annotation, outside: str) -> None:
    told = {"frame": str(frame), "outside": outside, "occluded": "0", "keyframe": "1"}
    box = SubElement(track, "box", told | _corners(one))
    _told(box, one, group=False)


def _root(classes: Sequence[str]) -> tuple[Element, Element]:
    root = Element("annotations")
    _text(root, "version", "1.1")
    task = SubElement(SubElement(root, "meta"), "task")
    labels = SubElement(task, "labels")
    for name in classes:
        label = SubElement(labels, "label")
        _text(label, "name", name)
        attributes = SubElement(label, "attributes")
        for attribute, kind in (("ignore", "checkbox"), ("track_id", "text")):
            inner = SubElement(attributes, "attribute")
            _text(inner, "name", attribute)
            _text(inner, "mutable", "True")
            _text(inner, "input_type", kind)
    return root, task


def _corners(one: Annotation) -> dict[str, str]:
    return dict(zip(_EDGES, map(number, one.box), strict=True))


def _told(box: Element, one: Annotation, *, group: bool) -> None:
    _attribute(box, "ignore", str(one.ignore).lower())
    if group and one.group:
        _attribute(box, "track_id", one.group)


def _attribute(parent: Element, name: str, text: str) -> None:
    SubElement(parent, "attribute", name=name).text = text


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _save(root: Element, path: Path) -> None:
    tree = ElementTree(root)
    indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)
