"""Paths inside a service definition."""

from __future__ import annotations


def path_problem(path: object) -> str | None:
    """Say why this is not a path inside a service definition."""
    if not isinstance(path, str) or not path:
        return f"expected a path of the service definition, not {path!r}"
    if "{{" in path or "{%" in path:
        return f"{path!r} is a template; what is packed cannot depend on a domain"
    if path.startswith(("/", "~")) or "\\" in path or not path.isprintable():
        return f"{path!r} must be relative to the service definition"
    if any(part in ("", ".", "..") for part in path.removesuffix("/").split("/")):
        return f"{path!r} must not contain '.', '..' or empty parts"
    return None
