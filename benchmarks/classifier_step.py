"""What a training step of a classifier takes, by each way of computing it.

    python benchmarks/classifier_step.py
    python benchmarks/classifier_step.py --device cuda --batch-size 64 --rounds 20

Forward and backward pass on noise, without augmentation and optimiser; the least of some rounds in
which all ways take turns. Seconds are of the processor on a CPU, by one thread, on the wall on a
GPU. `at once` trains so many networks in one batch by `torch.func`, each on images of its own, in
fp32, because its BatchNorm cannot mix precisions.
"""

from collections.abc import Callable
from typing import Annotated

import torch
import typer
from tabulate import tabulate
from timing import seconds
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.app.machine import runtime_of
from srgan_ab.classifier.backbones import build
from srgan_ab.common.runtime import Runtime

BACKBONES = ("timm/tf_efficientnet_lite0", "mobilenet_v2", "resnet18")
SIDE = 128  # pixels
TOGETHER = 3  # networks at once
Step = Callable[[], object]


def step_of(backbone: str, plain: bool, size: int, runtime: Runtime) -> Step:
    """A step of one network; `plain` is as torch computes it, channels last."""
    torch.manual_seed(0)
    network = build(backbone, None, "none")
    last = torch.channels_last
    if plain:  # torch's overloads leave out memory_format
        network.to(runtime.device, memory_format=last)  # pyright: ignore[reportCallIssue]
    else:
        accelerate(network, runtime.device)
    network.train()
    images = torch.rand(size, 3, SIDE, SIDE, device=runtime.device).contiguous(memory_format=last)
    labels = torch.arange(size, device=runtime.device) % 2

    def step() -> None:
        with runtime.autocast():
            loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        network.zero_grad()

    return step


def step_at_once(backbone: str, size: int, runtime: Runtime) -> Step:
    """A step of several networks, their weights stacked; dropout draws for each."""
    torch.manual_seed(0)
    networks = [build(backbone, None, "none").to(runtime.device).train() for _ in range(TOGETHER)]
    weights, statistics = stack_module_state(networks)  # pyright: ignore[reportArgumentType]
    images = torch.rand(TOGETHER, size, 3, SIDE, SIDE, device=runtime.device)
    labels = torch.arange(size, device=runtime.device) % 2

    def loss(weights: dict, statistics: dict, images: torch.Tensor) -> torch.Tensor:
        outputs = functional_call(networks[0], (weights, statistics), (images,))
        return nn.functional.cross_entropy(outputs, labels)

    gradients = vmap(grad(loss), randomness="different")
    return lambda: gradients(weights, statistics, images)


def ways(backbone: str, size: int, precise: Runtime, fast: Runtime) -> dict[str, tuple[int, Step]]:
    """Every way, with the images that a step of it sees."""
    return {
        "fp32": (size, step_of(backbone, False, size, precise)),
        "bf16, as torch computes it": (size, step_of(backbone, True, size, fast)),
        "bf16": (size, step_of(backbone, False, size, fast)),
        f"bf16, batch of {4 * size}": (4 * size, step_of(backbone, False, 4 * size, fast)),
        f"fp32, {TOGETHER} at once": (TOGETHER * size, step_at_once(backbone, size, precise)),
    }


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    batch_size: Annotated[int, typer.Option(help="images of a step")] = 32,
    rounds: Annotated[int, typer.Option(help="of which the least counts")] = 5,
    backbones: Annotated[list[str] | None, typer.Argument(help="none = three")] = None,
) -> None:
    """Print a table in Markdown."""
    if device == "cpu":
        torch.set_num_threads(1)
    precise, fast = runtime_of(device, "fp32"), runtime_of(device, "bf16")
    rows = []
    for backbone in backbones or BACKBONES:
        found = ways(backbone, batch_size, precise, fast)
        least = dict.fromkeys(found, float("inf"))
        for _, step in found.values():
            step()  # allocates
        for _ in range(rounds):
            for name, (_, step) in found.items():
                least[name] = min(least[name], seconds(step, fast.device))
        rows += [
            {"backbone": backbone, "way": name, "ms an image": f"{1000 * least[name] / images:.2f}"}
            for name, (images, _) in found.items()
        ]
    typer.echo(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    typer.run(main)
