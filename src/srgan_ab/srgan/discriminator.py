"""SRGAN's discriminator (Ledig et al. 2017, arXiv 1609.04802, figure 4), for any image size."""

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Eight 3×3 convolutions, four of them with stride 2, and a pooled head.

    The paper's dense layer fixes the image size; global pooling before it does not.

    Args:
        channels: maps of the first layer (paper: 64); the last has eight times as many.
    """

    def __init__(self, channels: int = 64):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU(0.2)]
        widths = [channels * m for m in (1, 2, 2, 4, 4, 8, 8)]
        before = channels
        for i, width in enumerate(widths):
            stride = 2 if i % 2 == 0 else 1
            layers += [
                nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.LeakyReLU(0.2),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(before, 2 * before),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * before, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Judge images.

        Args:
            image: (N, 3, H, W) in [0, 1].

        Returns:
            (N,) logits: above 0 means taken for real.
        """
        return self.head(self.features(image * 2 - 1)).squeeze(1)
