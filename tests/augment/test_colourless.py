"""Colour taken away or put in the wrong order."""

from __future__ import annotations

import numpy as np
import torch

from roadworthy.augment.colourless import Backlit, Colourless, SwappedChannels
from roadworthy.augment.policy import Policy, build_policy
from roadworthy.config import AugmentConfig
from roadworthy.imaging import ops
from roadworthy.imaging.colour import has_colour
from roadworthy.signs.catalogue import faces, sign_classes
from roadworthy.signs.draw import draw_icon

CLASSES = ("speed-50", "end-speed-80", "stop", "no-sign")
ENDS = CLASSES.index("end-speed-80")


def limits(n: int) -> torch.Tensor:
    """(n, 3, 48, 48) uint8 of one red ring."""
    face = next(face for face in faces(["de"]) if face.sign == "speed-50")
    return torch.from_numpy(draw_icon(face, 48)).permute(2, 0, 1).expand(n, 3, 48, 48).contiguous()


def test_colourless_pictures_have_no_colour_and_keep_their_shapes() -> None:
    pictures = ops.to_float(limits(64))
    u = torch.rand(64, Colourless.draws, generator=torch.Generator().manual_seed(3))
    changed = ops.colour(pictures, Colourless().matrix(u, ops.mean_grey(pictures)))
    levels = (changed * 255).byte().permute(0, 2, 3, 1).numpy()
    some_left = (u[:, 0] >= 5 / 6).numpy()
    assert not any(has_colour(np.ascontiguousarray(level)) for level in levels[~some_left])
    # The black numeral stays darker than its white ground in every one of them.
    inside = changed[:, :, 18:30, 15:33].mean(1).flatten(1)
    assert (inside.amax(1) - inside.amin(1) > 0.05).all()
    assert len({tuple(level[24, 4]) for level in levels}) > 40  # the ring, by any camera


def test_one_channel_and_a_tint_are_what_they_say() -> None:
    pictures = ops.to_float(limits(2))
    u = torch.full((2, Colourless.draws), 0.9)
    u[0, :2] = torch.tensor([0.5, 0.1])  # the first channel alone
    u[1, 0] = 0.7  # a tint
    u[1, 4:7] = torch.tensor([1.0, 0.5, 0.0])
    red, tinted = Colourless().matrix(u, ops.mean_grey(pictures))
    torch.testing.assert_close(red, torch.tensor([[1.0, 0, 0, 0]] * 3))
    grey = torch.tensor(ops.LUMA)
    expected = torch.stack([grey * 1.0, grey * (0.45 + 0.275), grey * 0.45])
    torch.testing.assert_close(tinted[:, :3], expected)


def test_a_backlit_ring_is_pale_and_its_numeral_still_stands_out() -> None:
    pictures = ops.to_float(limits(64))
    u = torch.rand(64, Backlit.draws, generator=torch.Generator().manual_seed(3))
    changed = ops.colour(pictures, Backlit().matrix(u, ops.mean_grey(pictures)))
    ring, ground = pictures[0, :, 24, 3], pictures[0, :, 15, 15]
    redder = (changed[:, 0, 24, 3] - changed[:, 2, 24, 3]) - (changed[:, 0, 15, 15] - changed[:, 2, 15, 15])
    before = (ring[0] - ring[2]) - (ground[0] - ground[2])
    assert (redder > 0.02 * before).all()  # unlike with red and blue swapped
    assert (redder < 0.65 * before).all()
    inside = changed[:, :, 18:30, 15:33].mean(1).flatten(1)
    assert (inside.amax(1) - inside.amin(1) > 0.08).all()


def test_backlit_of_nothing_changes_nothing() -> None:
    (matrix,) = Backlit(0.0).matrix(torch.full((1, Backlit.draws), 0.7), torch.zeros(1))
    torch.testing.assert_close(matrix, torch.eye(3, 4))


def test_swapped_channels_make_a_coloured_sign_none_and_leave_grey_ones_alone() -> None:
    policy = Policy([SwappedChannels(1.0, 1.0)], [-1] * 4, [3, -1, 3, -1])
    images, targets = limits(4), torch.arange(4)
    varied, labels = policy(images, targets, torch.Generator().manual_seed(0))
    assert labels.tolist() == [3, ENDS, 3, 3]
    assert torch.equal(varied[0], ops.to_float(images[:1])[0].flip(0))
    assert torch.equal(varied[ENDS], ops.to_float(images[:1])[0])


def test_a_swapped_picture_never_loses_its_colour_too() -> None:
    policy = Policy([SwappedChannels(1.0, 1.0), Colourless(1.0, 1.0)], [-1] * 4, [3, -1, 3, -1])
    varied, _ = policy(limits(4), torch.arange(4), torch.Generator().manual_seed(0))
    assert (varied[0].amax(0) - varied[0].amin(0)).max() > 0.5
    assert (varied[ENDS].amax(0) - varied[ENDS].amin(0)).max() < 0.5


def test_without_a_background_class_no_channels_are_swapped() -> None:
    config = AugmentConfig(policy="any-camera")
    names = {type(op) for op in build_policy(config, list(sign_classes())).ops}
    assert SwappedChannels in names
    assert SwappedChannels not in {type(op) for op in build_policy(config, ["speed-50", "stop"]).ops}
