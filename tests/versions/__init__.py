"""Later versions of the shipped services, each as its difference from the one before: what a git tag would hold.

And for tests versions that are bad, each in a way of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from soop_components.model.versions import next_patch

HERE = Path(__file__).parent
_ACCESS = "service_defs/access-service"
_PROGRAM = f"{_ACCESS}/app/access.py"
_HEALTH = 'health: {http: /health, port: "{{ config.port }}"}'
FAULTS: Mapping[str, tuple[str, str]] = {
    "dies": ("app = Flask(__name__)\n", 'app = Flask(__name__)\nraise SystemExit("dies at start")\n'),
    "unhealthy": ('200 if state == "reachable" else 503', "503"),
    "wrong": ("jsonify(allowed=bool(rows))", 'jsonify(allowed=bool(rows) and not reader.startswith("smoke-test-"))'),
}
"""By what is wrong: text of the access service's program, and what stands in its place.

``dies``: its process ends at start. ``unhealthy``: it never passes its health check. ``wrong``: it is healthy, serves
users, and fails its smoke test.
"""


def make(root: Path, reference: str) -> None:
    """Make a service definition of a project the next version, ``access-service-3.2.4``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(root.parent)  # the project is no part of a repository
    subprocess.run(["git", "apply", str(HERE / f"{reference}.patch")], cwd=root, env=environment, check=True)


@contextmanager
def bad(root: Path, fault: str) -> Iterator[str]:
    """Make the access service, whichever version it is, a bad next one, to be built meanwhile; yields its reference."""
    definition, program = root / _ACCESS / "service.yaml", root / _PROGRAM
    good = {path: path.read_text() for path in (definition, program)}
    old, new = FAULTS[fault]
    assert old in good[program]
    version = re.findall(r"(?m)^version: (\S+)$", good[definition])[0]
    bad_one = f"{next_patch(version)}-{fault}"
    text = good[definition].replace(f"version: {version}", f"version: {bad_one}")
    if fault != "wrong":  # those never get healthy, however long they are waited for
        text = text.replace(_HEALTH, f"{_HEALTH[:-1]}, timeout: 5}}")
    definition.write_text(text)
    program.write_text(good[program].replace(old, new))
    try:
        yield f"access-service-{bad_one}"
    finally:
        for path, text in good.items():
            path.write_text(text)
