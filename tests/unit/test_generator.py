"""The generator is the paper's network, and a file alone rebuilds it."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from srgan_ab.common.errors import UserError
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.generator import Generator, load_generator

CPU = torch.device("cpu")


def test_paper_network_has_the_published_size():
    generator = Generator()
    assert sum(p.numel() for p in generator.parameters()) == pytest.approx(1.55e6, rel=0.01)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        Generator()(torch.rand(1, 3, 32, 32))
    assert counter.get_total_flops() == pytest.approx(4.54e9, rel=0.01)  # 2.27 GMAC


@pytest.mark.parametrize("upsampler", ["pixel_shuffle", "nearest_conv"])
@pytest.mark.parametrize("normalization", ["batch", "none"])
@pytest.mark.parametrize("size", [(8, 8), (5, 11), (1, 7)])
def test_enlarges_any_size_four_times(size, normalization, upsampler):
    generator = Generator(2, 8, normalization, upsampler=upsampler).eval()
    assert generator(torch.rand(2, 3, *size)).shape == (2, 3, 4 * size[0], 4 * size[1])


def test_normalization_and_upsampler_change_what_they_name():
    def layers(generator, kind):
        return sum(isinstance(module, kind) for module in generator.modules())

    assert layers(Generator(3, 8, "batch"), torch.nn.BatchNorm2d) == 7
    assert layers(Generator(3, 8, "none"), torch.nn.BatchNorm2d) == 0
    assert layers(Generator(3, 8, "none", upsampler="nearest_conv"), torch.nn.PixelShuffle) == 0
    assert layers(Generator(3, 8, "none", upsampler="pixel_shuffle"), torch.nn.PixelShuffle) == 2


def test_sub_pixel_convolution_starts_as_nearest_neighbour():
    """ICNR: the four sub-pixels of a pixel start equal, so there is no checkerboard to unlearn."""
    doubled = Generator(1, 8).enlarge[0](torch.rand(1, 8, 6, 6))
    torch.testing.assert_close(
        doubled, F.interpolate(doubled[..., ::2, ::2], scale_factor=2, mode="nearest")
    )


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_a_file_alone_rebuilds_the_generator(tmp_path, normalization):
    architecture = {
        "blocks": 2,
        "channels": 8,
        "normalization": normalization,
        "upsampler": "nearest_conv",
    }
    generator = Generator(**architecture)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        generator(torch.rand(4, 3, 9, 7))  # BatchNorm's statistics, which loading folds away
    generator.eval()
    save_weights(tmp_path / "g.safetensors", generator, architecture)
    lr = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(load_generator(tmp_path / "g.safetensors", CPU)(lr), generator(lr))


def test_misfitting_and_pickled_weights_are_refused_in_one_sentence(tmp_path):
    save_weights(tmp_path / "g.safetensors", Generator(2, 8), {"blocks": 3, "channels": 8})
    with pytest.raises(UserError, match=r"g\.safetensors does not fit Generator: it lacks"):
        load_generator(tmp_path / "g.safetensors", CPU)
    torch.save({"w": torch.zeros(2)}, tmp_path / "g.pth")
    with pytest.raises(UserError, match="pickled weights are refused"):
        load_generator(tmp_path / "g.pth", CPU)
    with pytest.raises(UserError, match="is missing"):
        load_generator(tmp_path / "none.safetensors", CPU)


def test_with_a_skip_training_starts_from_the_interpolated_picture():
    lr = torch.rand(2, 3, 8, 8)
    expected = F.interpolate(lr, scale_factor=4, mode="bicubic")
    torch.testing.assert_close(Generator(2, 8, "batch", skip="bicubic")(lr), expected)


@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_a_squashed_output_cannot_leave_the_range(output):
    generator = Generator(1, 8, "none", output=output)
    with torch.no_grad():
        generator.tail.bias.copy_(torch.tensor([-50.0, 0.0, 50.0]))
        generator.tail.weight.zero_()
        sr = generator(torch.rand(1, 3, 4, 4))
    assert sr.amin((0, 2, 3)).tolist() == pytest.approx([0, 0.5, 1])
    assert sr.amax((0, 2, 3)).tolist() == pytest.approx([0, 0.5, 1])


def test_activation_changes_what_it_names():
    modules = list(Generator(2, 8, activation="leaky_relu").modules())
    assert not any(isinstance(module, torch.nn.PReLU) for module in modules)
    assert [m.negative_slope for m in modules if isinstance(m, torch.nn.LeakyReLU)] == [0.2] * 5
