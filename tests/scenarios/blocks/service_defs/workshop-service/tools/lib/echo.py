#!/usr/bin/python3
"""Answers every request."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()


HTTPServer(("", int(sys.argv[1])), Page).serve_forever()
