"""What the tests of `srgan-ab demo` give to it, and the command in a process without internet."""

import io
import struct
import zlib
from pathlib import Path

from command_line import save, small_run
from PIL import Image

from srgan_ab.common import paths
from srgan_ab.common.files import write_metrics

# the command, in a process that may speak to this machine alone
SERVER = """
import sys
def refuse(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in ("127.0.0.1", "localhost", "::1", None):
        print("ASKED", host, file=sys.stderr, flush=True)
        raise OSError("no internet here")
sys.addaudithook(refuse)
from srgan_ab.app.cli import main
sys.argv = ["srgan-ab", "demo", "--device", "cpu"]
main()
"""


def declared(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9))


def animation() -> bytes:
    """A GIF of three frames."""
    stream = io.BytesIO()
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 99, 200)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def make_folder(root: Path) -> None:
    """Fill the current folder with a small run, and `in/` with pictures, good and bad."""
    small_run({"a": 1, "b": 1}, 64)
    for arm in ("a", "b"):
        write_metrics(paths.METRICS / f"{arm}.json", {"accuracy": 0.875})
    write_metrics(paths.METRICS / "sr.json", {"test": {"srgan": {"psnr_y": 28.5}}})
    paths.PLOTS.mkdir()
    (paths.PLOTS / "report.html").write_text("<title>Report</title><h1>A report</h1>")
    save(root / "in" / "picture.png", (40, 28))
    save(root / "in" / "other.webp", (36, 36))
    (root / "in" / "text.jpg").write_text("some text")
    (root / "in" / "moving.gif").write_bytes(animation())
    (root / "in" / "bomb.png").write_bytes(declared(60_000, 60_000))
    with (root / "in" / "long.png").open("wb") as stream:
        stream.truncate(65 * 2**20)
