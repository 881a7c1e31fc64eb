"""Releases for previews, with what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from soop_components.model.names import Reference
from soop_components.model.plan import ComponentPlan, File, HookPlan, Package, RolePlan, Script, SmokeTestPlan, Unit
from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs, ReleaseNode
from soop_components.transport.ssh import Target

DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
DOMAIN = "dev-access"
HOOK = HookPlan(blob=DIGEST, source="hook")


def package(version: str) -> Package:
    return Package(version=version, architecture="amd64", digest=DIGEST, size=1)


API = ComponentPlan(
    files={
        "/opt/api/api.py": File(content="1"),
        "/etc/first.env": File(content="1", first=True),
        "/etc/api.env": File(content="password=@@soop-secret:password@@", secret=True),
    },
    units={
        "api.service": Unit(content="[Service]", restart_on=("/opt/api", "/etc/api.env", "/etc/first.env")),
        "first.service": Unit(content="[Service]", restart_on=("/opt/api",), first=True),
    },
)
PROXY = ComponentPlan(
    files={"/etc/nginx/nginx.conf": File(content="1")},
    units={"nginx.service": Unit(reload_on=("/etc/nginx",))},
)
WEB = RolePlan(
    packages={"nginx": package("1.22")},
    components={"api": API, "proxy": PROXY},
    order=("api", "proxy"),
    after=("database",),
    rollout=RolloutSettings(canaries=1, max_in_flight=2, watch="30s"),
    hooks={"drain": HOOK, "undrain": HOOK},
)
DATABASE = RolePlan(
    components={
        "store": ComponentPlan(scripts=(Script(name="migrate", content="#!/bin/sh", triggers=("/srv/migrations",)),))
    },
    order=("store",),
    disk="/srv",
)


def release(
    version: str = "3.2.3",
    digest: str = DIGEST,
    counts: Mapping[str, int] | None = None,
    **roles: RolePlan,
) -> ReleaseInputs:
    """Return a release of access-service with a database and three web nodes."""
    plans = {"database": DATABASE, "web": WEB, **roles}
    names = [
        (f"{role}-{number}.access-service.{DOMAIN}", role, number)
        for role, count in (counts or {"database": 1, "web": 3}).items()
        for number in range(1, count + 1)
    ]
    nodes = {name: ReleaseNode(Target(name, "", ""), role, number) for name, role, number in names}
    return ReleaseInputs(
        reference=Reference("access-service", version),
        digest=digest,
        roles=plans,
        nodes=nodes,
        smoke_tests=(SmokeTestPlan(name="health"),),
        endpoints={},
        hosts=dict.fromkeys(nodes, ""),
        secrets={},
        private_key="",
    )


def with_file(role: RolePlan, component: str, path: str, content: str) -> RolePlan:
    """Return a role with another content of a file."""
    part = role.components[component]
    files = {**part.files, path: File(content=content)}
    changed = part.model_copy(update={"files": files})
    return role.model_copy(update={"components": {**role.components, component: changed}})


def changed(inputs: ReleaseInputs, **fields: Any) -> ReleaseInputs:
    return replace(inputs, **fields)
