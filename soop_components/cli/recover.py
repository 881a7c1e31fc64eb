"""``soop recover``: clears what a killed deployment left behind."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from soop_components.cli.terminal import say
from soop_components.engine import Engine
from soop_components.engine.domains import domain_lock, overview, stack_of
from soop_components.engine.recovery import recover
from soop_components.errors import SoopError
from soop_components.project import Project

HELP = "clear what a killed deployment left behind"
DESCRIPTION = """\
Clears what a killed deployment of the domain left: the lock of its dead process, creations that were cut off, remains
of machines on this host. `soop deploy` and `soop destroy` do this by themselves; it is there for those who call
`pulumi up`.

A state that is damaged is restored from the newest copy that Pulumi keeps. What was changed after that copy is not in
it; the next `soop deploy` looks at the nodes.

With --check it changes nothing and lists the domains that need it, or are being changed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="which one; with --check all if not given")
    parser.add_argument("--check", action="store_true", help="only list what needs it; exit code 1 if anything does")
    parser.add_argument(
        "--of-pulumi",
        nargs=argparse.REMAINDER,
        metavar="WORD",
        help="with --check: only the domain that a `pulumi` with these words is for",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="remove locks of living processes and of other hosts too; make sure first",
    )


def run(arguments: argparse.Namespace) -> int:
    """Recover one domain, or list those that need it."""
    project = Project.find()
    engine = Engine(project)
    if arguments.check:
        words = arguments.of_pulumi
        return _check(engine, arguments.domain if words is None else named_stack(words) or engine.selected_stack())
    if arguments.domain is None:
        raise SoopError("which domain is to be recovered?", "soop recover DOMAIN; `soop recover --check` lists them")
    id = stack_of(engine, arguments.domain)
    with domain_lock(project, id):
        recovered = recover(engine, id, say, force=arguments.force)
    if not engine.sees_locks and not arguments.force:
        say(f"{id}: a lock may be there, which this backend does not show; `pulumi up` names who holds it")
        say(f"  when that process is gone: soop recover --force {id}")
    elif not recovered:
        say(f"{id}: nothing to recover")
    return 0


def named_stack(words: Sequence[str]) -> str | None:
    """Return the stack that the words of a ``pulumi`` command name, None if it means the selected one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-s", "--stack", nargs="?")
    named: str | None = parser.parse_known_args(words)[0].stack
    return named and named.rsplit("/", 1)[-1]


def _check(engine: Engine, wanted: str | None) -> int:
    unfinished = [domain for domain in overview(engine, wanted) if domain.unfinished]
    for domain in unfinished:
        print(f"{domain.id}: {domain.unfinished}")
    return 1 if unfinished else 0
