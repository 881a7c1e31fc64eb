"""A component with one unit of its own."""

from __future__ import annotations

from typing import Any

from tests.unit.runner.node import document

PROGRAM = "[Service]\nExecStart=/bin/true\n"


def app(
    unit: dict[str, Any] | None = None, files: dict[str, Any] | None = None, version: str = "3.2.3"
) -> dict[str, Any]:
    units = {"app.service": {"content": PROGRAM, **(unit or {})}}
    return document(version, web={"units": units, "files": files or {}})
