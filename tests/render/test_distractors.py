"""Things that look much like signs."""

from __future__ import annotations

import pytest
import torch

from roadworthy.data.drawings import distractors
from roadworthy.render.camera import Camera
from roadworthy.render.distractors import distractor_faces
from roadworthy.render.no_sign import no_sign
from roadworthy.signs.catalogue import NO_SIGN
from roadworthy.signs.draw import draw

SIZE = 32


@pytest.mark.parametrize("face", distractor_faces(), ids=lambda face: face.name)
def test_every_thing_can_be_drawn_and_is_no_sign(face: object) -> None:
    picture = draw(face, 64)  # type: ignore[arg-type]
    assert max(picture.shape[:2]) == 64
    assert (picture[..., 3] > 0).mean() > 0.02
    assert face.sign == NO_SIGN  # type: ignore[attr-defined]


def test_there_are_things_of_all_kinds_and_no_two_are_alike() -> None:
    names = [face.name for face in distractor_faces()]
    for kind in ("tail-light", "signal-arrow", "wheel", "brake-disc", "logo", "balloon", "clock", "plate"):
        assert any(kind in name for name in names), kind
    tiles = distractors(32).flatten(1)
    assert len(tiles) == len(names) >= 100
    apart = torch.cdist(tiles, tiles) + 1e3 * torch.eye(len(tiles))
    assert apart.min() > 1.0


def test_they_take_their_share_of_the_pictures_and_change_no_other() -> None:
    def make(share: float) -> torch.Tensor:
        random = torch.Generator().manual_seed(0)
        return no_sign(Camera("plain", SIZE), 300, random, things=distractors(64), distracting=share)

    none, half = make(0.0), make(0.5)
    assert 0.4 < (none != half).flatten(1).any(dim=1).float().mean() < 0.6
    with pytest.raises(ValueError, match="things to show"):
        no_sign(Camera("plain", SIZE), 4, torch.Generator().manual_seed(0), distracting=0.5)
