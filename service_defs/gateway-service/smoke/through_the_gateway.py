#!/usr/bin/python3
"""Grants a made-up reader access to an article through each gateway, asks about it there, and revokes it again.

It asks more often than there are web nodes as a rule, so that those are asked in turn. Leaves nothing behind, and can
run at any time beside real use.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import uuid

SECONDS = 10
QUESTIONS = 6


def call(gateway: str, method: str, path: str, expected: int) -> object:
    """Make a request; anything but the expected status ends the test."""
    connection = http.client.HTTPConnection(gateway, timeout=SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != expected:
        sys.exit(f"{method} http://{gateway}{path}: expected status {expected}, got {answer.status}: {body[:300]!r}")
    return json.loads(body) if body else None


def check(gateway: str, path: str, allowed: bool) -> None:
    """Ask again and again, and end the test if an answer differs."""
    for _ in range(QUESTIONS):
        answer = call(gateway, "GET", path, 200)
        if answer != {"allowed": allowed}:
            sys.exit(f"GET http://{gateway}{path}: expected {{'allowed': {allowed}}}, got {answer}")


def main() -> None:
    """Test every gateway."""
    gateways = os.environ["SOOP_NODES_GATEWAY"].split(",")
    for gateway in gateways:
        pair = f"smoke-test-{uuid.uuid4()}/article"
        check(gateway, f"/access/{pair}", False)
        call(gateway, "PUT", f"/grants/{pair}", 204)
        try:
            check(gateway, f"/access/{pair}", True)
        finally:
            call(gateway, "DELETE", f"/grants/{pair}", 204)
        check(gateway, f"/access/{pair}", False)
    print(f"granted, checked and revoked through {len(gateways)} gateways")


if __name__ == "__main__":
    main()
