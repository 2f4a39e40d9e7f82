"""Pascal VOC: Annotations/ beside JPEGImages/, ImageSets/Main for the splits; corners inclusive, from 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from roadworthy.core.files import make_folder, write_text
from roadworthy.data.frames import Annotation
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import number, word_of


@writer(
    "voc",
    Layout(source="voc", picture="JPEGImages/{name}", keeps=("ignore", "group", "sequence", "split")),
)
def write(frames: Sequence[Written], out: Path) -> str:
    """Pascal VOC: an .xml for each picture, lists of the splits."""
    folder = make_folder(out / "Annotations")
    for frame in frames:
        name = PurePosixPath(frame.picture)
        tree = ElementTree(_annotation(frame))
        indent(tree)
        tree.write(folder / f"{name.stem}.xml", encoding="utf-8")
    for split in sorted({frame.split for frame in frames} - {""}):
        lines = [PurePosixPath(frame.picture).stem for frame in frames if frame.split == split]
        write_text("\n".join([*lines, ""]), make_folder(out / "ImageSets/Main") / f"{split}.txt")
    return "."


def _annotation(frame: Written) -> Element:
    root = Element("annotation")
    path = PurePosixPath(frame.picture)
    _text(root, folder="JPEGImages", filename=path.name)
    if frame.sequence:
        _text(root, sequence=frame.sequence)
    _text(SubElement(root, "size"), width=str(frame.width), height=str(frame.height), depth="3")
    for one in frame.annotations:
        _object(root, one)
    return root


def _object(root: Element, one: Annotation) -> None:
    thing = SubElement(root, "object")
    _text(thing, name=word_of(one), truncated="0", difficult=str(int(one.ignore)))
    x1, y1, x2, y2 = one.box
    _text(
        SubElement(thing, "bndbox"),
        xmin=number(x1 + 1),
        ymin=number(y1 + 1),
        xmax=number(x2),
        ymax=number(y2),
    )
    if one.group:
        inner = SubElement(SubElement(thing, "attributes"), "attribute")
        _text(inner, name="track_id", value=one.group)


def _text(parent: Element, /, **texts: str) -> None:
    for tag, text in texts.items():
        SubElement(parent, tag).text = text
