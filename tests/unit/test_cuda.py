"""An update on a GPU, as far as it can be seen without one: which device each operation is on."""

import pytest
import torch
from repository import PARAMS
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from toy_srgan import Features

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common import runtime
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phases import adversarial, pretraining

GPU = torch.device("cuda")


class OnOneDevice(TorchDispatchMode):
    """Refuses whatever makes the host wait: numbers read, and copies from device to device."""

    READS = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.is_nonzero)

    def __init__(self):
        super().__init__()
        self.convolved = set()  # types of what convolutions gave

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket not in self.READS, f"{func} waits for the device"
        result = func(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, torch.Tensor)]
        # scalars of the host are arguments of a kernel
        devices = {x.device.type for x in tensors if x.device.type == "cuda" or x.dim()}
        assert len(devices) < 2, f"{func} copies between host and device"
        if func.overloadpacket is torch.ops.aten.convolution:
            self.convolved.add(result.dtype)
        return result


@pytest.fixture
def on_fake_gpu(monkeypatch):
    """Tensors of shape, type and device without numbers; gradients are as if computed."""

    def backward(loss):
        for parameter in trained:
            if parameter.requires_grad:
                parameter.grad = torch.empty_like(parameter)

    trained = []
    # without a GPU, torch would switch autocast off, with a warning
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    # torch has no generator for a device that is not there
    monkeypatch.setattr(Runtime, "generator", lambda self, seed: None)
    monkeypatch.setattr(FakeTensorMode, "__deepcopy__", lambda self, memo: self, raising=False)
    with FakeTensorMode():
        yield trained


PAPER = {"upsampler": "pixel_shuffle"}, {}, {}
OTHER = (
    {"normalization": "none", "upsampler": "nearest_conv", "skip": "bicubic"},
    {"normalization": "none"},
    {"gradient_clip": 1.0, "total_variation": 1.0, "lattice": 1.0},
)


@pytest.mark.slow
@pytest.mark.parametrize("variant", [PAPER, OTHER], ids=["paper", "other"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["pretraining", "adversarial"])
def test_an_update_stays_on_the_device(on_fake_gpu, name, precision, variant, monkeypatch):
    of_generator, of_discriminator, of_losses = variant
    srgan = load(PARAMS).srgan
    adversity = {"history": 4, "label_noise": 0.1, "label_smoothing": 0.1, "loss": "relativistic"}
    settings = srgan.model_copy(
        update={
            "crop": 32,
            "batch_size": 4,
            **of_losses,
            "perceptual": srgan.perceptual.model_copy(update={"weight": 1.0}),
            "adversarial": srgan.adversarial.model_copy(update=adversity if of_losses else {}),
        }
    )
    # a network of fake tensors cannot be moved, and need not be
    for network in (Generator, Discriminator, Features):
        monkeypatch.setattr(network, "to", lambda self, *place, **layout: self)
    with GPU:
        generator = accelerate(Generator(2, 8, **of_generator), GPU)
        discriminator = accelerate(Discriminator(8, **of_discriminator), GPU)
        features = accelerate(Features(), GPU)
        lr = torch.zeros(6, 16, 16, 3, dtype=torch.uint8)
        hr = torch.zeros(6, 64, 64, 3, dtype=torch.uint8)
    machine = Runtime(GPU, precision)
    if name == "pretraining":
        phase = pretraining(generator, lr, hr, settings, machine, 0)
    else:
        networks = generator, discriminator, features
        phase = adversarial(*networks, lr, hr, settings, machine, 0)
    for module in phase.modules.values():
        on_fake_gpu += module.parameters()
    for _ in range(4):  # two passes; the history is full after two updates
        with OnOneDevice() as mode:
            phase.update()
        assert mode.convolved == {torch.bfloat16 if precision == "bf16" else torch.float32}
    assert all(value.device.type == "cuda" for value in phase.watched.so_far().values())
    assert all(value.dtype == torch.float32 for value in phase.watched.so_far().values())
    if name == "adversarial":
        assert "loss_perceptual" in phase.watched.so_far()


def test_what_the_test_above_would_find():
    with FakeTensorMode():
        on_host, on_gpu = torch.ones(3), torch.ones(3, device=GPU)
        with OnOneDevice(), pytest.raises(AssertionError, match="copies between"):
            on_host.to(GPU)
        with OnOneDevice(), pytest.raises(AssertionError, match="copies between"):
            on_gpu.cpu()
        with OnOneDevice(), pytest.raises(AssertionError, match="waits for the device"):
            on_gpu.sum().item()


@pytest.mark.parametrize(("generation", "precision"), [(7, "fp32"), (8, "bf16"), (9, "bf16")])
def test_bf16_is_for_cards_that_compute_in_it(monkeypatch, generation, precision):
    """Those before Ampere, of compute capability 8, only emulate it."""

    class Card:
        major = generation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device=None: Card)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)
    settings = load(PARAMS).runtime.model_copy(update={"device": "cuda"})
    assert runtime.prepare(settings, 0).precision == precision
