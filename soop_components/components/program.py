"""The program of a stack: loads the domain definition, plans every service, declares the domain."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from typing import cast

import pulumi

from soop_components.components.custom_resources import Provider
from soop_components.components.domain import Domain
from soop_components.deployment.passphrase_check import check_passphrase
from soop_components.deployment.plan_file import handed_plan
from soop_components.errors import SoopError
from soop_components.history.notes import Note, Notes, Outcome
from soop_components.history.old_runs import forget_old_runs
from soop_components.machines.kinds import kind_of
from soop_components.model.service_plan import DomainPlan
from soop_components.project import Project

_TOLD = 32
"""Exit code of a program that has reported to the user what is wrong; its language host then adds nothing."""


def deploy_domain() -> None:
    """Declare the domain of the selected stack; the whole of a project's ``__main__.py``.

    A mistake in what was read ends the run with every problem named and nothing declared.
    """
    # Leave without a traceback: the engine has reported already that the run was interrupted.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    stack = pulumi.get_stack()
    _note(Note(stack, Outcome.BEGUN))
    _forget_old_runs(stack)
    try:
        # ``soop deploy`` may have made and checked one.
        plan = handed_plan(stack) or _new_plan()
        kind_of(plan.environment.machines).require()
        check_passphrase(Project.find(), stack, plan.environment, os.environ)
    except SoopError as error:
        _note(Note(stack, Outcome.FAILED, reason=str(error)))
        pulumi.log.error(str(error))
        sys.exit(_TOLD)
    for note in plan.notes:
        pulumi.log.warn(note)
    pulumi.run(lambda: _declare(plan))


def _note(note: Note) -> None:
    """Note something of an update, which Pulumi's history will not say."""
    if not pulumi.runtime.is_dry_run():
        Notes.of(Project.find(), pulumi.get_project(), note.subject).add(note)


def _forget_old_runs(stack: str) -> None:
    """Keep the engine's history bounded, whoever starts an update."""
    project = Project.find()
    if not pulumi.runtime.is_dry_run() and (state := project.folder_of(project.backend)):
        forget_old_runs(state, pulumi.get_project(), stack)


async def _declare(plan: DomainPlan) -> None:
    """Declare the domain and let all its registrations begin.

    The SDK awaits those that have begun; of what has not, it watches each output, thousands of them again and again.
    """
    declare(plan, pulumi.Config("soop").get_secret_object("secrets"))
    await asyncio.sleep(0)


def declare(plan: DomainPlan, given: pulumi.Output[object] | None) -> Domain:
    """Declare the domain's resources and the stack's outputs; ``given`` are the domain's own secrets."""
    provider = Provider("soop")
    secrets = {
        service: {key: _pick(given, service, key) for key in keys} for service, keys in plan.given_secrets.items()
    }
    domain = Domain(
        plan.id,
        plan.environment,
        plan.services,
        images=plan.images,
        requires=plan.requires,
        together=plan.together,
        secrets=secrets,
        opts=pulumi.ResourceOptions(providers=[provider]),
    )
    pulumi.export("domain", plan.id)
    for name, value in domain.outputs().items():
        pulumi.export(name, value)
    return domain


def _pick(given: pulumi.Output[object] | None, service: str, key: str) -> pulumi.Output[str]:
    if given is None:
        raise SoopError(f"soop:secrets.{service}.{key}: is not set")

    def pick(secrets: object) -> str:
        return str(cast(Mapping[str, Mapping[str, object]], secrets)[service][key])

    return given.apply(pick)


def _new_plan() -> DomainPlan:
    """Plan what the stack's configuration says."""
    from soop_components.deployment.domain_plan import load_domain_plan
    from soop_components.reading.loader import OPTIONAL

    config = pulumi.Config("soop")
    secrets = config.get_object("secrets") or {}
    return load_domain_plan(
        Project.find(),
        pulumi.get_stack(),
        environment=config.get("environment"),
        services=config.get_object("services"),
        optional={key: config.get_object(key.removeprefix("soop:")) for key in OPTIONAL},
        secret_names={service: tuple(keys) for service, keys in secrets.items()},
    )
