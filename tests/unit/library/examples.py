"""The example in each block's header, planned as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from soop_components.library import LIBRARY
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.plan import ComponentPlan, RolePlan
from soop_components.planning.service import plan_service
from soop_components.reading.yaml_file import parse_yaml
from tests.unit.planning.resolve import digest_of, resolve_data

FILES = {
    "migrations/001_a.up.sql": "SELECT 1;",
    "migrations/001_a.down.sql": "SELECT 0;",
    "app/access.py": "app",
    "app/requirements.txt": "flask",
    "dist/server.js": "server",
    "dist/node_modules/mime/cli.js": "mime",
    "dist/node_modules/.bin/mime": "-> ../mime/cli.js",
    "jobs/tidy.sh": "#!/bin/sh\n",
    "html/index.html": "hello",
    "html/css/site.css": "css",
    "scripts/load_articles.py": "#!/usr/bin/python3\n",
}
CONFIG = {
    "port": {"type": "integer", "default": 8080},
    "key": {"type": "string", "secret": True, "generate": 20},
    "certificate": {"type": "string", "secret": True, "generate": "certificate"},
    "database_password": {"type": "string", "secret": True, "generate": 20},
    "redis_password": {"type": "string", "secret": True, "generate": 20},
}
"""What examples of blocks may use."""


def example_of(block: str, folder: Path | None = None) -> Any:
    """Return what stands after ``with:`` in the comment at the top of ``block.yaml``."""
    text = ((folder or LIBRARY / block) / "block.yaml").read_text()
    found = re.search(r"^#   with:\n((?:#     .*\n)+)", text, re.MULTILINE)
    assert found is not None, f"{block} has no example"
    return parse_yaml(re.sub(r"^#     ", "", found[1], flags=re.MULTILINE), block).data


def role_plan(block: str, with_: dict[str, Any], base: str = "debian-12") -> RolePlan:
    data = {
        "definition": {
            "base": base,
            "config": CONFIG,
            "components": {"example": {"uses": block, "with": with_}},
            "nodes": {"web": {"components": ["example"]}, "database": {"components": ["example"]}},
        },
        "files": FILES,
    }
    resolved = resolve_data(data)
    domain = DomainDefinition.model_validate(
        {"id": "dev-test", "environment": "dev", "services": [{"service": "test-service-1.0.0"}]}
    )
    environment = Environment(name="dev")
    return plan_service(resolved, digest_of("m"), domain, environment, domain.services[0], {}).roles["web"]


def planned(block: str, with_: dict[str, Any] | None = None) -> ComponentPlan:
    return role_plan(block, example_of(block) if with_ is None else with_).components["example"]


def content(plan: ComponentPlan, path: str) -> str:
    return plan.files[path].content or ""
