"""How fast training and generation are, beside a plain implementation of the same networks.

Both sides take turns, so that a busy machine slows both. On a CPU the ratio is one of CPU time
(summed over threads), which neighbours hardly move; on a GPU of wall time.
"""

import platform
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Literal
from unittest.mock import patch

import plain
import torch
import typer
from timing import seconds
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import vgg19

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.accelerate.tail import Tail
from srgan_ab.common.files import write_metrics
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.common.schema import RuntimeParams
from srgan_ab.common.weights import save_weights
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator, load_generator
from srgan_ab.srgan.perceptual import PerceptualLoss
from srgan_ab.srgan.phases import adversarial, pretraining

PARAMS = Path(__file__).parents[1] / "params.yaml"
SIDE = 128  # HR pixels of the images of a step
PICTURE = (1, 3, 339, 510)  # LR: a BSD-sized picture, 2040x1356 once enlarged
WARM_UP = 3  # calls of each side: CUDA graphs are recorded in the second


def paper(batch_size: int):
    """Settings of the paper's networks and losses, without pixel loss; `srgan` of params.yaml."""
    srgan = load(PARAMS).srgan
    return srgan.model_copy(
        update={
            "crop": SIDE,
            "batch_size": batch_size,
            "gradient_clip": None,
            "total_variation": 0.0,
            "lattice": 0.0,
            "pretraining": srgan.pretraining.model_copy(update={"loss": "mse"}),
            "adversarial": srgan.adversarial.model_copy(update={"loss": "bce", "weight": 1e-3}),
            "pixel": srgan.pixel.model_copy(update={"weight": 0.0}),
            "perceptual": srgan.perceptual.model_copy(update={"weight": 1.0}),
        }
    )


def random_vgg19(path: Path) -> Path:
    """Write random weights of VGG19's convolutions; to draw those of all its layers takes seconds.

    Returns:
        The file.
    """
    with torch.device("meta"):
        features = vgg19(weights=None).features
    features.to_empty(device="cpu")
    torch.manual_seed(0)
    for parameter in features.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            torch.nn.init.zeros_(parameter)
    save_weights(path, features, {})
    return path


class Ours:
    """The project's own updates of the paper's networks, as `train_srgan` runs them.

    Crops, flips and turns, both phases' losses, the average and the schedule are part of them.
    """

    def __init__(self, runtime: Runtime, folder: Path, batch_size: int):
        self.runtime = runtime
        device = runtime.device
        generator = runtime.compiled(accelerate(Generator(), device))
        discriminator = runtime.compiled(accelerate(Discriminator(), device))
        vgg = random_vgg19(folder / "vgg.safetensors")
        perceptual = PerceptualLoss("vgg19", "conv5_4", vgg)
        perceptual = runtime.compiled(accelerate(perceptual, device))
        hr = torch.randint(0, 256, (batch_size, SIDE, SIDE, 3), dtype=torch.uint8, device=device)
        images, settings = (hr[:, ::4, ::4].contiguous(), hr), paper(batch_size)
        self.pretraining = pretraining(generator, *images, settings, runtime, 0)
        self.adversarial = adversarial(
            generator, discriminator, perceptual, *images, settings, runtime, 0
        )
        save_weights(folder / "generator.safetensors", generator, {})
        self.trained = load_generator(folder / "generator.safetensors", device)

    def generate(self, lr):
        """Enlarge a batch as `generate_sr` does."""
        with torch.inference_mode(), self.runtime.autocast():
            self.trained(lr)


def flops(function: Callable[[], object]) -> int:
    """Of the networks' definition: the tail's products with zeros, on a CPU, are none."""
    plain_tail = patch.object(Tail, "forward", torch.nn.Conv2d.forward)
    with plain_tail, FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def peak(runtime: Runtime, rounds: int) -> float:
    """FLOP/s of what the processor does best: a dense 3x3 convolution on a CPU, else a matmul."""
    dtype = torch.bfloat16 if runtime.precision == "bf16" else torch.float32
    device = runtime.device
    if device.type == "cuda":
        a = torch.randn(8192, 8192, device=device, dtype=dtype)
        work = lambda: a @ a  # noqa: E731
    else:
        image = torch.randn(8, 512, 32, 32, dtype=dtype).to(memory_format=torch.channels_last)
        kernel = torch.randn(512, 512, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
        work = lambda: torch.nn.functional.conv2d(image, kernel, padding=1)  # noqa: E731
    work()
    return flops(work) / min(seconds(work, device) for _ in range(max(5, rounds)))


def compare(
    measure_plain: Callable[[], float],
    our_side: Callable[[], object],
    device: torch.device,
    rounds: int,
) -> dict:
    """Time both sides in turns; their least and the median ratio of neighbouring rounds."""
    for _ in range(WARM_UP):
        measure_plain()
        our_side()
    pairs = [(measure_plain(), seconds(our_side, device)) for _ in range(rounds)]
    theirs, ours = zip(*pairs, strict=True)
    return {
        "seconds_plain": min(theirs),
        "seconds": min(ours),
        "ratio": min(theirs) / min(ours),
        "ratio_median": statistics.median(a / b for a, b in pairs),
    }


def main(
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Ours; the plain side is fp32.")
    ] = "auto",
    compile: Annotated[
        Literal["default", "reduce-overhead"] | None,
        typer.Option(help="Compile our networks, as runtime.compile does."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Images per step.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each side.")] = 5,
    output: Annotated[Path | None, typer.Option(help="Write the numbers to this JSON.")] = None,
) -> None:
    """Measure the training steps of both phases and generation, 32 to 128 pixels."""
    settings = RuntimeParams(
        portable=False,
        device=device,
        precision=precision,
        compile=compile,
        threads=None,
        workers=None,
        devices=1,
        nodes=1,
        strategy="auto",
        streaming="auto",
    )
    runtime = prepare(settings, seed=0)
    place = runtime.device
    # a process of its own: memory and algorithms are what torch has by default
    plain_side = ProcessPoolExecutor(
        1, get_context("spawn"), plain.start, (place, batch_size, SIDE, PICTURE)
    )
    lr, picture = (
        torch.rand(*size, device=place).to(memory_format=torch.channels_last)
        for size in ((batch_size, 3, SIDE // 4, SIDE // 4), PICTURE)
    )
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(runtime, Path(folder), batch_size)
        # compiled FLOP go uncounted
        counted = Ours(replace(runtime, compile=None), Path(folder), batch_size)
    cases = {
        "srgan_step": lambda side: side.adversarial.update(),
        "mse_step": lambda side: side.pretraining.update(),
        "generate_batch": lambda side: side.generate(lr),
        "generate_picture": lambda side: side.generate(picture),
    }
    ceiling = peak(runtime, rounds)
    result = {
        "device": torch.cuda.get_device_name() if place.type == "cuda" else platform.machine(),
        "precision": runtime.precision,
        "compile": runtime.compile,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch_size": batch_size,
        "peak_gflop_per_second": ceiling / 1e9,
        "cases": {},
    }
    print(f"{'case':<18}{'plain s':>9}{'ours s':>9}{'ratio':>7}{'GFLOP/s':>9}{'of peak':>9}")
    for name, our in cases.items():
        work = flops(lambda our=our: our(counted))
        row = compare(
            lambda name=name: plain_side.submit(plain.measure, name).result(),
            lambda our=our: our(ours),
            place,
            rounds,
        )
        row["gflop"], row["gflop_per_second"] = work / 1e9, work / 1e9 / row["seconds"]
        row["share_of_peak"] = work / row["seconds"] / ceiling
        result["cases"][name] = row
        print(
            f"{name:<18}{row['seconds_plain']:>9.3f}{row['seconds']:>9.3f}{row['ratio']:>7.2f}"
            f"{row['gflop_per_second']:>9.0f}{row['share_of_peak']:>9.0%}",
            flush=True,
        )
        if output:  # after each, as compiled networks may not come to an end
            write_metrics(output, result)
    plain_side.shutdown()


if __name__ == "__main__":
    typer.run(main)
