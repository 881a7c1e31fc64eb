"""hello-service: greets over HTTP. ``GET /<name>`` greets, ``GET /health`` says which version runs."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = os.environ["GREETING"]
VERSION = os.environ["SOOP_VERSION"]
NODE = os.environ["SOOP_NODE"]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer({"version": VERSION, "node": NODE})
        else:
            self._answer({"text": f"{GREETING}, {self.path.strip('/') or 'world'}"})

    def _answer(self, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
