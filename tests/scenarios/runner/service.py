"""A small web service for scenarios: a program of ours behind a unit, answering with what its files say."""

from __future__ import annotations

from typing import Any

from tests.unit.runner.node import document, sha256, tar

PROGRAM = b"""\
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = open("/etc/app/text").read()
        self.send_response(500 if text.startswith("broken") else 200)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
"""
BLOB = tar({"app/serve.py": PROGRAM})
UNIT = """\
[Unit]
StartLimitIntervalSec=0
[Service]
User=app
EnvironmentFile=/etc/app/env
ExecStart=/usr/bin/python3 /opt/app/serve.py
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


def web(version: str = "1.0.0", text: str = "", packages: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return the service's document; ``more`` is added to its component."""
    component: dict[str, Any] = {
        "blob": sha256(BLOB),
        "users": {"app": {}},
        "directories": {"/var/lib/app": {"mode": "0750", "owner": "app", "group": "app"}},
        "files": {
            "/opt/app/serve.py": {"source": "app/serve.py", "digest": sha256(PROGRAM)},
            "/etc/app/text": {"content": text or f"version {version}"},
            "/etc/app/env": {"content": "PORT=8080\n"},
        },
        "units": {"app.service": {"content": UNIT, "restart_on": ["/opt/app", "/etc/app/env"]}},
        "http_health": {"path": "/", "port": 8080, "timeout": 10},
    }
    for part, value in more.items():
        component[part] = {**component[part], **value} if value and part in component else value
    return document(version, packages=packages, web=component)
