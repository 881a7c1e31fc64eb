"""Answers every request with what it was configured to say."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SINCE = time.time()
"""Shows whether it was started again."""


class Beacon(BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self) -> None:
        shown = {"version": "SOOP_VERSION", "node": "SOOP_NODE", "says": "SAYS", "trouble": "TROUBLE"}
        answer = {key: os.environ[variable] for key, variable in shown.items()}
        body = json.dumps({**answer, "since": SINCE}).encode()
        status = 503 if os.environ["TROUBLE"] == "health" else 200
        if os.environ["TROUBLE"] == "page" and self.headers["User-Agent"] == "soop-smoke-test":
            status, body = 500, b"<!doctype html><html><style>p {}</style><h1>No light</h1><p>See the log.</p></html>"
            with open("/var/log/beacon-service-beacon/beacon.log", "a") as log:
                log.write(f"no oil, says {os.environ['TOKEN']}\n")
        sent = self.headers.get("Authorization", "")
        if sent and sent != f"Bearer {os.environ['TOKEN']}":
            status, body = 403, b"another token"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


try:
    ThreadingHTTPServer(("", int(sys.argv[1])), Beacon).serve_forever()
except OSError as error:
    sys.exit(f"cannot listen on port {sys.argv[1]}: {error.strerror}")
