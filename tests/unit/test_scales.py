"""Scales 2 and 8 beside 4: networks, losses and measures take theirs from what they are given."""

import json

import numpy as np
import pytest
import torch
from changed_params import changed, sentence
from PIL import Image
from repository import PARAMS
from test_benchmarks import picture
from test_upscaling import RUNTIME, pixels
from typer.testing import CliRunner

from srgan_ab import load_generator, upscale
from srgan_ab.app import exporting
from srgan_ab.app.cli import app
from srgan_ab.common.errors import UserError
from srgan_ab.common.initial import read_initial
from srgan_ab.common.params import load
from srgan_ab.common.shipped import weights_of
from srgan_ab.common.weights import save_weights
from srgan_ab.quality.benchmarks import benchmark, convention
from srgan_ab.quality.resizing import resize_bicubic
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.degradation import Degradation
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.losses import lattice_loss
from srgan_ab.srgan.steps import shifted
from srgan_ab.srgan.upscaling import upscale_picture

CPU = torch.device("cpu")
SCALES = (2, 4, 8)
SRGAN = load(PARAMS).srgan


def random_generator(scale: int, **architecture) -> Generator:
    torch.manual_seed(scale)
    generator = Generator(1, 6, "none", scale=scale, **architecture)
    with torch.no_grad():
        generator.tail.weight.normal_(0, 0.2)
        generator.tail.bias.fill_(0.5)
    return generator.eval()


def saved(path, scale: int):
    """A file of weights that says its scale."""
    save_weights(
        path,
        random_generator(scale, skip="bicubic"),
        {"blocks": 1, "channels": 6, "normalization": "none", "skip": "bicubic", "scale": scale},
        "generator",
    )
    return path


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("upsampler", ["pixel_shuffle", "nearest_conv"])
def test_a_generator_doubles_as_often_as_its_scale_asks(scale, upsampler):
    generator = random_generator(scale, upsampler=upsampler)
    with torch.no_grad():
        assert generator(torch.rand(2, 3, 5, 6)).shape == (2, 3, 5 * scale, 6 * scale)
    doublings = [
        m for m in generator.modules() if isinstance(m, torch.nn.PixelShuffle | torch.nn.Upsample)
    ]
    assert 2 ** len(doublings) == scale


@pytest.mark.parametrize("scale", SCALES)
def test_an_untrained_generator_with_a_skip_is_bicubic_interpolation(scale):
    lr = torch.rand(1, 3, 7, 9)
    expected = torch.nn.functional.interpolate(lr, (7 * scale, 9 * scale), mode="bicubic")
    sr = Generator(1, 6, "none", skip="bicubic", scale=scale)(lr)
    torch.testing.assert_close(sr, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("upsampler", ["pixel_shuffle", "nearest_conv"])
def test_tiles_leave_no_seam_at_any_scale(scale, upsampler):
    generator = random_generator(scale, upsampler=upsampler)
    lr = pixels(37, 23, 3).astype(np.float32) / 255
    with torch.no_grad():
        whole = generator(torch.from_numpy(lr).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    tiled = upscale_picture(generator, lr, RUNTIME, tile=16)
    np.testing.assert_allclose(tiled, whole.clamp(0, 1).numpy(), atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_the_lattice_loss_sees_what_repeats_with_every_lr_pixel(scale):
    hr = torch.rand(2, 3, 64, 64) * 0.1 + 0.4
    steps = torch.arange(64)

    def patterned(period: int) -> torch.Tensor:
        line = 0.02 * (steps % period < period / 2)
        return hr + line[:, None] + line

    found = {n: lattice_loss(patterned(n), hr, scale).item() for n in (2, 4, 8, 16)}
    # a pattern of half the period repeats with every LR pixel too
    assert all((value > 0.5) == (n <= scale) for n, value in found.items()), found


@pytest.mark.parametrize("scale", SCALES)
def test_windows_are_smaller_by_one_lr_pixel_and_start_at_each_place_in_it(scale):
    random, corners = torch.Generator().manual_seed(0), set()
    columns = torch.arange(24.0).expand(1, 3, 24, 24)
    for _ in range(300):
        sr, hr = shifted(columns, columns, scale, random)
        assert sr.shape == hr.shape == (1, 3, 24 - scale, 24 - scale)
        corners.add(sr[0, 0, 0, 0].item())
    assert corners == set(range(scale + 1))


@pytest.mark.parametrize("scale", SCALES)
def test_crops_and_their_rougher_copies_have_the_scale_of_the_images(scale):
    hr = torch.randint(0, 256, (4, 48, 48, 3), dtype=torch.uint8)
    lr = hr[:, ::scale, ::scale].contiguous()
    settings = SRGAN.degradation.model_copy(update={"probability": 1.0, "kernels": ["area"]})
    degrade = Degradation(settings, 24, scale, CPU)
    plain, rough = (
        Crops(lr, hr, 24, 4, False, False, torch.Generator().manual_seed(0), d).next()
        for d in (None, degrade)
    )
    assert plain[0].shape == rough[0].shape == (4, 3, 24 // scale, 24 // scale)
    torch.testing.assert_close(plain[0], plain[1][:, :, ::scale, ::scale])
    means = torch.nn.functional.avg_pool2d(rough[1], scale)
    torch.testing.assert_close(rough[0], means, atol=1.01 / 255, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
def test_benchmarks_cut_and_shrink_by_the_scale(scale):
    original = picture(75, 59)
    hr = original[: 75 // scale * scale, : 59 // scale * scale]
    seen = []

    def enlarge(lr):
        seen.append(lr.shape)
        return hr

    scores = benchmark([("p.png", original)], "matlab", scale, {"net": enlarge}, None, CPU)["p.png"]
    assert seen == [(len(hr) // scale, hr.shape[1] // scale, 3)]
    assert scores["net"]["psnr_y"] == 100
    lr = resize_bicubic(hr[None], *seen[0][:2])
    error = resize_bicubic(lr, *hr.shape[:2])[0].astype(float) - hr
    assert scores["bicubic"]["psnr_rgb"] == pytest.approx(
        10 * np.log10(255**2 / (error**2).mean()), abs=1e-4
    )
    assert f"x{scale};" in convention("matlab", scale)
    assert f"{scale} pixels cut off each side" in convention("matlab", scale)


@pytest.mark.parametrize("scale", SCALES)
def test_upscale_and_its_names_follow_the_generator(tmp_path, monkeypatch, scale):
    weights = saved(tmp_path / "g.safetensors", scale)
    image = Image.fromarray(pixels(9, 12, 3))
    loaded = load_generator(weights, "cpu", "fp32")
    assert upscale(image, loaded).size == (12 * scale, 9 * scale)
    assert upscale(image, loaded, scale=3).size == (36, 27)

    monkeypatch.chdir(tmp_path)
    image.save("p.png")
    said = CliRunner().invoke(app, ["upscale", "p.png", "--model", "g.safetensors"])
    assert said.exit_code == 0, said.output
    with Image.open(f"p-x{scale}.png") as larger:
        assert larger.size == (12 * scale, 9 * scale)


def test_a_benchmark_of_several_scales_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no run has left generators
    (tmp_path / "set").mkdir()
    Image.fromarray(picture(40, 40)).save(tmp_path / "set/p.png")
    two, eight = (str(saved(tmp_path / f"{scale}.safetensors", scale)) for scale in (2, 8))
    command = ["benchmark", str(tmp_path / "set"), "--srgan", two, "--srresnet", eight]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, UserError)
    assert "srresnet 8 times, srgan 2 times" in str(refused.exception)
    one = CliRunner().invoke(app, [*command[:-1], two, "-o", str(tmp_path / "found.json")])
    assert one.exit_code == 0, one.output
    assert json.loads((tmp_path / "found.json").read_text())["scale"] == 2


def test_a_generator_of_another_scale_is_no_start():
    settings = SRGAN.generator.model_copy(update={"initial": "small", "blocks": 16, "channels": 32})
    found = read_initial(settings, 4)
    assert found is not None and found.name == "small"
    with pytest.raises(UserError, match=r"small has scale 4 where images\.scale is 2"):
        read_initial(settings, 2)


def test_a_small_image_cannot_be_measured_at_a_large_scale():
    values = changed({"images.hr": 24, "images.scale": 8, "srgan.crop": 24})
    assert "images.hr 24 is too small to be measured with images.scale 8: set it to 27" in sentence(
        values
    )


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 8])
def test_an_exported_program_has_the_scale(tmp_path, scale):
    weights = saved(tmp_path / "g.safetensors", scale)
    said = exporting.facts("g", "mit", scale)
    assert said["scale"] == str(scale) and f"(N, 3, {scale}h, {scale}w)" in said["output"]
    checks = exporting.write_torch(exporting.load_plain(weights), tmp_path / "g.pt2", said)
    assert len(checks) == 2


def test_files_without_a_scale_are_of_four():
    assert load_generator("small", "cpu", "fp32").network.scale == 4
    assert weights_of("small").is_file()
