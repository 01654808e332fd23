"""Losses of SRGAN. Each is a mean over its elements; none knows of loops or networks' insides.

The adversarial losses come in three kinds, each with its part for the discriminator and for the
generator:

- `bce`: cross-entropy (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1) with the non-saturating
  generator loss -log D(G(z)) (Ledig et al. 2017, arXiv 1609.04802, eq. 6).
- `lsgan`: least squares (Mao et al. 2017, arXiv 1611.04076, eq. 2 with labels 0 and 1).
- `relativistic`: cross-entropy of "more real than the average of the others", which is also what
  the generator opposes (Jolicoeur-Martineau 2018, arXiv 1807.00734, RaGAN).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LUMA = (0.299, 0.587, 0.114)  # of RGB, ITU-R BT.601
PATTERN_WINDOW = 5  # LR pixels
PATTERN_FLOOR = 1e-6  # a quarter of a grey value of 255, squared: less is not seen
PIXEL_LOSSES = {"mse": F.mse_loss, "l1": F.l1_loss}


def generator_adversarial_loss(kind: str, fake: Tensor, real: Tensor | None = None) -> Tensor:
    """What the generator pays for not being taken for real.

    Args:
        kind: `bce`, `lsgan` or `relativistic`.
        fake: (N,) the discriminator's outputs for generated images.
        real: (N,) its outputs for photographs; only `relativistic` looks at them.

    Raises:
        ValueError: `relativistic` without `real`.
    """
    if kind == "lsgan":
        return (fake - 1).square().mean() / 2
    if kind == "relativistic":
        if real is None:
            raise ValueError("a relativistic loss compares with the outputs for photographs")
        return (F.softplus(real - fake.mean()) + F.softplus(real.mean() - fake)).mean() / 2
    return F.softplus(-fake).mean()


def discriminator_loss(
    kind: str, real: Tensor, fake: Tensor, real_target: Tensor, fake_target: Tensor
) -> Tensor:
    """The mean of the discriminator's real and fake halves.

    Args:
        kind: `bce`, `lsgan` or `relativistic`.
        real: (N,) outputs for photographs.
        fake: (N,) outputs for generated images.
        real_target: (N,) labels in [0, 1] of the photographs: 1, or less with one-sided smoothing
            (Salimans et al. 2016, arXiv 1606.03498, section 3.4).
        fake_target: (N,) labels of the generated images: 0, or more with label noise.
    """
    if kind == "lsgan":
        return ((real - real_target).square() + (fake - fake_target).square()).mean() / 2
    real, fake = compared(kind, real, fake)
    cross_entropy = F.binary_cross_entropy_with_logits
    return (cross_entropy(real, real_target) + cross_entropy(fake, fake_target)) / 2


def compared(kind: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs such that above 0 means "taken for real", of photographs and of generated images."""
    if kind == "lsgan":
        return real - 0.5, fake - 0.5
    if kind == "relativistic":
        return real - fake.mean(), fake - real.mean()
    return real, fake


def realness(kind: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """D(x) and D(G(z)) in [0, 1]: how real photographs and generated images are taken to be."""
    if kind == "lsgan":
        return real.clamp(0, 1), fake.clamp(0, 1)
    real, fake = compared(kind, real, fake)
    return real.sigmoid(), fake.sigmoid()


def discriminator_loss_floor(kind: str, smoothing: float, noise: float) -> float:
    """Least expected value of `discriminator_loss`, reached by one who tells every image apart.

    A curve that lies on it belongs to a discriminator that has won, not to a balance.

    Args:
        kind: `bce`, `lsgan` or `relativistic`.
        smoothing: photographs are labelled 1 - smoothing,
        noise: less a uniform draw from [0, noise]; generated images by such a draw.
    """

    def entropy(p: float) -> float:  # in nats
        return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)

    if kind == "lsgan":
        return noise**2 / 12  # the variance of both labels
    real, fake = 1 - smoothing - noise / 2, noise / 2
    if kind == "relativistic":  # both halves share one difference of outputs
        return entropy((1 + real - fake) / 2)
    return (entropy(real) + entropy(fake)) / 2


def gradient_penalty(discriminator: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """How steep the discriminator is at some images: R1 on photographs, R2 on generated ones.

    Mescheder et al. 2018, arXiv 1801.04406, eq. 9, without its factor γ/2. The discriminator must
    judge each image by itself, so it has no BatchNorm.

    Args:
        discriminator: of (N, 3, H, W).
        images: (N, 3, H, W) in [0, 1].

    Returns:
        The outputs (N,), and the mean squared norm of their gradients by the images.
    """
    images = images.detach().requires_grad_()
    outputs = discriminator(images)
    (gradient,) = torch.autograd.grad(outputs.sum(), images, create_graph=True)
    return outputs, gradient.square().flatten(1).sum(1).mean()


def total_variation_loss(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, vertical plus horizontal.

    Args:
        image: (N, 3, H, W).
    """
    vertical = (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
    horizontal = (image[..., 1:] - image[..., :-1]).abs().mean()
    return vertical + horizontal


def lattice_loss(sr: Tensor, hr: Tensor, scale: int) -> Tensor:
    """How much more the places within an LR pixel have in common in `sr` than in `hr`.

    A generator that sees only the LR picture can draw texture into a smooth area only as a function
    of the place within an LR pixel: a pattern that repeats with every LR pixel. In each window of 5
    LR pixels, grey values are averaged place by place; how the means of the scale² places differ
    is the pattern there. What counts is the logarithm of its power, since smooth dark areas, where
    the eye sees it first, have little of either, and only what exceeds that of the same window of
    `hr`.

    Args:
        sr, hr: (N, 3, H, W) in [0, 1], H and W multiples of the scale.
        scale: HR pixels per LR pixel, along each side.
    """
    power, real = (_pattern_power(image.float(), scale) for image in (sr, hr))
    return F.relu((power + PATTERN_FLOOR).log() - (real + PATTERN_FLOOR).log()).mean()


def _pattern_power(image: Tensor, scale: int) -> Tensor:
    """(N, 3, H, W) to (N, h, w): variance over the places of their means, window by window."""
    # no tensor of weights, which would have to be copied to a GPU at every update
    red, green, blue = (w * colour for w, colour in zip(LUMA, image.split(1, 1), strict=True))
    places = F.pixel_unshuffle(red + green + blue, scale)  # (N, scale², H/scale, W/scale)
    means = F.avg_pool2d(places, min(PATTERN_WINDOW, *places.shape[2:]), stride=2)
    return (means - means.mean(1, keepdim=True)).square().mean(1)
