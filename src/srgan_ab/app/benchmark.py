"""`srgan-ab benchmark`: generators beside interpolation on folders of HR pictures."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from srgan_ab.app.machine import Device, runtime_of
from srgan_ab.app.models import NAMES, weights_of
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError

if TYPE_CHECKING:  # seconds of importing that --help does without
    from srgan_ab.srgan.generator import Generator


def benchmark(
    folders: Annotated[list[Path], typer.Argument(help="Folders of HR pictures, such as Set5.")],
    lr: Annotated[
        Literal["matlab", "pillow"],
        typer.Option(help="Which bicubic kernel makes the LR pictures: papers' or this project's."),
    ] = "matlab",
    jpeg: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Quality of a JPEG that the LR pictures are read from."),
    ] = None,
    srgan: Annotated[
        str | None,
        typer.Option(help=f"The SRGAN. {NAMES}; default: {paths.GENERATOR}."),
    ] = None,
    srresnet: Annotated[
        str | None, typer.Option(help=f"The SRResNet, likewise; default: {paths.SRRESNET}.")
    ] = None,
    perceptual: Annotated[
        str | None,
        typer.Option(
            help="The generator that was trained without an adversarial term, likewise; "
            f"default: {paths.PERCEPTUAL}, if it is there."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="The generator that was trained with a loss of A's features, likewise; "
            f"default: {paths.TASK}, if it is there."
        ),
    ] = None,
    lpips: Annotated[
        Path | None,
        typer.Option(
            help="Weights of SqueezeNet 1.1 for LPIPS (.safetensors); "
            f"default: those in {paths.pretrained('lpips')}, if any."
        ),
    ] = None,
    per_image: Annotated[bool, typer.Option("--per-image", help="A row for each picture.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A JSON file for all numbers.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="A directory for a sheet of crops of each picture.")
    ] = None,
    tile: Annotated[int, typer.Option(min=16, help="Side of a tile in pixels.")] = 256,
    device: Device = "auto",
) -> None:
    """Measure PSNR, SSIM and LPIPS of enlargements on folders of HR pictures.

    \b
    srgan-ab benchmark path/to/Set5 path/to/Set14
    srgan-ab benchmark Set5 --srgan photo --srresnet faithful --per-image
    srgan-ab benchmark Set5 --srresnet rough --jpeg 50 -o set5.json
    """  # noqa: D301
    from srgan_ab.common.files import write_metrics
    from srgan_ab.data.decoding import decode_folder
    from srgan_ab.quality import benchmarks
    from srgan_ab.quality.image_quality import load_lpips, read_lpips
    from srgan_ab.srgan.generator import load_generator
    from srgan_ab.srgan.upscaling import upscale_picture

    runtime = runtime_of(device)
    generators = {}
    for method, given, default in (
        ("srresnet", srresnet, paths.SRRESNET),
        ("perceptual", perceptual, paths.PERCEPTUAL),
        ("srgan", srgan, paths.GENERATOR),
        ("task", task, paths.TASK),
    ):
        if given or default.exists():
            weights = weights_of(given) if given else default
            generators[method] = load_generator(weights, runtime.device)
        elif method not in ("perceptual", "task"):  # controls, which not every run has
            typer.echo(
                f"{default} is missing, so there is no row {method}: train it, or give --{method}",
                err=True,
            )
    scale = _scale_of_all(generators)
    networks = {
        method: partial(upscale_picture, generator, runtime=runtime, tile=tile)
        for method, generator in generators.items()
    }
    distance = (
        read_lpips(lpips, runtime.device)
        if lpips
        else load_lpips(paths.pretrained("lpips"), runtime.device)
    )

    results = {}
    for name, scores, realism in benchmarks.benchmark_folders(
        *(folders, decode_folder, lr, scale, networks),
        *(distance, runtime.device, pictures, jpeg),
    ):
        results[name] = {"mean": benchmarks.means(scores, realism), "pictures": scores}
        table = benchmarks.table(scores, per_image, realism)
        typer.echo(f"{name}: {len(scores)} pictures\n{table}\n")
    convention = benchmarks.convention(lr, scale, jpeg)
    typer.echo(convention)
    if output:
        described = {"lr": lr, "scale": scale, "jpeg": jpeg, "convention": convention}
        write_metrics(output, described | {"folders": results})


def _scale_of_all(generators: "Mapping[str, Generator]") -> int:
    """The scale that all have; 4, as papers have it, where there is none.

    Raises:
        UserError: they have several.
    """
    scales = {method: generator.scale for method, generator in generators.items()}
    if len(set(scales.values())) > 1:
        said = ", ".join(f"{method} {scale} times" for method, scale in scales.items())
        raise UserError(f"generators of several scales, {said}: measure each scale apart")
    return next(iter(scales.values()), 4)
