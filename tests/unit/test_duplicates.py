"""Near-duplicates: planted copies are found, other images are not."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from srgan_ab.data.duplicates import components, correlations, duplicate_groups, similar_hashes
from srgan_ab.data.verification import verify

SETTINGS = {"distance": 10, "correlation": 0.9}


def picture(seed: int, size: int = 160) -> Image.Image:
    """Smooth random colours with some detail: each seed another picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
    fine = rng.integers(0, 256, (40, 40, 3), np.uint8)
    layers = [
        Image.fromarray(x).resize((size, size), Image.Resampling.BICUBIC) for x in (coarse, fine)
    ]
    return Image.blend(*layers, 0.25)


def encode(image: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, **({"format": "PNG"} | options))
    return stream.getvalue()


def groups_of(files: dict[str, bytes], **settings) -> dict[str, int]:
    verdicts = {path: verify(data) for path, data in files.items()}
    images = pd.DataFrame(
        {
            "path": path,
            "pixel_sha256": v.pixel_sha256,
            "phash": v.phash,
            "phash_mirror": v.phash_mirror,
        }
        for path, v in verdicts.items()
    )
    found = duplicate_groups(images, files.__getitem__, **(SETTINGS | settings))
    return dict(zip(files, found.tolist(), strict=True))


@pytest.mark.parametrize("distance", [0, 3, 6, 28])
def test_the_search_finds_what_brute_force_finds(distance):
    rng = np.random.default_rng(distance)
    hashes = rng.integers(0, 2**64, 60, np.uint64)
    mirrored = rng.integers(0, 2**64, 60, np.uint64)
    hashes[10:20] = hashes[:10] ^ np.uint64(0b101)  # two bits apart
    mirrored[20:30] = hashes[30:40]
    hashes[40:50] = mirrored[50:60] ^ np.uint64(1)

    expected = set()
    for i in range(60):
        for j in range(i + 1, 60):
            h, m = [int(x) for x in hashes], [int(x) for x in mirrored]
            if (h[i] ^ h[j]).bit_count() <= distance:
                expected.add((i, j, False))
            if min((h[i] ^ m[j]).bit_count(), (m[i] ^ h[j]).bit_count()) <= distance:
                expected.add((i, j, True))
    found = list(
        zip(*(x.tolist() for x in similar_hashes(hashes, mirrored, distance)), strict=True)
    )
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert expected or distance == 0


COPIES = {
    "the same file": encode,
    "the same pixels": lambda image: encode(image, compress_level=1),
    "JPEG quality 60": lambda image: encode(image, format="JPEG", quality=60),
    "half the size": lambda image: encode(image.resize((80, 80), Image.Resampling.LANCZOS)),
    "mirrored": lambda image: encode(ImageOps.mirror(image)),
    "mirrored JPEG": lambda image: encode(ImageOps.mirror(image), format="JPEG", quality=80),
    "squashed": lambda image: encode(image.resize((200, 120), Image.Resampling.BICUBIC)),
    "cropped by 1 %": lambda image: encode(ImageOps.crop(image, 2)),
    "brighter": lambda image: encode(image.point(lambda v: min(255, round(1.1 * v)))),
}


@pytest.mark.parametrize("copy", COPIES)
def test_planted_copies_are_found_and_nothing_else(copy):
    pictures = {f"{seed}.png": picture(seed) for seed in range(12)}
    files = {path: encode(image) for path, image in pictures.items()}
    files |= {f"copy of {path}": COPIES[copy](image) for path, image in list(pictures.items())[:8]}
    groups = groups_of(files)
    for path in pictures:
        alike = [other for other in files if groups[other] == groups[path]]
        copied = f"copy of {path}"
        assert alike == ([path, copied] if copied in files else [path])


def test_correlation_is_numpys():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (5, 32, 32, 3), np.uint8)
    second = (first // 2 + rng.integers(0, 99, first.shape)).astype(np.uint8)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlations(first, second), expected, atol=1e-12)


def test_correlation_does_not_depend_on_the_order_of_summation():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (50, 32, 32, 3), np.uint8)
    second = (first // 2 + rng.integers(0, 99, first.shape)).astype(np.uint8)
    order = rng.permutation(32 * 32 * 3)
    shuffled = (x.reshape(50, -1)[:, order].reshape(x.shape) for x in (first, second))
    assert np.array_equal(correlations(*shuffled), correlations(first, second))


def test_correlation_of_the_brightest_and_of_the_most_contrasted_pictures():
    checks = np.zeros((1, 32, 32, 3), np.uint8)
    checks[:, ::2] = 255
    nearly_white = np.full_like(checks, 255)
    nearly_white[:, :2] = 0
    assert correlations(checks, checks) == 1
    assert correlations(checks, 255 - checks) == -1
    assert correlations(nearly_white, nearly_white) == 1


def test_flat_pictures_are_alike_only_if_they_look_alike():
    files = {
        "white.png": encode(Image.new("RGB", (160, 160), "white")),
        "small white.png": encode(Image.new("RGB", (90, 70), "white")),
        "white.jpg": encode(Image.new("RGB", (64, 64), "white"), format="JPEG"),
        "black.png": encode(Image.new("RGB", (160, 160), "black")),
        "grey.png": encode(Image.new("RGB", (160, 160), (128, 128, 128))),
        "picture.png": encode(picture(0)),
    }
    groups = groups_of(files, distance=32)
    assert groups["white.png"] == groups["small white.png"] == groups["white.jpg"]
    assert len(set(groups.values())) == 4


def test_a_thousand_equal_placeholders_are_decoded_at_most_once():
    data = encode(picture(3))
    verdict = verify(data)
    row = {
        "pixel_sha256": verdict.pixel_sha256,
        "phash": verdict.phash,
        "phash_mirror": verdict.phash_mirror,
    }
    images = pd.DataFrame([{"path": str(n)} | row for n in range(1000)])
    read = []
    groups = duplicate_groups(images, lambda path: read.append(path) or data, **SETTINGS)
    assert (groups == 0).all()
    assert len(read) <= 1


def test_chains_become_one_group():
    # 0-1, 1-2 and 4-5 are alike: 0 and 2 belong together although they are no pair
    groups = components(6, np.array([1, 0, 4]), np.array([2, 1, 5]))
    assert groups.tolist() == [0, 0, 0, 1, 2, 2]
    assert components(3, np.array([], int), np.array([], int)).tolist() == [0, 1, 2]


def test_groups_do_not_depend_on_chunks():
    pictures = [picture(seed) for seed in range(6)]
    files = {f"{n}.png": encode(p) for n, p in enumerate(pictures)}
    files |= {f"{n}.jpg": encode(p, format="JPEG") for n, p in enumerate(pictures)}
    assert groups_of(files, chunk=1) == groups_of(files)
