"""VGG-16 with batch normalisation, as small pictures take it."""

from __future__ import annotations

from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.models._shared import Classifier, check, initialise
from roadworthy.models.catalogue import MODELS

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Width and number of convolutions between two poolings: the paper's configuration D."""


class VggBn(Classifier):
    """Thirteen 3x3 convolutions, each with normalisation and ReLU; pooling after each stage; one dense layer.

    The variant for CIFAR: the paper's two hidden layers of 4096 are left out, and convolutions have no
    biases, for the normalisation has its own.  At 10 classes: 14,724,042 parameters, 14.7 M.
    Five poolings leave one place of 32 px; of larger pictures the mean over places is taken, and a place
    that cannot be halved any more stays.
    Source: Simonyan and Zisserman 2015; Ioffe and Szegedy 2015.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, convolutions in STAGES:
            for _ in range(convolutions):
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                ]
                channels = width
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.stages = nn.Sequential(*layers)
        self.head = nn.Linear(channels, num_classes)
        initialise(self, self.head)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, 512), what the last layer sees."""
        places: Tensor = self.stages(images)
        return places.mean(dim=(2, 3))


@MODELS.register("vgg16-bn")
def vgg16_bn(config: ModelConfig, num_classes: int, size: int) -> nn.Module:
    """VGG-16 with batch normalisation and one dense layer: 14,724,042 parameters at 10 classes."""
    check(config, size)
    return VggBn(num_classes)
