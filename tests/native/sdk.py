"""The properties that Pulumi's SDK of a provider knows: a name that it lacks is refused, at any depth."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

from pulumi._types import input_type_py_to_pulumi_names

_ARGUMENTS = re.compile(r"ForwardRef\('(\w+Args)'\)")


def wrong_names(token: str, inputs: dict[str, Any]) -> list[str]:
    """Return the paths of the properties that a resource does not have; ``token`` is ``aws:ec2/instance:Instance``."""
    package, place, name = token.split(":")
    module = place.split("/")[0]
    found = f"pulumi_{package}" if module == "index" else f"pulumi_{package}.{module}"
    return list(_wrong(found, f"{name}Args", inputs, ""))


def _wrong(module: str, name: str, inputs: dict[str, Any], path: str) -> Iterator[str]:
    arguments = getattr(importlib.import_module(module), name)
    known = {wire: python for python, wire in input_type_py_to_pulumi_names(arguments).items()}
    for key, value in inputs.items():
        here = f"{path}{key}"
        if key not in known:
            yield here
            continue
        nested = _ARGUMENTS.search(repr(getattr(arguments, known[key]).fget.__annotations__["return"]))
        if nested:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from _wrong(module, nested[1], each, f"{here}.")
