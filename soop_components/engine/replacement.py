"""New machines for nodes, in rounds: before each, services in front of its nodes stop sending them requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.state import Release, StackState
from soop_components.machines.kinds import kind_of
from soop_components.model.service_plan import DomainPlan, ServicePlan


@dataclass(frozen=True)
class Round:
    """One update: the machines of ``replaced`` are made anew, and then no service in front asks ``avoided``."""

    update: PlannedUpdate
    replaced: tuple[str, ...]
    avoided: tuple[str, ...]
    only: tuple[str, ...] = ()
    """URNs of the resources that it is about; none: of all."""


def rounds(update: PlannedUpdate, names: Sequence[str], state: StackState) -> Iterator[Round]:
    """Yield the updates that give these nodes new machines, one if no service is in front of any of them.

    An update that also deploys something is one round: what is in front and what is behind may only fit together
    when it is over. Of machines that nodes get by updates alone, each batch has a round.
    """
    in_turn = kind_of(update.plan.environment.machines).replaces_in_turn
    is_deployed = _is_deployed(update.plan, state)
    roles = _batches_by_role(update.plan, names, in_turn) if is_deployed or in_turn else []
    in_front = [(batches, _fronts(update, batches[0]) if is_deployed else frozenset()) for batches in roles]
    batches = [batch for batches, fronts in in_front if fronts or in_turn for batch in batches]
    if not batches:
        yield Round(update, tuple(names), ())
        return
    if any(fronts for _, fronts in in_front):
        fronts = next(fronts for _, fronts in in_front if fronts)
        urns = tuple(each.urn for each in state.releases if each.service in fronts and each.urn)
        yield Round(update.avoiding(batches[0]), (), batches[0], urns)
    together = [name for name in names if not any(name in batch for batch in batches)]
    for batch, avoided in zip(batches, [*batches[1:], ()], strict=True):
        then = update.avoiding(avoided) if avoided else update
        yield Round(then, (*together, *batch), avoided)
        together = []


def _batches_by_role(plan: DomainPlan, names: Sequence[str], in_turn: bool) -> list[list[tuple[str, ...]]]:
    """Return the nodes that others of their role can stand in for, so many at once as the rollout takes.

    Where all are to take turns, one that nobody stands in for is among them.
    """
    found: list[list[tuple[str, ...]]] = []
    for service in plan.services:
        roles: dict[str, list[str]] = {}
        for node in service.nodes.values():
            roles.setdefault(node.role, []).append(node.name)
        for role, nodes in roles.items():
            at_once = min(service.roles[role].rollout.max_in_flight, len(nodes) - 1)
            asked = [name for name in nodes if name in names]
            at_once = max(at_once, in_turn)
            if asked and at_once:
                found.append([tuple(asked[begin : begin + at_once]) for begin in range(0, len(asked), at_once)])
    return found


def _fronts(update: PlannedUpdate, batch: Sequence[str]) -> frozenset[str]:
    """Return the other services that change while a batch is avoided; one of a group changes with its group only."""
    plan, avoiding = update.plan, update.avoiding(batch).plan
    grouped = {service for group in plan.together for service in group}
    return frozenset(
        before.service
        for before, after in zip(plan.services, avoiding.services, strict=True)
        if before != after and before.service not in grouped and not before.nodes.keys() & set(batch)
    )


def _is_deployed(plan: DomainPlan, state: StackState) -> bool:
    """Whether the domain has all that a service sees of another one: services, versions, nodes and endpoints."""
    running: Mapping[str, object] = {
        each.service: (each.version, each.digest, {node.name for node in each.nodes}, _endpoints(each))
        for each in state.releases
    }
    return running == {each.service: _wanted(each) for each in plan.services}


def _endpoints(release: Release) -> Mapping[str, tuple[str, ...]]:
    """Return the endpoints that a Release was given, by node name; its outputs have addresses in them."""
    return {name: tuple(urls) for name, urls in release.inputs.get("endpoints", {}).items()}


def _wanted(service: ServicePlan) -> object:
    return service.version, service.digest, set(service.nodes), service.endpoints
