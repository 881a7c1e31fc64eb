"""Answers with what a locked package says, on the socket that systemd hands over."""

import json
import os
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer

import greeter

SAYS = "hello"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = {"says": SAYS, "greeter": greeter.VERSION, "version": os.environ["SOOP_VERSION"]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())


server = HTTPServer(("", 0), Page, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()
