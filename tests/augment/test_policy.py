from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.augment.ops import BlindFlip, Blur, Flip, Mirror, Noise, Rotation
from roadworthy.augment.policy import POLICIES, Policy, build_policy, for_objects, kinds, operations
from roadworthy.config import AugmentConfig
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.signs.catalogue import mirror_indices

CLASSES = ("speed-50", "stop", "keep-left", "keep-right", "general-caution", "my-own-sign")

OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog")
CIFAR = ["cifar", "cifar-autoaugment", "cifar-cutout"]


def batch(n: int = 32, size: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    images = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)
    return images, torch.arange(n) % len(CLASSES)


def run(
    policy: Policy, images: torch.Tensor, targets: torch.Tensor, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    return policy(images, targets, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", POLICIES.names())
def test_every_policy_gives_pictures_and_targets(name: str) -> None:
    images, targets = batch()
    kept = images.clone(), targets.clone()
    classes = OBJECTS if for_objects(name) else CLASSES
    result, labels = run(build_policy(AugmentConfig(policy=name), classes), images, targets)
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.isfinite().all()
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6
    assert labels.shape == targets.shape
    assert labels.data_ptr() != targets.data_ptr()
    assert torch.equal(images, kept[0])
    assert torch.equal(targets, kept[1])
    assert POLICIES.summary(name).endswith(".")


@pytest.mark.parametrize("name", POLICIES.names())
def test_strength_nought_is_exactly_the_identity(name: str) -> None:
    images, targets = batch()
    result, labels = run(build_policy(AugmentConfig(policy=name, strength=0.0), CLASSES), images, targets)
    assert torch.equal(result, images.float() / 255)
    assert torch.equal(labels, targets)


@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 20),
    name=st.sampled_from(["default", "strong", "study", *CIFAR]),
)
@settings(max_examples=10, deadline=None)
def test_same_seed_same_output_whatever_the_number_of_threads(seed: int, n: int, name: str) -> None:
    images, targets = batch(n)
    policy = build_policy(AugmentConfig(policy=name), OBJECTS if for_objects(name) else CLASSES)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = run(policy, images, targets, seed)
        torch.set_num_threads(2)
        two = run(policy, images, targets, seed)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_pictures_draw_numbers_of_their_own() -> None:
    images, targets = batch()
    same = images[:1].expand(32, -1, -1, -1)
    result, _ = run(build_policy(AugmentConfig(policy="study"), CLASSES), same, targets)
    assert len(result.flatten(1).unique(dim=0)) == 32


def test_layout_of_the_input_does_not_matter() -> None:
    images, targets = batch()
    last = images.contiguous(memory_format=torch.channels_last)
    policy = build_policy(AugmentConfig(), CLASSES)
    # Sampling sums in another order; JPEG's rounding may then turn, so most pixels rather than all.
    difference = (run(policy, images, targets)[0] - run(policy, last, targets)[0]).abs()
    assert (difference < 1e-5).float().mean() > 0.99
    assert difference.max() < 0.1


# Mirroring


def test_mirror_changes_pictures_with_their_labels_and_no_others() -> None:
    images, targets = batch(6)
    result, labels = run(Policy([Mirror(probability=1.0)], mirror_indices(CLASSES)), images, targets)
    original = images.float() / 255
    assert labels.tolist() == [0, 1, 3, 2, 4, 5]
    for i, mirrored in enumerate([False, False, True, True, True, False]):
        expected = original[i].flip(2) if mirrored else original[i]
        torch.testing.assert_close(result[i], expected, atol=1e-5, rtol=0)


def test_a_picture_that_may_not_be_turned_is_left_as_it_is() -> None:
    images, targets = batch(6)
    policy = Policy([Mirror(probability=1.0)], mirror_indices(CLASSES))
    turnable = torch.tensor([True, True, False, True, False, True])
    freely, _ = run(policy, images, targets)
    result, labels = policy(images, targets, torch.Generator().manual_seed(0), turnable)
    assert labels.tolist() == [0, 1, 2, 2, 4, 5]
    torch.testing.assert_close(result[3], freely[3])
    torch.testing.assert_close(result[~turnable], images[~turnable].float() / 255, atol=1e-5, rtol=0)


def test_mirroring_twice_restores_picture_and_label() -> None:
    images, targets = batch(6)
    policy = Policy([Mirror(probability=1.0)], mirror_indices(CLASSES))
    once, labels = run(policy, images, targets)
    twice, restored = run(policy, (once * 255).round().byte(), labels)
    torch.testing.assert_close(twice, images.float() / 255, atol=1e-5, rtol=0)
    assert torch.equal(restored, targets)


def test_no_mirror_without_the_other_class_or_against_the_setting() -> None:
    assert mirror_indices(["keep-left", "stop"]) == [-1, -1]
    alone = build_policy(AugmentConfig(), ["keep-left", "stop"])
    unwanted = build_policy(AugmentConfig(mirror=False), CLASSES)
    for policy in (alone, unwanted):
        assert not any("mirror" in line for line in policy.describe())


def test_the_studys_flips_keep_the_label_and_only_study_flips_has_them() -> None:
    images, targets = batch(6)
    result, labels = run(Policy([BlindFlip(probability=1.0)], mirror_indices(CLASSES)), images, targets)
    torch.testing.assert_close(result, images.flip(3).float() / 255, atol=1e-5, rtol=0)
    assert torch.equal(labels, targets)
    having = [name for name in POLICIES if any(isinstance(op, BlindFlip) for op in POLICIES.get(name)())]
    assert having == ["study-flips"]


# Objects


def test_policies_for_objects_are_those_that_flip_them_as_they_are() -> None:
    assert [name for name in POLICIES if for_objects(name)] == CIFAR
    images, targets = batch(200, 8)
    result, labels = run(Policy([Flip()], [-1] * len(OBJECTS)), images, targets)
    original = images.float() / 255
    flipped = (result - original.flip(3)).abs().flatten(1).amax(dim=1) < 1e-5
    kept = (result - original).abs().flatten(1).amax(dim=1) < 1e-5
    assert (flipped ^ kept).all()
    assert 70 < flipped.sum() < 130
    assert torch.equal(labels, targets)


@pytest.mark.parametrize("name", CIFAR)
@pytest.mark.parametrize("sign", ["stop", "keep-left", "speed-135", "prohibition", "no-sign"])
def test_objects_policies_refuse_signs(name: str, sign: str) -> None:
    with pytest.raises(
        ConfigError, match=f"policy={name} flips pictures of objects.*{sign} is a sign.*mirror=false"
    ):
        build_policy(AugmentConfig(policy=name), ("cat", sign))
    for allowed in (
        AugmentConfig(policy=name, mirror=False),
        AugmentConfig(policy=name, only=("shifted-crop",)),
    ):
        assert not any("flip" in line for line in build_policy(allowed, ("cat", sign)).describe())
    assert any("flip" in line for line in build_policy(AugmentConfig(policy=name), ("cat", "dog")).describe())


def test_cifars_policies_build_upon_each_other_in_the_papers_order() -> None:
    assert operations("cifar") == ["flip", "shifted-crop"]
    assert operations("cifar-cutout") == ["flip", "shifted-crop", "cutout"]
    assert operations("cifar-autoaugment") == ["flip", "shifted-crop", "auto-augment", "cutout"]
    described = build_policy(AugmentConfig(policy="cifar-autoaugment"), OBJECTS).describe()
    assert described == [
        "flip: objects, never signs, 50% of pictures",
        "shifted-crop: by whole pixels, ±0.125 of the side, every picture",
        "auto-augment: one of 25 pairs of operations, 1 times as often as found, every picture",
        "cutout: a square of 0.5 of the side, every picture",
    ]


# Probability, order, errors


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0), (1.0, 400)])
def test_probability_nought_and_one_are_exact(probability: float, expected: int) -> None:
    images, targets = batch(400, 8)
    noise = Policy([Noise(0.5, probability)], [-1] * len(CLASSES))
    changed = (run(noise, images, targets)[0] != images.float() / 255).flatten(1).any(dim=1)
    assert changed.sum().item() == expected


@pytest.mark.parametrize("op", [Rotation(40, 0.3), Noise(0.5, 0.3)], ids=["geometry", "filter"])
def test_probability_is_the_share_of_pictures(op: Rotation | Noise) -> None:
    images, targets = batch(400, 8)
    changed = run(Policy([op], [-1] * len(CLASSES)), images, targets)[0] - images.float() / 255
    share = (changed.abs().flatten(1).amax(dim=1) > 1e-3).float().mean().item()
    assert 0.22 < share < 0.38


def test_filters_act_in_the_order_named() -> None:
    images, targets = batch(4)
    first = run(Policy([Noise(0.5), Blur(0.1)], [-1] * len(CLASSES)), images, targets)[0]
    second = run(Policy([Blur(0.1), Noise(0.5)], [-1] * len(CLASSES)), images, targets)[0]
    assert first.diff(dim=-1).abs().mean() < second.diff(dim=-1).abs().mean()


def test_unknown_policy_and_strength_out_of_range() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'default'"):
        build_policy(AugmentConfig(policy="defaut"), CLASSES)
    with pytest.raises(ConfigError, match="must lie between 0"):
        build_policy(AugmentConfig(strength=4.0), CLASSES)


def test_strength_scales_what_describe_says() -> None:
    policy = build_policy(AugmentConfig(policy="study", strength=0.5), CLASSES)
    assert "rotation: ±10°, every picture" in policy.describe()


def test_only_the_operations_asked_for_are_kept() -> None:
    policy = build_policy(AugmentConfig(policy="study", only=("rotation",)), CLASSES)
    assert policy.describe() == ["rotation: ±20°, every picture"]
    with pytest.raises(UnknownNameError, match=r"did you mean 'rotation'.*Known: "):
        build_policy(AugmentConfig(policy="study", only=("rotations",)), CLASSES)


def test_kinds_share_out_the_operations() -> None:
    assert kinds("default").keys() == {"geometry", "colour", "filters"}
    assert sorted(name for names in kinds("default").values() for name in names) == sorted(
        operations("default")
    )
    assert "rotation" in kinds("default")["geometry"]
    assert "jpeg" in kinds("default")["filters"]
    assert kinds("study") == {"geometry": operations("study")}
