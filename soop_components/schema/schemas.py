"""The schemas, and where they lie in a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from soop_components.machines.kinds import KINDS, all_kinds
from soop_components.model.block import Block
from soop_components.model.domain import ACCESSIBILITY, ENVIRONMENT, SECRETS, SERVICES, TOGETHER, DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.service import ServiceDefinition
from soop_components.preview.facts import DomainPreview
from soop_components.schema.generator import Schema, schema_of

FOLDER = "docs/schemas"
"""Where a project keeps them; the first lines of its YAML files point editors there."""


def _environment() -> Schema:
    """Describe the file, which does not say its own name but may have the settings of any kind of machines."""
    schema = schema_of(Environment)
    for kind in all_kinds():
        with_settings = schema_of(kind.environment())
        for part in ("properties", "$defs"):
            schema[part] = with_settings[part] | schema[part]
    schema["properties"]["machines"]["enum"] = list(KINDS)
    return _without(schema, "name")


def _domain() -> Schema:
    """Describe a stack's file: Pulumi's own keys around the domain definition."""
    domain = schema_of(DomainDefinition)
    sealed = {
        "type": "object",
        "properties": {"secure": {"type": "string", "description": "The encrypted value, made by Pulumi."}},
        "required": ["secure"],
        "additionalProperties": False,
        "description": f"Set it with `pulumi config set --secret --path '{SECRETS}.<service>.<key>'`.",
    }
    keys = {
        **{key: domain["properties"][key] for key in (ENVIRONMENT, SERVICES, TOGETHER, ACCESSIBILITY)},
        SECRETS: {
            "type": "object",
            "description": "Secrets that the domain gives itself, by service and key, encrypted.",
            "additionalProperties": {"type": "object", "additionalProperties": sealed},
        },
    }
    others = "|".join(f"{key.removeprefix('soop:')}$" for key in keys)
    config = {
        "type": "object",
        "properties": keys,
        "required": [ENVIRONMENT, SERVICES],
        "patternProperties": {f"^soop:(?!{others})": False},
        "description": "The stack's configuration.",
    }
    return {
        "$defs": domain["$defs"],
        "type": "object",
        "description": domain["description"],
        "properties": {"config": config},
        "required": ["config"],
    }


def _without(schema: Schema, name: str) -> Schema:
    """Take out a key that is not in the file."""
    del schema["properties"][name]
    schema["required"] = [each for each in schema.get("required", ()) if each != name]
    return schema


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "service": lambda: schema_of(ServiceDefinition),
    "domain": _domain,
    "environment": _environment,
    "block": lambda: _without(schema_of(Block), "templates"),
}
"""What makes the schema of each file that people write, by name."""
OUTPUTS: dict[str, Callable[[], Schema]] = {"plan": lambda: schema_of(DomainPreview)}
"""What makes the schema of what verbs print as JSON, by verb."""


def schema_text(name: str) -> str:
    """Return a schema as it lies in its file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **(SCHEMAS | OUTPUTS)[name]()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_path(name: str) -> str:
    """Return where a project has a schema."""
    return f"{FOLDER}/{name}.json"


def write_schemas(root: Path) -> list[str]:
    """Write all schemas into a project and return their paths in it."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    names = [*SCHEMAS, *OUTPUTS]
    for name in names:
        (root / schema_path(name)).write_text(schema_text(name))
    return [schema_path(name) for name in names]
