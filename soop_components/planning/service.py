"""The plan of a service in a domain: what each of its nodes must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import packed_path
from soop_components.model.data import Data
from soop_components.model.domain import DomainDefinition, DomainService
from soop_components.model.environment import Environment
from soop_components.model.firewall import Rule
from soop_components.model.names import NodeName
from soop_components.model.parts import DataPart, LogPart
from soop_components.model.plan import ComponentPlan, RolePlan
from soop_components.model.service import DiskDefinition, NodeDefinition, RolloutSettings, ServiceDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan
from soop_components.planning import limits
from soop_components.planning.checks import role_problems, secret_keys
from soop_components.planning.component_needs import asked_packages
from soop_components.planning.expand import expand
from soop_components.planning.inbound import inbound_rules, refuse_public_ssh
from soop_components.planning.inside import inside
from soop_components.planning.marks import secret_mark
from soop_components.planning.parts import answers, listed_parts, validated
from soop_components.planning.place import Place
from soop_components.planning.programs import Programs, endpoint_ports, program_secrets
from soop_components.planning.scope import Scope, component_scope, imports_of, service_scope

_MOST_NODES = 5000
"""Nodes of one service in one domain."""


@limits.per_service()
def plan_service(
    resolved: ResolvedDefinition,
    digest: str,
    domain: DomainDefinition,
    environment: Environment,
    service: DomainService,
    services: Mapping[str, ServicePlan],
    where: Place | None = None,
) -> ServicePlan:
    """Return everything that one release carries out; ``InvalidInput`` has all that is wrong with it.

    ``digest`` is of the artifact's manifest, ``services`` are the plans of the services that this one may refer to,
    ``where`` is what mistakes name, the artifact if nothing is given. The domain definition has been checked against
    the service definition (``model/domain_checks.py``).
    """
    definition = resolved.definition
    where = where or Place(str(definition.reference))
    names = _node_names(definition, service, domain.id, where)
    scope = service_scope(definition, _config(definition, service), names, domain.id, environment.name, services)
    imports = imports_of(definition, services, where)
    secrets = {*imports, *(key for key, option in definition.config.items() if option.secret)}
    roles = _roles(resolved, service, environment, scope, secrets, where)
    ports = endpoint_ports(definition, scope, where)
    refuse_public_ssh(definition, environment, ports, where)
    endpoints = {
        name: tuple(f"{endpoint.scheme}://{node}:{ports[name]}" for node in names[endpoint.role])
        for name, endpoint in definition.endpoints.items()
    }
    given = domain.secrets.get(definition.service, ())
    used = {key for role in roles.values() for part in role.components.values() for key in secret_keys(part)}
    programs = Programs(resolved, scope, names, ports, endpoints, domain.id, secrets, where)
    smoke_tests, hooks = programs.smoke_tests(), {role: programs.hooks(role) for role in roles}
    used |= program_secrets(smoke_tests, (hook for each in hooks.values() for hook in each.values()))
    return ServicePlan(
        service=definition.service,
        version=definition.version,
        digest=digest,
        roles={role: plan.model_copy(update={"hooks": hooks[role]}) for role, plan in roles.items()},
        nodes={
            node.name: node
            for role in definition.nodes
            for node in _nodes(
                definition,
                role,
                names[role],
                inbound_rules(resolved, role, roles[role], domain, environment, ports, scope, where),
            )
        },
        kept_disks=_kept_disks(definition, service, domain.id, names),
        smoke_tests=smoke_tests,
        endpoints=endpoints,
        secrets={
            key: None if key in given else _made(definition, key, domain.id)
            for key in sorted({*used, *definition.exports.secrets} - imports.keys())
        },
        exports=definition.exports.secrets,
        imports={key: imports[key] for key in sorted(used & imports.keys())},
        lose_data=service.lose_data,
        **_disks(definition, environment),
    )


def _nodes(
    definition: ServiceDefinition, role: str, names: Sequence[str], inbound: tuple[Rule, ...]
) -> Iterator[NodePlan]:
    node = definition.nodes[role]
    for number, name in enumerate(names, 1):
        yield NodePlan(name=name, role=role, number=number, size=node.size, disk=node.disk, inbound=inbound)


def _config(definition: ServiceDefinition, service: DomainService) -> dict[str, Any]:
    """Return the service's configuration as templates see it: what the domain says, and marks in place of secrets."""
    return {
        key: secret_mark(key) if option.secret else service.config.get(key, option.default)
        for key, option in definition.config.items()
    }


def _made(definition: ServiceDefinition, key: str, domain: str) -> int | str | None:
    """Return what a secret is made of: a number of characters, or what its certificate's hosts have in common."""
    made = definition.config[key].generate
    return f"{definition.service}.{domain}" if made == "certificate" else made


def _node_names(
    definition: ServiceDefinition, service: DomainService, domain: str, where: Place
) -> dict[str, tuple[str, ...]]:
    """Return the names of each role's nodes, in the order of their numbers."""
    counts = {role: service.nodes.get(role, node.count.default) for role, node in definition.nodes.items()}
    if sum(counts.values()) > _MOST_NODES:
        raise InvalidInput([f"{where}: expected at most {_MOST_NODES} nodes (got {sum(counts.values())})"])
    return {
        role: tuple(str(NodeName(role, number, definition.service, domain)) for number in range(1, count + 1))
        for role, count in counts.items()
    }


def _kept_disks(
    definition: ServiceDefinition, service: DomainService, domain: str, names: Mapping[str, Sequence[str]]
) -> dict[str, DiskDefinition]:
    """Return the disks that stay although the role has fewer nodes now, by the names that their nodes had."""
    return {
        str(NodeName(role, number, definition.service, domain)): node.disk
        for role, node in definition.nodes.items()
        for number in range(len(names[role]) + 1, service.disks.get(role, 0) + 1)
        if node.disk
    }


def _disks(definition: ServiceDefinition, environment: Environment) -> dict[str, Any]:
    """Return what a release must know to take snapshots of disks; nothing if there are none."""
    if not any(node.disk for node in definition.nodes.values()):
        return {}
    return {"machines": environment.machines, "snapshots": environment.reliability.snapshots}


def _roles(
    resolved: ResolvedDefinition,
    service: DomainService,
    environment: Environment,
    scope: Scope,
    secrets: set[str],
    where: Place,
) -> dict[str, RolePlan]:
    """Return the plan of each role; the mistakes of all roles are reported together."""
    problems: list[str] = []
    roles: dict[str, RolePlan] = {}
    for role, node in resolved.definition.nodes.items():
        components: dict[str, ComponentPlan] = {}
        data: list[Data] = []
        for name in node.components:
            try:
                components[name] = _component(resolved, role, name, scope, where.at("components", name))
                data += _data(resolved, role, name, scope, where.at("components", name))
            except SoopError as error:
                problems += error.problems if isinstance(error, InvalidInput) else [str(error)]
        problems += [f"{where.at('nodes', role)}: {problem}" for problem in role_problems(components, secrets)]
        packages = resolved.roles_packages.get(role, ())
        roles[role] = RolePlan(
            packages={name: resolved.packages[name] for name in packages},
            base_packages=resolved.base_packages.get(role, ()),
            components=components,
            order=node.components,
            after=node.after,
            migrations=tuple(each for each in resolved.migrations if each.component in node.components),
            rollout=_rollout(role, node, service, environment),
            data=tuple(data),
            disk=node.disk.mount if node.disk else None,
        )
    if problems:
        raise InvalidInput(dict.fromkeys(problems))
    return roles


def _rollout(role: str, node: NodeDefinition, service: DomainService, environment: Environment) -> RolloutSettings:
    """Return how an update passes over a role: as it says, as the domain says, and as careful as the environment."""
    rollout = node.rollout.overridden_by(service.rollout.get(role, RolloutSettings()))
    if node.disk is None or not environment.reliability.snapshots.before_upgrade:
        return rollout
    return rollout.overridden_by(RolloutSettings(snapshot=True))


def _component(resolved: ResolvedDefinition, role: str, name: str, scope: Scope, where: Place) -> ComponentPlan:
    """Return one component of a role, expanded."""
    component = resolved.definition.components[name]
    block = resolved.blocks[component.uses]
    within = inside(resolved, role, name, scope, where)
    asked = asked_packages(block, within, where.in_block(block.block).at("packages"))
    there = {*resolved.packages, *resolved.base_packages.get(role, ())}
    missing = {each.name for each in asked} - there
    if missing:
        raise SoopError(
            f"{where}: the artifact lacks packages: {', '.join(sorted(missing))}", "run soop lock and build again"
        )
    expanded = expand(block, resolved.components[name], within, where)
    around = component_scope(scope, role, name)
    logs = [part.path for part in listed_parts(component.logs, LogPart, "path", around, where.at("logs"))]
    debconf = {**expanded.debconf, **answers(component.debconf, around, where.at("debconf"))}
    return expanded.model_copy(update={"logs": tuple(dict.fromkeys([*expanded.logs, *logs])), "debconf": debconf})


def _data(resolved: ResolvedDefinition, role: str, name: str, scope: Scope, where: Place) -> list[Data]:
    """Return what a component keeps on disks that other versions of its programs cannot read."""
    block, packed = resolved.blocks[resolved.definition.components[name].uses], resolved.components[name]
    if block.data is None:
        return []
    place = where.in_block(block.block).at("data")
    found = listed_parts([block.data], DataPart, "program", inside(resolved, role, name, scope, where), place)
    return [
        validated(
            Data,
            {
                "component": name,
                "blob": packed.blob,
                "source": packed_path(block.block, each.program),
                **each.model_dump(include={"written_by", "moved_from", "arguments", "timeout"}),
            },
            place,
        )
        for each in found
    ]
