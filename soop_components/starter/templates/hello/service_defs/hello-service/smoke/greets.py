#!/usr/bin/python3
"""Smoke test, on a node of the domain: every node greets by name."""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit
from urllib.request import urlopen

port = urlsplit(os.environ["SOOP_ENDPOINT_HTTP"]).port
for node in os.environ["SOOP_NODES_WEB"].split(","):
    with urlopen(f"http://{node}:{port}/Ann", timeout=5) as answer:
        text = json.load(answer)["text"]
    if not text.endswith(", Ann"):
        sys.exit(f"{node}: expected a greeting of Ann, got {text!r}")
