"""The embedded data set: repeatable, varied, and separable by the named cues only."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from srgan_ab.data.duplicates import duplicate_groups, similar_hashes
from srgan_ab.data.exact import draws
from srgan_ab.data.rendering import textures
from srgan_ab.data.rendering.synthetic import render
from srgan_ab.data.verification import verify


def resized(pictures: np.ndarray, side: int) -> np.ndarray:
    return np.stack(
        [
            np.asarray(Image.fromarray(p).resize((side, side), Image.Resampling.BICUBIC))
            for p in pictures
        ]
    )


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    """200 pictures of each class at 64 pixels: the statistics below do not need more."""
    labels = np.arange(400) % 2
    return render(labels, np.arange(400) // 2, seed=5, size=64), labels


def test_pictures_are_rgb_bytes_of_the_size_asked_for():
    pictures = render(np.array([0, 1, 1]), np.array([3, 3, 4]), seed=1, size=64)
    assert pictures.shape == (3, 64, 64, 3)
    assert pictures.dtype == np.uint8
    assert render(np.array([], int), np.array([], int), seed=1).shape == (0, 160, 160, 3)


def test_a_picture_depends_on_its_own_label_index_and_seed_alone():
    labels, indices = np.array([0, 1, 0, 1]), np.array([0, 0, 9, 9])
    together = render(labels, indices, seed=3)
    assert np.array_equal(together, render(labels, indices, seed=3))
    backwards = render(labels[::-1], indices[::-1], seed=3)[::-1]
    assert np.array_equal(together, backwards)
    assert np.array_equal(together[2:3], render(labels[2:3], indices[2:3], seed=3))
    different = [
        render(*other, seed=s) for *other, s in (([0], [1], 3), ([1], [0], 3), ([0], [0], 4))
    ]
    for other in different:
        assert not np.array_equal(together[0], other[0])


def test_size_is_how_finely_a_scene_is_sampled():
    labels, indices = np.arange(6) % 2, np.arange(6)
    small = render(labels, indices, seed=2, size=96).astype(float)
    large = resized(render(labels, indices, seed=2, size=192), 96).astype(float)
    for one, two, next_ in zip(small, large, np.roll(large, 1, axis=0), strict=True):
        same = np.corrcoef(one.ravel(), two.ravel())[0, 1]
        other = np.corrcoef(one.ravel(), next_.ravel())[0, 1]
        assert same > 0.95 > other


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["histogram", "colours", "thumbnail"])
def test_nothing_but_the_cues_separates_the_classes(sample, statistic):
    """Linear models on colours or on layout stay below 65 % (cross-validated; chance is 50 %)."""
    pictures, labels = sample
    if statistic == "histogram":
        features = [
            [np.histogram(c, 16, (0, 256))[0] for c in p.reshape(-1, 3).T] for p in pictures
        ]
    elif statistic == "colours":
        box = [(0, 256)] * 3
        features = [np.histogramdd(p.reshape(-1, 3), (4, 4, 4), box)[0] for p in pictures]
    else:
        features = resized(pictures, 8)
    features = np.reshape(features, (len(pictures), -1)).astype(float)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    assert cross_val_score(model, features, labels, cv=5).mean() < 0.65


def test_no_two_pictures_count_as_near_duplicates(sample):
    """By the split's own rule, at the thresholds of the default scale."""
    files = {}
    for n, pixels in enumerate(sample[0]):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "BMP")
        files[str(n)] = stream.getvalue()
    verdicts = [verify(data) for data in files.values()]
    images = pd.DataFrame({"path": path} | vars(v) for path, v in zip(files, verdicts, strict=True))
    groups = duplicate_groups(images, files.__getitem__, distance=10, correlation=0.9)
    assert len(set(groups)) == len(files)
    hashes, mirrored = (
        np.array([int(x, 16) for x in images[column]], np.uint64)
        for column in ("phash", "phash_mirror")
    )
    first, _, flipped = similar_hashes(hashes, mirrored, distance=6)
    assert len(first[~flipped]) <= 8  # of 79,800 pairs


def test_detail_lies_beyond_what_a_quarter_of_the_resolution_can_hold():
    """Of the contrast at 128 pixels, part is above the Nyquist limit of 32, and is no noise."""
    labels, indices = np.arange(16) % 2, np.arange(16)
    grey = render(labels, indices, seed=4, size=128).mean(3) / 255
    power = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2 / 128**4
    frequency = np.abs(np.fft.fftfreq(128))
    lost = np.maximum(frequency[:, None], frequency) > 1 / 8
    detail = np.sqrt((power * lost).sum((1, 2)))
    # sensor noise is at most 0.018 per channel, independent: 0.011 on the mean of the three
    assert np.median(detail) > 3 * 0.011
    assert detail.min() > 0.011


def test_coats_of_cats_are_finer_than_those_of_dogs():
    """Fine over coarse contrast below the face, at 128 pixels: the classes differ, and overlap."""
    n, side = 24, 48
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    fine, coarse = (frequency > 0.2) & (frequency < 0.4), (frequency > 0.1) & (frequency < 0.18)
    ratios = []
    for label in (0, 1):
        pictures = render(np.full(n, label), np.arange(n), seed=6, size=128).mean(3)
        patch = pictures[:, 76:124, 40:88]
        patch = (patch - patch.mean((1, 2), keepdims=True)) * np.outer(*[np.hanning(side)] * 2)
        power = np.abs(np.fft.fft2(patch)) ** 2
        ratios.append(np.log((power * fine).sum((1, 2)) / (power * coarse).sum((1, 2))))
    cats, dogs = ratios
    assert cats.mean() - dogs.mean() > 0.7 * np.concatenate([cats, dogs]).std()
    assert cats.min() < dogs.max()


def test_smooth_noise_has_unit_variance_and_its_stated_wavelength():
    rng = draws(0)
    fields = np.stack([textures.smooth_noise(rng, 128, 16) for _ in range(60)])
    assert abs(fields.mean()) < 0.05
    assert abs(fields.std() - 1) < 0.05
    power = (np.abs(np.fft.fft(fields, axis=1)) ** 2).mean((0, 2))[:64]
    assert power[:16].sum() > 0.95 * power.sum()  # no more waves than cells


def test_triangle_distance_agrees_with_brute_force():
    corners = [(-0.5, -0.2), (0.6, -0.4), (0.1, 0.7)]
    t = np.linspace(0, 1, 2001)[:, None]
    edge = np.concatenate(
        [
            np.add(a, t * np.subtract(b, a))
            for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
        ]
    )
    points = np.random.default_rng(1).uniform(-1, 1, (300, 2))
    expected = np.linalg.norm(points[:, None] - edge[None], axis=2).min(1)
    for order in (corners, corners[::-1]):
        distance = textures.triangle(*points.T, order)
        np.testing.assert_allclose(np.abs(distance), expected, atol=2e-3)
        basis = np.linalg.solve(
            np.vstack([np.transpose(corners), np.ones(3)]), np.vstack([points.T, np.ones(300)])
        )
        assert np.array_equal(distance < 0, (basis > 0).all(0))


def test_relief_of_a_slope_is_lambert_s_cosine():
    y, x = np.mgrid[:20, :20] * 0.1
    light = np.array([0.6, 0.0, 0.8])
    cosine, steep = textures.relief(0.75 * x + 0 * y, light, 0.1)
    normal = np.array([-0.75, 0, 1]) / 1.25
    np.testing.assert_allclose(cosine, normal @ light, atol=1e-6)
    np.testing.assert_allclose(steep, 1 - normal[2], atol=1e-6)
