"""SRGAN as tutorials write it, for comparison only: fp32, eager, nothing tuned.

The networks have the same layers and sizes as the project's at the paper's scale. The step keeps
what such code commonly keeps: contiguous NCHW tensors, Adam's default loop, and gradients for the
weights of VGG and of the discriminator that nobody uses.
"""

import torch
from timing import seconds
from torch import nn
from torchvision.models import vgg19


def block(channels):
    """Make a residual branch: conv, norm, activation, conv, norm."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.BatchNorm2d(channels),
        nn.PReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.BatchNorm2d(channels),
    )


def doubling(channels):
    """Make layers that double height and width."""
    return nn.Sequential(
        nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()
    )


class Generator(nn.Module):
    """SRResNet."""

    def __init__(self, blocks=16, channels=64):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), nn.PReLU())
        self.blocks = nn.ModuleList(block(channels) for _ in range(blocks))
        self.join = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        )
        self.tail = nn.Sequential(
            doubling(channels), doubling(channels), nn.Conv2d(channels, 3, 9, padding=4)
        )

    def forward(self, lr):
        """(N, 3, h, w) to (N, 3, 4h, 4w)."""
        first = x = self.head(lr)
        for residual in self.blocks:
            x = x + residual(x)
        return self.tail(first + self.join(x))


class Discriminator(nn.Module):
    """SRGAN's, with pooling before its dense layers."""

    def __init__(self, channels=64):
        super().__init__()
        layers, before = [nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU(0.2)], channels
        for i, multiple in enumerate((1, 2, 2, 4, 4, 8, 8)):
            width = channels * multiple
            layers += [
                nn.Conv2d(before, width, 3, stride=1 + (i % 2 == 0), padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.LeakyReLU(0.2),
            ]
            before = width
        self.layers = nn.Sequential(
            *layers,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(before, 2 * before),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * before, 1),
        )

    def forward(self, image):
        """(N, 3, H, W) to (N, 1) logits."""
        return self.layers(image)


class Training:
    """Both networks, their optimisers and VGG19 to conv5_4, with random weights."""

    def __init__(self, device):
        self.generator = Generator().to(device)
        self.discriminator = Discriminator().to(device)
        self.vgg = vgg19(weights=None).features[:35].eval().to(device)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), 1e-4)
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), 1e-4)
        self.mse, self.bce = nn.MSELoss(), nn.BCEWithLogitsLoss()

    def mse_step(self, lr, hr):
        """One update of the pre-training."""
        loss = self.mse(self.generator(lr), hr)
        self.optimizer_g.zero_grad()
        loss.backward()
        self.optimizer_g.step()

    def srgan_step(self, lr, hr):
        """One update of both networks."""
        sr = self.generator(lr)
        content = self.mse(self.vgg(sr), self.vgg(hr).detach())
        judged = self.discriminator(sr)
        loss = content + 1e-3 * self.bce(judged, torch.ones_like(judged))
        self.optimizer_g.zero_grad()
        loss.backward()
        self.optimizer_g.step()

        real, fake = self.discriminator(hr), self.discriminator(sr.detach())
        loss = self.bce(real, torch.ones_like(real)) + self.bce(fake, torch.zeros_like(fake))
        self.optimizer_d.zero_grad()
        loss.backward()
        self.optimizer_d.step()


class Side:
    """What is measured, by name: a step of each phase, generation of a batch and of a picture."""

    def __init__(self, device: torch.device, batch_size: int, side: int, picture: tuple):
        torch.set_float32_matmul_precision("high")  # TF32 where there is such a thing
        training, generator = Training(device), Generator().to(device).eval()
        lr = torch.rand(batch_size, 3, side // 4, side // 4, device=device)
        hr = torch.rand(batch_size, 3, side, side, device=device)
        picture = torch.rand(*picture, device=device)

        @torch.inference_mode()
        def generate(image):
            generator(image)

        self.device = device
        self.cases = {
            "srgan_step": lambda: training.srgan_step(lr, hr),
            "mse_step": lambda: training.mse_step(lr, hr),
            "generate_batch": lambda: generate(lr),
            "generate_picture": lambda: generate(picture),
        }


_side: Side | None = None


def start(*args) -> None:
    """Make the side of this process."""
    global _side  # noqa: PLW0603 (one a process)
    _side = Side(*args)


def measure(case: str) -> float:
    """Seconds of one call in this process."""
    return seconds(_side.cases[case], _side.device)
