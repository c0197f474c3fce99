"""A run's page served on this machine alone, for as long as somebody watches it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from scaling_search.core.errors import UserError
from scaling_search.experiment.live_page import LivePage

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
_RELOAD = """<script>
(function ask() {
  setTimeout(async () => {
    try {
      if (await (await fetch("version")).text() !== "%s") { location.reload(); return; }
    } catch { /* the server has gone; the page stays, and asks on */ }
    ask();
  }, 2000);
})();
</script>"""


@contextmanager
def serving(out: Path, port: int = 0, *, function: str | None = None) -> Iterator[Server]:
    """A server of a run directory's page on the loopback, at a free port unless one is given.

    It answers GET and HEAD of the page and of its version, writes nothing and changes nothing.
    Raises UserError for what is no directory, and for a port that is taken.
    """
    if not out.is_dir():
        raise UserError(f"watch needs a directory that a run writes, got {str(out)!r}")
    try:
        server = Server(LivePage(out, function), port)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"the port must be free, got {port}: {error}; leave --port out for a free one"
        ) from None
    with server:
        yield server


class Server(ThreadingHTTPServer):
    """Holds the page; answers none but whoever asks for this machine by name.

    A web page elsewhere whose name suddenly stands for this machine would be such a one.
    """

    daemon_threads = True

    def __init__(self, following: LivePage, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.following = following

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which it may be asked for."""
        port = self.server_address[1]
        return f"{LOOPBACK}:{port}", f"localhost:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader who has left, such as a tab that was closed meanwhile."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; all else is refused by http.server with 501."""

    server: Server
    server_version, sys_version = "scaling-search", ""

    def do_GET(self) -> None:
        """Answer with the page or its version."""
        if self.headers.get("Host") not in self.server.hosts:
            self.send_error(HTTPStatus.FORBIDDEN, "ask for 127.0.0.1 or localhost")
            return
        following = self.server.following
        if self.path == "/":
            page = following.page()
            script = _RELOAD % following.version_of(page)
            self._answer("text/html; charset=utf-8", page + script.encode())
        elif self.path == "/version":
            self._answer("text/plain", following.version_of(following.page()).encode())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {**_HEADERS, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: whoever watches asks every other second."""
