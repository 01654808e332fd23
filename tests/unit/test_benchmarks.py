"""Benchmarks: the published number, the conventions, and means over pictures of any size."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_ab.common.errors import UserError
from srgan_ab.data.decoding import decode_folder
from srgan_ab.quality.benchmarks import (
    benchmark,
    benchmark_folders,
    convention,
    interpolations,
    means,
    table,
)
from srgan_ab.quality.image_quality import measure
from srgan_ab.quality.resizing import resize_bicubic

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def repeat(lr: np.ndarray) -> np.ndarray:
    return lr.repeat(4, 0).repeat(4, 1)


def psnr_rgb(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * math.log10(255**2 / ((one.astype(float) - other) ** 2).mean())


@pytest.mark.parametrize("lr", ["matlab", "pillow"])
def test_each_method_enlarges_the_same_small_picture(lr):
    original = picture(41, 50)
    scores = benchmark([("p.png", original)], lr, 4, {"net": repeat}, None, CPU)["p.png"]
    assert list(scores) == ["nearest", "bilinear", "bicubic", "lanczos", "net"]
    hr = original[:40, :48]

    def bicubic(image: np.ndarray, height: int, width: int) -> np.ndarray:
        if lr == "matlab":
            return resize_bicubic(image, height, width)
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))

    small = bicubic(hr, 10, 12)
    enlarged = bicubic(small, 40, 48)
    assert scores["bicubic"].pop("lr_psnr") == pytest.approx(
        psnr_rgb(bicubic(enlarged, 10, 12), small), abs=1e-4
    )
    assert scores["bicubic"] == measure(enlarged[None], hr[None], None, CPU, 4)
    assert scores["net"] == scores["nearest"]  # pixels repeated: the network got the LR picture
    assert scores["bicubic"]["psnr_y"] > scores["nearest"]["psnr_y"]


def test_interpolations_are_pillows():
    lr = picture(7, 5)
    methods = interpolations("matlab", 4)
    for name in ("nearest", "bilinear", "lanczos"):
        expected = Image.fromarray(lr).resize((20, 28), getattr(Image.Resampling, name.upper()))
        np.testing.assert_array_equal(methods[name](lr), expected)


def test_means_are_over_pictures_not_over_pixels():
    scores = benchmark(
        [("large", picture(80, 120)), ("small", picture(24, 20, 1))], "matlab", 4, {}, None, CPU
    )
    for method, values in means(scores).items():
        for metric in ("psnr_y", "psnr_rgb", "ssim_y", "lr_psnr"):
            each = [scores[name][method][metric] for name in ("large", "small")]
            assert values[metric] == pytest.approx(sum(each) / 2)
        assert values["lpips"] is None and values["n"] == 2


def test_lpips_is_measured_where_there_is_one():
    scores = benchmark(
        *([("a", picture(24, 24))], "pillow", 4, {}),
        *(lambda sr, hr: (sr - hr).abs().mean((1, 2, 3)), CPU),
    )
    assert 0 < means(scores)["bicubic"]["lpips"] < means(scores)["nearest"]["lpips"] < 1


def test_too_small_a_picture_is_named():
    with pytest.raises(UserError, match=r"tiny\.png is 30x19 pixels.*must have 19 after cropping"):
        benchmark([("tiny.png", picture(19, 30))], "matlab", 4, {}, None, CPU)


def test_folders_are_measured_one_after_another_under_their_names(tmp_path, monkeypatch):
    read = []

    def pictures(folder: Path):
        read.append(folder)
        return [("p.png", picture(24, 24 + 4 * len(read)))]

    sheets = tmp_path / "sheets"
    monkeypatch.chdir(tmp_path)
    Path("real").mkdir()
    Path("link").symlink_to("real")
    folders = [Path("a/Set5"), Path("link"), Path()]
    measured = benchmark_folders(folders, pictures, "pillow", 4, {}, None, CPU, sheets)
    name, scores, _ = next(measured)
    assert (name, read) == ("Set5", folders[:1])  # the second has not been looked at
    assert scores == benchmark([("p.png", picture(24, 28))], "pillow", 4, {}, None, CPU)
    assert [name for name, *_ in measured] == ["link", tmp_path.name]  # as they were given
    assert sorted(str(p.relative_to(sheets)) for p in sheets.rglob("*.png")) == sorted(
        f"{name}/p.png" for name in ("Set5", "link", tmp_path.name)
    )


def test_two_folders_of_one_name_are_refused_before_any_is_read():
    folders = [Path("a/Set5"), Path("b/Set5")]
    with pytest.raises(UserError, match="two of the folders have the same name"):
        next(benchmark_folders(folders, lambda _: [], "pillow", 4, {}, None, CPU))


def test_a_table_has_a_row_for_each_method_and_picture():
    scores = benchmark([("a", picture(24, 24))], "matlab", 4, {}, None, CPU)
    lines = table(scores, per_image=False).splitlines()
    assert lines[0].split() == ["psnr_y", "psnr_rgb", "ssim_y", "lpips", "lr_psnr"]
    assert [line.split()[0] for line in lines[1:]] == ["nearest", "bilinear", "bicubic", "lanczos"]
    bicubic = means(scores)["bicubic"]
    assert lines[3].split()[1:] == [
        f"{bicubic['psnr_y']:.2f}",
        f"{bicubic['psnr_rgb']:.2f}",
        f"{bicubic['ssim_y']:.4f}",
        "-",
        f"{bicubic['lr_psnr']:.2f}",
    ]
    rows = table(scores, per_image=True).splitlines()[1:]
    assert len(rows) == 8 and rows[0].startswith("a") and rows[4].startswith("mean")


def test_the_convention_names_the_kernel_and_the_borders():
    assert "MATLAB" in convention("matlab", 4) and "4 pixels" in convention("matlab", 4)
    assert "Pillow's resize" in convention("pillow", 4)


def test_a_sheet_shows_the_middle_of_each_result(tmp_path):
    hr = picture(24, 40)
    benchmark([("a.jpg", hr), ("b.png", hr)], "matlab", 4, {"net": repeat}, None, CPU, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.jpg.png", "b.png"]
    sheet = np.asarray(Image.open(tmp_path / "b.png"))
    last = sheet[22 : 22 + 160, -166:-6]  # HR, each pixel 6 x 6 of the cell's 160
    middle = hr[:, 8:32].repeat(6, 0).repeat(6, 1)
    np.testing.assert_array_equal(last[:144, :144], middle)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "psnr_y", "ssim_y"),
    # Set14's one grey file is measured on grey values there, and on the 219 steps of Y here
    [("Set5", 28.42, 0.8104), ("Set14", 26.00 + 20 * math.log10(255 / 219) / 14, 0.7027)],
)
def test_bicubic_has_the_published_numbers(name, psnr_y, ssim_y):
    """Kim et al. 2016, arXiv 1511.04587, table 3."""
    folder = SHARED / "benchmarks" / name
    if not folder.is_dir():
        pytest.skip(f"../shared/data/benchmarks/{name} is absent")
    found = means(benchmark(decode_folder(folder), "matlab", 4, {}, None, CPU))["bicubic"]
    assert found["psnr_y"] == pytest.approx(psnr_y, abs=0.03)
    assert found["ssim_y"] == pytest.approx(ssim_y, abs=0.0025)
