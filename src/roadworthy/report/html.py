"""Sections to one self-contained HTML page.  The only module that emits HTML.

The page asks nothing of the network: pictures are data URIs, charts are inline SVG, the style is in the page
and a content security policy forbids the rest.  A report holds no script, unless it has records, which one
script sifts; a film holds one, its player.  The policy names each by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.core.document import Figure, Records, Section
from roadworthy.core.extras import require
from roadworthy.core.files import as_file_name, write_text
from roadworthy.report.film.slides import Film
from roadworthy.report.story.chapters import Story

if TYPE_CHECKING:
    from jinja2 import Template

_JPEG = b"\xff\xd8\xff"
NARROW_PX = 480  # figures drawn up to this width scale down to a phone's; wider ones scroll


def render(title: str, sections: Sequence[Section], lead: str = "") -> str:
    """One HTML page.  The same sections give the same bytes.

    lead: the sentence that stands first on it, below its title.
    Everything but a figure's SVG is escaped; figures.py escapes the text that it draws.
    Raises MissingExtraError without jinja2, ValueError when two sections or records share an anchor.
    """
    blocks = [block for section in sections for block in section.blocks]
    records = [record for block in blocks if isinstance(block, Records) for record in block.records]
    anchors = [*(section.anchor for section in sections), *(record.anchor for record in records)]
    if len(set(anchors)) < len(anchors):
        shared = sorted({anchor for anchor in anchors if anchors.count(anchor) > 1})
        raise ValueError(f"two sections share an anchor: {', '.join(shared)}")
    script = _source("records.js") if records else ""
    return _template("template.html.j2").render(
        title=title, sections=sections, lead=lead, script=script, digest=_digest(script)
    )


def render_film(film: Film) -> str:
    """A film as one HTML page that plays itself, and is a plain page of all slides without script.

    Raises MissingExtraError without jinja2.
    """
    script = _source("film.js")
    return _template("film.html.j2").render(film=film, script=script, digest=_digest(script))


def render_story(story: Story) -> str:
    """A story as one HTML page, without script.  Raises MissingExtraError without jinja2."""
    return _template("story.html.j2").render(story=story)


def write_report(sections: Sequence[Section], title: str, out: Path, lead: str = "") -> None:
    """Write the page to `out` and its charts, as files of their own, into `figures/` beside it."""
    page = render(title, sections, lead)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, out)
    charts = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
    for chart in charts:
        folder = out.parent / "figures"
        folder.mkdir(exist_ok=True)
        write_text(chart.svg, folder / f"{as_file_name(chart.name)}.svg")


@cache
def _template(name: str) -> Template:
    require("a report", "report")
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.filters["jpeg_uri"] = _jpeg_uri
    environment.filters["svg"] = lambda figure: Markup(figure.svg)
    environment.filters["unbroken"] = _unbroken
    environment.filters["drawn_width"] = _drawn_width
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["raw"] = Markup  # for what is ours: scripts
    environment.globals["narrow_px"] = NARROW_PX
    return environment.from_string(_source(name))


def _source(name: str) -> str:
    return resources.files("roadworthy.report").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """What a content security policy knows a script by."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _jpeg_uri(jpeg: bytes) -> str:
    if not jpeg.startswith(_JPEG):
        raise ValueError("a record's picture is no JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _data_uri(image: ByteArray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _unbroken(text: str) -> str:
    """The same, its percent signs kept on the line of their numbers."""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)


def _drawn_width(figure: Figure) -> int:
    match = re.search(r'viewBox="0 0 (\d+)', figure.svg)
    return int(match[1]) if match else NARROW_PX
