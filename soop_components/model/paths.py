"""Paths inside a service definition."""

from __future__ import annotations

from soop_components.model.names import quoted
from soop_components.model.problem import got


def path_problem(path: object) -> str | None:
    """Say why this is not a path inside a service definition."""
    if not isinstance(path, str) or not path:
        return f"expected a path of the service definition {got(path)}"
    if "{{" in path or "{%" in path:
        return f"{quoted(path)} is a template; what is packed cannot depend on a domain"
    if path.startswith(("/", "~")) or "\\" in path or not path.isprintable():
        return f"{quoted(path)} must be relative to the service definition"
    if any(part in ("", ".", "..") for part in path.removesuffix("/").split("/")):
        return f"{quoted(path)} must not contain '.', '..' or empty parts"
    return None
