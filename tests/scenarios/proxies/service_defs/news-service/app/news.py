"""Says the news on PORT, and ends the requests under way when it is told to stop."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    """Says the news, and on which node."""

    def do_GET(self):
        body = json.dumps({"says": os.environ["SAYS"], "node": os.environ["SOOP_NODE"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *values):
        pass


class Server(ThreadingHTTPServer):
    """Closing waits for the requests under way."""

    daemon_threads = False
    request_queue_size = 128


with Server(("", int(os.environ["PORT"])), Answer) as server:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
