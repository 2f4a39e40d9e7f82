"""Write what shows faces: python docs/make_faces.py.

docs/faces.md, its contact sheets, and the faces of the page in the browser, which has no font of signs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.data.sheet import contact_sheet
from roadworthy.signs.catalogue import catalogue, faces, plain_face, sign_classes
from roadworthy.signs.draw import draw_tile

DOCS = Path(__file__).parent
BROWSER = DOCS.parent / "src" / "roadworthy" / "serve" / "page" / "faces"
PAGE = DOCS / "faces.md"
COUNTRIES = {"au": "Australia", "de": "Germany"}
GROUND = (204, 209, 200)


def page() -> str:
    """The table of all classes with their faces."""
    known = catalogue()
    lines = [
        "# Signs and their faces",
        "",
        "Written by `python docs/make_faces.py`. A class is a meaning; a face is a drawing of it.",
        "",
    ]
    for country, name in COUNTRIES.items():
        lines += [f"![The faces of {name}](images/faces-{country}.png)", ""]
    lines += ["| class | family | meaning | faces |", "|---|---|---|---|"]
    for sign in known.classes.values():
        drawn = ", ".join(f"`{face.name}`" for face in faces() if face.sign == sign.name)
        lines.append(f"| `{sign.name}` | {sign.family} | {sign.meaning} | {drawn or '-'} |")
    lines += ["", "| face | class | where |", "|---|---|---|"]
    lines += [f"| `{face.name}` | `{face.sign}` | {face.where} |" for face in faces()]
    return "\n".join(lines) + "\n"


def shown() -> dict[str, Image.Image]:
    """By country and class, `au/stop`, the form of a sign that the browser shows, on clear ground."""
    plain = {
        f"{country}/{sign}": plain_face(sign, [country]) for country in COUNTRIES for sign in sign_classes()
    }
    return {place: Image.fromarray(draw_tile(face, 192)) for place, face in plain.items() if face is not None}


def sheet(country: str, cell: int = 72, columns: int = 16) -> np.ndarray:
    """Every face of a country with its code."""
    drawn = faces([country])
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
        picture = Image.fromarray(sheet(country)).quantize(256, Image.Quantize.FASTOCTREE)
        picture.save(DOCS / "images" / f"faces-{country}.png", optimize=True)
    for place, icon in shown().items():
        file = BROWSER / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        icon.quantize(64, Image.Quantize.FASTOCTREE).save(file, optimize=True)
