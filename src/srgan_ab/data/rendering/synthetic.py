"""The embedded data set: pictures of cats and dogs, rendered from numbers.

Pose, coat colours, light, background, things in front and the camera are drawn alike for both
classes. Five cues tell them apart: ears, muzzle, eyes, coat and whiskers. Each is uncertain, the
coat most of all. Ears and muzzle survive a quarter of the resolution in part, the finer ones do
not: what super-resolution can bring back of them is the project's question.
"""

from math import pi

import numpy as np

from srgan_ab.data.exact import Draws, cos, draws, exp, sin
from srgan_ab.data.rendering.animals import Cues, paint_animal
from srgan_ab.data.rendering.scenery import paint_background, paint_foreground
from srgan_ab.data.rendering.textures import blur, lerp

# How far each cue can be trusted: the chance that it looks like the other class's, and the spread
# of its strength (0 = a cat's, 1 = a dog's). Tuned together, see tests/unit/test_synthetic.py.
CUES = {
    "ears": (0.02, 0.13),
    "muzzle": (0.03, 0.15),
    "eyes": (0.05, 0.18),
    "coat": (0.20, 0.28),
    "whiskers": (0.08, 0.20),
}


def render(labels: np.ndarray, indices: np.ndarray, seed: int, size: int = 160) -> np.ndarray:
    """Render pictures of cats and dogs.

    A picture depends on its own label and index, `seed` and `size` alone, so that any batch can be
    rendered anywhere; the same scene is sampled more finely as `size` grows.

    Args:
        labels: (N,) integers, 0 = cat, 1 = dog.
        indices: (N,) integers from 0, telling pictures of one class apart.
        seed: of the data set, from 0.
        size: side of a picture in pixels.

    Returns:
        (N, size, size, 3) uint8 RGB in [0, 255].
    """
    pictures = np.empty((len(labels), size, size, 3), np.uint8)
    # one at a time: the fields of a picture stay in the processor's cache, those of a batch do not
    for picture, label, index in zip(pictures, labels, indices, strict=True):
        rng = draws(seed, int(label), int(index))
        picture[:] = _photograph(int(label), rng, size)
    return pictures


def _cues(label: int, rng: Draws) -> Cues:
    """The strength of each cue: about 0 for cats, about 1 for dogs, not always."""
    strengths = {}
    for name, (swapped, spread) in CUES.items():
        towards = 1 - label if rng.random() < swapped else label
        strengths[name] = float(np.clip(rng.normal(towards, spread), -0.2, 1.2))
    return Cues(**strengths)


def _photograph(label: int, rng: Draws, size: int) -> np.ndarray:
    pixel = 2 / size
    axis = (np.arange(size, dtype=np.float32) + 0.5) * pixel - 1
    x, y = np.meshgrid(axis, axis)
    elevation, azimuth = rng.uniform(0.45, 1.15), rng.uniform(-pi, 0)
    level = cos(elevation)
    light = (level * cos(azimuth), level * sin(azimuth), sin(elevation))
    scene = paint_background(rng, x, y)
    scene = paint_animal(scene, _cues(label, rng), rng, x, y, light)
    scene = paint_foreground(scene, rng, x, y)
    return _camera(scene, rng, x, y, light)


def _camera(scene, rng, x, y, light) -> np.ndarray:
    """Light falling off, white balance, exposure, blur and sensor noise: (S, S, 3) uint8."""
    size = len(x)
    warmth = rng.normal(0.01, 0.045)
    balance = np.array([1 + warmth, 1 + rng.normal(0, 0.015), 1 - warmth], np.float32)
    falloff = (
        1
        - rng.uniform(0, 0.3) * (x * x + y * y) / 2
        + rng.uniform(0, 0.12) * (x * light[0] + y * light[1])
    )
    exposure = exp(rng.normal(0.12, 0.14))
    picture = scene * (exposure * falloff) * balance[:, None, None]
    picture = picture / (1 + np.clip(picture - 0.75, 0, None))  # highlights roll off
    picture = lerp(picture, blur(picture, 2), rng.uniform(0, 0.35))
    noise = rng.standard_normal((3, size, size))
    picture = picture + rng.uniform(0.006, 0.018) * noise
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
