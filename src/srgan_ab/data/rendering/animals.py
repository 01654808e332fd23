"""Cats and dogs of the embedded data set: outline, hair, coat, relief and light."""

from math import pi
from typing import NamedTuple

import numpy as np

from srgan_ab.data.exact import Draws, cos, exp, sin
from srgan_ab.data.rendering.faces import paint_eyes, paint_nose, paint_whiskers
from srgan_ab.data.rendering.textures import (
    blur,
    bump,
    comb,
    ellipse,
    inside,
    length,
    lerp,
    paint,
    relief,
    smooth_noise,
    triangle,
    window,
)


class Cues(NamedTuple):
    """What tells the classes apart: about 0 looks like a cat's, about 1 like a dog's."""

    ears: float
    muzzle: float
    eyes: float
    coat: float
    whiskers: float


class Ear(NamedTuple):
    """A rounded triangle on the right of the head; lengths in half head widths, y down."""

    tip: tuple[float, float]
    root: tuple[float, float]
    half_width: float  # of the root
    radius: float  # of the rounding
    in_front: bool  # of the head


# forms of each class, with the share of pictures that have this form or one before it
EARS = (
    (
        (0.90, Ear((0.74, -1.22), (0.58, -0.46), 0.36, 0.06, False)),  # pointed
        (1.00, Ear((0.82, -0.60), (0.62, -0.86), 0.30, 0.09, True)),  # folded forward
    ),
    (
        (0.60, Ear((1.08, 0.40), (0.62, -0.60), 0.20, 0.21, True)),  # hanging
        (0.88, Ear((1.03, -0.25), (0.62, -0.78), 0.22, 0.12, True)),  # the tip falls forward
        (1.00, Ear((0.80, -1.25), (0.58, -0.55), 0.28, 0.13, False)),  # upright, blunt
    ),
)
COATS = np.array(  # sRGB in [0, 1]
    [
        (0.93, 0.89, 0.82),  # white
        (0.85, 0.70, 0.48),  # cream
        (0.80, 0.50, 0.24),  # ginger
        (0.62, 0.41, 0.24),  # fawn
        (0.42, 0.27, 0.17),  # chocolate
        (0.56, 0.53, 0.50),  # grey
        (0.36, 0.38, 0.42),  # blue-grey
        (0.17, 0.15, 0.15),  # black
    ],
    np.float32,
)
SKIN = np.array([0.78, 0.50, 0.46], np.float32)


class Head(NamedTuple):
    """Where the pixels of a picture lie on a face."""

    u: np.ndarray  # (S, S), to the right of its middle, in half head widths
    v: np.ndarray  # (S, S), below it
    bx: np.ndarray  # (S, S), likewise of the body, which stays upright
    by: np.ndarray
    scale: float  # half head width in half picture widths
    roll: float  # radians, clockwise
    yaw: float  # of the head turned to the side, about -1 to 1


def _pose(rng: Draws, x: np.ndarray, y: np.ndarray) -> Head:
    scale, roll = rng.uniform(0.56, 0.70), rng.uniform(-25, 25) * pi / 180
    yaw = rng.uniform(-0.8, 0.8)
    px, py = x - rng.uniform(-0.18, 0.18), y - rng.uniform(0.02, 0.22)
    u = (px * cos(roll) + py * sin(roll)) / scale
    v = (py * cos(roll) - px * sin(roll)) / scale
    u = u + 0.22 * yaw * np.clip(1 - u * u, 0, 1)  # foreshortened like a sphere
    lean = rng.uniform(-0.25, 0.25)
    return Head(u, v, px / scale - lean, py / scale, scale, roll, yaw)


def _outlines(rng: Draws, at: Head) -> tuple[np.ndarray, np.ndarray]:
    """Distances (S, S) to the head, a skull with cheeks, and to the chest."""
    wide, tall, jowl = rng.uniform(0.86, 1.0), rng.uniform(0.84, 0.98), rng.uniform(0.5, 0.8)
    skull = ellipse(at.u, at.v, wide, tall)
    cheek = ellipse(np.abs(at.u) - 0.38, at.v - 0.32, jowl * 0.8, jowl * 0.78)
    blend = np.clip(0.5 + (cheek - skull) / 0.5, 0, 1)
    head = lerp(cheek, skull, blend) - 0.25 * blend * (1 - blend)
    return head, ellipse(at.bx, at.by - 2.1, rng.uniform(1.0, 1.35), rng.uniform(1.3, 1.7))


def _ears(kind: float, rng: Draws, at: Head) -> tuple:
    """Both ears at once.

    Returns:
        Distance (S, S), flow of the hair (two of (S, S)), how deep the inner ear is (S, S) in
        [0, 1], and whether the ears lie in front of the head.
    """
    left = at.u < 0

    def each(mean, spread):  # one number per ear
        a, b = mean + spread * rng.uniform(-1, 1, 2)
        return np.where(left, np.float32(a), np.float32(b))

    share = rng.random()
    ear = next(ear for most, ear in EARS[int(kind >= 0.5)] if share < most)
    tip = (each(ear.tip[0], 0.12), each(ear.tip[1], 0.14))
    middle, width = each(ear.root[0], 0.05), ear.half_width * rng.uniform(0.88, 1.12)
    lift = each(ear.root[1], 0.05)
    corners = [(middle - width, lift - 0.14), (middle + width, lift + 0.2), tip]
    distance = triangle(np.abs(at.u), at.v, corners) - ear.radius * rng.uniform(0.8, 1.2)
    flow = np.sign(at.u) * (tip[0] - middle), tip[1] - lift
    hollow = np.zeros_like(at.u) if ear.in_front else inside(distance + 0.16, 0.16)
    return distance, flow, hollow, ear.in_front


def _hair(kind: float, rng: Draws, u, v, roll: float) -> tuple:
    """Strands and tufts along a flow (u, v): two fields (S, S), standard deviation 1.

    A cat's are fine and straight, a dog's coarse and curly.
    """
    size = len(u)
    wind = 0.5 * smooth_noise(rng, size, 6)
    turn = roll + wind + 1.1 * max(kind, 0) * smooth_noise(rng, size, 22)
    far, along, across = length(u, v) + 1e-6, cos(turn), sin(turn)
    dx, dy = (u * along - v * across) / far, (u * across + v * along) / far
    wave = 3 * exp(1.0986 * kind) * rng.uniform(0.9, 1.1)  # 3 to 9 pixels of 160
    strands = comb(smooth_noise(rng, size, int(160 * 2.2 / wave)), dx, dy, size * 0.075)
    tufts = comb(smooth_noise(rng, size, round(lerp(56, 20, kind))), dx, dy, size * 0.12)
    return strands, tufts


def _coat(rng: Draws, u: np.ndarray, v: np.ndarray, stripe: float) -> tuple:
    """Colours of the fur, (3, S, S), and the colour of its light parts, (3,).

    Args:
        rng: makes the choices.
        u: to the right of the face, in half head widths.
        v: below its middle.
        stripe: how many stripes fit a half head width, about.
    """
    size = len(u)
    main, other = COATS[rng.choice(len(COATS), 2, replace=False)]
    shade = rng.uniform(0.88, 1.12)
    pale = lerp(main, COATS[rng.integers(2)], rng.uniform(0.3, 1))
    wander = smooth_noise(rng, size, 7)
    coat = np.broadcast_to((main * shade)[:, None, None], (3, size, size))
    pattern = rng.random()
    if pattern < 0.35:  # patches
        patch = smooth_noise(rng, size, int(rng.integers(3, 6)))
        coat = paint(coat, other, inside(rng.uniform(0, 0.8) - patch, 0.3))
    elif pattern < 0.55:  # a blaze between the eyes
        width = rng.uniform(0.10, 0.3) + 0.22 * np.clip(v, 0, 1)
        coat = paint(coat, pale, inside(np.abs(u) - width + 0.05 * wander, 0.2))
    elif pattern < 0.75:  # a mask, dark or light
        coat = paint(coat, other, 0.8 * inside(ellipse(u, v - 0.35, 0.75, 0.6) + 0.1 * wander, 0.5))
    strength = max(0, rng.uniform(-0.3, 0.45)) * inside(-0.6 - smooth_noise(rng, size, 5), 2)
    bend = inside(v + 0.25, 0.8)  # upright on the brow, level on the cheeks
    phase = lerp(v * 1.15 - 0.3 * np.abs(u), u, bend) + 0.05 * wander
    stripes = sin(2 * pi * stripe * phase + 0.8 * smooth_noise(rng, size, 14))
    return coat * (1 - strength * inside(-stripes, 1.2)), pale


def paint_animal(scene, cue: Cues, rng: Draws, x, y, light) -> np.ndarray:
    """Paint one animal over a scene.

    Args:
        scene: (3, S, S), in about [0, 1].
        cue: what it looks like.
        rng: makes everything else.
        x: (S, S), from -1 at the left of the picture to 1.
        y: (S, S), from -1 at its top to 1.
        light: unit vector to the lamp: right, down, towards the viewer.

    Returns:
        (3, S, S).
    """
    size = len(x)
    at = _pose(rng, x, y)
    u, v, side, unit = at.u, at.v, np.abs(at.u), 2 / (size * at.scale)
    head, chest = _outlines(rng, at)
    ear, ear_flow, hollow, in_front = _ears(cue.ears, rng, at)
    flow_u, flow_v = (  # away from the nose on the head, downwards on the body
        np.where(ear < 0, e, np.where(head < 0, h, c))
        for e, h, c in zip(ear_flow, (u, v - 0.1), (0.3 * at.bx, 1.0), strict=True)
    )
    strands, tufts = _hair(cue.coat, rng, flow_u, flow_v, at.roll)

    # hair along every edge
    ragged = rng.uniform(0.01, 0.03) * np.clip(tufts, -2, 2) + 0.02 * np.clip(strands, -2, 2)
    chest_cover, head_cover, ear_cover = (inside(d + ragged, 3 * unit) for d in (chest, head, ear))

    # relief: the muzzle stands out and moves with the turn of the head
    reach = lerp(0.55, 1.0, cue.muzzle) * rng.uniform(0.85, 1.15)
    low = lerp(0.36, 0.46, cue.muzzle) + rng.uniform(-0.04, 0.04)
    broad = lerp(0.26, 0.42, cue.muzzle)
    across, below = u + 0.16 * at.yaw, v - low
    pads = bump((np.abs(across) - 0.5 * broad) / (0.8 * broad), (below - 0.1) / (0.85 * broad))
    bridge = bump(across / (0.7 * broad), (below + 0.2) / 0.36)
    sockets = bump((side - 0.4) / 0.22, (v + 0.1) / 0.2)
    bulge = np.sqrt(np.clip(1 - np.square(head / 0.95 + 1), 0, 1))
    head_height = 0.95 * bulge + reach * (0.36 * pads + 0.22 * bridge) - 0.12 * sockets
    chest_height = -0.9 + 0.8 * np.sqrt(np.clip(-chest, 0, 1))
    ear_height = 0.75 * in_front + 0.3 * np.sqrt(np.clip(-ear * 4, 0, 1)) - 0.3 * hollow

    # colours
    coat, pale = _coat(rng, u, v, lerp(0.75, 0.31, cue.coat) * 20 * at.scale)
    head_coat = paint(coat, pale, rng.uniform(0, 1) * inside(0.45 - pads, 0.4))
    bib = inside(ellipse(at.bx, at.by - 1.6, 0.55, 0.9) + 0.1 * tufts, 0.3)
    chest_coat = paint(coat, pale, rng.uniform(0, 1) * bib)
    skin = lerp(coat * 0.45, SKIN[:, None, None], 0.5)
    ear_coat = paint(coat * rng.uniform(0.85, 1.4), skin, 0.9 * np.clip(1.6 * hollow, 0, 1))

    layers = [(chest_cover, chest_height, chest_coat), (head_cover, head_height, head_coat)]
    layers.insert(2 if in_front else 1, (ear_cover, ear_height, ear_coat))
    albedo, surface, cover = coat, np.full_like(u, -1.2), np.zeros_like(u)
    for layer_cover, height, colour in layers:
        albedo = paint(albedo, colour, layer_cover)
        surface = lerp(surface, height, layer_cover)
        cover = lerp(cover, 1, layer_cover)

    # light
    hair = 1 + rng.uniform(0.18, 0.26) * strands + 0.12 * tufts
    lambert, steep = relief(lerp(blur(surface, size / 40), surface, 0.6), light, unit)
    lambert = blur(lambert, size / 80)
    occlusion = 1 - 0.9 * np.clip(blur(surface, size / 12) - surface, 0, 0.5)
    strength = rng.uniform(0.45, 0.85)
    shade = (1 - 0.55 * strength + strength * 0.95 * (lambert - 0.35)) * occlusion
    animal = np.clip(albedo, 0.03, 1) * (shade * hair) + 0.1 * strength * steep * lambert
    shadow = 0.35 * blur(cover, size / 10)
    scene = paint(scene * (1 - shadow), animal, cover)

    part = window(np.maximum(side - 0.75, np.abs(v + 0.1) - 0.35))
    scene[:, *part] = paint_eyes(
        scene[:, *part], cue.eyes, rng, u[part] + 0.05 * at.yaw, v[part], light, unit, shade[part]
    )
    part = window(np.maximum(np.abs(across) - 0.45, np.abs(below - 0.1) - 0.4))
    scene[:, *part] = paint_nose(
        scene[:, *part], cue.muzzle, rng, across[part], below[part], unit, shade[part]
    )
    part = window(np.maximum(np.abs(across) - 1.4, np.abs(below - 0.2) - 0.7))
    scene[:, *part] = paint_whiskers(
        scene[:, *part], cue.whiskers, rng, across[part], below[part], unit
    )
    return scene
