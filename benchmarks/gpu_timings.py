"""How fast updates are on a GPU, and by which of torch's settings."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import speed
import torch
from gpu_networks import PAPER, SMALL, fitted, phases, photos, variant
from timing import seconds
from torch import nn
from torch.profiler import ProfilerActivity, profile

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.accelerate.tail import Tail
from srgan_ab.app.machine import runtime_of
from srgan_ab.classifier.backbones import build
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.generator import Generator

PHOTOGRAPHS, EPOCHS = 17_500, 150  # of the extrapolated training
ROUNDS = 2  # of ten updates each, on a GPU
PROFILED = 5  # updates
KERNELS = 20
Rows = Iterator[tuple[str, str, dict[str, Any]]]  # a table's title, a row's name, its values


def milliseconds(function: Callable[[], object], device: torch.device) -> float:
    """Of one call, the least of a few rounds, after calls to warm up."""
    for _ in range(speed.WARM_UP if device.type == "cuda" else 1):
        function()
    return 1e3 * min(seconds(function, device) for _ in range(ROUNDS))


def modes(deterministic: bool, benchmark: bool) -> str:
    """Set torch so; what it is called."""
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = benchmark
    names = {"deterministic": deterministic, "benchmark": benchmark}
    return ", ".join(f"{name} {'on' if there else 'off'}" for name, there in names.items())


def settings(device: str, small: bool) -> Rows:
    """Updates of both phases by torch's settings, what takes the device's time, and the tail."""
    runtime = runtime_of(device)
    networks = SMALL if small else PAPER
    sizes = ((4, 32), (2, 24)) if small else ((64, 128), (64, 96), (16, 128), (16, 96))
    for batch, side in sizes:
        images = photos(2 * batch, side, runtime.device)
        makers = phases("paper", variant("paper", batch, side), runtime, images, networks)
        # the project's own settings first; those that search for the fastest kernel last
        for deterministic, benchmark in (
            (True, False),
            (False, False),
            (True, True),
            (False, True),
        ):
            name = modes(deterministic, benchmark)
            values: dict[str, Any] = {}
            if device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            for phase, make in makers.items():
                values[f"{phase}_ms"] = milliseconds(make().update, runtime.device)
            if device == "cuda":
                values["peak_MiB"] = round(torch.cuda.max_memory_allocated() / 2**20)
            yield f"an update, batch {batch}, crop {side}", name, values
            if (batch, side) == sizes[0]:
                yield f"{EPOCHS} epochs of {PHOTOGRAPHS:,}", name, _extrapolated(values, batch)
                if deterministic and not benchmark:
                    modes(True, False)
                    for phase, make in makers.items():
                        yield from _profiled(phase, make().update, values[f"{phase}_ms"], device)
                    yield from _tail(runtime, batch, side, small)


def _extrapolated(values: dict[str, float], batch: int) -> dict[str, Any]:
    """Minutes of updates alone, without validations and checkpoints."""
    updates = EPOCHS * math.ceil(PHOTOGRAPHS / batch)
    minutes = {
        key.replace("_ms", "_minutes"): value * updates / 60_000
        for key, value in values.items()
        if key.endswith("_ms")
    }
    return minutes | {"formula": f"ms x {updates:,} updates / 60,000"}


def _profiled(phase: str, update: Callable[[], object], ms: float, device: str) -> Rows:
    """What takes the device's time, and the share of the time in which it computes."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    for _ in range(3):
        update()
    with profile(activities=activities) as profiler:
        for _ in range(PROFILED):
            update()
        if device == "cuda":
            torch.cuda.synchronize()
    attribute = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    kernels = [
        (getattr(event, attribute) / 1e3 / PROFILED, event.count / PROFILED, event.key)
        for event in profiler.key_averages()
        if event.device_type.name == device.upper()
        and not getattr(event, "is_user_annotation", False)
    ]
    kernels.sort(reverse=True)
    busy = sum(kernel[0] for kernel in kernels)
    yield (
        "a profiled update",
        phase,
        {
            "device_ms": busy,
            "wall_ms": ms,
            "share_busy": busy / ms,
            "kernels": sum(kernel[1] for kernel in kernels),
        },
    )
    for place, (of_kernel, calls, key) in enumerate(kernels[:KERNELS], 1):
        values = {"ms": of_kernel, "share": of_kernel / busy, "calls": calls, "name": key[:90]}
        yield f"kernels of {phase}", str(place), values


def _tail(runtime: Runtime, batch: int, side: int, small: bool) -> Rows:
    """The generator's last convolution as it is written, and by columns, as a CPU has it."""
    plain = Generator(**(SMALL if small else PAPER)[0]).tail
    plain = plain.to(runtime.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    columns = copy.deepcopy(plain)
    columns.__class__ = Tail
    x = torch.rand(batch, plain.in_channels, side, side, device=runtime.device)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    for name, layer in {"plain": plain, "by columns": columns}.items():

        @torch.no_grad()
        def forward(layer: nn.Module = layer) -> None:
            with runtime.autocast():
                layer(x)

        def both(layer: nn.Module = layer) -> None:
            with runtime.autocast():
                y = layer(x)
            y.float().sum().backward()

        ways = {"forward_ms": forward, "forward_and_backward_ms": both}
        values = {way: milliseconds(function, runtime.device) for way, function in ways.items()}
        yield f"last convolution, batch {batch}, crop {side}", name, values


def classifier(device: str, small: bool) -> Rows:
    """Updates as `fit` makes them, augmentation included, from its tenth to its last."""
    runtime, side = runtime_of(device), 64 if small else 128
    ceiling = speed.peak(runtime, 2)
    yield "peak", runtime.precision, {"tflop_per_second": ceiling / 1e12}
    first, last = (1, 3) if small else (10, 40)
    cases = {"timm/tf_efficientnet_lite0": (4,), "mobilenet_v2": (4,)}
    if not small:
        cases = {"timm/tf_efficientnet_lite0": (32, 64), "mobilenet_v2": (32, 64), "vgg16": (64,)}
    for backbone, batches in cases.items():
        with runtime.device:  # VGG16's first weights take a CPU seconds
            network = build(backbone, None, "none")
        accelerate(network, runtime.device)
        work = _flop(network, runtime, side)
        for batch in batches:
            for deterministic in (True, False):
                name = modes(deterministic, False).partition(",")[0]
                moments: list[float] = []

                def after_update(update: int, moments: list[float] = moments) -> None:
                    if update in (first, last):
                        if device == "cuda":
                            torch.cuda.synchronize()
                        moments.append(time.perf_counter())

                fitted(network, runtime, batch, last + 1, side, after_update)
                once = (moments[1] - moments[0]) / (last - first)
                values = {
                    "ms": 1e3 * once,
                    "images_per_second": batch / once,
                    "gflop_per_image": work / 1e9,
                    "share_of_peak": batch * work / once / ceiling,
                }
                yield f"classifier, {side} pixels", f"{backbone}, batch {batch}, {name}", values


def _flop(network: nn.Module, runtime: Runtime, side: int) -> float:
    """Of an update, per image: three times those of its outputs.

    Torch counts too many for the gradients of depthwise convolutions.
    """
    batch = torch.rand(2, 3, side, side, device=runtime.device)
    with torch.no_grad():
        return 3 * speed.flops(lambda: network.eval()(batch)) / len(batch)


def compare(part: Path, device: str, small: bool, compiled: bool) -> None:
    """`speed.py`, at the batch size of a GPU, or on small images to rehearse."""
    batch, rounds = (2, 1) if small else (64, 3)
    if small:
        speed.SIDE, speed.PICTURE, speed.WARM_UP = 32, (1, 3, 16, 24), 1
    mode = "reduce-overhead" if compiled else None
    speed.main(device, "auto", mode, batch_size=batch, rounds=rounds, output=part)  # pyright: ignore[reportArgumentType]
