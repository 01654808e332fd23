"""Losses of SRGAN. Each is a mean over its elements; none knows of loops or networks' insides."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

PIXEL_LOSSES = {"mse": F.mse_loss, "l1": F.l1_loss}


def generator_adversarial_loss(fake_logits: Tensor) -> Tensor:
    """-log D(G(z)), the non-saturating form (Ledig et al. 2017, eq. 6).

    Args:
        fake_logits: (N,) the discriminator's logits of generated images.
    """
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, label_smoothing: float) -> Tensor:
    """Binary cross-entropy, the mean of its real and fake halves (Goodfellow et al. 2014, eq. 1).

    Args:
        real_logits: (N,) logits of photographs, whose target is 1 - label_smoothing.
        fake_logits: (N,) logits of generated images, whose target is 0 (one-sided smoothing,
            Salimans et al. 2016, section 3.4).
        label_smoothing: in [0, 0.5).
    """
    target = torch.full_like(real_logits, 1 - label_smoothing)
    real = F.binary_cross_entropy_with_logits(real_logits, target)
    return (real + F.softplus(fake_logits).mean()) / 2


def discriminator_loss_floor(label_smoothing: float) -> float:
    """Least value that `discriminator_loss` can take: half the entropy of the smoothed label.

    A curve that lies on it belongs to a discriminator that has won, not to a balance.
    """
    p = 1 - label_smoothing
    return 0.0 if p == 1 else -(p * math.log(p) + (1 - p) * math.log(1 - p)) / 2


def total_variation_loss(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, vertical plus horizontal.

    Args:
        image: (N, 3, H, W).
    """
    vertical = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    horizontal = (image[..., 1:] - image[..., :-1]).abs().mean()
    return vertical + horizontal
