"""What must hold of the project's code on a GPU: it computes the same, in one go, and repeatably.

Each check yields rows: a table's title, a row's name, and its values, of which `failed` says why.
"""

import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from gpu_networks import (
    CPU,
    OTHER,
    PAPER,
    SMALL,
    fitted,
    phases,
    photos,
    real_phases,
    variant,
)
from torch import Tensor, nn

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.app.machine import runtime_of
from srgan_ab.classifier.backbones import build
from srgan_ab.classifier.prediction import logits
from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.tensors import as_float
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phase import Phase

# Greatest relative differences of fp32 from a CPU. Two of a CPU's own libraries differ by a tenth
# of these: at the kinks of rectifiers and of L1, rounding alone gives a gradient another sign.
BARS = {"losses": 1e-3, "weights": 5e-2, "outputs": 1e-3}
UPDATES = 3
Rows = Iterator[tuple[str, str, dict[str, Any]]]


@contextmanager
def drawn_on_the_cpu() -> Iterator[None]:
    """Random numbers that are the same on every device, which those of torch's generators are not.

    So are crops, turns, windows and what a history gives back.
    """
    random = torch.Generator().manual_seed(0)

    def of(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def draw(*args: Any, device: torch.device, **_: Any) -> Tensor:
            return function(*args, generator=random).to(device)

        return draw

    with ExitStack() as stack:
        for name in ("randint", "randperm"):
            stack.enter_context(patch.object(torch, name, of(getattr(torch, name))))
        yield


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Relative, of two tensors as wholes."""
    ours, theirs = ours.double().cpu(), theirs.double().cpu()
    # a loss may be 0, as that of the lattice is on noise
    return ((ours - theirs).norm() / theirs.norm().clamp_min(1e-4)).item()


def greatest(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The greatest `difference` of tensors by name; NaN if there is one."""
    each = [difference(ours[name], value) for name, value in theirs.items()]
    return torch.tensor(each, dtype=torch.float64).max().item()


def _trained(make: Callable[[], Phase]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Losses and gradients' norms of a few updates, and how far each network's weights moved."""
    with drawn_on_the_cpu():
        phase = make()
        for optimizer in phase.optimizers:
            for group in optimizer.param_groups:
                # large enough to see in fp32; and Adam blows no gradient of rounding alone up
                group["lr"] = group["initial_lr"] = 1e-3
                group["eps"] = 1e-1
        networks = {k: m for k, m in phase.modules.items() if k != "history"}

        def weights(network: nn.Module) -> Tensor:
            return torch.cat([p.detach().flatten().double().cpu() for p in network.parameters()])

        before = {name: weights(network) for name, network in networks.items()}
        for _ in range(UPDATES):
            phase.update()
        moved = {name: weights(network) - before[name] for name, network in networks.items()}
    watched = phase.watched.so_far()
    return {n: watched[n] for n in watched if n.startswith(("loss", "gradient"))}, moved


def _as_written(network: nn.Module, device: torch.device) -> nn.Module:
    return network.to(device)


def _judged(values: dict[str, float]) -> dict[str, Any]:
    bad = [name for name, bar in BARS.items() if name in values and not values[name] <= bar]
    return values | ({"failed": f"{bad[0]} differ by more than {BARS[bad[0]]}"} if bad else {})


def updates_beside_a_cpu(device: torch.device, small: bool) -> Rows:
    """A few updates of both phases, from the same weights and by the same draws."""
    networks = SMALL if small else ({"blocks": 4, "channels": 32}, {"channels": 16}, "conv2_2")
    batch, side = (4, 32) if small else (8, 64)
    place = accelerate if device.type == "cuda" else _as_written
    for name in ("paper", "other"):

        def made(
            runtime: Runtime, place: Callable[..., Any], name: str = name
        ) -> dict[str, Callable[[], Phase]]:
            images = photos(2 * batch, side + 16, runtime.device)
            return phases(name, variant(name, batch, side), runtime, images, networks, place)

        reference = made(Runtime(CPU, "fp32"), accelerate)
        fine, coarse = (made(Runtime(device, p), place) for p in ("fp32", "bf16"))
        for phase in reference:
            losses, moved = _trained(reference[phase])
            losses_, moved_ = _trained(fine[phase])
            rough, _ = _trained(coarse[phase])
            found = {
                "losses": greatest(losses_, losses),
                "weights": greatest(moved_, moved),
                "bf16": greatest(rough, losses_),
            }
            yield "updates, relative difference", f"{phase}, {name}", _judged(found)


def outputs_beside_a_cpu(device: torch.device, small: bool) -> Rows:
    """Pictures of generators, and logits of classifiers."""
    title = "outputs, relative difference"
    lr = photos(2, 32, CPU)[0]
    for name, kind in {"generator, paper": {}, "generator, other": OTHER}.items():
        torch.manual_seed(0)
        network = Generator(**(SMALL if small else PAPER)[0], **kind)
        nn.init.normal_(network.tail.weight, std=0.02)

        @torch.no_grad()
        def picture(network: nn.Module, runtime: Runtime) -> Tensor:
            with runtime.autocast():
                return network(as_float(lr, runtime.device)).float()

        yield title, name, _judged(_outputs(network, picture, device))
    images = photos(8, 64 if small else 128, CPU)[1].numpy()
    for backbone in ("mobilenet_v2", "timm/tf_efficientnet_lite0"):
        torch.manual_seed(0)
        network = build(backbone, None, "none")

        def judged(network: nn.Module, runtime: Runtime) -> Tensor:
            return logits(network, images, runtime)

        yield title, backbone, _judged(_outputs(network, judged, device))


def parity(device: str, small: bool) -> Rows:
    """A few updates, pictures and logits in fp32 and bf16, beside the same on the CPU.

    `accelerate` changes layers on a CPU and others on a GPU. A rehearsal on a CPU compares its
    layers with those that are changed nowhere.
    """
    here = runtime_of(device).device
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False  # pyright: ignore[reportAttributeAccessIssue]
    yield from updates_beside_a_cpu(here, small)
    yield from outputs_beside_a_cpu(here, small)


def _outputs(
    network: nn.Module, compute: Callable[[nn.Module, Runtime], Tensor], device: torch.device
) -> dict[str, float]:
    place = accelerate if device.type == "cuda" else _as_written
    ours = place(copy.deepcopy(network), device).eval()
    theirs = compute(accelerate(network, CPU).eval(), Runtime(CPU, "fp32"))
    fine, coarse = (compute(ours, Runtime(device, p)) for p in ("fp32", "bf16"))
    return {"outputs": difference(fine, theirs), "bf16": difference(coarse, fine)}


def quiet(device: str, small: bool) -> Rows:
    """Nothing in an update waits for the device, as far as torch can tell."""
    title = "updates that wait for nothing"
    if device != "cuda":
        yield title, "all", {"skipped": "a CPU is waited for by whoever uses it"}
        return
    runtime = runtime_of(device)

    def watched(function: Callable[[], object]) -> dict[str, Any]:
        try:
            function()
        except RuntimeError as error:
            return {"quiet": False, "failed": str(error).splitlines()[0]}
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return {"quiet": True}

    for name, make in real_phases(runtime, small).items():
        phase = make()
        for _ in range(4):
            phase.update()

        def updates(phase: Phase = phase) -> None:
            torch.cuda.set_sync_debug_mode("error")
            for _ in range(4):  # two passes over the images
                phase.update()

        yield title, name, watched(updates)

    def after_update(update: int) -> None:
        if update in (3, 9):  # between the epoch's first updates and its end, which does wait
            torch.cuda.set_sync_debug_mode("error" if update == 3 else "default")

    for backbone in ("small_cnn", "mobilenet_v2"):
        network = accelerate(build(backbone, None, "none"), runtime.device)

        def epoch(network: nn.Module = network) -> object:
            return fitted(network, runtime, 32, 10, 128, after_update)

        yield title, f"fit, {backbone}", watched(epoch)


def _tensors(state: Any) -> list[Tensor]:
    """All numbers of a nested state."""
    if isinstance(state, dict):
        return [x for value in state.values() for x in _tensors(value)]
    if isinstance(state, (list, tuple)):
        return [x for value in state for x in _tensors(value)]
    if isinstance(state, Tensor):
        return [state.detach().cpu().clone()]
    return [torch.tensor(state)] if isinstance(state, (int, float)) else []


def same(one: Any, other: Any) -> bool:
    """Whether two states have the same bits."""
    pairs = _tensors(one), _tensors(other)
    return len(pairs[0]) == len(pairs[1]) and all(map(torch.equal, *pairs))


def repeat(device: str, small: bool) -> Rows:
    """The same seed gives the same bits, and so does a training that goes on from a file."""
    runtime, count = runtime_of(device), 6

    def run_phase(make: Callable[[], Phase], folder: Path, stops: bool, goes_on: bool) -> dict:
        phase, kept = make(), Checkpoints(folder, runtime)
        if goes_on and (state := kept.load()):
            with torch.no_grad():  # all that matters is in the file
                for parameter in phase.modules["generator"].parameters():
                    parameter.zero_()
            phase.load_state_dict(state)
        for _ in range(len(phase.watched), count):
            phase.update()
            if stops and len(phase.watched) == count // 2:
                kept.save(phase.state_dict())
        return phase.state_dict()

    def run_fit(folder: Path, stops: bool, goes_on: bool) -> dict:
        torch.manual_seed(3 if goes_on else 0)
        network = accelerate(build("mobilenet_v2", None, "none"), runtime.device)
        size = (8, count, 64) if small else (32, count, 128)
        where = folder if stops or goes_on else folder / "none"
        return fitted(network, runtime, *size, lambda n: stops and n == count // 2, where)

    def runs() -> Iterator[tuple[str, Callable[..., dict]]]:
        for name, make in real_phases(runtime, small).items():
            yield name, lambda *how, make=make: run_phase(make, *how)
        yield "fit, mobilenet_v2", run_fit

    for deterministic in (True, False):
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
        title = f"the same bits, deterministic algorithms {'on' if deterministic else 'off'}"
        for name, once in runs():
            with (
                tempfile.TemporaryDirectory() as temporary,
                warnings.catch_warnings(record=True) as said,
            ):
                warnings.simplefilter("always")
                folder = Path(temporary)
                first = copy.deepcopy(once(folder, False, False))
                again = copy.deepcopy(once(folder, True, False))
                found: dict[str, Any] = {"again": same(first, again)}
                found["gone_on"] = same(again, once(folder, False, True))
            doubtful = {str(w.message).split(" does not")[0] for w in said if "determ" in str(w)}
            found["without_a_deterministic_kernel"] = " ".join(sorted(doubtful)) or "none"
            if deterministic and not (found["again"] and found["gone_on"]):
                found["failed"] = "other bits"
            yield title, name, found
