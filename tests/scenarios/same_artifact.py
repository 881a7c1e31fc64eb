"""The same access-service artifact, bit for bit, on every kind of machines.

Scenarios build it in projects of their own, in several runs of the tests. What the first one found is kept here, for
the source that it was built from, and the others are held against it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from tests.scenarios.workspace import CHECKOUT, Workspace

_KEPT = CHECKOUT / ".cache" / "artifacts"
_SOURCES = (CHECKOUT / "service_defs/access-service", CHECKOUT / "soop_components")
_IGNORED = "__pycache__"


def runs_the_same_artifact(project: Workspace, domain: str) -> bool:
    """Return whether a domain has accepted what domains on other kinds of machines have accepted."""
    service = project.service(domain)
    digest = str(service["digest"])
    kept = _KEPT / f"access-service-{service['version']}-{_source()}"
    _KEPT.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(secrets.token_hex(8))
    fresh.write_text(digest)
    try:
        os.link(fresh, kept)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return kept.read_text() == digest


def _source() -> str:
    """Name the source of the artifact: the service's, and the program that builds it with its building blocks."""
    whole = hashlib.sha256()
    for path in sorted(_files()):
        whole.update(f"{path.relative_to(CHECKOUT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return whole.hexdigest()[:16]


def _files() -> list[Path]:
    """Return what git could know; folders of compiled programs change at any time."""
    return [path for folder in _SOURCES for path in folder.rglob("*") if path.is_file() and _IGNORED not in path.parts]
