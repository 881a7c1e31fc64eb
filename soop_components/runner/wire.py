"""Requests and events as lines of JSON, which both ends write and read; ``protocol`` says what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from soop_components.runner.protocol import PROTOCOL, Answer, Failed, Progress, Request, UnknownVerb
from soop_components.runner.typed_json import Malformed, dump, read

_A = TypeVar("_A", bound=tuple[Any, ...])

REQUESTS: Mapping[str, type[Request]] = {kind.__name__.lower(): kind for kind in get_args(Request)}


def verb_of(request: Request) -> str:
    """Return the word that stands for a request on the wire."""
    return type(request).__name__.lower()


def request_line(request: Request) -> bytes:
    """Return a request as it travels."""
    return json.dumps({"protocol": PROTOCOL, "verb": verb_of(request), **dump(request)}).encode() + b"\n"


def read_request(line: bytes) -> Request | UnknownVerb:
    """Read a request."""
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise Malformed(f"expected JSON: {error}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("verb"), str):
        raise Malformed("expected an object with a verb")
    verb, version = raw.pop("verb"), raw.pop("protocol", None)
    if verb not in REQUESTS or version != PROTOCOL:
        return UnknownVerb(verb)
    return read(REQUESTS[verb], raw, verb)


def event(said: Progress | Answer) -> dict[str, Any]:
    """Return an event as JSON can hold it."""
    names = {Progress: "progress", Failed: "failure", UnknownVerb: "unknown_verb"}
    return {"event": names.get(type(said), "result"), **dump(said)}


def read_event(line: bytes | str, answer: type[_A]) -> Progress | Failed | UnknownVerb | _A | None:
    """Read an event of a request that has this answer; None for a line that is no event."""
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or "event" not in raw:
        return None
    match raw.pop("event"):
        case "progress":
            return read(Progress, raw, "progress")
        case "result":
            return read(answer, raw, "result")
        case "failure":
            return read(Failed, raw, "failure")
        case "unknown_verb":
            return read(UnknownVerb, raw, "unknown_verb")
    raise Malformed("event: expected progress, result, failure or unknown_verb")
