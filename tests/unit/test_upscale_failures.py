"""`srgan-ab upscale`: what stops it, what does not, and what is left then."""

import os
import signal
import subprocess
import sys

import pytest
from command_line import files, save, small_generator
from PIL import Image
from repository import ROOT

from srgan_ab.app import enlarger, formats


def test_it_goes_on_after_a_bad_picture_and_lists_all_of_them(upscale, tmp_path):
    (tmp_path / "b.jpg").write_text("no picture")
    whole = save(tmp_path / "a.png", (64, 64)).read_bytes()
    (tmp_path / "c.png").write_bytes(whole[: len(whole) // 2])
    save(tmp_path / "d.png")
    (tmp_path / "e.gif").symlink_to("nowhere")
    result = upscale("a.png", "b.jpg", "c.png", "e.gif", "d.png", "-j", 1)
    assert result.code == 1 and result.sentence == "srgan-ab: 3 of 5 pictures failed, as said above"
    said = [line for line in result.err.splitlines() if line.startswith("srgan-ab: ")]
    assert [line.split()[1] for line in said] == ["b.jpg", "c.png", "e.gif"]
    assert {"a-x4.png", "d-x4.png"} < set(files(tmp_path))
    assert not any("part" in name for name in files(tmp_path))


def test_mistakes_are_one_sentence(upscale, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    (tmp_path / "empty").mkdir()
    for arguments, sentence in [
        (("none.png",), "none.png is no file"),
        (("text.jpg",), "text.jpg cannot be read"),
        (("no*.png",), "no*.png matches no file"),
        (("empty",), "empty holds no picture"),
        (("a.png", "b.png", "-o", "c.png"), "one file for several pictures"),
        (("a.png", "-o", "c.bmp"), "c.bmp does not say its format"),
        (("a.png", "-o", "c.png", "--format", "webp"), "png by its name and webp"),
        (("a.png", "--scale", "0"), "--scale is 0"),
        (("a.png", "--scale", "8.1"), "up to 8"),
        (("a.png", "--scale", "nan"), "--scale is nan"),
        (("a.png", "--suffix", "/x"), "--suffix is /x"),
        (("a.png", "--model", "none.safetensors"), "none.safetensors is missing"),
        (("a.png", "--model", "empty"), "empty is a folder: give the .safetensors file"),
    ]:
        result = upscale(*arguments)
        assert result.code == 1
        assert sentence in result.sentence and "\n" not in result.sentence
    assert upscale("a.png", "--format", "bmp").code == 2


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_several_frames_need_a_word(upscale, tmp_path, name):
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    frames[0].save(name, save_all=True, append_images=frames[1:])
    assert "--first-frame enlarges the first alone" in upscale(name).sentence
    assert upscale(name, "--first-frame", "-o", "b.png").code == 0
    red, _, blue = Image.open("b.png").convert("RGB").getpixel((12, 12))
    assert red > 200 and blue < 50


def test_what_a_format_cannot_hold_is_said_before_it_is_computed(upscale, monkeypatch):
    monkeypatch.setattr(enlarger, "enlarge", None)  # would raise
    image = Image.new("RGBA", (6, 6), (1, 2, 3, 255))
    image.putpixel((0, 0), (1, 2, 3, 200))
    image.save("a.png")
    assert "partly transparent" in upscale("a.png", "-o", "b.jpg").sentence
    monkeypatch.setitem(formats.LONGEST, "webp", 20)
    assert "24x24 pixels, and webp holds at most 20" in upscale("a.png", "-o", "b.webp").sentence
    monkeypatch.setattr(enlarger, "free_memory", lambda: 1e-9)
    assert "GB of memory" in upscale("a.png").sentence


def test_a_tiff_of_more_than_four_gigabytes_has_longer_addresses(upscale, tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    monkeypatch.setattr(formats, "LARGEST_TIFF", 1000)
    assert upscale("a.png", "-o", "b.tif").code == 0
    assert (tmp_path / "b.tif").read_bytes()[2:4] in (b"+\0", b"\0+")  # 43, BigTIFF's
    assert Image.open("b.tif").size == (48, 32)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_ctrl_c_leaves_no_half_file_and_no_traceback(tmp_path, jobs):
    model = small_generator(tmp_path / "g.safetensors")
    for n in range(40):
        save(tmp_path / f"in/{n:02}.png", (300, 300))
    code = "import sys; from srgan_ab.app.cli import main; sys.argv[0] = 'srgan-ab'; main()"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", code, "upscale", "in", "-o", "out/", "--device", "cpu"),
            *("--model", str(model), "--tile", "64", "--jobs", str(jobs)),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()  # the first is done
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err
    made = files(tmp_path / "out")
    assert 1 <= len(made) < 40 and not any("part" in name for name in made)
    for name in made:
        Image.open(tmp_path / "out" / name).load()
