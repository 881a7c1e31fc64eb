"""Requests that are under way on a web node until it is about to go: POSTs, which nobody may send again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.scenarios.gateway.gate import DOMAIN, entrance
from tests.scenarios.migrations.on_node import OnNode
from tests.scenarios.workspace import NO_ANSWER, Workspace, eventually, get

LONG = 300
"""Seconds that nginx waits for an answer: longer than anything that is done with a node takes."""
_ROUTE = '''

import signal, socket, time
from pathlib import Path

_told_to_end = threading.Event()
_ends = signal.getsignal(signal.SIGTERM)


def _note(number, frame):
    _told_to_end.set()
    _ends(number, frame)


signal.signal(signal.SIGTERM, _note)


def _has_entrance():
    try:
        socket.create_connection(("127.0.0.1", 80), 2).close()
    except ConnectionRefusedError:
        return False
    return True


@app.route("/quick", methods=["GET", "POST"])
def quick():
    """Answer at once; nobody may post twice."""
    return jsonify(node=os.environ["SOOP_NODE"])


@app.post("/slow/<node>")
def slow(node):
    """On this node, take until it is told to end, or nginx before it is, and two seconds more."""
    here = os.environ["SOOP_NODE"]
    if node == here:
        mark = Path(os.environ["STATE_DIRECTORY"], "under-way")
        mark.touch()
        while not _told_to_end.wait(0.1) and _has_entrance():
            pass
        time.sleep(2)
        mark.unlink()
    return jsonify(node=here)
'''
_ENTRANCE = "      health: /health\n"


def build(project: Workspace, version: str) -> str:
    """Build the access service as it is, under another version, with such a route; return its reference."""
    folder = project.root / "service_defs/access-service"
    definition, program = folder / "service.yaml", folder / "app/access.py"
    before = {path: path.read_text() for path in (definition, program)}
    assert before[definition].count(_ENTRANCE) == 1
    definition.write_text(before[definition].replace(_ENTRANCE, f"{_ENTRANCE}      timeout: {LONG}\n"))
    program.write_text(before[program] + _ROUTE)
    try:
        project.must("soop", "build", "--version", version, "service_defs/access-service")
    finally:
        for path, text in before.items():
            path.write_text(text)
    return f"access-service-{version}"


@contextmanager
def under_way(project: Workspace, name: str) -> Iterator[Future[int | str]]:
    """Yield the status to come of a request through the gateway that is under way on a node."""
    node, url = OnNode(project, name), entrance(project)
    with ThreadPoolExecutor(max_workers=1) as background:
        status = background.submit(_post, url, name)

        def has_begun() -> bool:
            assert not status.done(), status.result()
            return node.has("test -e /var/lib/access-service-api/under-way")

        eventually(has_begun, 120)
        yield status


def _post(url: str, name: str) -> int | str:
    """Post until the node has answered, which is not the only one that the gateway asks."""
    for _ in range(600):
        try:
            status, answer = get(f"{url}/slow/{name}", "POST", seconds=2 * LONG)
        except NO_ANSWER as error:
            return repr(error)
        if status != 200 or answer["node"] == name:
            return status
        time.sleep(0.1)
    return f"{name} is not asked in {DOMAIN}"
