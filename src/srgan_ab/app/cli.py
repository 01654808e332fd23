"""`srgan-ab`: enlarge pictures, and use what the pipeline has trained."""

import importlib.metadata
import sys
from typing import Annotated

import typer

from srgan_ab.app.benchmark import benchmark
from srgan_ab.app.classify import classify
from srgan_ab.app.demo import demo
from srgan_ab.app.doctor import doctor
from srgan_ab.app.export import export
from srgan_ab.app.info import info
from srgan_ab.app.upscaling import upscale
from srgan_ab.common.errors import sentence

# plain help: it keeps the lines of the examples as they are
app = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode=None)
for command in (upscale, classify, benchmark, info, export, demo, doctor):
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"srgan-ab {importlib.metadata.version('srgan-ab')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Show the version."),
    ] = False,
) -> None:
    """Enlarge pictures, and use what the pipeline has trained."""


def main() -> None:
    """Run, with a mistake of the user's as one sentence and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:  # nothing is left half-written, so there is nothing to say
        sys.exit(130)
    except Exception as error:
        if explained := sentence(error):
            sys.exit(f"srgan-ab: {explained}")
        raise
