"""`srgan-ab upscale`: which pictures it takes, and where results go."""

from functools import partial
from io import BytesIO

import numpy as np
import pytest
import torch
from command_line import ARCHITECTURE, files, run_command, save
from PIL import Image

from srgan_ab.common import shipped
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator


def test_a_picture_of_any_size_and_mode(upscale, tmp_path):
    Image.fromarray(np.full((9, 21), 77, np.uint8)).save("grey.png")
    result = upscale("grey.png")
    assert result.code == 0, result.sentence
    assert result.out == "grey-x4.png: 84x36 pixels\n"
    enlarged = np.asarray(Image.open("grey-x4.png"))
    assert enlarged.shape == (36, 84)
    assert np.abs(enlarged.astype(int) - 77).max() <= 1  # an untrained skip network interpolates


def test_what_a_picture_carries_is_in_the_file_too(upscale):
    layer = Image.new("RGBA", (6, 5), (200, 100, 50, 255))
    layer.putpixel((0, 0), (0, 0, 0, 0))
    layer.save("layer.png", icc_profile=b"profile")
    Image.fromarray(np.full((5, 6), 30000, np.uint16)).save("deep.png")
    assert upscale("layer.png", "deep.png").code == 0
    layer = Image.open("layer-x4.png")
    assert (layer.mode, layer.info["icc_profile"]) == ("RGBA", b"profile")
    assert layer.getpixel((0, 0))[3] < 50 and layer.getpixel((20, 16)) == (200, 100, 50, 255)
    deep = Image.open("deep-x4.png")
    assert deep.mode == "I;16" and np.abs(np.asarray(deep, int) - 30000).max() <= 1


def test_the_model_trained_here_comes_before_the_one_that_is_shipped(
    tmp_path, monkeypatch, capsysbinary
):
    """Each of the three is of one colour, by the bias of its last layer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "DIRECTORY", tmp_path / "box")
    Image.new("RGB", (5, 4)).save("black.png")
    run = partial(run_command, monkeypatch, capsysbinary, "upscale", "black.png", "--force")

    def grey(*arguments):
        result = run("--device", "cpu", *arguments)
        assert result.code == 0, result.sentence
        return np.unique(np.asarray(Image.open("black-x4.png"))).tolist(), result.err

    sentence = run().sentence
    assert "the generator photo does not come with this version" in sentence
    assert "dvc repro train_srgan" in sentence and "\n" not in sentence
    for path, level in (
        ("box/photo.safetensors", 51),
        ("box/rough.safetensors", 102),
        ("models/srgan/generator.safetensors", 153),
    ):
        if level == 153:
            level_now, told = grey()
            assert level_now == [51] and "by the generator photo:" in told
        generator = Generator(**ARCHITECTURE)
        torch.nn.init.constant_(generator.tail.bias, level / 255)
        save_weights(tmp_path / path, generator, ARCHITECTURE, "generator")
    level, told = grey()
    assert level == [153] and "by the generator models/srgan/generator.safetensors:" in told
    assert grey("--model", "photo")[0] == [51]
    level, told = grey("--model", "rough")
    assert level == [102] and "by the generator" not in told
    assert grey("--model", "models/srgan/generator.safetensors")[0] == [153]
    assert "faithful does not come" in run("--model", "faithful").sentence


def test_files_folders_and_globs_go_beside_or_into_a_folder(upscale, tmp_path):
    for name in ("a.jpg", "b.png", "in/c.webp", "in/deep/d.tif", "in/.hidden.png"):
        save(tmp_path / name)
    (tmp_path / "in/notes.txt").write_text("no picture")
    result = upscale("*.jpg", "b.png", "in")
    assert result.code == 0, result.sentence
    assert {"a-x4.jpg", "b-x4.png", "in/c-x4.webp"} < set(files(tmp_path))
    assert "in: 1 files are no pictures by their names" in result.err
    assert upscale("-r", "in", "a.jpg", "-o", "out/", "--scale", 2).code == 0
    assert files(tmp_path / "out") == ["a.jpg", "c.webp", "deep/d.tif"]
    assert Image.open("out/deep/d.tif").size == (24, 16)
    assert upscale("a.jpg", "-o", "out", "--suffix", "_large", "--format", "png").code == 0
    assert "a_large.png" in files(tmp_path / "out")


def test_a_second_run_enlarges_no_result_and_writes_over_none(upscale, tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / name)
    assert upscale(".").code == 0
    before = files(tmp_path)
    (tmp_path / "a-x4.png").write_bytes(b"precious")
    again = upscale(".")
    assert again.code == 0 and "2 pictures were skipped" in again.err and "--force" in again.err
    assert "results of an earlier run are not enlarged again: 2" in again.err
    assert files(tmp_path) == before and (tmp_path / "a-x4.png").read_bytes() == b"precious"
    assert upscale("*.png", "--scale", 3).code == 0
    assert set(files(tmp_path)) - set(before) == {"a-x3.png", "b-x3.png"}
    assert upscale("a.png", "--force").code == 0
    assert Image.open("a-x4.png").size == (48, 32)
    assert upscale("-r", ".", "-o", "out/").code == 0
    made = files(tmp_path / "out")
    assert upscale("-r", ".", "-o", "out/", "--force").code == 0
    assert files(tmp_path / "out") == made


def test_an_input_is_never_written_over(upscale, tmp_path):
    original = save(tmp_path / "a.png").read_bytes()
    for arguments in (("-o", "a.png"), ("-o", "."), ("--suffix", "")):
        sentence = upscale("a.png", "--force", *arguments).sentence
        assert "a.png would be written over" in sentence and "--suffix" in sentence
    assert files(tmp_path) == ["a.png"] and (tmp_path / "a.png").read_bytes() == original
    save(tmp_path / "a-x4.png")
    assert "itself to be enlarged" in upscale("a.png", "a-x4.png", "--force").err
    save(tmp_path / "a.jpg")
    both = upscale("a.png", "a.jpg", "--format", "webp")
    assert "a.jpg would be written to a-x4.webp, as a.png is" in both.err and both.code == 1


@pytest.mark.parametrize(
    ("came", "ending", "format"),
    [
        ("a.png", ".png", "PNG"),
        ("a.JPEG", ".JPEG", "JPEG"),
        ("a.webp", ".webp", "WEBP"),
        ("a.tiff", ".tiff", "TIFF"),
        ("a.avif", ".avif", "AVIF"),
        ("a.gif", ".png", "PNG"),
        ("a.bmp", ".png", "PNG"),
    ],
)
def test_a_picture_stays_in_its_format_where_that_is_written(
    upscale, tmp_path, came, ending, format
):
    save(tmp_path / came)
    assert upscale(came).code == 0
    with Image.open(f"a-x4{ending}") as image:
        assert image.format == format


def test_a_name_that_lies_about_its_format_is_not_passed_on(upscale, tmp_path):
    save(tmp_path / "a.png", format="JPEG")
    assert upscale("a.png").out.startswith("a-x4.jpg:")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff", "avif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_every_mode_in_every_format(upscale, tmp_path, mode, format):
    """What the format has not is done without, as far as nothing is lost that is seen."""
    if mode == "I;16":
        Image.fromarray(np.full((8, 12), 30000, np.uint16)).save("a.png")
    else:
        image = Image.open(save(tmp_path / "a.png", mode="RGB")).convert(mode)
        image.save("a.png")  # alpha, if any, is all opaque
    assert upscale("a.png", "--format", format, "-o", "out/").code == 0
    (made,) = (tmp_path / "out").iterdir()
    grey = "RGB" if format in ("webp", "avif") else "L"
    eight = {"L": grey, "LA": grey + "A", "RGB": "RGB", "RGBA": "RGBA", "I;16": grey}[mode]
    if mode == "I;16" and format in ("png", "tiff"):
        eight = "I;16"
    with Image.open(made) as result:
        expected = eight.removesuffix("A") if format in ("jpeg", "webp", "avif") else eight
        assert result.mode in (expected, eight)
        assert result.size == (48, 32)
        if mode == "I;16":
            level = np.asarray(result).astype(int)
            white = 65535 if eight == "I;16" else 255
            assert np.abs(level - white * 30000 / 65535).max() <= 1.5


def test_quality_and_formats_without_loss(upscale, tmp_path):
    save(tmp_path / "a.png", (40, 40))
    assert upscale("a.png").code == 0
    exact = np.asarray(Image.open("a-x4.png"))
    sizes = {}
    for format in ("jpeg", "webp", "avif", "tiff"):
        for quality in (20, 100):
            name = f"{quality}.{format}"
            assert upscale("a.png", "-o", name, "--quality", quality).code == 0
            sizes[name] = (tmp_path / name).stat().st_size
    for format in ("jpeg", "webp", "avif"):
        assert sizes[f"20.{format}"] < sizes[f"100.{format}"]
    for name in ("100.webp", "20.tiff"):
        np.testing.assert_array_equal(np.asarray(Image.open(name)), exact)


def test_from_stdin_to_stdout(upscale, tmp_path):
    data = save(tmp_path / "a.webp").read_bytes()
    result = upscale("-", stdin=data)
    assert result.code == 0, result.sentence
    image = Image.open(BytesIO(result.bytes))
    assert (image.format, image.size) == ("WEBP", (48, 32))
    assert "standard output: 48x32 pixels" in result.err
    result = upscale("a.webp", "-o", "-", "--format", "png")
    assert Image.open(BytesIO(result.bytes)).format == "PNG"
    assert upscale("-", "-o", "b.png", stdin=data).code == 0
    assert upscale("-", "-o", "out/", stdin=data).code == 0
    assert files(tmp_path) == ["a.webp", "b.png", "out/stdin.png"]
    assert "standard input cannot be read: empty" in upscale("-").sentence
