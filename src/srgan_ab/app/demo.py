"""`srgan-ab demo`: a page in the browser that shows what the networks make of a picture."""

import importlib.util
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from srgan_ab.app.machine import Device, runtime_of
from srgan_ab.common.errors import UserError

LOOPBACK = "127.0.0.1"


def demo(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the page; 0 = one that is free.")
    ] = 0,
    device: Device = "auto",
) -> None:
    """Show in a browser what the networks make of a picture: enlarged, and classified.

    The page is for this machine alone, and needs no internet. Its pictures are deleted at the end,
    which is Ctrl-C.

    \b
    srgan-ab demo
    srgan-ab demo --port 8000
    """  # noqa: D301
    require_gradio()
    with _listening(port) as listener, TemporaryDirectory(prefix="srgan-ab-") as folder:
        from srgan_ab.app import page

        runtimes = runtime_of(device), runtime_of(device, "fp32")
        app = page.built(Path(folder), *runtimes)
        number = listener.getsockname()[1]
        typer.echo(f"http://{LOOPBACK}:{number} shows the page, to this machine; Ctrl-C ends it")
        page.serve(app, listener)


def require_gradio() -> None:
    """See that what draws the page is installed.

    Raises:
        UserError: it is not.
    """
    if not importlib.util.find_spec("gradio"):
        raise UserError("demo needs gradio: run `pip install 'srgan-ab[demo]'`")


def _listening(port: int) -> socket.socket:
    """A socket that no other machine can reach.

    Raises:
        UserError: the port is not to be had.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UserError(
            f"--port is {port}, which cannot be had ({error.strerror}): give another, or none"
        ) from None
    return listener
