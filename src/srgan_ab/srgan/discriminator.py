"""SRGAN's discriminator (Ledig et al. 2017, arXiv 1609.04802, figure 4), for any image size."""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2  # of the leaky rectifiers where their input is negative


class Discriminator(nn.Module):
    """Eight 3×3 convolutions, four of them with stride 2, and a pooled head.

    The paper's dense layer fixes the image size; global pooling before it does not. First weights
    are those that keep a signal's variance through leaky rectifiers (He et al. 2015, arXiv
    1502.01852, equation 15): with torch's, which are smaller, ten layers without BatchNorm pass on
    next to nothing, and for hundreds of updates the discriminator does not learn.

    Args:
        channels: maps of the first layer (paper: 64); the last has eight times as many.
        normalization: `batch` (paper), or `none`, which gradient penalties need.
        spectral_norm: divide every weight by its largest singular value (Miyato et al. 2018,
            arXiv 1802.05957).
    """

    def __init__(
        self, channels: int = 64, normalization: str = "batch", spectral_norm: bool = False
    ):
        super().__init__()
        batch = normalization == "batch"
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU(SLOPE)]
        widths = [channels * m for m in (1, 2, 2, 4, 4, 8, 8)]
        before = channels
        for i, width in enumerate(widths):
            stride = 2 if i % 2 == 0 else 1
            layers += [
                nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=not batch),
                *([nn.BatchNorm2d(width)] if batch else []),
                nn.LeakyReLU(SLOPE),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(before, 2 * before),
            nn.LeakyReLU(SLOPE),
            nn.Linear(2 * before, 1),
        )
        for layer in (*self.features, *self.head):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, SLOPE)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        if spectral_norm:
            self._limit_slopes()

    def _limit_slopes(self) -> None:
        for layer in (*self.features, *self.head):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                spectral_norm(layer)

    def forward(self, image: Tensor) -> Tensor:
        """Judge images.

        Args:
            image: (N, 3, H, W) in [0, 1].

        Returns:
            (N,) outputs: the more, the more real (logits, or scores around 0 and 1 with `lsgan`).
        """
        return self.head(self.features(image * 2 - 1)).squeeze(1)
