"""What is the same in a stack's state for as long as nobody updates it, by digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from soop_components.runner.typed_json import digest_of

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_DERIVED = {"pulumi:pulumi:Stack", "soop:index:Service"}
"""Types whose outputs repeat those of releases."""
_LOOKED_AT = "status"
"""Output with what the last look at nodes has found, which a refresh writes anew."""


def resource_digests(exported: str) -> dict[str, str]:
    """Return a digest of each resource, by type and name, out of what ``pulumi stack export`` printed.

    The engine seals a secret anew whenever it writes, so what is sealed does not count; that a resource with a new
    secret was updated shows in when it was.
    """
    deployment = json.loads(exported).get("deployment") or {}
    resources = [each for each in deployment.get("resources") or () if each["type"] not in _DERIVED]
    return {_name(each): digest_of(_kept(each)) for each in resources}


def _name(resource: Mapping[str, Any]) -> str:
    type, name = str(resource["urn"]).rsplit("::", 2)[-2:]
    return f"{type.rsplit('$', 1)[-1]} {name}"


def _kept(resource: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: resource.get(key) for key in ("urn", "id", "inputs", "modified", "protect", "delete")}
    outputs = {key: value for key, value in (resource.get("outputs") or {}).items() if key != _LOOKED_AT}

    found: dict[str, Any] = _opened({**kept, "outputs": outputs})
    return found


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return None if _SIGNATURE in value else {key: _opened(item) for key, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value
