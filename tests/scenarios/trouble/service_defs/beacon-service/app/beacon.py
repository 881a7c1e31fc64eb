"""Answers every request with what it was configured to say."""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SINCE = time.time()
"""Tells whether it was started again."""


class Beacon(BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self) -> None:
        shown = {"version": "SOOP_VERSION", "node": "SOOP_NODE", "says": "SAYS", "trouble": "TROUBLE"}
        answer = {key: os.environ[variable] for key, variable in shown.items()}
        body = json.dumps({**answer, "since": SINCE}).encode()
        self.send_response(503 if os.environ["TROUBLE"] == "health" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


try:
    ThreadingHTTPServer(("", int(sys.argv[1])), Beacon).serve_forever()
except OSError as error:
    sys.exit(f"cannot listen on port {sys.argv[1]}: {error.strerror}")
