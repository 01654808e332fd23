"""Rougher LR crops: each part against Pillow or SciPy; off nothing changes, on the seed decides."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from toy_srgan import settings

from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import DegradationParams
from srgan_ab.common.tensors import as_float, as_uint8
from srgan_ab.srgan.degradation import KERNELS, Degradation, blurring
from srgan_ab.srgan.phases import crops_of

SIDE = 32
OFF = {"kernels": ["bicubic"], "blur": [0.0, 0.0], "noise": [0.0, 0.0], "jpeg": None}
CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photographs(n, seed=0):
    """HR with edges and noise, and Pillow's LR of them; uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, SIDE // 8, SIDE // 8, 3))
    hr = coarse.repeat(8, 1).repeat(8, 2) + rng.normal(0, 20, (n, SIDE, SIDE, 3))
    hr = hr.clip(0, 255).astype(np.uint8)
    return small(hr, "bicubic"), hr


def small(hr, kernel):
    """By Pillow, in floating point, where it rounds once; (n, h, w, 3) uint8."""
    size = (SIDE // 4, SIDE // 4)
    planes = hr.transpose(0, 3, 1, 2).reshape(-1, SIDE, SIDE).astype(np.float32)
    found = [np.asarray(Image.fromarray(one).resize(size, KERNELS[kernel])) for one in planes]
    found = np.stack(found).reshape(-1, 3, *size).transpose(0, 2, 3, 1)
    return found.clip(0, 255).round().astype(np.uint8)


def rougher(lr, hr, probability=1.0, seed=0, **changes):
    """What becomes of an LR batch: (n, h, w, 3) uint8."""
    chosen = DegradationParams.model_validate(OFF | {"probability": probability} | changes)
    batch = as_float(lr), as_float(hr)
    return as_uint8(Degradation(chosen, SIDE, 4, CPU)(*batch, generator(seed))).numpy()


def levels(a, b):
    return np.abs(a.astype(int) - b.astype(int))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_makes_hr_small_as_pillow_does(kernel):
    lr, hr = photographs(8)
    found = rougher(lr, hr, kernels=[kernel])
    difference = levels(found, small(hr, kernel))
    # one mean of 16 bytes in 16 lies half-way between two
    assert difference.max() <= 1 and difference.mean() < (0.03 if kernel == "area" else 0.002)
    # of bytes Pillow makes bytes in between, too
    size = (SIDE // 4, SIDE // 4)
    twice = [np.asarray(Image.fromarray(one).resize(size, KERNELS[kernel])) for one in hr]
    assert levels(found, np.stack(twice)).mean() < 0.3


def test_each_crop_has_a_kernel_of_its_own_and_all_occur():
    lr, hr = photographs(64)
    found = rougher(lr, hr, kernels=list(KERNELS))
    nearest = np.stack([levels(found, small(hr, kernel)).mean((1, 2, 3)) for kernel in KERNELS])
    assert nearest.min(0).max() < 0.1
    assert np.bincount(nearest.argmin(0), minlength=4).min() >= 5


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 4.0])
def test_blur_is_gaussian(sigma):
    values = np.random.default_rng(0).random(64)
    matrix = blurring(torch.tensor([sigma]), 64)[0].numpy()
    inside = slice(25, -25)  # at the border SciPy mirrors
    expected = gaussian_filter1d(values, sigma, truncate=6) if sigma else values
    np.testing.assert_allclose((matrix @ values)[inside], expected[inside], atol=1e-5)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-5)


def test_blur_is_measured_in_pixels_of_lr():
    """The blurred edge of a half-white picture is the normal distribution's, 4 sigma wide in HR."""
    hr = np.zeros((200, SIDE, SIDE, 3), np.uint8)
    hr[:, :, SIDE // 2 :] = 255
    lr = small(hr, "area")
    for low, high in ((0.5, 0.5), (0.4, 1.0)):
        edges = rougher(lr, hr, kernels=["area"], blur=[low, high])[:, 4, :, 0] / 255
        derivative = np.diff(edges, axis=1)
        at = np.arange(derivative.shape[1])
        middle = (derivative * at).sum(1) / derivative.sum(1)
        variance = (derivative * (at - middle[:, None]) ** 2).sum(1) / derivative.sum(1)
        # a box of one pixel adds 1/12, and the differences of its neighbours another 1/12
        sigma = np.sqrt((variance - 1 / 6).clip(0))
        assert low - 0.12 < sigma.min() and sigma.max() < high + 0.05
        assert sigma.mean() == pytest.approx((low + high) / 2, abs=0.05)


def test_noise_has_the_deviations_asked_for_each_crop_one_of_its_own():
    hr = np.full((200, SIDE, SIDE, 3), 128, np.uint8)
    lr = small(hr, "area")
    found = rougher(lr, hr, noise=[4.0, 12.0]).astype(float) - 128
    deviations = found.std((1, 2, 3))
    assert abs(found.mean()) < 0.3
    assert 3 < deviations.min() < 5 and 11 < deviations.max() < 13.5
    assert deviations.mean() == pytest.approx(8, abs=0.5)
    channels = found.transpose(3, 0, 1, 2).reshape(3, -1)
    assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 0.05


def jpeg(image, quality):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def test_jpeg_is_that_of_pillow_by_a_quality_from_the_range():
    lr, hr = photographs(60)
    plain = rougher(lr, hr, noise=[0.0, 0.0])
    found = rougher(lr, hr, jpeg=[30, 34])
    fits = np.array(
        [
            [np.array_equal(jpeg(before, quality), after) for quality in range(20, 96)]
            for before, after in zip(plain, found, strict=True)
        ]
    )
    assert fits.any(1).all()
    assert fits[:, 10:15].any(1).all()
    assert {20 + row.argmax() for row in fits} == set(range(30, 35))


def test_the_probability_is_that_of_a_crop_and_the_others_keep_their_bits():
    lr, hr = photographs(400)
    lr = 255 - lr  # what is made anew of HR is seen at once
    for part in ({"noise": [5.0, 5.0]}, {"jpeg": [20, 20]}, {"kernels": ["area"]}):
        found = rougher(lr, hr, probability=0.25, **part)
        changed = (found != lr).any((1, 2, 3))
        assert changed.mean() == pytest.approx(0.25, abs=0.07)
        assert levels(found, lr)[changed].mean((1, 2, 3)).min() > 10


EVERYTHING = {
    "degradation__kernels": list(KERNELS),
    "degradation__blur": [0.0, 1.0],
    "degradation__noise": [0.0, 9.0],
    "degradation__jpeg": [40, 90],
}


def batches(chosen, seed=0, count=5):
    lr, hr = map(torch.from_numpy, photographs(7))
    crops = crops_of(lr, hr, chosen, generator(seed), Runtime(CPU, "fp32"))
    return [crops.next() for _ in range(count)], crops


def equal(ours, theirs):
    return [
        torch.equal(a, b)
        for mine, other in zip(ours, theirs, strict=True)
        for a, b in zip(mine, other, strict=True)
    ]


def test_off_it_draws_nothing_and_changes_no_bit():
    plain, before = batches(settings())
    off, after = batches(settings(degradation__probability=0.0, **EVERYTHING))
    assert all(equal(plain, off))
    assert torch.equal(before.generator.get_state(), after.generator.get_state())


def test_lr_alone_is_changed_and_stays_aligned_under_every_turn():
    plain, _ = batches(settings(), count=1)
    found, _ = batches(settings(degradation__probability=1.0, **EVERYTHING), count=1)
    assert equal(plain, found) == [False, True]
    ((lr, hr),), _ = batches(
        settings(crop=SIDE, degradation__probability=1.0, degradation__kernels=["area"]), count=1
    )
    assert levels(as_uint8(lr).numpy(), small(as_uint8(hr).numpy(), "area")).max() <= 1
    assert lr.is_contiguous(memory_format=torch.channels_last)


def test_the_seed_decides_and_it_goes_on_in_the_middle_of_a_pass():
    chosen = settings(degradation__probability=0.5, **EVERYTHING)
    first, crops = batches(chosen, count=3)
    assert all(equal(first, batches(chosen, count=3)[0]))
    assert not all(equal(first, batches(chosen, seed=1, count=3)[0]))
    state = {k: v.clone() if torch.is_tensor(v) else v for k, v in crops.state_dict().items()}
    rest = [crops.next() for _ in range(4)]
    _, other = batches(chosen, seed=9, count=1)
    other.load_state_dict(state)
    assert all(equal(rest, [other.next() for _ in range(4)]))
