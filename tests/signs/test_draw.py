from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import FaceError
from roadworthy.signs.catalogue import (
    CHROMATIC,
    PALETTE,
    Face,
    catalogue,
    countries,
    faces,
    kind_and_value,
    told_by_colour,
)
from roadworthy.signs.draw import draw, draw_icon, draw_tile, face_svg

pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50">'
    '<rect width="100" height="50" fill="#c1121c"/>{}</svg>'
)


def face(tmp_path: Path, svg: str, number: int | None = None) -> Face:
    path = tmp_path / "x.svg"
    path.write_text(svg, encoding="utf-8")
    return Face(name="my/x", sign="stop", file=path, where="", aspect=2.0, colours=("red",), number=number)


def colour_shares(rgba: np.ndarray) -> dict[str, float]:
    """Share of each palette colour among solid pixels, of those colours alone that the face's SVG names."""
    pixels = rgba[rgba[..., 3] > 250][:, :3].astype(float)
    palette = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in PALETTE.values()], dtype=float)
    nearest = ((pixels[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    return dict(zip(PALETTE, np.bincount(nearest, minlength=len(PALETTE)) / len(pixels), strict=True))


def first_and_last(of: tuple[str, ...] = ()) -> list[Face]:
    """Of each drawing the face with its first and with its last number or text: all others lie between."""
    last = {face.file: face for face in faces(of)}
    first = {face.file: face for face in reversed(faces(of))}
    return [face for face in faces(of) if face in (first[face.file], last[face.file])]


@pytest.mark.parametrize("country", countries())
def test_every_face_has_its_stated_aspect_and_colours(country: str) -> None:
    for drawn in first_and_last((country,)):
        picture = draw(drawn, 200)
        height, width = picture.shape[:2]
        assert max(height, width) == 200
        # A long board is a few pixels high, so its quotient is coarse: then to the pixel.
        off = abs(min(height, width) - 200 * min(drawn.aspect, 1 / drawn.aspect))
        assert abs(width / height - drawn.aspect) <= 0.02 or off <= 1, drawn.name
        # Edges blend two colours into what may be near a third, so only colours that the drawing names count.
        named = {name for name, value in PALETTE.items() if value in face_svg(drawn).lower()}
        shares = colour_shares(picture)
        assert set(drawn.colours) <= named, drawn.name
        for name in drawn.colours:
            assert shares[name] > 0.005, f"{drawn.name}: {name} covers {shares[name]:.1%}"
        assert sum(shares[name] for name in drawn.colours) > 0.8, drawn.name


def test_a_tile_is_square_centred_and_clear_around(tmp_path: Path) -> None:
    tile = draw_tile(face(tmp_path, SVG.format("")), 40)
    assert tile.shape == (40, 40, 4)
    assert (tile[10:30, :, 3] == 255).all()
    assert (tile[:10, :, 3] == 0).all()
    assert (tile[30:, :, 3] == 0).all()
    assert tile[20, 20].tolist() == [0xC1, 0x12, 0x1C, 255]


def test_an_icon_lies_on_mid_grey(tmp_path: Path) -> None:
    icon = draw_icon(face(tmp_path, SVG.format("")), 40)
    assert icon.shape == (40, 40, 3)
    assert icon.dtype == np.uint8
    assert (icon[:10] == 128).all()
    assert icon[20, 20].tolist() == [0xC1, 0x12, 0x1C]


@pytest.mark.parametrize("size", [1, 16, 33, 96])
def test_no_face_overshoots_its_size(size: int) -> None:
    for drawn in faces(["au", "de"]):
        assert max(draw(drawn, size).shape[:2]) <= size, drawn.name


def test_a_template_takes_its_number(tmp_path: Path) -> None:
    svg = SVG.format('<text x="10" y="40" font-family="Overpass" font-size="40" fill="#fff">{n}</text>')
    fifty, sixty = (draw(face(tmp_path, svg, n), 100) for n in (50, 60))
    assert (fifty != sixty).any()
    with pytest.raises(FaceError, match="where the number would go"):
        face_svg(face(tmp_path, SVG.format(""), 50))


def test_text_is_drawn_with_the_font_that_we_bring(tmp_path: Path) -> None:
    text = '<text x="10" y="40" font-family="Overpass" font-size="40" fill="#ffffff">STOP</text>'
    assert (draw(face(tmp_path, SVG.format(text)), 100)[..., 1] > 200).any()


@pytest.mark.parametrize("size", [0, 5000])
def test_sizes_have_bounds(size: int) -> None:
    with pytest.raises(FaceError, match="at 1 to 2048"):
        draw(faces(["au"])[0], size)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    lost = face(tmp_path, SVG.format(""))
    lost.file.unlink()
    with pytest.raises(FaceError, match="cannot be read"):
        draw(lost, 48)


# Likeness ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown() -> tuple[list[Face], np.ndarray]:
    """First and last faces of all drawings, and (N, 48, 48, 3) float32 of them on grey, in [0, 1]."""
    chosen = first_and_last()
    tiles = np.stack([draw_tile(face, 48) for face in chosen])
    alpha = tiles[..., 3:].astype(np.float32) / 255
    return chosen, (tiles[..., :3] * alpha + 128 * (1 - alpha)) / 255


def distances(vectors: np.ndarray, rows: slice) -> np.ndarray:
    """Root mean square differences of some vectors to all."""
    squares = (vectors**2).sum(axis=1)
    products = vectors[rows] @ vectors.T
    return np.sqrt(np.maximum(squares[rows, None] + squares - 2 * products, 0) / vectors.shape[1])


# Pictograms of two classes that are alike at 24 px, and why that is as it should be.
CLOSE = [
    ("speed-", "speed-"),  # one number or another in the same ring
    ("end-speed-", "end-speed-"),
    ("speed-", "not-a-limit"),  # look-alikes are there to be told from limits
    ("end-speed-", "not-a-limit"),
    ("end-speed-", "other-sign"),  # the end of something else behind the same bar
    ("end-speed-", "end-all-limits"),
    ("end-no-overtaking", "end-no-overtaking"),  # a car or a lorry behind the same bars
    ("end-no-overtaking", "end-speed-"),
    ("end-no-overtaking", "other-sign"),
    ("end-all-limits", "other-sign"),
    ("end-all-limits", "end-no-overtaking"),
    ("no-overtaking", "no-overtaking-trucks"),
    ("no-trucks", "other-sign"),  # a lorry or another in the ring
    ("general-caution", "traffic-signals"),  # an exclamation mark and three lamps in a row
    ("crossroads", "side-road-"),  # with one arm more or less
    ("crossroads", "right-of-way"),  # one arm broader than the other
    ("right-of-way", "side-road-"),
    ("merge-", "side-road-"),
    ("crossing-ahead", "pedestrian"),  # somebody walking, on stripes or not
    ("wild-animals", "other-sign"),  # animals that are ridden, or herded, or crawl
    ("rail-crossing-ahead", "other-sign"),  # beacons and trams
    ("steep-descent", "other-sign"),  # up or down
    ("keep-", "keep-"),  # an arrow and its mirror image on a board
    ("road-narrows", "two-way"),  # two lines or two arrows side by side
    ("general-caution", "other-sign"),  # thin lines of lamps
]
# Pictograms of the home countries differ plainly; some countries draw theirs small (China) or on wide boards.
NEAR = {"home": (("au", "de"), 0.1), "all": (countries(), 0.05)}


def is_close(a: str, b: str) -> bool:
    return any(x.startswith(p) and y.startswith(q) for p, q in CLOSE for x, y in ((a, b), (b, a)))


def test_no_two_classes_have_nearly_the_same_face(shown: tuple[list[Face], np.ndarray]) -> None:
    chosen, pictures = shown
    vectors = pictures.reshape(len(chosen), -1)
    signs = np.array([face.sign for face in chosen])
    for start in range(0, len(chosen), 1000):
        found = distances(vectors, slice(start, start + 1000))
        found[signs[start : start + 1000, None] == signs] = np.inf
        a, b = np.unravel_index(found.argmin(), found.shape)
        assert found[a, b] > 0.03, f"{chosen[start + a].name} and {chosen[b].name}: {found[a, b]:.4f}"


@pytest.mark.parametrize("those", NEAR)
def test_the_nearest_pictogram_is_of_the_same_class_or_known_to_be_close(
    shown: tuple[list[Face], np.ndarray], those: str
) -> None:
    chosen, pictures = shown
    of, near = NEAR[those]
    # Words alone are too small to be told apart at this size.
    drawn = [i for i, face in enumerate(chosen) if face.country in of and "<text" not in face_svg(face)]
    chosen = [chosen[i] for i in drawn]
    vectors = pictures[drawn].reshape(len(drawn), 24, 2, 24, 2, 3).mean(axis=(2, 4)).reshape(len(drawn), -1)
    surprises = []
    for start in range(0, len(chosen), 1000):
        found = distances(vectors, slice(start, start + 1000))
        for i, row in enumerate(found, start):
            row[i] = np.inf
            face, other = chosen[i], chosen[int(row.argmin())]
            if row.min() < near and other.sign != face.sign and not is_close(face.sign, other.sign):
                surprises.append(f"{face.name} ({face.sign}) is nearest to {other.name} ({other.sign})")
    assert surprises == []


# What the catalogue's rule of colour is about: rings and bars of the home countries, no boards of words.
HOME = [
    face
    for face in faces(["au", "de"])
    if face.sign == "no-entry"
    or (face.sign != "other-sign" and (face.number is not None or "<text" not in face_svg(face)))
]
# A camera without colour weighs the channels as eyes do, or sees red as bright, as infrared ones do.
WITHOUT_COLOUR = ((0.299, 0.587, 0.114), (1.0, 0.0, 0.0))
CELLS = 12  # a side: what is left of a sign that is some way off


def of_one_country_and_outline() -> list[tuple[int, int]]:
    """Pairs of faces of two kinds, of one country, whose outlines are nearly one."""
    solid = np.stack([draw_tile(face, 48)[..., 3] > 127 for face in HOME])
    tiles = solid.reshape(len(HOME), -1).astype(float)
    both = tiles @ tiles.T
    sizes = tiles.sum(axis=1)
    alike = both / (sizes[:, None] + sizes - both) > 0.9
    kinds = [kind_and_value(face.sign)[0] for face in HOME]
    return [
        (i, j)
        for i, j in zip(*np.nonzero(alike), strict=True)
        if kinds[i] != kinds[j] and HOME[i].country == HOME[j].country
    ]


def test_signs_that_look_alike_without_colour_are_known_to() -> None:
    tiles = np.stack([draw_icon(face, 96) for face in HOME]).astype(float)
    side = tiles.shape[1] // CELLS
    cells = tiles.reshape(len(HOME), CELLS, side, CELLS, side, 3).mean(axis=(2, 4))

    def correlation(pictures: np.ndarray) -> np.ndarray:
        flat = pictures.reshape(len(HOME), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        return flat @ flat.T

    in_colour = correlation(cells)
    without = np.max([correlation(cells @ np.array(weights)) for weights in WITHOUT_COLOUR], axis=0)
    found = {
        frozenset(kind_and_value(HOME[k].sign)[0] for k in (i, j))
        for i, j in of_one_country_and_outline()
        if without[i, j] > 0.82 and in_colour[i, j] < 0.5
    }
    assert {frozenset({"speed", "not-a-limit"}), frozenset({"speed", "no-entry"})} <= found
    for one, other in map(sorted, found):
        assert other in told_by_colour(one)


def test_what_is_told_by_colour_differs_in_it_and_has_one_outline() -> None:
    found = {
        frozenset(kind_and_value(HOME[k].sign)[0] for k in (i, j))
        for i, j in of_one_country_and_outline()
        if set(HOME[i].colours) & CHROMATIC != set(HOME[j].colours) & CHROMATIC
    }
    for group in catalogue().by_colour:
        for kind in group[1:]:
            assert frozenset({group[0], kind}) in found, (group[0], kind)


def test_ends_have_no_colour_and_what_they_end_has_red() -> None:
    ended = {"speed", "no-overtaking", "no-overtaking-trucks"}
    for face in HOME:
        kind, colours = kind_and_value(face.sign)[0], set(face.colours) & CHROMATIC
        if kind.startswith("end-") and face.sign not in (
            "end-school-zone",
            "end-road-works",
            "end-divided-road",
        ):
            assert not colours, face.name
    for kind in ended:
        assert any(kind_and_value(face.sign)[0] == kind and "red" in face.colours for face in HOME)
