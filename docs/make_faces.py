"""Write what shows faces: python docs/make_faces.py.

docs/faces.md, its contact sheets, and the faces of the page in the browser, which has no font of signs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.data.sheet import contact_sheet
from roadworthy.signs.catalogue import catalogue, faces
from roadworthy.signs.draw import draw_tile

DOCS = Path(__file__).parent
BROWSER = DOCS.parent / "src" / "roadworthy" / "serve" / "page" / "faces"
HOME = "au"  # whose face of a sign the browser shows, where there are several
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
    """By class the face that the browser shows, on clear ground."""
    chosen = {}
    for face in sorted(faces(), key=lambda face: face.country == HOME, reverse=True):
        chosen.setdefault(face.sign, face)
    return {sign: Image.fromarray(draw_tile(face, 192)) for sign, face in sorted(chosen.items())}


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
    BROWSER.mkdir(exist_ok=True)
    for sign, icon in shown().items():
        icon.quantize(64, Image.Quantize.FASTOCTREE).save(BROWSER / f"{sign}.png", optimize=True)
