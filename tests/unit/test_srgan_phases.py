"""A phase learns, gives the same bits for the same seed, and goes on where it was stopped."""

import copy

import pytest
import torch
from repository import PARAMS
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils._python_dispatch import TorchDispatchMode

from srgan_ab.accelerate.averaging import average
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phase import Watched
from srgan_ab.srgan.phases import adversarial, pretraining, unopposed

RUNTIME = Runtime(torch.device("cpu"), "fp32")
PHASES = ("pretraining", "adversarial", "unopposed")


@pytest.fixture
def settings():
    """The default settings, shrunk: 2 epochs of 2 updates on 16-pixel crops."""
    srgan = load(PARAMS).srgan

    def shrunk(pretraining=None, adversarial=None, **changes):
        phases = {
            "pretraining": srgan.pretraining.model_copy(update={"epochs": 2} | (pretraining or {})),
            "adversarial": srgan.adversarial.model_copy(update={"epochs": 2} | (adversarial or {})),
        }
        return srgan.model_copy(update={"crop": 16, "batch_size": 4} | phases | changes)

    return shrunk


def images(n=8, size=4):
    random = torch.Generator().manual_seed(1)
    lr = torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8, generator=random)
    return lr, lr.repeat_interleave(4, 1).repeat_interleave(4, 2)


def start(settings, name, activation="prelu"):
    torch.manual_seed(5)
    lr, hr = images()
    generator = Generator(1, 4, "batch", activation)
    if name == "pretraining":
        return pretraining(generator, lr, hr, settings, RUNTIME, seed=3)
    if name == "unopposed":
        return unopposed(generator, None, lr, hr, settings, RUNTIME, seed=3)
    return adversarial(generator, Discriminator(4), None, lr, hr, settings, RUNTIME, seed=3)


def run(phase, after_update=lambda: None):
    return [phase.run_epoch(after_update) for _ in range(phase.epochs - phase.epoch)]


class NoReading(TorchDispatchMode):
    """Reading a number from a device makes the host wait until all before it is computed."""

    READS = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.is_nonzero)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket not in self.READS, f"{func} waits for the device"
        return func(*args, **(kwargs or {}))


def same(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(torch.as_tensor(a[k]), torch.as_tensor(b[k])) for k in a)


@pytest.mark.parametrize("name", PHASES)
def test_same_seed_same_bits(settings, name):
    first, second = start(settings(), name), start(settings(), name)
    assert run(first) == run(second)
    assert same(first.averaged.state_dict(), second.averaged.state_dict())


@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize("updates", [1, 2, 3])
def test_stopped_after_any_update_it_ends_with_the_same_bits(settings, name, updates):
    """Of 4 updates in 2 epochs; with everything on that has a state of its own."""
    chosen = settings(
        pretraining={"schedule": "cosine"},
        adversarial={"schedule": "step", "history": 3, "label_noise": 0.1},
        gradient_clip=1.0,
    )
    whole = start(chosen, name)
    rows = run(whole)

    stopped, done, kept = start(chosen, name), [], {}

    def after_update():
        done.append(1)
        if len(done) == updates:
            kept.update(copy.deepcopy(stopped.state_dict()))

    run(stopped, after_update)
    again = start(chosen, name)
    run(again)  # other weights, other random state: all of it must be put back
    again.load_state_dict(kept)
    rest = run(again)
    assert rest == rows[-len(rest) :]
    for module, reference in zip(again.modules.values(), whole.modules.values(), strict=True):
        assert same(module.state_dict(), reference.state_dict())
    assert same(again.averaged.state_dict(), whole.averaged.state_dict())


@pytest.mark.parametrize("name", PHASES)
def test_ema_of_zero_is_the_generator_itself_and_else_lags(settings, name):
    def states(ema):
        phase = start(settings(ema=ema), name)
        run(phase)
        return phase.modules["generator"].state_dict(), phase.averaged.state_dict()

    raw, averaged = states(0.0)
    assert all(torch.allclose(raw[k], averaged[k]) for k in raw)
    raw, averaged = states(0.9)
    assert any(not torch.equal(raw[k], averaged[k]) for k in raw)
    assert all(torch.equal(raw[k], averaged[k]) for k in raw if "running" in k)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_average_is_that_of_torch(decay):
    torch.manual_seed(0)
    network = Generator(1, 4, "batch")
    averaged = copy.deepcopy(network)
    reference = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for update in range(5):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        network(torch.rand(2, 3, 8, 8))  # moves BatchNorm's statistics
        average(averaged, network, decay if update else 0.0)
        reference.update_parameters(network)
        assert same(averaged.state_dict(), reference.module.state_dict())


def test_values_of_updates_are_kept_in_one_tensor_for_each_name():
    """A tensor for each update keeps the C library from using the memory between them again."""
    values = torch.rand(2500, 2)
    kept = Watched()
    for loss, norm in values:
        kept.add({"loss": loss, "norm": norm})
        assert len(kept._values) == 2
    assert len(kept) == 2500
    assert all(torch.equal(a, b) for a, b in zip(kept.so_far().values(), values.T, strict=True))
    gone_on = Watched(kept.so_far())
    gone_on.add({"loss": torch.tensor(2.0), "norm": torch.tensor(3.0)})
    assert torch.equal(gone_on.so_far()["loss"], torch.cat([values[:, 0], torch.tensor([2.0])]))
    assert len(kept.so_far()["norm"]) == 2500


def test_what_was_watched_comes_back_to_the_device_of_the_batches(settings):
    """Streamed images stay on the CPU, while all else is on the device."""
    phase = start(settings(), "pretraining")
    phase.update()
    kept = phase.state_dict()
    phase.crops.device = torch.device("meta")
    phase.load_state_dict(kept)
    assert {x.device.type for x in phase.watched.so_far().values()} == {"meta"}


def test_pretraining_learns(settings):
    """Flat pictures of random colours: the network has only to learn the colours."""
    lr = torch.randint(0, 256, (8, 1, 1, 3), dtype=torch.uint8).expand(-1, 4, 4, -1).contiguous()
    hr = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    longer = settings(pretraining={"epochs": 50, "learning_rate": 3e-3})
    rows = run(pretraining(Generator(1, 8, "none"), lr, hr, longer, RUNTIME, 0))
    assert rows[-1]["loss"] < 0.3 * rows[0]["loss"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1]),
        ("step", [1, 1, 0.5, 0.5]),
        ("cosine", [1, 0.853553, 0.5, 0.146447]),  # (1 + cos(π k / 4)) / 2
    ],
)
def test_schedules_set_the_rate_of_every_update(settings, schedule, expected):
    phase = start(settings(pretraining={"schedule": schedule, "learning_rate": 0.001}), PHASES[0])
    rates = []
    step = phase.step

    def watched(lr, hr):
        rates.append(phase.optimizers[0].param_groups[0]["lr"])
        return step(lr, hr)

    phase.step = watched
    run(phase)
    assert [rate / 0.001 for rate in rates] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize(
    ("psnr", "halved"),
    [
        (lambda epoch: 20 + 0.001 * epoch, 0),  # rises, by 0.005 % an epoch
        (lambda epoch: 25.0, 2),  # flat
        (lambda epoch: 30 - 0.001 * epoch, 2),  # falls
        (lambda epoch: 30 - 0.5 * epoch, 2),
        (lambda epoch: 0.01 * epoch - 0.05, 0),  # rises through 0
    ],
)
def test_plateau_halves_the_rate_when_psnr_no_longer_rises(settings, name, psnr, halved):
    """The first of 13 epochs is the best, and after six worse ones the rate is halved."""
    plateau = {"schedule": "plateau", "learning_rate": 1e-3}
    both = plateau | {"discriminator_learning_rate": None}
    phase = start(settings(plateau, both), name)
    for epoch in range(13):
        phase.validated(-psnr(epoch))
    rates = [optimizer.param_groups[0]["lr"] for optimizer in phase.optimizers]
    assert rates == pytest.approx([1e-3 / 2**halved] * len(rates))


def test_plateau_halves_the_rate_when_lpips_no_longer_falls(settings):
    phase = start(settings(adversarial={"schedule": "plateau", "learning_rate": 1e-3}), PHASES[1])
    rates = []
    for error in [0.3, 0.2, *[0.2] * 6]:
        phase.validated(error)
        rates.append(phase.optimizers[0].param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3] * 7 + [5e-4])


def test_a_loss_that_is_not_finite_is_named_with_its_update(settings):
    phase = start(settings(), "adversarial")
    step = phase.step

    def broken(lr, hr):
        values = step(lr, hr)
        return values | ({"loss_pixel": torch.tensor(torch.nan)} if phase.watched else {})

    phase.step = broken
    with pytest.raises(UserError, match="loss_pixel became infinite or NaN at update 2 of epoch 1"):
        run(phase)


@pytest.mark.parametrize(
    "name, changes",
    [
        ("pretraining", {"gradient_clip": 1.0}),
        ("adversarial", {"gradient_clip": 1.0, "adversarial": {"label_noise": 0.1, "history": 4}}),
        ("adversarial", {"adversarial": {"loss": "relativistic"}}),
        ("unopposed", {"gradient_clip": 1.0}),
    ],
)
def test_an_update_reads_nothing_from_the_device(settings, name, changes):
    phase = start(settings(**changes), name, "leaky_relu")  # PReLU reads its slope on a CPU
    with NoReading():
        for _ in range(3):  # the history is full after two
            phase.update()
    with NoReading(), pytest.raises(AssertionError, match="waits for the device"):
        torch.ones(()).item()
