"""Write what shows faces: python docs/make_faces.py.

docs/faces.md, its contact sheets, and the faces of the page in the browser, which has no font of signs.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.data.sheet import contact_sheet
from roadworthy.signs.catalogue import OTHER_SIGN, catalogue, faces, plain_face, sign_classes
from roadworthy.signs.draw import draw_tile

DOCS = Path(__file__).parent
BROWSER = DOCS.parent / "src" / "roadworthy" / "serve" / "page" / "faces"
PAGE = DOCS / "faces.md"
COUNTRIES = {
    "au": "Australia",
    "at": "Austria",
    "be": "Belgium",
    "ca": "Canada",
    "ch": "Switzerland",
    "cn": "China",
    "de": "Germany",
    "dk": "Denmark",
    "es": "Spain",
    "fi": "Finland",
    "fr": "France",
    "gb": "Great Britain",
    "ie": "Ireland",
    "it": "Italy",
    "jp": "Japan",
    "nl": "the Netherlands",
    "no": "Norway",
    "nz": "New Zealand",
    "pl": "Poland",
    "se": "Sweden",
    "us": "the United States",
}
GROUND = (204, 209, 200)


def page() -> str:
    """The table of all classes, with how many faces each country has of them, and the sheets."""
    known = catalogue()
    counts = Counter((face.sign, face.country) for face in faces())
    total, files = len(known.faces), len({face.file for face in faces()})
    lines = [
        "# Signs and their faces",
        "",
        "Written by `python docs/make_faces.py`. A class is a meaning; a face is a drawing of it, an SVG of",
        "our own in `signs/faces/COUNTRY/`, listed there with its code.",
        f"{total:,} faces of {len(COUNTRIES)} countries in {files:,} drawings: `roadworthy list faces`.",
        "Which Australian series are there and which are not: [a table](australian-series.md).",
        "Codes are the standards' own where we know them; where a list says so, they are ours.",
        "",
        "British limits are in miles: nothing on the plain discs tells them from kilometres, so they are not",
        "drawn. Forms that we are not sure of say so where they are listed.",
        "",
        "| class | family | meaning | mirror | faces | countries |",
        "|---|---|---|---|---|---|",
    ]
    for sign in known.classes.values():
        own = [country for country in COUNTRIES if counts[sign.name, country]]
        number = sum(counts[sign.name, country] for country in own)
        where = f"all {len(own)}" if len(own) == len(COUNTRIES) else " ".join(own)
        lines.append(
            f"| `{sign.name}` | {sign.family} | {sign.meaning} | {sign.mirror or ''} | {number} | {where} |"
        )
    lines += [
        "",
        "Signs without a class of their own, `other-sign` and some of `not-a-limit`, are in groups",
        "",
        "| group | what | faces |",
        "|---|---|---|",
    ]
    groups = Counter(face.group for face in faces())
    lines += [f"| `{name}` | {what} | {groups[name]} |" for name, what in known.groups.items()]
    lines += ["", "One face of each class, country by country:", ""]
    for country, name in COUNTRIES.items():
        lines += [f"![Faces of {name}](images/faces-{country}.png)", ""]
    return "\n".join(lines).rstrip() + "\n"


def shown() -> dict[str, Image.Image]:
    """By country and class, `au/stop`, the form of a sign that the browser shows, on clear ground."""
    plain = {
        f"{country}/{sign}": plain_face(sign, [country]) for country in COUNTRIES for sign in sign_classes()
    }
    return {place: Image.fromarray(draw_tile(face, 96)) for place, face in plain.items() if face is not None}


def sheet(country: str, cell: int = 64, columns: int = 16) -> np.ndarray:
    """The plain face of each class of a country, with its code; of other-sign one of each group."""
    plain = [face for sign in sign_classes() if (face := plain_face(sign, [country]))]
    groups = {face.group: face for face in reversed(faces([country])) if face.sign == OTHER_SIGN}
    drawn = [face for face in plain if face.sign != OTHER_SIGN] + list(groups.values())
    tiles = []
    for face in drawn:
        tile = draw_tile(face, cell).astype(float)
        alpha = tile[..., 3:] / 255
        tiles.append((tile[..., :3] * alpha + np.array(GROUND) * (1 - alpha)).astype(np.uint8))
    return contact_sheet(tiles, [face.code for face in drawn], columns=columns, cell=cell)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for country in COUNTRIES:
        # The octree keeps the one green lamp green; the median cut gives its few pixels away.
        picture = Image.fromarray(sheet(country)).quantize(64, Image.Quantize.FASTOCTREE)
        picture.save(DOCS / "images" / f"faces-{country}.png", optimize=True)
    shutil.rmtree(BROWSER, ignore_errors=True)  # a country may have lost its form of a class
    for place, icon in shown().items():
        file = BROWSER / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        icon.quantize(32, Image.Quantize.FASTOCTREE).save(file, optimize=True)
