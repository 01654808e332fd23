"""A small web server on 127.0.0.1 for tests: byte ranges, entity tags, and connections it cuts."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Server:
    """What it serves and what happened; tests change and read it while it runs.

    Attributes:
        files: bytes by path, such as `/a.zip`.
        cuts: for each coming request of a file, after how many bytes the connection is cut.
        ranges: whether byte ranges are honoured.
        tags: whether responses carry an ETag.
        statuses: HTTP status to answer with, by path.
        requests: path and headers of every request.
        sent: bytes of bodies sent.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    statuses: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, dict]] = field(default_factory=list)
    sent: int = 0


@contextmanager
def serve(**files: bytes) -> Iterator[Server]:
    """Run a server; `serve(a=b"...")` serves `/a`."""
    state = Server(files={f"/{name}": data for name, data in files.items()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            state.requests.append((self.path, dict(self.headers)))
            body = state.files.get(self.path)
            status = state.statuses.get(self.path, 200 if body is not None else 404)
            if status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            start = 0
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if wanted and state.ranges and self.headers.get("If-Range", tag) == tag:
                start = int(wanted[1])
            if start > 0 and start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if state.tags:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            part = body[start:]
            if state.cuts:
                part = part[: state.cuts.pop(0)]
                self.close_connection = True
            state.sent += len(part)  # before the client has it, and reads this
            self.wfile.write(part)

        def log_message(self, *arguments):
            """Keep stderr for what is tested."""

    class QuietServer(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A client that hangs up is no news."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
