"""A run's page while its ledger grows: on the loopback alone, and nothing can be changed."""

from __future__ import annotations

import http.client
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.live_page import LivePage
from scaling_search.experiment.watch_server import Server, serving
from tests.jobs.small import PATIENCE_SECONDS
from tests.program import call

RUN = Path(__file__).parents[2] / "results" / "cifar10"
PATIENCE_MS = 1000 * PATIENCE_SECONDS
LINES = (RUN / "ledger.jsonl").read_bytes().splitlines(keepends=True)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run of whose search seven candidates have been trained, twice each."""
    for name in ("study.toml", "data.json", "environment.json"):
        shutil.copy(RUN / name, tmp_path)
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(LINES[:14]))
    return tmp_path


@pytest.fixture
def server(begun: Path) -> Iterator[Server]:
    with serving(begun) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(
    server: Server, path: str = "/", method: str = "GET", host: str | None = None
) -> tuple[int, str, http.client.HTTPMessage]:
    address, port = server.server_address[:2]
    connection = http.client.HTTPConnection(str(address), port)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_it_shows_what_an_unfinished_run_has_found_so_far(server: Server) -> None:
    status, page, headers = ask(server)
    assert status == 200
    assert "This run is not finished" in page
    assert "Newest results" in page
    assert "validation top-1" in page
    assert page.count('"key":"candidate ') == 7  # the landscape fills up
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_reader_who_leaves_before_the_answer_leaves_no_word_behind(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a tab does that is closed while the page is drawn."""
    address, port = server.server_address[:2]
    answered = threading.Event()
    closed = server.shutdown_request

    def shutdown_request(request: Any) -> None:
        closed(request)
        answered.set()

    server.shutdown_request = shutdown_request  # type: ignore[method-assign]
    with server.following._lock, socket.create_connection((str(address), port)) as reader:
        reader.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        # Closed with a reset, so that whatever is written afterwards fails.
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert answered.wait(PATIENCE_SECONDS)
    assert capsys.readouterr() == ("", "")


def test_it_listens_on_the_loopback_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.address.startswith("http://127.0.0.1:")


def test_it_answers_nobody_who_asks_for_another_name(server: Server) -> None:
    assert ask(server, host="example.org")[0] == 403
    assert ask(server, "/version", host=f"localhost:{server.server_address[1]}")[0] == 200


def test_an_open_page_reloads_itself_and_runs_under_its_policy(server: Server, begun: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no chromium here")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"], timeout=PATIENCE_MS
        )
        page, complaints = browser.new_page(), list[str]()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(server.address)
        marks = page.locator("#live-landscape .mark")
        assert marks.count() == 7
        # By a clock that stands still drawing takes no time: whatever is seen first of the new
        # lines, another drawing is due.
        server.following.clock = float
        server.following._due = 0.0
        with (begun / "ledger.jsonl").open("ab") as file:
            file.writelines(LINES[14:16])
        sync_api.expect(marks).to_have_count(8, timeout=PATIENCE_MS)
        browser.close()
    assert [text for text in complaints if "favicon" not in text] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_sent_to_it(server: Server, begun: Path, method: str) -> None:
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    assert ask(server, method=method)[0] == 501
    ask(server, "/version")
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "path", ["/ledger.jsonl", "/../study.toml", "//etc/passwd", "/report.html"]
)
def test_it_hands_out_no_file(server: Server, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_the_page_is_another_once_the_ledger_has_grown_and_drawing_is_due(begun: Path) -> None:
    now = [0.0]
    following = LivePage(begun, clock=lambda: now[0])
    first = following.page()
    assert following.page() is first
    with (begun / "ledger.jsonl").open("ab") as file:
        file.write(LINES[14])
    later = following.page()  # a clock that stands still: drawing took no time, so another is due
    assert later != first
    assert following.version_of(later) != following.version_of(first)


def test_drawing_takes_a_twentieth_of_the_time_at_most(begun: Path) -> None:
    ticks = iter([0.0, 10.0])  # a drawing of ten seconds
    now = [0.0]
    following = LivePage(begun, clock=lambda: next(ticks, now[0]))
    first = following.page()
    (begun / "ledger.jsonl").write_bytes(b"".join(LINES[:15]))
    now[0] = 209.0
    assert following.page() is first
    now[0] = 210.0
    assert following.page() is not first


def test_a_run_that_has_not_begun_is_waited_for(tmp_path: Path) -> None:
    page = LivePage(tmp_path).page().decode()
    assert "nothing to show yet" in page
    assert "study.toml" in page


def test_what_cant_be_watched_is_one_line(tmp_path: Path, server: Server) -> None:
    assert call("watch", str(tmp_path / "nowhere"))[::2] == (
        2,
        f"watch needs a directory that a run writes, got '{tmp_path / 'nowhere'}'\n",
    )
    taken = server.server_address[1]
    with (
        pytest.raises(UserError, match=f"the port must be free, got {taken}"),
        serving(tmp_path, taken),
    ):
        pass
