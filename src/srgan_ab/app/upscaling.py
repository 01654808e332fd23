"""`srgan-ab upscale`: enlarge pictures, and keep what they carry."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from srgan_ab.app.machine import Device, Precision, runtime_of
from srgan_ab.app.models import NAMES, weights_of
from srgan_ab.app.networks import scale_of
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.shipped import SHIPPED

LARGEST_SCALE = 8.0


def upscale(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Pictures, folders of them, quoted globs, or - for stdin."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="A file for one picture, a folder (one that is there, or ends with /), or - for "
            "stdout; default: beside each picture.",
        ),
    ] = None,
    suffix: Annotated[
        str | None,
        typer.Option(
            help="Put between a result's name and its ending; default: by the scale, as -x4, "
            "beside the picture, nothing in another folder."
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look through folders in folders.")
    ] = False,
    format: Annotated[
        Literal["png", "jpeg", "webp", "tiff", "avif"] | None,
        typer.Option(help="Default: by the output's name, else as the picture came, else png."),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Of jpeg, webp and avif; default: 90, 90, 80. WebP of 100 is without loss.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"{NAMES}; default: {paths.GENERATOR} if it is here, else {SHIPPED[0]}."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="How much larger: above 0, up to 8; default: as the generator, 4 times."),
    ] = None,
    wrap: Annotated[
        bool, typer.Option("--wrap", help="For textures: opposite edges go on at each other.")
    ] = False,
    first_frame: Annotated[
        bool,
        typer.Option("--first-frame", help="Take the first of several frames or pages alone."),
    ] = False,
    keep_gps: Annotated[
        bool, typer.Option("--keep-gps", help="Keep the place in EXIF, which is left out.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Write over results that are there already.")
    ] = False,
    tile: Annotated[int, typer.Option(min=16, help="Side of a tile in pixels.")] = 256,
    device: Device = "auto",
    precision: Precision = "auto",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Threads that read and write meanwhile.")
    ] = 2,
) -> None:
    """Enlarge pictures; EXIF, profile, resolution, alpha and 16-bit grey are kept.

    \b
    srgan-ab upscale photo.jpg                        writes photo-x4.jpg
    srgan-ab upscale -r photos -o larger/ --scale 2   a folder of folders
    srgan-ab upscale --wrap brick.png -o brick.webp   a texture that tiles
    """  # noqa: D301
    from srgan_ab.app import inputs as finding
    from srgan_ab.app.batch import conclude, in_turn
    from srgan_ab.app.enlarger import Enlarger
    from srgan_ab.common.bars import bar
    from srgan_ab.srgan.generator import load_generator

    if scale is not None and not 0 < scale <= LARGEST_SCALE:
        raise UserError(f"--scale is {scale:g}: give a number above 0, up to {LARGEST_SCALE:g}")
    found, passed = finding.find(inputs, recursive)
    weights = weights_of(model or usual_model())
    times = scale_of(weights) if scale is None else scale
    names = finding.naming(output, suffix, format, times, several=len(found) > 1)
    tasks, failed, left_out = finding.plan(found, names)
    if left_out:
        passed.append(f"results of an earlier run are not enlarged again: {left_out}")
    there = [] if force else [task for task in tasks if _is_there(task.target)]
    tasks = [task for task in tasks if task not in there]
    for sentence in passed:
        typer.echo(sentence, err=True)

    if tasks:
        runtime = runtime_of(device, precision)
        generator = load_generator(weights, runtime.device)
        enlarger = Enlarger(
            *(generator, runtime, times, tile, wrap, first_frame, keep_gps, quality)
        )
        silent = any(task.target == finding.STREAM for task in tasks)
        total = sum(task.pixels for task in tasks)
        with bar(label="upscale", unit="pixel", total=total or None, scaled=True) as progress:
            enlarger.on_pixels = progress.update
            for done in in_turn(tasks, enlarger.read, enlarger.compute, jobs, lambda t: t.name):
                if done.failed:
                    failed.append(done.failed)
                elif done.said:
                    progress.write(done.said, file=sys.stderr if silent else sys.stdout)
    if there:
        were = "picture was" if len(there) == 1 else "pictures were"
        said = f"{len(there)} {were} skipped, whose results are there: --force makes them anew"
        typer.echo(said, err=True)
    conclude(len(found) - left_out, failed)


def usual_model() -> str:
    """The generator that is taken where none is named, which is said."""
    model = str(paths.GENERATOR) if paths.GENERATOR.exists() else SHIPPED[0]
    typer.echo(f"by the generator {model}: --model names another", err=True)
    return model


def _is_there(target: Path) -> bool:
    return target.name != "-" and target.exists()
