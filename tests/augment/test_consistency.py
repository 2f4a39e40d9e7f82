from __future__ import annotations

import pytest
import torch

from roadworthy.augment.consistency import build_views
from roadworthy.augment.op import Op
from roadworthy.augment.ops import Brightness, Mirror, Noise, Rotation
from roadworthy.augment.policy import Policy
from roadworthy.config import AugmentConfig
from roadworthy.core.errors import ConfigError

WITH = AugmentConfig(consistency=12.0)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 16, size: int = 12) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=random(7))


def policy(*ops: Op) -> Policy:
    return Policy(ops, [1, 0])


def test_without_a_weight_there_is_one_view() -> None:
    images = pictures()
    assert build_views(AugmentConfig(), policy(Rotation(10)))(images, random()) is images


def test_three_views_the_first_untouched_and_the_others_within_range() -> None:
    images = pictures()
    kept = images.clone()
    views = build_views(WITH, policy(Rotation(10), Brightness(0.5), Noise(0.1, 0.01)))
    seen = views(images, random())
    assert seen.shape == (48, 3, 12, 12)
    assert torch.equal(images, kept)
    assert torch.equal(seen[:16], images)
    first, second = seen[16:32], seen[32:]
    for changed in (first - images, second - images, first - second):
        assert (changed.abs().flatten(1).amax(1) > 1e-3).float().mean() > 0.8
    assert seen.min() >= -1e-6
    assert seen.max() <= 1 + 1e-6
    assert torch.equal(seen, views(images, random()))
    assert not torch.equal(seen, views(images, random(1)))


def test_a_mixture_lies_between_the_picture_and_what_its_only_operation_makes_of_it() -> None:
    # Brightness of grey pictures: every chain multiplies by 0.5 to 1.5, so does any mean of chains.
    images = torch.full((400, 3, 4, 4), 0.4)
    seen = build_views(WITH, policy(Brightness(0.5)))(images, random())[400:]
    factors = (seen / 0.4).flatten(1)
    assert (factors.amax(1) - factors.amin(1)).max() < 1e-5
    assert factors.min() >= 0.5
    assert factors.max() <= 1.5
    # Half the way on average (Beta(1, 1)), towards a mean of three factors with shares of Dirichlet(1, 1, 1):
    # the variance is E[m^2] E[sum w^2] var(factor) = 1/3 * 1/2 * 1/12.
    assert factors[:, 0].mean().item() == pytest.approx(1, abs=0.02)
    assert factors[:, 0].var().item() == pytest.approx(1 / 72, rel=0.2)


def test_mirroring_is_left_out_for_it_changes_labels() -> None:
    images = torch.linspace(0, 1, 12).expand(8, 3, 12, 12)  # mirrored it would fall from left to right
    seen = build_views(WITH, policy(Mirror(probability=1.0), Brightness(0.3)))(images, random())
    assert (seen.diff(dim=3) >= 0).all()


@pytest.mark.parametrize("ops", [(), (Mirror(),)])
def test_a_policy_with_nothing_to_mix_is_refused(ops: tuple[Op, ...]) -> None:
    with pytest.raises(ConfigError, match=r"augment\.consistency mixes the policy's operations"):
        build_views(WITH, policy(*ops))
