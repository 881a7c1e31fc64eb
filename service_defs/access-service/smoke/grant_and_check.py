#!/usr/bin/python3
"""Grants a made-up reader access to an article, asks every web node about it, revokes it and asks again.

Leaves nothing behind, and can run at any time beside real use.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import uuid
from urllib.parse import urlsplit

SECONDS = 5


def call(node: str, port: int, method: str, path: str, expected: int) -> object:
    """Make a request; anything but the expected status ends the test."""
    connection = http.client.HTTPConnection(node, port, timeout=SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != expected:
        got = f"{answer.status}: {body[:300]!r}"
        sys.exit(f"{method} http://{node}:{port}{path}: expected status {expected}, got {got}")
    return json.loads(body) if body else None


def check(nodes: list[str], port: int, path: str, allowed: bool) -> None:
    """Ask every node, and end the test if one sees it otherwise."""
    for node in nodes:
        answer = call(node, port, "GET", path, 200)
        if answer != {"allowed": allowed}:
            sys.exit(f"GET http://{node}:{port}{path}: expected {{'allowed': {allowed}}}, got {answer}")


def main() -> None:
    """Grant, check and revoke; every web node has to agree."""
    endpoint = urlsplit(os.environ["SOOP_ENDPOINT_HTTP"])
    nodes = os.environ["SOOP_NODES_WEB"].split(",")
    first, port = endpoint.hostname or nodes[0], endpoint.port or 80
    pair = f"smoke-test-{uuid.uuid4()}/article"
    check(nodes, port, f"/access/{pair}", False)
    call(first, port, "PUT", f"/grants/{pair}", 204)
    try:
        check(nodes, port, f"/access/{pair}", True)
    finally:
        call(first, port, "DELETE", f"/grants/{pair}", 204)
    check(nodes, port, f"/access/{pair}", False)
    print(f"granted, checked and revoked on {len(nodes)} nodes")


if __name__ == "__main__":
    main()
