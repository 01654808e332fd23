"""The embedded data set: pictures of cats and dogs, rendered from numbers.

Pose, coat colours, light, background, things in front and the camera are drawn alike for both
classes. Five cues tell them apart: ears, muzzle, eyes, coat and whiskers. Each is uncertain, and
the finer ones are lost at a quarter of the resolution: what super-resolution can bring back of
them is the project's question.
"""

from math import cos, exp, log, pi, radians, sin
from types import SimpleNamespace

import numpy as np

from srgan_ab.data.textures import (
    blur,
    comb,
    ellipse,
    inside,
    lerp,
    relief,
    smooth_noise,
    triangle,
)

# How far each cue can be trusted: the chance that it looks like the other class's, and the spread
# of its strength (0 = a cat's, 1 = a dog's). Tuned together, see tests/unit/test_synthetic.py.
CUES = {
    "ears": (0.05, 0.18),
    "muzzle": (0.05, 0.18),
    "eyes": (0.05, 0.18),
    "coat": (0.02, 0.10),
    "whiskers": (0.08, 0.20),
}

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
NOSES = np.array([(0.10, 0.08, 0.09), (0.32, 0.19, 0.15), (0.80, 0.50, 0.47)], np.float32)
IRISES = np.array(
    [
        [(0.48, 0.58, 0.28), (0.74, 0.61, 0.26), (0.45, 0.60, 0.70), (0.70, 0.45, 0.18)],  # light
        [(0.30, 0.17, 0.08), (0.38, 0.21, 0.09), (0.24, 0.15, 0.10), (0.50, 0.29, 0.10)],  # dark
    ],
    np.float32,
)
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
        rng = np.random.default_rng([seed, int(label), int(index)])
        picture[:] = _photograph(int(label), rng, size)
    return pictures


def _cues(label: int, rng: np.random.Generator) -> SimpleNamespace:
    """The strength of each cue: about 0 for cats, about 1 for dogs, not always."""
    strengths = {}
    for name, (swapped, spread) in CUES.items():
        towards = 1 - label if rng.random() < swapped else label
        strengths[name] = float(np.clip(towards + spread * rng.standard_normal(), -0.2, 1.2))
    return SimpleNamespace(**strengths)


def _photograph(label: int, rng: np.random.Generator, size: int) -> np.ndarray:
    pixel = 2 / size
    axis = (np.arange(size, dtype=np.float32) + 0.5) * pixel - 1
    x, y = np.meshgrid(axis, axis)
    elevation, azimuth = rng.uniform(0.45, 1.15), rng.uniform(-pi, 0)
    level = cos(elevation)
    light = (level * cos(azimuth), level * sin(azimuth), sin(elevation))
    scene = _background(rng, x, y)
    scene = _animal(scene, _cues(label, rng), rng, x, y, light)
    scene = _foreground(scene, rng, x, y)
    return _camera(scene, rng, x, y, light)


def _paint(picture: np.ndarray, colour, cover: np.ndarray) -> np.ndarray:
    """Lay a colour, (3,) or (3, S, S), over a picture (3, S, S) where `cover` (S, S) says."""
    colour = np.asarray(colour, np.float32)
    if colour.ndim == 1:
        colour = colour[:, None, None]
    return picture + (colour - picture) * cover


def _window(distance: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold all of the region where `distance` (S, S) is negative."""
    near = distance < 0
    return tuple(slice(*np.flatnonzero(near.any(axis))[[0, -1]] + (0, 1)) for axis in (1, 0))


def _background(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Something out of focus: (3, S, S) in about [0, 1]."""
    size = len(x)
    first, second, third = SCENES[rng.integers(len(SCENES), size=3)]
    turn = rng.uniform(-pi, pi)
    slope = x * cos(turn) + y * sin(turn)
    horizon = inside(slope + 0.25 * smooth_noise(rng, size, 3), rng.uniform(0.1, 2.0))
    picture = _paint(np.broadcast_to(first[:, None, None], (3, size, size)), second, horizon)
    clutter = smooth_noise(rng, size, int(rng.integers(5, 12)))
    picture = _paint(picture, third, rng.uniform(0, 0.7) * inside(0.5 - clutter, 1.5))
    for _ in range(rng.integers(0, 7)):  # lights out of focus
        cx, cy, radius = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.06, 0.24)
        disc = inside(np.hypot(x - cx, y - cy) - radius, rng.uniform(0.03, 0.12))
        glow = np.clip(SCENES[rng.integers(len(SCENES))] * 1.35, 0, 1)
        picture = _paint(picture, glow, rng.uniform(0.1, 0.5) * disc)
    grain = smooth_noise(rng, size, int(rng.integers(16, 40)))
    # on average as bright as an animal, or the outline would show in the mean of many pictures
    brightness = rng.uniform(0.55, 0.98)
    return picture * (brightness + rng.uniform(0, 0.1) * grain + 0.05 * smooth_noise(rng, size, 4))


def _coat(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, stripe: float) -> tuple:
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
        coat = _paint(coat, other, inside(rng.uniform(0, 0.8) - patch, 0.3))
    elif pattern < 0.55:  # a blaze between the eyes
        width = rng.uniform(0.10, 0.3) + 0.22 * np.clip(v, 0, 1)
        coat = _paint(coat, pale, inside(np.abs(u) - width + 0.05 * wander, 0.2))
    elif pattern < 0.75:  # a mask, dark or light
        coat = _paint(
            coat, other, 0.8 * inside(ellipse(u, v - 0.35, 0.75, 0.6) + 0.1 * wander, 0.5)
        )
    strength = max(0, rng.uniform(-0.3, 0.45)) * inside(-0.6 - smooth_noise(rng, size, 5), 2)
    bend = inside(v + 0.25, 0.8)  # upright on the brow, level on the cheeks
    phase = lerp(v * 1.15 - 0.3 * np.abs(u), u, bend) + 0.05 * wander
    stripes = np.sin(2 * pi * stripe * phase + 0.8 * smooth_noise(rng, size, 14))
    return coat * (1 - strength * inside(-stripes, 1.2)), pale


def _animal(scene, cue, rng, x, y, light) -> np.ndarray:
    """Paint one animal over a scene (3, S, S); `light` points to the lamp."""
    size, pixel = len(x), 2 / len(x)

    # the face's own coordinates: turned, scaled and, seen from the side, foreshortened
    scale, roll, yaw = (
        rng.uniform(0.56, 0.70),
        radians(rng.uniform(-25, 25)),
        rng.uniform(-0.8, 0.8),
    )
    px, py = x - rng.uniform(-0.18, 0.18), y - rng.uniform(0.02, 0.22)
    u = (px * cos(roll) + py * sin(roll)) / scale
    v = (py * cos(roll) - px * sin(roll)) / scale
    u = u + 0.22 * yaw * np.clip(1 - u * u, 0, 1)
    unit = pixel / scale  # a pixel in the face's coordinates
    side = np.abs(u)
    left = u < 0

    # outlines
    wide, tall, jowl = rng.uniform(0.86, 1.0), rng.uniform(0.84, 0.98), rng.uniform(0.5, 0.8)
    skull = ellipse(u, v, wide, tall)
    cheek = ellipse(side - 0.38, v - 0.32, jowl * 0.8, jowl * 0.78)
    blend = np.clip(0.5 + (cheek - skull) / 0.5, 0, 1)
    head = lerp(cheek, skull, blend) - 0.25 * blend * (1 - blend)
    lean = rng.uniform(-0.25, 0.25)
    bx, by = px / scale - lean, py / scale
    chest = ellipse(bx, by - 2.1, rng.uniform(1.0, 1.35), rng.uniform(1.3, 1.7))
    ear, ear_flow, in_front, hollow = _ears(cue.ears, rng, u, v, left)

    # the way the hair lies, in the picture's coordinates
    fu, fv = u, v - 0.1
    wind = 0.5 * smooth_noise(rng, size, 6)
    fu, fv = (
        np.where(ear < 0, e, np.where(head < 0, f, b))
        for e, f, b in zip(ear_flow, (fu, fv), (0.3 * bx, 1.0), strict=True)
    )
    turn = roll + wind + 1.1 * max(cue.coat, 0) * smooth_noise(rng, size, 22)
    length, along, across = np.sqrt(fu * fu + fv * fv) + 1e-6, np.cos(turn), np.sin(turn)
    dx, dy = (fu * along - fv * across) / length, (fu * across + fv * along) / length
    strand = exp(lerp(log(3.0), log(9.0), cue.coat)) * rng.uniform(0.9, 1.1)  # of 160
    fur = comb(smooth_noise(rng, size, int(160 * 2.2 / strand)), dx, dy, size * 0.075)
    tufts = comb(smooth_noise(rng, size, round(lerp(52, 23, cue.coat))), dx, dy, size * 0.12)

    # coverage, with hair along every edge
    ragged = rng.uniform(0.01, 0.03) * np.clip(tufts, -2, 2) + 0.02 * np.clip(fur, -2, 2)
    body_cover, head_cover, ear_cover = (inside(d + ragged, 3 * unit) for d in (chest, head, ear))

    # relief, in the face's unit
    bulge = np.sqrt(np.clip(1 - (head / 0.95 + 1) ** 2, 0, 1))
    height = -0.9 + 0.8 * np.sqrt(np.clip(-chest, 0, 1)) * body_cover
    ear_height = (0.75 if in_front else 0.0) + 0.3 * np.sqrt(np.clip(-ear * 4, 0, 1)) - 0.3 * hollow
    reach = lerp(0.55, 1.0, cue.muzzle) * rng.uniform(0.85, 1.15)
    mx = u + 0.16 * yaw  # what stands out moves with the turn of the head
    low = lerp(0.36, 0.46, cue.muzzle) + rng.uniform(-0.04, 0.04)
    broad = lerp(0.26, 0.42, cue.muzzle)
    pads = np.exp(
        -(((np.abs(mx) - 0.5 * broad) / (0.8 * broad)) ** 2)
        - ((v - low - 0.1) / (0.85 * broad)) ** 2
    )
    bridge = np.exp(-((mx / (0.7 * broad)) ** 2) - ((v - low + 0.2) / 0.36) ** 2)
    sockets = np.exp(-(((side - 0.4) / 0.22) ** 2) - ((v + 0.1) / 0.2) ** 2)
    face_height = 0.95 * bulge + reach * (0.36 * pads + 0.22 * bridge) - 0.12 * sockets

    coat, pale = _coat(rng, u, v, lerp(0.75, 0.31, cue.coat) * 160 * scale / 8)
    muzzle_tone = rng.uniform(0, 1)
    coat_face = _paint(coat, pale, muzzle_tone * inside(0.45 - pads, 0.4))
    bib = rng.uniform(0, 1) * inside(ellipse(bx, by - 1.6, 0.55, 0.9) + 0.1 * tufts, 0.3)
    skin = lerp(coat * 0.45, np.array([0.78, 0.5, 0.46], np.float32)[:, None, None], 0.5)
    coat_ear = coat * rng.uniform(0.85, 1.4)
    coat_ear = coat_ear + (skin - coat_ear) * (0.9 * np.clip(1.6 * hollow, 0, 1))

    layers = [(body_cover, height, _paint(coat, pale, bib)), (head_cover, face_height, coat_face)]
    layers.insert(2 if in_front else 1, (ear_cover, ear_height, coat_ear))
    albedo, surface, cover = coat, np.full_like(u, -1.2), np.zeros_like(u)
    for layer_cover, layer_height, layer_coat in layers:
        albedo = albedo + (layer_coat - albedo) * layer_cover
        surface = surface + (layer_height - surface) * layer_cover
        cover = cover + (1 - cover) * layer_cover

    # light on hair
    contrast = rng.uniform(0.18, 0.26)
    hair = 1 + contrast * fur + 0.1 * tufts
    soft = blur(surface, size / 40)
    lambert, steep = relief(soft + 0.6 * (surface - soft), light, unit)
    lambert = blur(lambert, size / 80)
    occlusion = np.clip(1 - 0.9 * np.clip(blur(surface, size / 12) - surface, 0, 0.5), 0.3, 1)
    strength = rng.uniform(0.45, 0.85)
    shade = (1 - 0.55 * strength + strength * 0.95 * (lambert - 0.35)) * occlusion
    sheen = 0.10 * strength * steep * lambert
    animal = np.clip(albedo, 0.03, 1) * (shade * hair) + sheen
    scene = scene * (1 - 0.35 * blur(cover, size / 10))  # its shadow
    scene = scene + (animal - scene) * cover

    at = _window(np.maximum(side - 0.75, np.abs(v + 0.1) - 0.35))
    scene[:, *at] = _eyes(
        scene[:, *at], cue.eyes, rng, u[at] + 0.05 * yaw, v[at], light, unit, shade[at]
    )
    mx, below = u + 0.16 * yaw, v - low
    at = _window(np.maximum(np.abs(mx) - 0.45, np.abs(below - 0.1) - 0.4))
    scene[:, *at] = _nose(scene[:, *at], cue.muzzle, rng, mx[at], below[at], unit, shade[at])
    at = _window(np.maximum(np.abs(mx) - 1.4, np.abs(below - 0.2) - 0.7))
    scene[:, *at] = _whiskers(scene[:, *at], cue.whiskers, rng, mx[at], below[at], unit)
    return scene


def _ears(kind, rng, u, v, left) -> tuple:
    """Both ears at once.

    Returns:
        Distance (S, S), flow (two of (S, S)), whether they lie in front of the head, and how deep
        the inner ear is (S, S) in [0, 1].
    """

    def each(mean, spread):  # one number per ear
        a, b = mean + spread * rng.uniform(-1, 1, 2)
        return np.where(left, np.float32(a), np.float32(b))

    side = np.abs(u)
    form = rng.random()
    if kind < 0.5:
        if form < 0.9:  # upright, pointed
            apart, top, base, curve, in_front = 0.66, -1.22, 0.36, 0.06, False
            root = -0.46
        else:  # folded forward
            apart, top, base, curve, in_front = 0.74, -0.6, 0.30, 0.09, True
            root = -0.86
    elif form < 0.6:  # hanging
        apart, top, base, curve, in_front, root = 1.0, 0.4, 0.2, 0.21, True, -0.6
    elif form < 0.88:  # button: stands up, tip falls forward
        apart, top, base, curve, in_front, root = 0.95, -0.25, 0.22, 0.12, True, -0.78
    else:  # upright, blunt
        apart, top, base, curve, in_front, root = 0.72, -1.25, 0.28, 0.13, False, -0.55
    tip = (each(apart + 0.08, 0.12), each(top, 0.14))
    middle, width = each(0.58 if not in_front else 0.62, 0.05), base * rng.uniform(0.88, 1.12)
    lift = each(root, 0.05)
    corners = [(middle - width, lift - 0.14), (middle + width, lift + 0.2), tip]
    distance = triangle(side, v, corners) - curve * rng.uniform(0.8, 1.2)
    flow_u = np.sign(u) * (tip[0] - middle)
    flow_v = tip[1] - lift
    hollow = np.zeros_like(u) if in_front else inside(distance + 0.16, 0.16)
    return distance, (flow_u, flow_v), in_front, hollow


def _eyes(scene, kind, rng, u, v, light, unit, shade) -> np.ndarray:
    radius = lerp(0.18, 0.125, kind) * rng.uniform(0.9, 1.12)
    opening = rng.uniform(0.62, 1.0)
    apart, level = rng.uniform(0.36, 0.44), rng.uniform(-0.16, -0.04)
    slant = lerp(0.2, 0.0, kind) + rng.uniform(-0.1, 0.1)
    ex = (np.abs(u) - apart) / radius
    ey = (v - level) / radius + slant * ex
    ball = np.sqrt(ex * ex + (ey / opening) ** 2) - 1
    edge = 1.4 * unit / radius
    rim = np.full(3, rng.uniform(0.05, 0.16))
    if rng.random() < 0.08:  # asleep
        lid = np.maximum(np.abs(ey - 0.35 + 0.4 * ex * ex) - 0.05, np.abs(ex) - 1)
        return _paint(scene, rim, 0.9 * inside(lid, 2 * edge))
    scene = _paint(scene, rim, 0.85 * inside(ball - 0.22, 0.25))
    iris = IRISES[int(rng.random() < 0.35 + 0.3 * (kind > 0.5)), rng.integers(4)]
    iris = iris * rng.uniform(0.8, 1.15)
    pattern = 1.15 + 0.35 * ey - 0.55 * (ex * ex + ey * ey) ** 2
    scene = _paint(
        scene,
        iris[:, None, None] * np.clip(pattern, 0.25, 1.4) * np.clip(shade + 0.25, 0, 1.1),
        inside(ball, edge),
    )
    narrow = lerp(rng.uniform(0.14, 0.45), rng.uniform(0.5, 0.62), kind)
    kind = min(max(kind, 0), 1)
    high = lerp(0.85, narrow, kind)
    pupil = np.sqrt((ex / narrow) ** 2 + (ey / high) ** 2) - 1
    scene = _paint(scene, (0.02, 0.02, 0.03), inside(np.maximum(pupil * narrow, ball), edge))
    gx, gy = ex * np.sign(u) - 0.45 * light[0], ey - 0.45 * light[1]
    glint = inside(np.hypot(gx, gy) - 0.16, edge) * (ball < 0)
    return _paint(scene, (0.97, 0.97, 0.95), 0.9 * glint)


def _nose(scene, kind, rng, u, v, unit, shade) -> np.ndarray:
    width = lerp(0.11, 0.21, kind) * rng.uniform(0.9, 1.15)
    tall = width * lerp(0.72, 0.78, kind)
    nx, ny = u / width, (v + 0.02) / tall
    wedge = np.maximum(np.abs(nx) * 0.95 + ny * 0.55 - 0.55, -ny - 0.75)
    round_ = np.sqrt(nx * nx + ny * ny) - 1
    shape = lerp(wedge, round_, min(max(kind, 0), 1))
    ink = rng.uniform(0.05, 0.2)
    seam = np.maximum(np.abs(u) - 0.012, np.abs(v - tall - 0.06) - 0.09)
    bow = tall + 0.15 + 0.1 * np.sin(np.abs(u) * (pi / 0.3)) - 0.05
    smile = np.maximum(np.abs(v - bow) - 0.012, np.abs(u) - 0.3)
    dark = scene * ink
    scene = _paint(scene, dark, 0.85 * inside(np.minimum(seam, smile), 2 * unit))
    colour = NOSES[rng.choice(3, p=[0.45, 0.2, 0.35])] * rng.uniform(0.85, 1.15)
    tone = np.clip(shade, 0.3, 1) * (1.05 - 0.3 * ny)
    scene = _paint(scene, colour[:, None, None] * tone, inside(shape, 1.6 * unit / width))
    holes = np.hypot((np.abs(nx) - 0.45) / 0.22, (ny - 0.2) / 0.26) - 1
    scene = _paint(scene, colour * 0.2, 0.9 * inside(holes, 0.4))
    shine = np.exp(-((nx / 0.5) ** 2) - ((ny + 0.45) / 0.18) ** 2)
    return _paint(scene, (1, 1, 1), 0.35 * shine * inside(shape, 0.1))


def _whiskers(scene, kind, rng, u, v, unit) -> np.ndarray:
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
        cover = np.maximum(cover, np.exp(-away * away) * np.clip(12 * t, 0, 1) * (1 - t**3))
    return _paint(scene, colour, strength * cover)


def _foreground(scene, rng, x, y) -> np.ndarray:
    """Something in the way, in a third of the pictures."""
    what = rng.random()
    colour = SCENES[rng.integers(len(SCENES))] * rng.uniform(0.7, 1.2)
    if what < 0.14:  # blades of grass
        for _ in range(rng.integers(4, 12)):
            foot, bend, top = rng.uniform(-1, 1), rng.normal(0, 0.35), rng.uniform(-0.3, 0.8)
            t = np.clip((1 - y) / (1 - top), 0, 1)
            blade = np.abs(x - foot - bend * t * t) - rng.uniform(0.015, 0.035) * (1 - t)
            green = np.array([0.33, 0.45, 0.18]) * rng.uniform(0.6, 1.4)
            scene = _paint(scene, green, 0.9 * inside(blade, rng.uniform(0.02, 0.05)) * (t < 1))
    elif what < 0.36:  # a bar, or the edge of something near
        turn, offset = rng.uniform(-pi, pi), rng.uniform(0.25, 0.95)
        across = x * cos(turn) + y * sin(turn) - offset
        thing = np.abs(across) - rng.uniform(0.03, 0.09) if what < 0.24 else 0.1 - across
        scene = _paint(scene, colour, rng.uniform(0.75, 1) * inside(thing, rng.uniform(0.04, 0.2)))
    return scene


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
    noise = rng.standard_normal((3, size, size), dtype=np.float32)
    picture = picture + rng.uniform(0.006, 0.018) * noise
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
