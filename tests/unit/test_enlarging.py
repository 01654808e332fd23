"""Any scale, and textures that tile: as enlarging the whole at once and resizing that."""

import numpy as np
import pytest
import torch
from PIL import Image
from repository import memory_growth
from test_upscaling import Nearest, pixels, random_generator

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.enlarging import enlarge, enlarged_size
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.upscaling import halo, upscale_picture

RUNTIME = Runtime(torch.device("cpu"), "fp32")
LANCZOS = Image.Resampling.LANCZOS
MODES = ("L", "LA", "RGB", "RGBA", "I;16")


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    network = Generator(1, 6, "none", skip="bicubic").eval()
    with torch.no_grad():
        network.tail.weight.normal_(0, 0.1)
    return network


def picture(mode: str, width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width), np.uint16))
    return Image.fromarray(rng.integers(0, 256, (height, width, 4), np.uint8)).convert(mode)


def distance(a: Image.Image, b: Image.Image) -> int:
    assert (a.mode, a.size) == (b.mode, b.size)
    return np.abs(np.asarray(a).astype(int) - np.asarray(b)).max()


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_four_times_is_what_the_network_makes_of_the_whole(generator, mode):
    for size in ((1, 1), (40, 9), (23, 50)):
        image = picture(mode, *size)
        values = np.asarray(image).reshape(*size[::-1], -1)
        whole = upscale_picture(generator, values, RUNTIME, tile=64)
        whole = whole[..., 0] if mode != "RGB" else whole
        assert distance(enlarge(generator, image, RUNTIME, tile=16), Image.fromarray(whole)) <= 1


@pytest.mark.parametrize("scale", [0.05, 0.3, 1, 1.5, 2, 3, 3.99, 5.3, 8])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_another_scale_is_the_whole_resized(generator, mode, scale):
    """Though it is resized band by band; fixed-point weights may round one level apart."""
    image = picture(mode, 37, 70)
    result = enlarge(generator, image, RUNTIME, scale, tile=16)
    whole = enlarge(generator, image, RUNTIME, tile=16)
    expected = whole.resize(enlarged_size(image.size, scale), LANCZOS)
    assert distance(result, expected) <= (2 if mode == "I;16" else 1)


def test_alpha_is_enlarged_by_bicubic_at_every_scale(generator):
    image = picture("RGBA", 20, 30)
    result = enlarge(generator, image, RUNTIME, 2.5, tile=16)
    expected = image.getchannel("A").resize((50, 75), Image.Resampling.BICUBIC)
    assert distance(result.getchannel("A"), expected) == 0


def test_a_size_is_rounded_and_never_zero():
    assert enlarged_size((3, 10), 0.1) == (1, 1)
    assert enlarged_size((7, 5), 1.5) == (10, 8)


@pytest.mark.parametrize("mode", MODES)
def test_a_wrapped_texture_has_no_edge(generator, mode):
    """Moved by some pixels around the torus, it comes out moved by four times as many."""
    image = picture(mode, 20, 16)
    values = np.asarray(image)
    moved = Image.fromarray(np.roll(values, (5, 7), (0, 1)))
    result = np.asarray(enlarge(generator, image, RUNTIME, tile=16, wrap=True)).astype(int)
    other = np.asarray(enlarge(generator, moved, RUNTIME, tile=16, wrap=True)).astype(int)
    assert result.shape[:2] == (64, 80)
    assert np.abs(np.roll(result, (20, 28), (0, 1)) - other).max() <= 1
    plain = np.asarray(enlarge(generator, moved, RUNTIME, tile=16)).astype(int)
    assert np.abs(plain - other).max() > 3


@pytest.mark.parametrize("scale", [0.5, 2, 3, 4, 6])
def test_opposite_edges_of_a_wrapped_texture_meet(generator, scale):
    """As well as neighbours within it do, where waves that tile are enlarged."""
    y, x = np.mgrid[:24, :32]
    waves = np.sin(2 * np.pi * (x / 32 * 3 + y / 24)) + np.sin(2 * np.pi * (y / 24 * 2) + 1)
    image = Image.fromarray((127 + 60 * waves).astype(np.uint8)).convert("RGB")

    def seam(wrap: bool) -> float:
        values = np.asarray(enlarge(generator, image, RUNTIME, scale, wrap=wrap)).astype(float)
        rows = np.concatenate([values[-2:], values[:2]])  # second differences see a step
        columns = np.concatenate([values[:, -2:], values[:, :2]], 1)
        return np.abs(np.diff(rows, 3, 0)).mean() + np.abs(np.diff(columns, 3, 1)).mean()

    assert seam(wrap=True) < 0.7 * seam(wrap=False)


def test_a_texture_smaller_than_the_receptive_field_wraps_several_times(generator):
    image = picture("RGB", 3, 2)
    assert halo(generator) > 3
    result = enlarge(generator, image, RUNTIME, wrap=True)
    nine = Image.fromarray(np.tile(np.asarray(image), (9, 9, 1)))
    middle = enlarge(generator, nine, RUNTIME).crop((48, 32, 60, 40))
    assert distance(result, middle) <= 1


def test_shares_grow_to_one(generator):
    shares = []
    enlarge(generator, picture("RGB", 40, 33), RUNTIME, 2, 16, on_share=shares.append)
    assert len(shares) == 9 and shares == sorted(shares) and shares[-1] == 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (9, 1), (1, 9), (7, 5)])
def test_a_picture_keeps_its_mode(mode, size):
    if mode == "I;16":
        image = Image.fromarray(pixels(*size[::-1], depth=np.uint16))
    else:
        image = Image.fromarray(pixels(*size[::-1], 4)).convert(mode)
    enlarged = enlarge(random_generator("bicubic"), image, RUNTIME, tile=16)
    assert enlarged.mode == mode
    assert enlarged.size == (4 * size[0], 4 * size[1])


def test_grey_has_more_than_8_bits_even_where_colour_is_computed_in_bf16():
    ramp = np.linspace(20000, 20400, 24).astype(np.uint16)
    image = Image.fromarray(np.broadcast_to(ramp, (8, 24)).copy())
    enlarged = enlarge(Nearest(), image, Runtime(torch.device("cpu"), "bf16"), tile=16)
    np.testing.assert_array_equal(np.asarray(enlarged)[0], ramp.repeat(4))


@pytest.mark.parametrize(("mode", "allowed"), [("I;16", False), ("L", True), ("RGB", True)])
def test_sixteen_bits_are_not_computed_in_tf32(monkeypatch, mode, allowed):
    """What CUDA's convolutions do by default; the switch is put back."""
    seen = []

    class Watching(Nearest):
        def forward(self, x):
            seen.append(torch.backends.cudnn.allow_tf32)
            return super().forward(x)

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    enlarge(Watching(), Image.new(mode, (8, 8)), RUNTIME, tile=16)
    assert seen == [allowed]
    assert torch.backends.cudnn.allow_tf32


def test_alpha_is_enlarged_smoothly_and_opaque_stays_opaque():
    image = Image.fromarray(pixels(8, 8, 4))
    image.putalpha(255)
    enlarged = enlarge(random_generator(), image, RUNTIME, tile=16)
    assert enlarged.getchannel("A").getextrema() == (255, 255)
    image.putalpha(Image.linear_gradient("L").resize((8, 8)))
    enlarged = enlarge(random_generator(), image, RUNTIME, tile=16)
    expected = image.getchannel("A").resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(enlarged.getchannel("A"), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_the_colour_of_hidden_pixels_does_not_show(mode):
    """Whatever lies under transparent pixels, what is seen is the same, to their very edge."""
    values = np.full((12, 12, 4), (200, 180, 40, 255), np.uint8)
    values[:, 6:, 3] = 0
    seen = []
    for hidden in (0, 255):
        values[:, 6:, :3] = hidden
        image = Image.fromarray(values).convert(mode)
        seen.append(enlarge(random_generator("bicubic"), image, RUNTIME, tile=16))
    np.testing.assert_array_equal(seen[0], seen[1])
    flat = Image.fromarray(values[:, :6].repeat(2, 1)[..., :3]).convert(mode[:-1])
    expected = enlarge(random_generator("bicubic"), flat, RUNTIME, tile=16)
    colour = np.asarray(seen[0])[..., :-1].reshape(np.asarray(expected).shape)
    np.testing.assert_array_equal(colour, expected)


def test_a_picture_that_is_wholly_transparent_stays_so():
    image = Image.new("RGBA", (5, 5), (9, 9, 9, 0))
    assert enlarge(Nearest(), image, RUNTIME, tile=16) == Image.new("RGBA", (20, 20), (9, 9, 9, 0))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 4])
def test_memory_is_that_of_the_result_and_of_a_band(scale):
    """A picture eight times as high takes no more than its result, and a little."""
    code = f"""
import torch
from PIL import Image
from srgan_ab.srgan.enlarging import enlarge
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator

torch.set_num_threads(1)
generator = Generator(1, 2, "none").eval()
runtime = Runtime(torch.device("cpu"), "fp32")
for height in (250, 2000):
    image = Image.new("RGB", (500, height))
    assert enlarge(generator, image, runtime, {scale}, tile=64).height == {scale} * height
    peak()
"""
    pixels = 500 * 2000
    kept = 4 * scale**2 * pixels + 8 * pixels  # the result; the picture, and a copy of it
    whole = 3 * 16 * pixels  # would be the network's result in an array of its own
    assert memory_growth(code) < kept + whole / 2
