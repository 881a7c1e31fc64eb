"""``soop deploy``: deploys service definitions by name and version."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from soop_components.cli.status import show
from soop_components.cli.terminal import confirmed, is_interactive, say
from soop_components.deployment.domain_file import DomainFile
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import DomainStatus, domain_lock
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.recovery import recover, refuse_if_busy
from soop_components.engine.reviewed_plan import ReviewedPlan
from soop_components.errors import InvalidInput, SoopError
from soop_components.history.notes import Outcome
from soop_components.machines import WITH_DATA
from soop_components.model.names import Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.preview import as_text, summary
from soop_components.project import Project
from soop_components.reading.domain_text import is_begun, references_in
from soop_components.release.lost_disks import lost_disks_error

HELP = "deploy a service into a domain: soop deploy access-service-3.2.3 dev-access"
DESCRIPTION = """\
Deploys one or more service definitions into a domain. The domain definition, stacks/Pulumi.<domain>.yaml, is begun
with defaults if there is none; otherwise only the line with the service's version changes. At a terminal the preview is
shown and you are asked; elsewhere, or with --yes, it goes ahead.

With --plan FILE it does exactly what `soop plan --out FILE` has shown, and does not ask; it refuses when anything has
changed in between.

A version that does not run on the schema of the newer one that is there is refused without --lose-data. That is said of
this one downgrade; `lose_data:` in the domain definition says the same.

Where a role was renamed or removed, or has fewer nodes, disks would be deleted: that is refused without --with-data.

When a version is not accepted, its nodes are rolled back to the last good one, and the domain definition names that one
again; where that cannot be, both stay. What a killed deployment left behind is cleared first.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    words = "what `soop build` built, and the domain: <environment>-<name>, such as dev-access"
    parser.usage = "%(prog)s [options] SERVICE-VERSION ... DOMAIN\n       %(prog)s [options] --plan FILE"
    parser.add_argument("words", nargs="*", metavar="SERVICE-VERSION ... DOMAIN", help=words)
    add_lose_data(parser)
    add_with_data(parser)
    parser.add_argument("--plan", type=Path, metavar="FILE", help="exactly what `soop plan --out FILE` has shown")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preview", action="store_true", help="only show what would change")
    how.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.set_defaults(refuse=parser.error)


def add_lose_data(parser: argparse.ArgumentParser) -> None:
    """Add the word that a downgrade may need."""
    parser.add_argument(
        "--lose-data",
        choices=("migrations", "snapshot"),
        help="a downgrade may lose data: down-migrations undo what the newer version did, or disks are what they were",
    )


def add_with_data(parser: argparse.ArgumentParser) -> None:
    """Add the word that an update may need where disks would be deleted."""
    parser.add_argument("--with-data", action="store_true", help="delete disks that no node has any more")


def with_data(arguments: argparse.Namespace) -> dict[str, str]:
    """Return what the engine is told of that."""
    return {WITH_DATA: "1"} if arguments.with_data else {}


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then change the domain definition and update the stack."""
    project = Project.find()
    reviewed = _reviewed(arguments)
    update = _update_of(project, arguments, reviewed)
    lose_data = reviewed.lose_data if reviewed else arguments.lose_data
    update = update.losing_data(lose_data) if lose_data else update
    if reviewed:
        reviewed.check_files(update)
    with domain_lock(project, update.file.id), update.engine(with_data(arguments)) as engine:
        if engine.exists:
            check_disks(engine.engine, update.plan, with_data=arguments.with_data)
        asks = not arguments.yes and not reviewed and is_interactive()
        if arguments.preview or asks or reviewed:
            say(f"looking at {update.file.id} …")
            print("\n".join(summary(reviewed.check(engine))) if reviewed else as_text(engine.preview()), flush=True)
        if arguments.preview:
            return 0
        if asks and not confirmed(f"Deploy {', '.join(map(str, update.references))} to {update.file.id}?"):
            return 1
        return _update(engine.engine, update, engine.exists)


def _reviewed(arguments: argparse.Namespace) -> ReviewedPlan | None:
    """Return the plan that is to be carried out; refuse a command line that says both or nothing."""
    if arguments.plan is None and len(arguments.words) < len(("SERVICE-VERSION", "DOMAIN")):
        arguments.refuse("expected SERVICE-VERSION ... DOMAIN, or --plan FILE")
    if arguments.plan is not None and (arguments.words or arguments.lose_data):
        arguments.refuse("--plan FILE says what is deployed where: expected no SERVICE-VERSION, DOMAIN or --lose-data")
    return ReviewedPlan.read(arguments.plan) if arguments.plan else None


def _update_of(project: Project, arguments: argparse.Namespace, reviewed: ReviewedPlan | None) -> PlannedUpdate:
    """Plan what is asked for."""
    if reviewed and not reviewed.references:
        return PlannedUpdate.as_defined(project, reviewed.domain)
    if reviewed:
        return PlannedUpdate.deploying(project, reviewed.domain, reviewed.references)
    *names, domain = arguments.words
    return PlannedUpdate.deploying(project, domain, references_of(names))


def check_disks(engine: Engine, plan: DomainPlan, *, with_data: bool) -> None:
    """Say which disks would be deleted, and refuse that unless it is wanted."""
    kept = {name for service in plan.services for name in service.disks}
    state = engine.state(plan.id)
    leaving = [disk for disk in state.disks if disk not in kept]
    if not leaving:
        return
    error = lost_disks_error(leaving, state.machines)
    if not with_data:
        raise error
    if protected := [disk for disk in leaving if disk in state.protected]:
        hint = (
            f"to keep them: `disks: {{ROLE: NUMBER}}` beside `nodes:`; else: pulumi state unprotect --stack {plan.id}"
        )
        raise SoopError(f"{error.message}; but protected are {', '.join(protected)}, and nothing was changed", hint)
    say(f"warning: {error.message}")


def references_of(words: Sequence[str]) -> tuple[Reference, ...]:
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
    return tuple(references)


def _update(engine: Engine, update: PlannedUpdate, exists: bool) -> int:
    file = update.file
    if file.read() != update.before:
        raise SoopError(f"{file.label} was changed meanwhile; nothing was done", "look at it, and deploy again")
    if exists:
        recover(engine, file.id, say)
    before = file.read()
    if update.text != before:
        file.write(update.text)
    if not exists:
        try:
            engine.make_stack(file.id)
        except SoopError:
            file.restore(before)
            raise
    code = engine.up(file.id)
    if code:
        _after_failure(engine, file, before, update.references)
    else:
        show([DomainStatus(file.id, engine.state(file.id))])
    return code


def _after_failure(engine: Engine, file: DomainFile, before: str | None, references: Sequence[Reference]) -> None:
    """Name the version that runs in the domain definition again, and say what is deployed and what can be done.

    Where nothing was rolled back, it stays: an update to the version before would put that on what it does not run on.
    """
    refuse_if_busy(engine, file.id)
    state, held = engine.state(file.id), _held(engine, file.id)
    earlier = () if before is None or is_begun(before) else references_in(before)
    running = [
        reference
        for reference in earlier
        if reference.service not in held and _runs_instead(state, reference, references)
    ]
    if running:
        file.change(running)
    named = {reference.service: reference for reference in (*references, *running)}
    for wanted in references:
        if wanted.service in held:
            say(f"{file.id}: {wanted} was not accepted, and nothing was rolled back; {file.label} keeps it")
            say(f"  try again, or deploy a version with the fix: soop deploy {wanted} {file.id}")
        else:
            say(_outcome(file, wanted, named[wanted.service], state.running(wanted.service)))


def _held(engine: Engine, id: str) -> set[str]:
    """Return the services of which the last run has rolled nothing back, since that could not be."""
    with suppress(SoopError):  # without a history, the nodes themselves refuse what cannot be
        return {each.service for run in engine.past_runs(id, 1) for each in run.services if each.result == Outcome.HELD}
    return set()


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
        f"  {again}\n  stay with it: soop deploy {accepted} {file.id}"
    )
