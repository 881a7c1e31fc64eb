"""What the services of one domain require of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from soop_components.model.domain import SERVICES, TOGETHER, DomainDefinition
from soop_components.model.names import Reference
from soop_components.model.order import circle_in, merged
from soop_components.model.problem import Problem, ProblemKind
from soop_components.model.service import ServiceDefinition
from soop_components.model.versions import VersionRange, version_key

Built = Callable[[], Iterable[Reference]]
"""Returns the service definitions that could be deployed, for advice."""


def requirement_problems(
    domain: DomainDefinition, definitions: Mapping[str, ServiceDefinition], built: Built
) -> Iterator[Problem]:
    """Find requirements that the domain's services do not meet."""
    there = {service.reference.service: service.reference for service in domain.services}
    for index, service in enumerate(domain.services):
        definition = definitions.get(service.reference.service)
        for name, text in definition.requires.items() if definition is not None else ():
            problem = _unmet(domain.id, service.reference, Reference(name, text), there.get(name), built)
            if problem is not None:
                kind = ProblemKind.UNKNOWN_NAME if name not in there else ProblemKind.WRONG_VALUE
                yield Problem((SERVICES, index, "service"), problem, kind, name)
    requires = {name: sorted(each.requires.keys() - {name}) for name, each in definitions.items()}
    if circle := circle_in(requires):
        advice = "take one of these requirements out and build that service again"
        text = f"services require each other in a circle: {' requires '.join([*circle, circle[0]])}; {advice}"
        yield Problem((SERVICES,), text)
    elif circle := circle_in(merged(requires, domain.together)):
        groups = {min(group): f"the group of {' and '.join(sorted(group))}" for group in domain.together if group}
        names = [groups.get(name, name) for name in circle]
        text = f"groups and services require each other in a circle: {' requires '.join([*names, names[0]])}"
        yield Problem((TOGETHER,), f"{text}; put all of them into one group, or leave the group out")


def _unmet(domain: str, asks: Reference, wanted: Reference, got: Reference | None, built: Built) -> str | None:
    """Say what is wrong with a requirement; ``wanted`` is a name and a range."""
    admitted = VersionRange.parse(wanted.version)
    if got is not None and admitted.admits(got.version):
        return None
    fitting = [each for each in built() if each.service == wanted.service and admitted.admits(each.version)]
    best = max(fitting, key=lambda each: ("-" not in each.version, version_key(each.version)), default=None)
    requires = f"{asks} requires {wanted.service} {wanted.version}"
    if got is None:
        together = f"soop deploy {best or f'{wanted.service}-VERSION'} {asks} {domain}"
        return f"{requires}, which is not in this domain; deploy both: {together}; or remove {asks.service} as well"
    advice = f"deploy one that fits, such as {best}" if best else "build and deploy one that fits"
    return f"{requires} (got {got}); {advice}, or deploy a version of {asks.service} that accepts {got.version}"
