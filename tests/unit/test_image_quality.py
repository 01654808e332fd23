"""PSNR, SSIM and LPIPS against hand-derived values, brute force and published numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torchmetrics
from PIL import Image
from safetensors.torch import save_file
from scipy.signal import convolve2d
from torchvision.models import squeezenet1_1

from srgan_ab.common.errors import UserError
from srgan_ab.common.interpolation import FILTERS, Interpolated
from srgan_ab.data.packing import downscale
from srgan_ab.quality.image_quality import load_lpips, lr_psnr, luma, measure, psnr, ssim
from srgan_ab.quality.resizing import resize_bicubic

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CPU = torch.device("cpu")


def images(seed: int, n: int = 3, size: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, size, size), generator=generator) / 255


def constant(*rgb: float, size: int = 24) -> torch.Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, size, size).clone()


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [((0, 0, 0), 16), ((1, 1, 1), 235), ((1, 0, 0), 81), ((0, 1, 0), 145), ((0, 0, 1), 41)],
)
def test_luma_of_the_primaries_is_the_standards(rgb, expected):
    y = luma(constant(*map(float, rgb))) * 255
    assert y.shape == (1, 1, 24, 24)
    assert (y - expected).abs().max() < 0.5


def test_psnr_of_a_constant_error_is_its_level_in_decibels():
    hr = constant(0.5, 0.5, 0.5)
    batch = torch.cat([hr + 0.1, hr - 0.01, hr])
    found = psnr(batch, hr.expand(3, -1, -1, -1), "rgb", 0)
    assert found.tolist() == pytest.approx([20.0, 40.0, 100.0], abs=1e-3)


def test_psnr_on_y_weighs_the_channels_and_keeps_the_peak_of_one():
    hr = constant(0.5, 0.5, 0.5)
    red = constant(0.6, 0.5, 0.5)
    expected = -20 * math.log10(0.1 * 65.481 / 255)
    assert psnr(red, hr, "y", 0).item() == pytest.approx(expected, abs=1e-3)


def test_psnr_leaves_out_exactly_the_border():
    hr = constant(0.5, 0.5, 0.5)
    sr = hr.clone()
    sr[..., :4, :] = 0
    assert psnr(sr, hr, "rgb", 4).item() == 100
    assert psnr(sr, hr, "rgb", 3).item() < 30


def test_psnr_agrees_with_torchmetrics_image_by_image():
    sr, hr = images(0), images(1)
    metric = torchmetrics.image.PeakSignalNoiseRatio(data_range=1.0)
    expected = [metric(a[None], b[None]).item() for a, b in zip(sr, hr, strict=True)]
    assert psnr(sr, hr, "rgb", 0).tolist() == pytest.approx(expected, abs=1e-4)


def brute_force_ssim(x: np.ndarray, y: np.ndarray) -> float:
    offsets = np.arange(11) - 5
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def mean(values):
        return convolve2d(values, window, mode="valid")

    c1, c2 = 0.01**2, 0.03**2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    ratio = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(ratio.mean())


def test_ssim_is_the_originals_on_y_inside_the_border():
    hr = images(2)
    sr = (0.7 * hr + 0.3 * images(3)).clamp(0, 1)
    x, y = (luma(i)[:, 0, 4:-4, 4:-4].double().numpy() for i in (sr, hr))
    expected = [brute_force_ssim(a, b) for a, b in zip(x, y, strict=True)]
    assert ssim(sr, hr, 4).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_one_image_is_still_one_number():
    hr = images(4, n=1)
    assert ssim(hr, hr, 4).tolist() == pytest.approx([1.0])


@pytest.fixture
def backbone(tmp_path):
    """SqueezeNet with random weights, and a directory that holds them."""
    torch.manual_seed(0)
    network = squeezenet1_1(weights=None).eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    return network, tmp_path


def lpips_by_hand(network, x, y):
    """Zhang et al. 2018, equation 1, with the published linear heads."""
    package = Path(torchmetrics.functional.image.lpips.__file__).parent
    heads = torch.load(package / "lpips_models" / "squeeze.pth", "cpu", weights_only=True)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    x, y = ((2 * i - 1 - shift) / scale for i in (x, y))
    taps, total = [1, 4, 7, 9, 10, 11, 12], 0
    for number, layer in enumerate(network.features):
        x, y = layer(x), layer(y)
        if number in taps:
            weight = heads[f"lin{taps.index(number)}.model.1.weight"]
            a, b = (i / i.square().sum(1, keepdim=True).sqrt().clamp(min=1e-4) for i in (x, y))
            total = total + ((a - b).square() * weight).sum(1).mean((1, 2))
    return total


@torch.no_grad()
def test_lpips_is_the_weighted_distance_of_the_given_backbones_features(backbone):
    network, directory = backbone
    sr, hr = images(5), images(6)
    found = load_lpips(directory, CPU)(sr, hr)
    assert found.shape == (3,)
    assert found.tolist() == pytest.approx(lpips_by_hand(network, sr, hr).tolist(), rel=1e-3)


def test_lpips_does_without_the_classifier_and_moves_no_other_draw(backbone, tmp_path):
    network, directory = backbone
    bare = tmp_path / "bare"
    bare.mkdir()
    features = {f"features.{k}": v for k, v in network.features.state_dict().items()}
    save_file(features, bare / "weights.safetensors")
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    whole, part = load_lpips(directory, CPU), load_lpips(bare, CPU)
    assert torch.equal(torch.rand(3), expected)
    sr, hr = images(7), images(8)
    assert torch.equal(whole(sr, hr), part(sr, hr))


def test_lpips_is_left_out_without_weights_and_refuses_other_networks(tmp_path):
    assert load_lpips(tmp_path, CPU) is None
    save_file({"features.0.weight": torch.zeros(3, 3)}, tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match=r"weights\.safetensors does not fit"):
        load_lpips(tmp_path, CPU)


def test_measure_averages_images_whatever_the_batches(backbone):
    lpips = load_lpips(backbone[1], CPU)
    rng = np.random.default_rng(0)
    hr = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    sr = np.clip(hr.astype(int) + rng.integers(-20, 21, hr.shape), 0, 255).astype(np.uint8)
    whole = measure(sr, hr, lpips, CPU, 4)
    assert measure(sr, hr, lpips, CPU, 4, batch_size=2) == pytest.approx(whole, rel=1e-4)
    error = (sr / 255 - hr / 255) ** 2
    expected = np.mean([-10 * math.log10(e.mean()) for e in error])
    assert whole["psnr_rgb"] == pytest.approx(expected, abs=1e-3)
    assert list(whole) == ["psnr_rgb", "psnr_y", "ssim_y", "lpips"]
    assert measure(sr, hr, None, CPU, 4)["lpips"] is None


def test_measure_says_so_when_images_are_too_small():
    tiny = np.zeros((1, 16, 16, 3), np.uint8)
    with pytest.raises(UserError, match=r"images\.hr is 16"):
        measure(tiny, tiny, None, CPU, 4)


def pictures(n: int, side: int = 32) -> np.ndarray:
    """Smooth ones: noise would leave nothing to be consistent with."""
    coarse = np.random.default_rng(1).integers(0, 256, (n, 7, 7, 3), dtype=np.uint8)
    return np.stack([Image.fromarray(c).resize((side, side), FILTERS["bicubic"]) for c in coarse])


@pytest.mark.parametrize("method", FILTERS)
def test_interpolations_are_measured_as_they_are_read_like_images_kept(method):
    hr = pictures(5)
    lr = np.stack([Image.fromarray(i).resize((8, 8), FILTERS["bicubic"]) for i in hr])
    kept = np.stack([Image.fromarray(i).resize((32, 32), FILTERS[method]) for i in lr])
    read = Interpolated(lr, 32, 32, method)
    found, expected = (measure(sr, hr, None, CPU, 4, batch_size=2) for sr in (read, kept))
    assert found == expected
    assert lr_psnr(read, lr, CPU, batch_size=2) == lr_psnr(kept, lr, CPU, batch_size=2)


def test_lr_consistency_is_pillows_one_by_one():
    sr = pictures(5)
    rng = np.random.default_rng(2)
    lr = rng.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    expected = []
    for large, small in zip(sr, lr, strict=True):
        again = np.asarray(Image.fromarray(large).resize((8, 8), Image.Resampling.BICUBIC))
        error = ((again.astype(float) - small) ** 2).mean()
        expected.append(10 * math.log10(255**2 / error))
    for batch_size in (2, 64):
        found = lr_psnr(sr, lr, CPU, batch_size=batch_size)
        assert found == pytest.approx(np.mean(expected), abs=1e-4)


def test_hr_images_are_consistent_with_the_packs_lr_images_and_no_others():
    hr = pictures(4, side=64)
    lr = np.stack([downscale(Image.fromarray(image), 4) for image in hr])
    assert lr_psnr(hr, lr, CPU) == pytest.approx(100)
    assert lr_psnr(hr[::-1], lr, CPU) < 30
    off_by_one = lr.copy()
    off_by_one[0] ^= 1  # every value of one image by 1: 48.13 dB; three at the cap
    expected = (300 + 20 * math.log10(255)) / 4
    assert lr_psnr(hr, off_by_one, CPU) == pytest.approx(expected, abs=1e-3)


def test_lr_consistency_shrinks_by_the_kernel_that_is_given():
    hr = pictures(2)
    lr = resize_bicubic(hr, 8, 8)
    assert lr_psnr(hr, lr, CPU, resize_bicubic) == pytest.approx(100)
    assert lr_psnr(hr, lr, CPU) < 60  # Pillow's differs at the edges


def test_bicubic_on_set5_is_the_published_number():
    """28.43 dB in Ledig et al. 2017, table 2 (MATLAB's bicubic); Pillow's differs by < 0.1 dB.

    SSIM is 0.821 there with other code, 0.810 with the common one.
    """
    files = sorted((SHARED / "benchmarks" / "Set5").glob("*.png"))
    if not files:
        pytest.skip("../shared/data/benchmarks/Set5 is absent")
    found = []
    for file in files:
        hr = Image.open(file).convert("RGB")
        hr = hr.crop((0, 0, hr.width // 4 * 4, hr.height // 4 * 4))
        lr = hr.resize((hr.width // 4, hr.height // 4), Image.Resampling.BICUBIC)
        sr = lr.resize(hr.size, Image.Resampling.BICUBIC)
        found.append(measure(np.array(sr)[None], np.array(hr)[None], None, CPU, 4))
    assert np.mean([f["psnr_y"] for f in found]) == pytest.approx(28.43, abs=0.1)
    assert np.mean([f["ssim_y"] for f in found]) == pytest.approx(0.810, abs=0.005)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_measures_what_the_cpu_does():
    """SSIM in TF32 would be off in the third place."""
    hr = (images(9, n=4, size=64) * 12 + 200).round() / 255  # bright, with little contrast
    sr = (hr * 255 + 2 * images(10, n=4, size=64)).round() / 255
    assert ssim(sr.cuda(), hr.cuda(), 4).cpu() == pytest.approx(ssim(sr, hr, 4), abs=1e-4)
