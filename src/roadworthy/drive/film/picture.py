"""A decoded frame as a person sees it: RGB by the right matrix, upright, whole lines, square pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import DataError
from roadworthy.drive.film.hdr import HLG, PQ, to_sdr

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph
    from av.video.reformatter import VideoReformatter

HD_LINES = 720  # from here up, films that name no matrix are BT.709: ITU-R BT.709 is what HD was made with

# Values of ITU-T H.273, which FFmpeg keeps: matrix coefficients, and their names for swscale and for people.
_YCGCO, _BT2020_CONSTANT = 8, 10
_MATRICES = {
    1: ("ITU709", "BT.709"),
    4: ("FCC", "FCC"),
    5: ("ITU601", "BT.601"),
    6: ("ITU601", "BT.601"),
    7: ("SMPTE240M", "SMPTE 240M"),
    9: ("BT2020", "BT.2020"),
}
_TRANSFERS = {16: PQ, 18: HLG}
_LIMITED, _FULL = 1, 2


@dataclass(frozen=True, kw_only=True)
class Colour:
    """How a frame's levels become RGB.

    matrix: swscale's name; None for frames that are RGB already.  hdr: the transfer, PQ or HLG, else None.
    chosen: whether the matrix is ours, for the film names none.
    """

    matrix: str | None
    full_range: bool
    hdr: str | None
    chosen: bool
    words: str


def colour_of(frame: VideoFrame) -> Colour:
    """What a frame says of its colour, and where it says nothing what is most likely.

    Raises DataError on a matrix that is not known.
    """
    bits = max(part.bits for part in frame.format.components)
    depth = f"{bits} bit"
    hdr = _TRANSFERS.get(frame.color_trc)
    if frame.format.is_rgb or frame.format.has_palette:
        return Colour(matrix=None, full_range=True, hdr=hdr, chosen=False, words=f"RGB, {depth}")
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    matrix, name = _matrix(frame)
    words = f"{name}, {'full' if full else 'limited'} range, {depth}"
    words += f", {hdr} made SDR" if hdr else ""
    chosen = int(frame.colorspace) not in _MATRICES
    return Colour(matrix=matrix, full_range=full, hdr=hdr, chosen=chosen, words=words)


def _matrix(frame: VideoFrame) -> tuple[str, str]:
    tag = int(frame.colorspace)
    if tag == _BT2020_CONSTANT:  # BT.2020 with constant luminance is another computation
        raise DataError("its colours are BT.2020 with constant luminance, which is not read; convert it")
    if tag == _YCGCO:
        raise DataError("its colours are YCgCo, which is not read; convert the film")
    if tag in _MATRICES:
        return _MATRICES[tag]
    hd = frame.height >= HD_LINES
    matrix, name = _MATRICES[1 if hd else 6]
    return matrix, f"{name} (chosen by its {frame.height} lines: the film names none)"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A display matrix: swapped left to right where mirrored, then turned clockwise by 0, 90, 180 or 270."""

    rotation_deg: int
    mirrored: bool

    def __call__(self, image: ByteArray) -> ByteArray:
        """The image upright."""
        image = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(image, -(self.rotation_deg // 90)))


UPRIGHT = Turn(rotation_deg=0, mirrored=False)


def turn_of(frame: VideoFrame) -> Turn:
    """How a frame must be turned, by its display matrix; angles between are rounded to a quarter.

    Source: ISO/IEC 14496-12, 6.2.2: x' = a x + c y, y' = b x + d y, y downwards.
    """
    sides: Any = frame.side_data  # its stub knows motion vectors alone, and to iterate over it gives no keys
    found = sides.get("DISPLAYMATRIX")
    if found is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].astype(float)
    # By the image of the y axis, which swapping left and right leaves where it is.
    quarters = round(math.degrees(math.atan2(-c, d)) / 90)
    return Turn(rotation_deg=quarters * 90 % 360, mirrored=bool(a * d - b * c < 0))


class Developer:
    """Frames to pictures; keeps what is costly to set up."""

    def __init__(self) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        # Others are 2 levels off, and no faster.
        exact = Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
        self._quality = Interpolation.BILINEAR | exact
        self._reformatter: VideoReformatter = VideoReformatter()
        self._turns: dict[int, Turn] = {}  # by the angle, which is cheap to ask for
        self._field: tuple[tuple[object, ...], Graph] | None = None

    def __call__(self, frame: VideoFrame, aspect: float = 1.0) -> ByteArray:
        """(H, W, 3) uint8 RGB, upright.

        aspect: width of a pixel by its height.  Of an interlaced frame one field counts, its lines doubled:
        the other was taken at another moment.  HDR becomes SDR.
        """
        colour = colour_of(frame)
        # Side data hold their frame as it holds them: asked of each, frames would pile up until collected.
        turn = self._turns.get(frame.rotation) or self._turns.setdefault(frame.rotation, turn_of(frame))
        if frame.interlaced_frame:
            frame = self._upper_field(frame)
        rgb: Any = self._reformatter.reformat(
            frame,
            width=max(1, round(frame.width * aspect)),
            height=frame.height,
            format="rgb48le" if colour.hdr else "rgb24",
            interpolation=self._quality,
            src_colorspace=colour.matrix,  # type: ignore[arg-type]  # the names work, too
            src_color_range=_FULL if colour.full_range else _LIMITED,
            dst_color_range=_FULL,
        ).to_ndarray()
        return turn(to_sdr(rgb, colour.hdr) if colour.hdr else rgb)

    def _upper_field(self, frame: VideoFrame) -> VideoFrame:
        kind = (frame.width, frame.height, frame.format.name)
        if self._field is None or self._field[0] != kind:
            self._field = kind, _field_graph(frame)
        graph = self._field[1]
        graph.vpush(frame)
        return graph.vpull()


def _field_graph(frame: VideoFrame) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    field, scale = graph.add("field", "type=top"), graph.add("scale", f"{frame.width}:{frame.height}")
    graph.link_nodes(source, field, scale, graph.add("buffersink")).configure()
    return graph
