"""What an update would do with a domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from soop_components.machines.kinds import kind_of
from soop_components.model.service_plan import DomainPlan
from soop_components.preview.facts import DomainPreview, Loss, ResourceChange, ServicePreview
from soop_components.preview.inputs import of_plan, of_properties, places
from soop_components.preview.nodes import Found
from soop_components.preview.resources import GROUP, RELEASE, ResourceStep, losses_of, resource_changes
from soop_components.preview.service import service_preview
from soop_components.release.inputs import ReleaseInputs

_MACHINE = re.compile(r'nodes\["([^"]+)"\]\.machine')
"""What a Release says is different of a node whose machine somebody wants replaced."""
_CHANGING = ("create", "update", "delete")
"""What an engine may do with a Release; other operations look at it."""
_SECRET = re.compile(r"secrets\.(\w+)")


def preview_of_plans(before: DomainPlan | None, after: DomainPlan | None) -> DomainPreview:
    """Compare two plans of a domain, without asking an engine what exists; None where there is no such domain."""
    plan = after or before
    if plan is None:
        raise ValueError("neither before nor after")
    old, new = map(_by_service, (before, after))
    services = [service_preview(old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old])]
    kept, had = map(_disks, (after, before))
    gone = [name for name in had if name not in kept and not kind_of(plan.environment.machines).disks_stay]
    losses = tuple(Loss(kind="disk", subject=name) for name in sorted(gone))
    return DomainPreview(
        domain=plan.id,
        services=tuple(services),
        together=after.together if after else (),
        resources=tuple(_groups(before, after)),
        losses=losses,
    )


def _groups(before: DomainPlan | None, after: DomainPlan | None) -> Iterator[ResourceChange]:
    """Yield the groups of services that are formed or dissolved."""
    old, new = ({"+".join(sorted(group)) for group in plan.together} if plan else set() for plan in (before, after))
    yield from (ResourceChange(type=GROUP, name=name, action="create") for name in sorted(new - old))
    yield from (ResourceChange(type=GROUP, name=name, action="delete") for name in sorted(old - new))


def _by_service(plan: DomainPlan | None) -> Mapping[str, ReleaseInputs]:
    return {each.service: of_plan(each, plan.images[each.service]) for each in plan.services} if plan else {}


def _disks(plan: DomainPlan | None) -> list[str]:
    """Return the disks of a plan, by the names of their nodes."""
    return [name for each in (plan.services if plan else ()) for name in each.disks]


def preview_of_steps(
    id: str, steps: Sequence[ResourceStep], warnings: Iterable[str] = (), order: Sequence[str] = ()
) -> DomainPreview:
    """Say what the steps of an engine's preview mean; ``order`` has services as they are released."""
    resources, releases = tuple(resource_changes(steps)), _releases(steps, order)
    return DomainPreview(
        domain=id,
        services=tuple(map(_service, releases)),
        together=tuple(dict.fromkeys(filter(None, map(_together, releases)))),
        resources=resources,
        losses=tuple(losses_of(resources)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _releases(steps: Iterable[ResourceStep], order: Sequence[str]) -> Sequence[ResourceStep]:
    """Return a step per service: the one that changes its release, or that looks at it."""
    releases: dict[str, ResourceStep] = {}
    for step in steps:
        if step.type == RELEASE and (step.name not in releases or step.operation in _CHANGING):
            releases[step.name] = step
    places = {name: place for place, name in enumerate(order)}
    return sorted(releases.values(), key=lambda step: (places.get(step.name, len(places)), step.name))


def _together(step: ResourceStep) -> tuple[str, ...]:
    """Return the group of a release; none of one that goes."""
    inputs = step.wanted if step.operation in _CHANGING else step.inputs
    return tuple(map(str, inputs.get("together") or ()))


def _service(step: ResourceStep) -> ServicePreview:
    accepted = bool(step.outputs.get("version"))
    before = of_properties(step.inputs) if accepted and step.inputs else None
    if step.operation == "delete":
        return service_preview(before or of_properties(step.inputs), None)
    wanted = step.wanted if step.operation in _CHANGING else step.inputs
    known = places(step.inputs) if step.inputs else {}
    still = places(wanted)
    found = Found(
        drift=_drift(step.outputs.get("status")),
        new_machines={name for name in known if name not in still},
        asked={match[1] for path in step.changed if (match := _MACHINE.match(path))},
        secrets={match[1] for path in step.changed if (match := _SECRET.match(path))},
    )
    return service_preview(before, of_properties(wanted), found)


def _drift(status: object) -> dict[str, tuple[str, ...]]:
    found = status if isinstance(status, Mapping) else {}
    return {name: tuple(map(str, node.get("drift") or ())) for name, node in found.items() if node.get("drift")}
