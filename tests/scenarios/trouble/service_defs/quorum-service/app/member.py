"""A member of a cluster: knows all members and who of them is out for a while; acknowledges a row that most have.

PUT  /rows/N                               keep a number
GET  /state                                what this member knows
POST /state                                learn what another one knows
POST /join, /leave, /drain, /undrain?NAMES of all nodes, separated by commas
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAME = os.environ["SOOP_NODE"]
FILE = Path("/var/lib/quorum-service-member/state.json")
PATIENCE = 60.0
"""Seconds for which others are asked again."""
State = dict[str, Any]
"""``serial``: of the list of ``members`` and of who is ``out``; ``rows``: the numbers."""
_lock = threading.Lock()


class Refused(Exception):
    """What is asked for must not be done now."""


def known() -> State:
    """Return what this member knows."""
    return json.loads(FILE.read_text()) if FILE.exists() else {"serial": 0, "members": [], "out": None, "rows": []}


def learn(told: State) -> State:
    """Take over what is newer, and rows that are missing; return what is known then."""
    with _lock:
        own = known()
        newer = told if told["serial"] > own["serial"] else own
        if told["serial"] == own["serial"] and (told["members"], told["out"]) != (own["members"], own["out"]):
            raise Refused(f"two lists have the serial {own['serial']}")
        state = {**newer, "rows": sorted({*own["rows"], *told["rows"]})}
        new = FILE.with_suffix(".new")
        with new.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(FILE)
        return state


def ask(node: str, told: State | None = None) -> State | None:
    """Return what another member knows, after it was told something if there is something to tell."""
    if node == NAME:
        return learn(told) if told else known()
    request = urllib.request.Request(f"http://{node}:8080/state", json.dumps(told).encode() if told else None)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)
    except OSError:
        return None


def tell(state: State, nodes: list[str], voters: list[str], *, enough: bool) -> None:
    """Tell nodes until most voters have understood and, unless that is ``enough``, all nodes."""
    told: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    while True:
        told |= {node for node in nodes if node not in told and ask(node, state)}
        has_most = len(told.intersection(voters)) > len(voters) // 2
        if has_most and (enough or len(told) == len(nodes)):
            return
        if time.monotonic() > deadline:
            raise Refused(f"only {sorted(told)} of {nodes} answer")
        time.sleep(0.1)


def change(state: State, **changed: Any) -> None:
    """Make a new list known to all old and new members."""
    new = {**state, **changed, "serial": state["serial"] + 1}
    tell(new, sorted({*state["members"], *new["members"]}), state["members"] or new["members"], enough=False)


def newest(nodes: list[str]) -> State:
    """Return the newest list and all rows that these nodes know; most members have to be among those that know it."""
    answers = {node: state for node in nodes if (state := ask(node)) and state["members"]}
    state = max(answers.values(), key=lambda each: each["serial"], default=known())
    if len(set(answers).intersection(state["members"])) < len(state["members"]) // 2 + bool(state["members"]):
        raise Refused(f"only {sorted(answers)} of {state['members']} answer")
    rows = {row for each in answers.values() for row in each["rows"]}
    return {"serial": state["serial"], "members": state["members"], "out": state["out"], "rows": sorted(rows)}


def join(nodes: list[str]) -> None:
    """Become a member; the first node of all begins the list."""
    state = newest(nodes)
    if not state["members"] and nodes[0] != NAME:
        raise Refused("nobody is a member yet")
    if NAME not in state["members"]:
        change(state, members=sorted({*state["members"], NAME}))


def leave(nodes: list[str]) -> None:
    """Be a member no more."""
    state = newest(nodes)
    change(state, members=[name for name in state["members"] if name != NAME])


def drain(nodes: list[str]) -> None:
    """Be out for a while, which only one may be at a time, while all others are there."""
    state = newest(nodes)
    if state["out"]:
        raise Refused(f"{state['out']} is out")
    if absent := [name for name in state["members"] if ask(name) is None]:
        raise Refused(f"{absent} are not there")
    change(state, out=NAME)


def undrain(nodes: list[str]) -> None:
    """Be back, and learn what was missed."""
    state = newest(nodes)
    if state["out"] not in (None, NAME):
        raise Refused(f"{state['out']} is out")
    change(state, out=None)


class Member(BaseHTTPRequestHandler):
    """Answers others, and whoever has rows."""

    def do_GET(self) -> None:
        self.answer(200, {**known(), "version": os.environ["SOOP_VERSION"], "node": NAME})

    def do_PUT(self) -> None:
        members = known()["members"]
        state = learn({**known(), "rows": [int(self.path.rpartition("/")[2])]})
        self.attempt(lambda: tell(state, members, members, enough=True))

    def do_POST(self) -> None:
        verb, _, names = self.path.lstrip("/").partition("?")
        if verb == "state":
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.attempt(lambda: learn(told))
        else:
            self.attempt(lambda: HOOKS[verb](names.split(",")))

    def attempt(self, work: Any) -> None:
        try:
            work()
        except Refused as error:
            self.answer(409, {"refused": str(error)})
        else:
            self.answer(200, known())

    def answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet: there are many requests."""


HOOKS = {"join": join, "leave": leave, "drain": drain, "undrain": undrain}
ThreadingHTTPServer(("", 8080), Member).serve_forever()
