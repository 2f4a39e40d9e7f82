"""CVAT for images 1.1: annotations.xml beside images/; upload the pictures, then the annotations.

Boxes are half-open pixels, as ours are, and CVAT rounds them to hundredths.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_text
from roadworthy.core.words import visible
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources._labels import label_reader
from roadworthy.data.tools import TOOLS, Proposed, Tool, class_names


def write(proposals: Sequence[Proposed], folder: Path) -> None:
    """annotations.xml, and labels.json to be pasted where a task is made (Raw)."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    for number, own in enumerate(proposals):
        image = ElementTree.SubElement(
            root,
            "image",
            {
                "id": str(number),
                "name": own.frame.path,
                "width": str(own.width),
                "height": str(own.height),
            },
        )
        for one in own.frame.annotations:
            edges = zip(("xtl", "ytl", "xbr", "ybr"), one.box, strict=True)
            place = {name: f"{edge:.2f}" for name, edge in edges}
            ElementTree.SubElement(
                image,
                "box",
                {"label": one.label, "source": "auto", "occluded": "0", **place, "z_order": "0"},
            )
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n', folder / "annotations.xml")
    labels = [{"name": name, "type": "rectangle", "attributes": []} for name in class_names(proposals)]
    write_text(json.dumps(labels, indent=1) + "\n", folder / "labels.json")


def read(path: Path, labels: str) -> list[Frame]:
    """annotations.xml as CVAT exports it (CVAT for images 1.1)."""
    try:
        text = path.read_bytes()
        if b"<!ENTITY" in text:
            raise DataError(f"{path} defines entities, which no labels need; export it again from CVAT")
        root = ElementTree.fromstring(text)
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"{path} cannot be read as XML: {error}") from error
    if root.tag != "annotations" or root.find("track") is not None:
        kind = "CVAT for video" if root.tag == "annotations" else f"<{visible(root.tag)}>"
        raise DataError(f"{path} is {kind}; export the task as CVAT for images 1.1")
    name_of, frames = label_reader(labels), list[Frame]()
    for image in root.findall("image"):
        name = image.get("name", "")
        try:
            own = tuple(_annotation(box, name_of) for box in image.findall("box"))
        except (KeyError, ValueError) as error:
            raise DataError(f"{path}, image {visible(name)}: a box has no usable {error}") from error
        frames.append(Frame(path=name, annotations=own))
    return frames


def _annotation(box: ElementTree.Element, name_of: Callable[[str], str]) -> Annotation:
    x1, y1, x2, y2 = (float(box.attrib[edge]) for edge in ("xtl", "ytl", "xbr", "ybr"))
    if not (all(map(math.isfinite, (x1, y1, x2, y2))) and x1 < x2 and y1 < y2):
        raise ValueError(f"corners ({x1:g}, {y1:g}, {x2:g}, {y2:g})")
    return Annotation(box=(x1, y1, x2, y2), label=name_of(box.attrib["label"]))


TOOLS.register("cvat")(Tool(endings=(".xml",), write=write, read=read))
