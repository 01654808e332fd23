"""Eyes, nose and whiskers of the embedded data set's cats and dogs.

Each takes a part of the scene (3, H, W), the strength of its cue (0 = a cat's, 1 = a dog's), and
where each pixel lies (H, W) in half head widths: `u` to the right of the face's middle, `v` below
it (eyes) or below the nose. `unit` is the side of a pixel; `shade` (H, W) the light that falls.
Each returns the part with the feature painted on it.
"""

from math import pi

import numpy as np

from srgan_ab.data.exact import exp, sin
from srgan_ab.data.rendering.textures import bump, inside, length, lerp, paint

NOSES = np.array([(0.10, 0.08, 0.09), (0.32, 0.19, 0.15), (0.80, 0.50, 0.47)], np.float32)
IRISES = np.array(
    [
        [(0.48, 0.58, 0.28), (0.74, 0.61, 0.26), (0.45, 0.60, 0.70), (0.70, 0.45, 0.18)],  # light
        [(0.30, 0.17, 0.08), (0.38, 0.21, 0.09), (0.24, 0.15, 0.10), (0.50, 0.29, 0.10)],  # dark
    ],
    np.float32,
)


def paint_eyes(scene, kind, rng, u, v, light, unit, shade) -> np.ndarray:
    """Both eyes, open or asleep; arguments as in `paint_nose`, and `light`, towards the lamp."""
    radius = lerp(0.185, 0.12, kind) * rng.uniform(0.9, 1.12)
    opening = rng.uniform(0.62, 1.0)
    apart, level = rng.uniform(0.36, 0.44), rng.uniform(-0.16, -0.04)
    slant = lerp(0.2, 0.0, kind) + rng.uniform(-0.1, 0.1)
    ex = (np.abs(u) - apart) / radius
    ey = (v - level) / radius + slant * ex
    ball = length(ex, ey / opening) - 1
    edge = 1.4 * unit / radius
    rim = np.full(3, rng.uniform(0.05, 0.16))
    if rng.random() < 0.08:  # asleep
        lid = np.maximum(np.abs(ey - 0.35 + 0.4 * ex * ex) - 0.05, np.abs(ex) - 1)
        return paint(scene, rim, 0.9 * inside(lid, 2 * edge))
    scene = paint(scene, rim, 0.85 * inside(ball - 0.22, 0.25))
    iris = IRISES[int(rng.random() < 0.35 + 0.3 * (kind > 0.5)), rng.integers(4)]
    iris = iris * rng.uniform(0.8, 1.15)
    pattern = 1.15 + 0.35 * ey - 0.55 * np.square(ex * ex + ey * ey)
    scene = paint(
        scene,
        iris[:, None, None] * np.clip(pattern, 0.25, 1.4) * np.clip(shade + 0.25, 0, 1.1),
        inside(ball, edge),
    )
    narrow = lerp(rng.uniform(0.14, 0.45), rng.uniform(0.5, 0.62), kind)
    kind = min(max(kind, 0), 1)
    high = lerp(0.85, narrow, kind)
    pupil = length(ex / narrow, ey / high) - 1
    scene = paint(scene, (0.02, 0.02, 0.03), inside(np.maximum(pupil * narrow, ball), edge))
    gx, gy = ex * np.sign(u) - 0.45 * light[0], ey - 0.45 * light[1]
    glint = inside(length(gx, gy) - 0.16, edge) * (ball < 0)
    return paint(scene, (0.97, 0.97, 0.95), 0.9 * glint)


def paint_nose(scene, kind, rng, u, v, unit, shade) -> np.ndarray:
    """Nose and mouth, over a part of a scene.

    Args:
        scene: (3, h, w), in about [0, 1].
        kind: about 0 looks like a cat's, about 1 like a dog's.
        rng: makes the choices.
        u: (h, w), to the right of the middle, in half head widths.
        v: (h, w), below it.
        unit: side of a pixel in half head widths.
        shade: (h, w), brightness by the light.

    Returns:
        (3, h, w).
    """
    width = lerp(0.11, 0.21, kind) * rng.uniform(0.9, 1.15)
    tall = width * lerp(0.72, 0.78, kind)
    nx, ny = u / width, (v + 0.02) / tall
    wedge = np.maximum(np.abs(nx) * 0.95 + ny * 0.55 - 0.55, -ny - 0.75)
    round_ = length(nx, ny) - 1
    shape = lerp(wedge, round_, min(max(kind, 0), 1))
    ink = rng.uniform(0.05, 0.2)
    seam = np.maximum(np.abs(u) - 0.012, np.abs(v - tall - 0.06) - 0.09)
    bow = tall + 0.15 + 0.1 * sin(np.abs(u) * (pi / 0.3)) - 0.05
    smile = np.maximum(np.abs(v - bow) - 0.012, np.abs(u) - 0.3)
    dark = scene * ink
    scene = paint(scene, dark, 0.85 * inside(np.minimum(seam, smile), 2 * unit))
    colour = NOSES[rng.choice(3, p=[0.45, 0.2, 0.35])] * rng.uniform(0.85, 1.15)
    tone = np.clip(shade, 0.3, 1) * (1.05 - 0.3 * ny)
    scene = paint(scene, colour[:, None, None] * tone, inside(shape, 1.6 * unit / width))
    holes = length((np.abs(nx) - 0.45) / 0.22, (ny - 0.2) / 0.26) - 1
    scene = paint(scene, colour * 0.2, 0.9 * inside(holes, 0.4))
    shine = bump(nx / 0.5, (ny + 0.45) / 0.18)
    return paint(scene, (1, 1, 1), 0.35 * shine * inside(shape, 0.1))


def paint_whiskers(scene, kind, rng, u, v, unit) -> np.ndarray:
    """Four whiskers a side, fainter the more it is a dog; arguments as in `paint_nose`."""
    strength = min(max(1.1 - 1.3 * kind, 0), 1) * rng.uniform(0.5, 0.95)
    if strength < 0.05:
        return scene
    colour = np.full(3, rng.choice([0.92, 0.06], p=[0.4, 0.6]))
    left = u < 0
    side = np.abs(u)
    cover = np.zeros_like(v)
    for row in range(4):
        rise, bend, end = (
            np.where(left, *rng.uniform(a, b, 2).astype(np.float32))
            for a, b in ((-0.12, 0.12), (-0.15, 0.3), (0.9, 1.4))
        )
        t = np.clip((side - 0.2) / (end - 0.2), 0, 1)
        line = 0.04 + 0.06 * row + (rise + 0.16 * (row - 1.5)) * t + bend * t * t
        slope = (rise + 0.16 * (row - 1.5) + 2 * bend * t) / (end - 0.2)
        away = (v - line) / (unit * lerp(0.95, 0.7, t) * np.sqrt(1 + slope * slope))
        cover = np.maximum(cover, exp(-away * away) * np.clip(12 * t, 0, 1) * (1 - t * t * t))
    return paint(scene, colour, strength * cover)
