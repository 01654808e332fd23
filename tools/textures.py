"""Write two classes of drawn textures as picture files: docs/your_own_data.md is tried with them.

    python tools/textures.py textures
    python tools/textures.py large --side 512 --count 40

Stripes are a wave of random direction, checks two such waves at right angles, of 4 to 16 pixels
each, on a lit and noisy ground. A picture a quarter as large can show no wave shorter than 8 pixels
(two of its own), so it keeps the class of about half of them.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = {"stripes": 1, "checks": 2}  # name: waves
SHORTEST, LONGEST = 4, 16  # pixels
NOISE = 6  # standard deviation, of 255


def texture(rng: np.random.Generator, waves: int, side: int) -> np.ndarray:
    """Draw one texture: (side, side, 3), uint8.

    Args:
        rng: draws colours, light, direction, length of the waves and noise.
        waves: how many, at right angles; all have one length, and together one contrast.
        side: in pixels.
    """
    y, x = np.mgrid[:side, :side] + 0.5
    turn, phases = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi, waves)
    frequency = 2 * np.pi / (SHORTEST * (LONGEST / SHORTEST) ** rng.uniform())  # even in octaves
    angles = turn + np.pi / 2 * np.arange(waves)
    pattern = sum(
        np.cos(frequency * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        for angle, phase in zip(angles, phases, strict=True)
    ) / np.sqrt(waves)
    light = rng.uniform(-30, 30, 2) @ np.stack([x, y]).reshape(2, -1) / side
    ground, ink = rng.uniform(80, 175, 3), rng.uniform(15, 45, 3)
    picture = ground + light.reshape(side, side, 1) + ink * pattern[..., None]
    noisy = picture + rng.normal(0, NOISE, picture.shape)
    return np.round(noisy).clip(0, 255).astype(np.uint8)


def main() -> None:
    """Write FOLDER/stripes and FOLDER/checks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=128, help="of a picture, in pixels")
    parser.add_argument("--count", type=int, default=150, help="of pictures of each class")
    given = parser.parse_args()
    for name, waves in CLASSES.items():
        folder: Path = given.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(given.count):
            pixels = texture(np.random.default_rng([waves, number]), waves, given.side)
            Image.fromarray(pixels).save(folder / f"{number:03}.png")
        print(f"{folder}: {given.count} pictures")


if __name__ == "__main__":
    main()
