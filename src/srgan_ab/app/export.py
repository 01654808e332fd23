"""`srgan-ab export`: a generator for other programs, with a card beside it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from srgan_ab.app import exporting
from srgan_ab.app.models import NAMES, weights_of
from srgan_ab.app.networks import scale_of
from srgan_ab.app.upscaling import usual_model
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.common.shipped import SHIPPED

ENDINGS = {"onnx": ".onnx", "torch": ".pt2", "safetensors": ".safetensors"}


def export(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help=f"{NAMES}; default: {paths.GENERATOR} if it is here, else {SHIPPED[0]}.",
        ),
    ] = None,
    to: Annotated[
        Literal["onnx", "torch", "safetensors"],
        typer.Option(help="The form; torch is a program for torch.export.load."),
    ] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file, or a folder that is there; default: named by the model, here.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Write over files that are there already.")
    ] = False,
) -> None:
    """Write a generator for other programs, and a model card beside it.

    ONNX and torch's program load without this project, take any number and size of pictures, and
    are compared with PyTorch before they are kept.

    \b
    srgan-ab export photo --to onnx                   writes photo.onnx and photo.onnx.md
    srgan-ab export small --to torch -o small.pt2
    """  # noqa: D301
    from srgan_ab.app.model_card import card, licence

    if to == "onnx":
        exporting.require_onnx()
    model = model or usual_model()
    weights = weights_of(model)
    target = _target(output, weights, to)
    beside = target.with_name(f"{target.name}.md")
    _may_be_written(target, beside, weights, force)
    network = exporting.load_plain(weights)
    text = card(model, weights, to, target.name)
    said = exporting.facts(weights.stem, licence(model), scale_of(weights))
    with atomic_file(target) as file, atomic_file(beside) as card_file:
        card_file.write_text(text, encoding="utf-8")
        if to == "safetensors":
            exporting.write_safetensors(weights, file)
            checks = []
        else:
            write = exporting.write_onnx if to == "onnx" else exporting.write_torch
            checks = write(network, file, said)
    typer.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, and its card {beside}")
    for check in checks:
        size = "×".join(map(str, check.size))
        typer.echo(
            f"{size}: differs from PyTorch by {check.difference:.1e} at most; "
            f"{check.seconds:.3f} s, PyTorch {check.of_torch:.3f} s"
        )
    if to == "onnx" and not checks:
        typer.echo(
            "not compared with PyTorch: that needs onnxruntime, of `pip install 'srgan-ab[onnx]'`",
            err=True,
        )


def _target(output: Path | None, weights: Path, to: str) -> Path:
    ending = ENDINGS[to]
    name = f"{weights.stem}{ending}"
    if output is None or output.is_dir():
        return (output or Path()) / name
    if output.suffix != ending:
        raise UserError(f"--output is {output}: with --to {to} give a name that ends in {ending}")
    return output


def _may_be_written(target: Path, beside: Path, weights: Path, force: bool) -> None:
    if target.exists() and weights.exists() and target.samefile(weights):
        raise UserError(f"{target} holds the weights themselves: give another file with --output")
    for path in (target, beside):
        if path.is_dir():
            raise UserError(f"{path} is a folder: give another file with --output")
        if path.exists() and not force:
            raise UserError(f"{path} is there already: --force writes over it")
