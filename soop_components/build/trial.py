"""Plans a service for a made-up domain while it is built, so that a mistake in a template shows at once."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.artifact.store import Store
from soop_components.model.domain import DomainDefinition, DomainService
from soop_components.model.environment import Environment, MachineSize
from soop_components.model.service import ConfigOption
from soop_components.model.service_plan import ServicePlan
from soop_components.model.versions import VersionRange
from soop_components.planning.place import Place
from soop_components.planning.service import plan_service

_DIGEST = "sha256:" + "0" * 64
_DOMAIN = "build-trial"
_SAMPLES: dict[str, str | int | bool] = {"string": "sample", "integer": 1, "number": 1, "boolean": True}


def try_plan(resolved: ResolvedDefinition, store: Store, where: Place | None = None) -> None:
    """Plan with default configuration; the error has what cannot be rendered, by its place in ``where``.

    A service that requires others is planned only if the store has them.
    """
    others = {name: _newest(name, versions, store) for name, versions in resolved.definition.requires.items()}
    plans: dict[str, ServicePlan] = {}
    for name, other in others.items():
        if other is None or other.definition.requires:
            return
        plans[name] = _plan(other, {})
    _plan(resolved, plans, where)


def _plan(resolved: ResolvedDefinition, plans: Mapping[str, ServicePlan], where: Place | None = None) -> ServicePlan:
    definition = resolved.definition
    required = {key: option for key, option in definition.config.items() if option.default is None}
    service = DomainService(
        reference=definition.reference,
        nodes={role: max(1, node.count.default) for role, node in definition.nodes.items()},
        config={key: _sample(option) for key, option in required.items() if not option.secret},
    )
    secrets = tuple(key for key, option in required.items() if option.secret and option.generate is None)
    domain = DomainDefinition(
        id=_DOMAIN, environment="build", services=(service,), secrets={definition.service: secrets}
    )
    sizes = {node.size: MachineSize() for node in definition.nodes.values()}
    return plan_service(resolved, _DIGEST, domain, Environment(name="build", sizes=sizes), service, plans, where)


def _sample(option: ConfigOption) -> str | int | float | bool:
    """Return a value for an option that every domain has to give; it need not match a pattern."""
    if option.type in ("integer", "number") and option.minimum is not None:
        return int(option.minimum)
    return _SAMPLES[option.type]


def _newest(name: str, versions: str, store: Store) -> ResolvedDefinition | None:
    """Return the newest artifact of a service within a range."""
    wanted = VersionRange.parse(versions)
    found = [entry for entry in store.list() if entry.reference.service == name]
    admitted = [entry for entry in found if wanted.admits(entry.reference.version)]
    return store.open(admitted[-1].reference).resolved if admitted else None
