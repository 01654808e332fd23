"""What is behind and before an animal of the embedded data set."""

from math import pi

import numpy as np

from srgan_ab.data.exact import Draws, cos, sin
from srgan_ab.data.rendering.textures import inside, length, paint, smooth_noise

SCENES = np.array(
    [
        (0.30, 0.42, 0.20),  # leaves
        (0.52, 0.60, 0.32),  # meadow
        (0.46, 0.34, 0.24),  # wood
        (0.72, 0.64, 0.54),  # plaster
        (0.50, 0.62, 0.74),  # sky
        (0.24, 0.28, 0.36),  # dusk
        (0.62, 0.30, 0.26),  # brick
        (0.60, 0.60, 0.62),  # pavement
        (0.16, 0.15, 0.14),  # shade
        (0.82, 0.78, 0.70),  # linen
    ],
    np.float32,
)


def paint_background(rng: Draws, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Something out of focus: (3, S, S) in about [0, 1]."""
    size = len(x)
    first, second, third = SCENES[rng.integers(len(SCENES), size=3)]
    turn = rng.uniform(-pi, pi)
    slope = x * cos(turn) + y * sin(turn)
    horizon = inside(slope + 0.25 * smooth_noise(rng, size, 3), rng.uniform(0.1, 2.0))
    picture = paint(np.broadcast_to(first[:, None, None], (3, size, size)), second, horizon)
    clutter = smooth_noise(rng, size, int(rng.integers(5, 12)))
    picture = paint(picture, third, rng.uniform(0, 0.7) * inside(0.5 - clutter, 1.5))
    for _ in range(rng.integers(0, 7)):  # lights out of focus
        cx, cy, radius = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.06, 0.24)
        disc = inside(length(x - cx, y - cy) - radius, rng.uniform(0.03, 0.12))
        glow = np.clip(SCENES[rng.integers(len(SCENES))] * 1.35, 0, 1)
        picture = paint(picture, glow, rng.uniform(0.1, 0.5) * disc)
    grain = smooth_noise(rng, size, int(rng.integers(16, 40)))
    # on average as bright as an animal, or the outline would show in the mean of many pictures
    brightness = rng.uniform(0.55, 0.98)
    return picture * (brightness + rng.uniform(0, 0.1) * grain + 0.05 * smooth_noise(rng, size, 4))


def paint_foreground(scene, rng, x, y) -> np.ndarray:
    """Something in the way, in a third of the pictures."""
    what = rng.random()
    colour = SCENES[rng.integers(len(SCENES))] * rng.uniform(0.7, 1.2)
    if what < 0.14:  # blades of grass
        for _ in range(rng.integers(4, 12)):
            foot, bend, top = rng.uniform(-1, 1), rng.normal(0, 0.35), rng.uniform(-0.3, 0.8)
            t = np.clip((1 - y) / (1 - top), 0, 1)
            blade = np.abs(x - foot - bend * t * t) - rng.uniform(0.015, 0.035) * (1 - t)
            green = np.array([0.33, 0.45, 0.18]) * rng.uniform(0.6, 1.4)
            scene = paint(scene, green, 0.9 * inside(blade, rng.uniform(0.02, 0.05)) * (t < 1))
    elif what < 0.36:  # a bar, or the edge of something near
        turn, offset = rng.uniform(-pi, pi), rng.uniform(0.25, 0.95)
        across = x * cos(turn) + y * sin(turn) - offset
        thing = np.abs(across) - rng.uniform(0.03, 0.09) if what < 0.24 else 0.1 - across
        scene = paint(scene, colour, rng.uniform(0.75, 1) * inside(thing, rng.uniform(0.04, 0.2)))
    return scene
