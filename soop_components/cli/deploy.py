"""``soop deploy``: deploys service definitions by name and version."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from soop_components.cli.status import show
from soop_components.cli.terminal import confirmed, is_interactive, say
from soop_components.deployment.domain_file import DomainFile
from soop_components.deployment.plan_file import VARIABLE, write_plan
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import DomainStatus, domain_lock
from soop_components.engine.recovery import recover, refuse_if_busy
from soop_components.errors import InvalidInput, SoopError
from soop_components.machines import WITH_DATA
from soop_components.model.names import Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.project import Project
from soop_components.reading.domain_text import is_begun, references_in

HELP = "deploy a service into a domain: soop deploy access-service-3.2.3 dev-access"
DESCRIPTION = """\
Deploys one or more service definitions into a domain. The domain definition, stacks/Pulumi.<domain>.yaml, is begun
with defaults if there is none; otherwise only the line with the service's version changes. At a terminal the preview is
shown and you are asked; elsewhere, or with --yes, it goes ahead.

Where a role was renamed or removed, or has fewer nodes, disks would be deleted: that is refused without --with-data.

When a version is not accepted, its nodes are rolled back to the last good one, and the domain definition names that one
again. What a killed deployment left behind is cleared first.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("references", nargs="+", metavar="SERVICE-VERSION", help="what `soop build` built")
    parser.add_argument("domain", metavar="DOMAIN", help="<environment>-<name>, such as dev-access")
    parser.add_argument("--with-data", action="store_true", help="delete disks that no node has any more")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preview", action="store_true", help="only show what would change")
    how.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then change the domain definition and update the stack."""
    project = Project.find()
    references = _references(arguments.references)
    file = DomainFile(project, arguments.domain)
    text, plan = file.deploying(references)
    with domain_lock(project, file.id), TemporaryDirectory(dir=project.home / "run") as folder:
        plan_file = Path(folder) / "plan.json"
        write_plan(plan, plan_file)
        with_data = {WITH_DATA: "1"} if arguments.with_data else {}
        engine = Engine(project, {**os.environ, VARIABLE: str(plan_file), **with_data})
        exists = file.id in engine.stacks()
        if exists:
            _check_disks(engine, plan, only_warn=arguments.with_data or arguments.preview)
        asks = not arguments.yes and is_interactive()
        if arguments.preview or asks:
            code = _preview(engine, file, text, Path(folder), exists)
            if code or arguments.preview:
                return code
            if not confirmed(f"Deploy {', '.join(map(str, references))} to {file.id}?"):
                say("nothing was changed")
                return 1
        return _update(engine, file, text, references, exists)


def _check_disks(engine: Engine, plan: DomainPlan, *, only_warn: bool) -> None:
    """Say which disks would be deleted, and refuse that unless it is wanted."""
    kept = {node.name for service in plan.services for node in service.nodes.values() if node.disk}
    leaving = [disk for disk in engine.state(plan.id).disks if disk not in kept]
    if leaving:
        error = SoopError(
            f"{plan.id}: no node has the disks of {', '.join(leaving)} any more: they would be deleted with their data",
            "a role that was renamed finds its data under its old name only; to delete it: soop deploy --with-data",
        )
        if not only_warn:
            raise error
        say(f"warning: {error.message}")


def _references(words: Sequence[str]) -> list[Reference]:
    """Parse references; raise ``InvalidInput`` with every mistake in them."""
    references: list[Reference] = []
    problems: list[str] = []
    for word in words:
        try:
            reference = Reference.parse(word)
        except ValueError as error:
            problems.append(f"{error} (got {word!r})")
            continue
        if any(known.service == reference.service for known in references):
            problems.append(f"{reference}: {reference.service} is named twice; a service is at most once in a domain")
        references.append(reference)
    if problems:
        raise InvalidInput(problems)
    return references


def _preview(engine: Engine, file: DomainFile, text: str, folder: Path, exists: bool) -> int:
    """Show what the engine would do with the new text; changes nothing."""
    candidate = folder / file.path.name
    candidate.write_bytes(text.encode())
    with nullcontext() if exists else _stack(engine, file):
        return engine.preview(file.id, candidate)


@contextmanager
def _stack(engine: Engine, file: DomainFile) -> Iterator[None]:
    """Have a stack for a moment, which the engine needs for a preview."""
    before = file.read()
    try:
        engine.make_stack(file.id)
        yield
    finally:
        if file.id in engine.stacks():
            engine.remove_stack(file.id)
        file.restore(before)


def _update(engine: Engine, file: DomainFile, text: str, references: Sequence[Reference], exists: bool) -> int:
    if exists:
        recover(engine, file.id, say)
    before = file.read()
    if text != before:
        file.write(text)
    if not exists:
        try:
            engine.make_stack(file.id)
        except SoopError:
            file.restore(before)
            raise
    code = engine.up(file.id)
    if code:
        _after_failure(engine, file, before, references)
    else:
        show([DomainStatus(file.id, engine.state(file.id))])
    return code


def _after_failure(engine: Engine, file: DomainFile, before: str | None, references: Sequence[Reference]) -> None:
    """Name the version that runs in the domain definition again, and say what is deployed and what can be done."""
    refuse_if_busy(engine, file.id)
    state = engine.state(file.id)
    earlier = () if before is None or is_begun(before) else references_in(before)
    running = [reference for reference in earlier if _runs_instead(state, reference, references)]
    if running:
        file.change(running)
    named = {reference.service: reference for reference in (*references, *running)}
    for wanted in references:
        say(_outcome(file, wanted, named[wanted.service], state.running(wanted.service)))


def _runs_instead(state: StackState, earlier: Reference, references: Sequence[Reference]) -> bool:
    """Return whether ``earlier`` runs although another version of its service was wanted."""
    other = any(wanted.service == earlier.service and wanted != earlier for wanted in references)
    return other and state.running(earlier.service) == earlier.version


def _outcome(file: DomainFile, wanted: Reference, named: Reference, running: str | None) -> str:
    """Return what is deployed now, what the domain definition names, and what can be done."""
    again = f"try again: soop deploy {wanted} {file.id}"
    if running is None:
        return f"{file.id}: {wanted.service} was never accepted here; {file.label} keeps {named}\n  {again}"
    if running == wanted.version:
        return f"{file.id}: {wanted} is what was accepted last\n  {again}"
    if running == named.version:
        return f"{file.id}: {named} is still the accepted version, and {file.label} names it again\n  {again}"
    accepted = Reference(wanted.service, running)
    return (
        f"{file.id}: {accepted} is still the accepted version, though {file.label} names {named}\n"
        f"  {again}\n  roll back: soop deploy {accepted} {file.id}"
    )
