"""The difference between two trees of properties, by path."""

from __future__ import annotations

from enum import Enum
from typing import Any

from soop_components.provider.wire import Unknown
from soop_components.secret import Secret


class PropertyChange(Enum):
    """How a property differs, in the engine's words."""

    ADDED = "ADD"
    REMOVED = "DELETE"
    UPDATED = "UPDATE"


def differences(old: Any, new: Any) -> dict[str, PropertyChange]:
    """Return what differs, by a path as deep as possible: ``roles.web.components["api"].files["/etc/x"].content``.

    An unknown value differs from everything. Secrets are compared by what they hold.
    """
    found: dict[str, PropertyChange] = {}
    _compare("", old, new, found)
    return found


def _compare(path: str, old: Any, new: Any, found: dict[str, PropertyChange]) -> None:
    old, new = _bare(old), _bare(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = _join(path, key)
            if key not in new:
                found[inner] = PropertyChange.REMOVED
            elif key not in old:
                found[inner] = PropertyChange.ADDED
            else:
                _compare(inner, old[key], new[key], found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            _compare(f"{path}[{index}]", left, right, found)
    elif isinstance(new, Unknown) or isinstance(old, Unknown) or old != new:
        found[path] = PropertyChange.UPDATED


def _bare(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _join(path: str, key: str) -> str:
    plain = key.replace("_", "a").isalnum()
    if not plain:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key
