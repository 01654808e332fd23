"""Realism: whether a fresh judge can tell enlarged images from photographs.

The classifier two-sample test of Lopez-Paz & Oquab 2017 (arXiv 1610.06545): if two sets of images
are alike, no classifier is right about new ones of them more often than half of the time. PSNR,
SSIM and LPIPS compare an image with its original; this asks whether it looks like any photograph.
The judge's architecture and training are the same for every method and run, so its accuracies can
be compared: 0.5 cannot be told from photographs, 1.0 is told every time.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srgan_ab.common.bars import bar
from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.parts import Keep, forget
from srgan_ab.common.tensors import as_float

MAPS = 16  # of the first layer
UPDATES, BATCH = 200, 16  # images of each kind per update
RATE = 2e-3  # Adam's, at the height of its one cycle (Smith & Topin 2017, arXiv 1708.07120)
CROP = 48  # pixels; smaller images are seen whole
ENOUGH = 2 * BATCH  # training images; a judge learns nothing of fewer

Pair = tuple[np.ndarray, np.ndarray]  # generated and real images, (N, H, W, 3) uint8 each


def _judge() -> nn.Sequential:
    """(N, 3, H, W) to (N, 1), the more, the more real.

    Real and generated images share a batch and so BatchNorm's statistics, which would hide what
    tells them apart if each kind had its own.
    """
    layers: list[nn.Module] = [nn.Conv2d(3, MAPS, 3, padding=1), nn.LeakyReLU(0.2)]
    for width in (MAPS, 2 * MAPS, 4 * MAPS):
        after = min(2 * width, 4 * MAPS)
        layers += [
            nn.Conv2d(width, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * MAPS, 1))


def _crops(images: np.ndarray, random: np.random.Generator, device: torch.device) -> Tensor:
    """A batch of random images, cut at one random place, half of the time mirrored."""
    rows = np.sort(random.integers(len(images), size=BATCH))
    y, x = (random.integers(max(side - CROP, 0) + 1) for side in images.shape[1:3])
    crops = as_float(images[rows][:, y : y + CROP, x : x + CROP], device)
    return crops.flip(3) if random.integers(2) else crops


def realism(
    train: Pair,
    held: Sequence[Pair],
    seed: int,
    device: torch.device,
    processes: Processes = ALONE,
) -> list[float]:
    """How often a judge that was trained on some images is right about others.

    Args:
        train: what the judge is trained on; all images are of one size.
        held: sets that it is asked about, with no image of `train`.
        seed: of its first weights and every draw.
        device: where to compute, in fp32.
        processes: the first trains the judge, all ask it.

    Returns:
        Its accuracy on the whole images of each set, in [0, 1], both kinds counting alike: 0.5 if
        they cannot be told apart.
    """
    with torch.random.fork_rng(devices=[]):  # its random start must not move other draws
        torch.manual_seed(seed)
        judge = _judge()
    # torch's overloads leave out memory_format
    judge.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def learn() -> dict[str, Tensor]:
        _train(judge, train, seed, device)
        return {name: value.cpu() for name, value in judge.state_dict().items()}

    judge.load_state_dict(processes.by_first(learn))
    judge.eval()

    def right(images: np.ndarray, real: bool) -> float:
        taken = _taken_for_real(judge, images, device, processes)
        return taken if real else 1 - taken

    return [(right(generated, False) + right(hr, True)) / 2 for generated, hr in held]


def _train(judge: nn.Module, train: Pair, seed: int, device: torch.device) -> None:
    """To tell the images of a pair apart."""
    random = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(judge.parameters(), RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=UPDATES)
    real = torch.tensor([0.0, 1.0], device=device).repeat_interleave(BATCH)[:, None]
    for _ in range(UPDATES):
        batch = torch.cat([_crops(images, random, device) for images in train])
        loss = F.binary_cross_entropy_with_logits(judge(batch), real)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


def halves(images: np.ndarray) -> Pair:
    """Real images against others of the same classes, which no judge can tell apart."""
    return images[::2], images[1::2]


def of_methods(
    methods: Mapping[str, Sequence[np.ndarray]],
    hr: Sequence[np.ndarray],
    seed: int,
    device: torch.device,
    keep: Keep = forget,
    processes: Processes = ALONE,
) -> dict[str, list[float]]:
    """`realism` of each method, and of photographs against photographs, as `photographs`.

    Args:
        methods: by name, the enlarged images of the training split, then those of others.
        hr: their originals.
        seed, device, processes: as of `realism`.
        keep: of results, method by method.

    Returns:
        Method to one value for each split after the first; none where the first has too few images.
    """
    if len(hr[0]) < ENOUGH:
        return {}
    pairs = {"photographs": [halves(images) for images in hr]}
    pairs |= {name: list(zip(images, hr, strict=True)) for name, images in methods.items()}
    return {
        name: keep(name, partial(realism, train, held, seed, device, processes))
        for name, (train, *held) in bar(pairs.items(), label="realism", unit="judge")
    }


class Patches:
    """Patches of pictures of any size, as enlarged and as they were, for `of_methods`.

    Of each picture up to four of SIDE pixels about its middle are kept, none of a smaller one, and
    of the first PICTURES pictures alone, so that memory is bounded.
    """

    SIDE = 128
    PICTURES = 500

    def __init__(self) -> None:
        # method to patches, those of training and of held-out pictures apart
        self._kept: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}
        self._pictures = 0

    def add(self, hr: np.ndarray, enlarged: Mapping[str, np.ndarray]) -> None:
        """Keep patches of a picture, (H, W, 3) uint8, and of what methods make of it."""
        if self._pictures == self.PICTURES or min(hr.shape[:2]) < self.SIDE:
            return
        rows, columns = (min(side // self.SIDE, 2) for side in hr.shape[:2])
        top = (hr.shape[0] - rows * self.SIDE) // 2
        left = (hr.shape[1] - columns * self.SIDE) // 2
        for name, image in {"hr": hr, **enlarged}.items():
            kept = self._kept.setdefault(name, ([], []))[self._pictures % 2]
            inner = image[top : top + rows * self.SIDE, left : left + columns * self.SIDE]
            grid = inner.reshape(rows, self.SIDE, columns, self.SIDE, 3).swapaxes(1, 2)
            kept.extend(grid.reshape(-1, self.SIDE, self.SIDE, 3))
        self._pictures += 1

    def realism(self, device: torch.device) -> dict[str, float]:
        """`of_methods` for a judge of every second picture, asked about the others.

        Returns:
            Method to accuracy; empty where there are too few pictures.
        """
        if self._pictures < 2:
            return {}
        sets = {name: [np.stack(part) for part in parts] for name, parts in self._kept.items()}
        originals = sets.pop("hr")
        found = of_methods(sets, originals, 0, device)
        return {name: accuracy for name, (accuracy,) in found.items()}


@torch.no_grad()
def _taken_for_real(
    judge: nn.Module, images: np.ndarray, device: torch.device, processes: Processes
) -> float:
    """Share of images that the judge takes for real."""

    def taken(rows: slice) -> Tensor:
        return judge(as_float(images[rows], device)).squeeze(1) > 0

    return processes.by_batches(len(images), 64, taken).double().mean().item()
