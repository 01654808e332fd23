"""A small web server on 127.0.0.1 for tests: byte ranges, entity tags, and connections it cuts."""

import hashlib
import re
import ssl
import time
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
        guards: whether If-Range is honoured.
        statuses: HTTP status to answer with, by path.
        headers: more headers of every answer, in place of its own of the same name.
        silences: for each coming body, how many seconds pass before its second half.
        requests: path and headers of every request.
        sent: bytes of bodies sent.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    guards: bool = True
    statuses: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    silences: list[float] = field(default_factory=list)
    requests: list[tuple[str, dict]] = field(default_factory=list)
    sent: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def do_GET(self):
        state = self.state
        state.requests.append((self.path, dict(self.headers)))
        body = state.files.get(self.path)
        status = state.statuses.get(self.path, 200 if body is not None else 404)
        if status != 200:
            self._head(status, 0)
            return
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        guard = self.headers.get("If-Range", tag) if state.guards else tag
        if wanted and state.ranges and guard == tag:
            start = int(wanted[1])
        if start > 0 and start >= len(body):
            self._head(416, 0, {"Content-Range": f"bytes */{len(body)}"})
            return
        span = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        tags = {"ETag": tag} if state.tags else {}
        self._head(206 if start else 200, len(body) - start, span | tags)
        self._send(body[start:])

    def _head(self, status: int, length: int, more: dict[str, str] | None = None):
        self.send_response(status)
        headers = {"Content-Length": str(length)} | (more or {}) | self.state.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, part: bytes):
        if self.state.cuts:
            part = part[: self.state.cuts.pop(0)]
            self.close_connection = True
        self.state.sent += len(part)  # before the client has it, and reads this
        if self.state.silences:
            self.wfile.write(part[: len(part) // 2])
            time.sleep(self.state.silences.pop(0))
            part = part[len(part) // 2 :]
        self.wfile.write(part)

    def log_message(self, *arguments):
        """Keep stderr for what is tested."""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


@contextmanager
def serve(tls: ssl.SSLContext | None = None, **files: bytes) -> Iterator[Server]:
    """Run a server; `serve(a=b"...")` serves `/a`, by https if `tls` is given."""
    state = Server(files={f"/{name}": data for name, data in files.items()})
    server = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.address = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
