"""`srgan-ab`: use what the pipeline has trained."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from srgan_ab.app.benchmark import benchmark
from srgan_ab.app.doctor import doctor
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError, sentence
from srgan_ab.common.scale import SCALE
from srgan_ab.common.shipped import SHIPPED, weights_of

app = typer.Typer(add_completion=False, help=__doc__, no_args_is_help=True)
app.command()(benchmark)
app.command()(doctor)


@app.command()
def upscale(
    picture: Annotated[Path, typer.Argument(help="Any picture that Pillow reads.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"A PNG file; default: PICTURE-x{SCALE}.png."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help=f"A generator that comes with this project, {', '.join(SHIPPED)}, or the path of "
            f"one's weights; default: {paths.GENERATOR} if it is here, else {SHIPPED[0]}."
        ),
    ] = None,
    tile: Annotated[int, typer.Option(min=16, help="Side of a tile in pixels.")] = 256,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")
    ] = "auto",
) -> None:
    """Enlarge a picture four times; grey stays grey, alpha and 16-bit grey are kept."""
    from srgan_ab.common.pictures import save_png
    from srgan_ab.common.runtime import prepare
    from srgan_ab.common.schema import RuntimeParams
    from srgan_ab.data.decoding import Rejected, decode_native
    from srgan_ab.srgan.generator import load_generator
    from srgan_ab.srgan.upscaling import upscale_image

    if not picture.is_file():
        raise UserError(f"{picture} is no file: check the path")
    try:
        image = decode_native(picture.read_bytes())
    except Rejected as rejected:
        raise UserError(f"{picture} cannot be read: {rejected}") from None

    output = output or picture.with_name(f"{picture.stem}-x{SCALE}.png")
    if output.suffix.lower() != ".png":
        raise UserError(f"{output} must end in .png: the result is written without loss")
    if model is None:
        model = str(paths.GENERATOR) if paths.GENERATOR.exists() else SHIPPED[0]
        typer.echo(f"by the generator {model}: --model names another", err=True)
    weights = weights_of(model)
    settings = RuntimeParams(
        portable=False, device=device, precision="auto", compile=None, threads=None, workers=None
    )
    runtime = prepare(settings, seed=0)
    generator = load_generator(weights, runtime.device)
    sr = upscale_image(generator, image, runtime, tile)
    save_png(sr, output)
    typer.echo(f"{output}: {sr.width}x{sr.height} pixels")


def main() -> None:
    """Run, with a mistake of the user's as one sentence and exit code 1."""
    try:
        app()
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"srgan-ab: {explained}")
        raise
