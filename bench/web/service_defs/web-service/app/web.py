"""Answers each request with what runs here, and ends the requests under way when it is told to stop.

It listens on the socket that systemd gives it, or else on PORT.
"""

import json
import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn


class Answer(BaseHTTPRequestHandler):
    """Says which version this is, on which node."""

    def do_GET(self):
        body = json.dumps({"version": os.environ["SOOP_VERSION"], "node": os.environ["SOOP_NODE"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *values):
        pass


class Server(ThreadingMixIn, HTTPServer):
    """A thread for each request; closing waits for them."""

    request_queue_size = 128

    def server_bind(self):
        if os.environ.get("LISTEN_PID") == str(os.getpid()):
            self.socket.close()
            self.socket = socket.socket(fileno=3)
        else:
            super().server_bind()


with Server(("", int(os.environ.get("PORT", "0"))), Answer) as server:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
