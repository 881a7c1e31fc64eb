"""A release of three roles, and states in which its nodes are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from soop_components.model.data import Migration, MigrationKind
from soop_components.model.names import Reference
from soop_components.model.plan import ComponentPlan, HookPlan, RolePlan, Script, ScriptSmoke, SmokeTestPlan
from soop_components.model.service import HookName, RolloutSettings
from soop_components.release.inputs import ReleaseInputs, ReleaseNode
from soop_components.release.order import NodeState
from soop_components.transport.ssh import Target

DIGEST = "sha256:" + "0" * 64
NEW = NodeState(has_accepted=False, can_roll_back=False, is_last_good=True, missing=(DIGEST,), has_changes=True)
SNAPSHOT = "a-service-1.0.0.before-1.0.1"
SERVING = NodeState(has_accepted=True, can_roll_back=True, is_last_good=True, missing=(DIGEST,), has_changes=True)
DRIFTED = NodeState(has_accepted=True, can_roll_back=False, is_last_good=True, missing=(), has_changes=True)
"""Runs what is rolled out, but was changed by hand."""
DONE = NodeState(has_accepted=True, can_roll_back=False, is_last_good=True, missing=(), has_changes=False)
"""Runs what is rolled out, and that is what the state names."""
LEFT = NodeState(has_accepted=True, can_roll_back=True, is_last_good=False, missing=(), has_changes=False)
"""Runs what is rolled out, from an attempt that was killed before the state named it."""


def release_of(nodes: Mapping[str, int], roles: Mapping[str, RolePlan]) -> ReleaseInputs:
    """Return a release with so many nodes of each role and one smoke test on the first of them."""
    names = {f"{role}-{number}": (role, number) for role, count in nodes.items() for number in range(1, count + 1)}
    smoke = SmokeTestPlan(name="try", script=ScriptSmoke(nodes=(next(iter(names)),), blob=DIGEST, source="smoke/try"))
    return ReleaseInputs(
        reference=Reference("a-service", "1.0.1"),
        digest=DIGEST,
        roles=roles,
        nodes={
            name: ReleaseNode(Target(name, "10.0.0.1", "key"), *role, patience=30 + role[1])
            for name, role in names.items()
        },
        smoke_tests=(smoke,),
        endpoints={},
        hosts=dict.fromkeys(names, "10.0.0.1"),
        secrets={},
        private_key="key",
    )


HOOKS: dict[HookName, HookPlan] = {name: HookPlan(blob=DIGEST, source=name) for name in get_args(HookName)}
ROLES = {
    "database": RolePlan(rollout=RolloutSettings(canaries=0, snapshot=True), disk="/srv"),
    "web": RolePlan(after=("database",), rollout=RolloutSettings(canaries=1, max_in_flight=2, pause="5s"), hooks=HOOKS),
    "worker": RolePlan(after=("database",), rollout=RolloutSettings(canaries=0, max_in_flight=9, watch="1s")),
}
RELEASE = release_of({"database": 1, "web": 6, "worker": 2}, ROLES)
"""``web`` and ``worker`` wait for ``database``, and not for each other."""
EARLIER = replace(
    RELEASE,
    reference=Reference("a-service", "1.0.0"),
    roles={**ROLES, "database": ROLES["database"].model_copy(update={"order": ("store",)})},
)
"""The version before, whose databases are others."""
UPGRADE = {
    **dict.fromkeys(RELEASE.nodes, SERVING),
    "database-1": replace(SERVING, snapshot=SNAPSHOT),
    "web-2": NEW,
    "web-4": DRIFTED,
    "web-5": DONE,
    "worker-1": LEFT,
}
FIRST = dict.fromkeys(RELEASE.nodes, NEW)


def with_migrations(release: ReleaseInputs, *kinds: MigrationKind) -> ReleaseInputs:
    """Return a release whose databases have migrations of these kinds."""
    store = ComponentPlan(blob=DIGEST, scripts=(Script(name="migrations", source="migrate"),))
    found = tuple(Migration(component="store", label=f"00{n}_m", kind=kind) for n, kind in enumerate(kinds, 1))
    database = release.roles["database"].model_copy(update={"components": {"store": store}, "migrations": found})
    return replace(release, roles={**release.roles, "database": database})
