"""Who is compared does the same work, and what fails is counted."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.load import Answers, Load, ask_once, asking
from soop_components.library import LIBRARY

BENCH = Path(__file__).parents[2] / "bench"


def _part(path: Path, begin: str, end: str) -> str:
    text = path.read_text()
    return text[text.index(begin) : text.index(end)]


@pytest.mark.parametrize("unit", ["small/peers/greeter.service.j2", "web/peers/web.service.j2"])
def test_the_peers_units_are_as_well_protected_as_ours(unit: str) -> None:
    """Protection is most of what a restart costs."""
    protection = "Restart=always\n", "UMask=0077\n"
    ours = _part(LIBRARY / "systemd_service" / "unit.j2", *protection).splitlines()
    assert _part(BENCH / unit, *protection).splitlines() == [line for line in ours if not line.startswith("{%")]


def test_the_peers_site_passes_requests_on_as_ours_does() -> None:
    passing = "proxy_connect_timeout", "    }\n}\n"
    ours = _part(LIBRARY / "nginx_site" / "site.j2", *passing).replace("{{ params.timeout }}", "60")
    peers = BENCH / "web/peers/site.conf.j2"
    assert _part(peers, *passing) == ours
    for line in _part(LIBRARY / "nginx_site" / "site.j2", "    keepalive", "}\n").splitlines():
        assert line in peers.read_text() or line.lstrip().startswith("#")


def test_requests_that_fail_are_counted_by_what_came_instead() -> None:
    said = iter([b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 502 Bad Gateway\r\n\r\nsorry", b""])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(said))
        writer.close()

    async def ask() -> Answers:
        answers = Answers()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for _ in range(3):
            await ask_once("127.0.0.1", port, answers)
        server.close()
        await ask_once("127.0.0.1", port, answers)
        return answers

    answers = asyncio.run(ask())
    assert (answers.asked, answers.failed) == (4, {"502": 1, "nothing": 1, "ConnectionRefusedError": 1})


def test_no_more_requests_are_under_way_than_was_said() -> None:
    counted: list[int] = []
    begun, over = threading.Semaphore(0), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            counted.append(1)
            begun.release()
            over.wait(60)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        with asking("127.0.0.1", server.server_port, Load(per_second=1000, patience=60, at_once=2)) as answers:
            assert all(begun.acquire(timeout=60) for _ in range(2))
            assert len(counted) == 2
            over.set()
            assert all(begun.acquire(timeout=60) for _ in range(20))
        server.shutdown()
        serving.join()
    assert (answers.failed, answers.asked == len(counted)) == ({}, True)


def test_what_ends_the_asking_too_early_is_raised() -> None:
    with pytest.raises(ExceptionGroup) as raised, asking("127.0.0.1", 65536):
        pass
    assert raised.group_contains(OverflowError)
