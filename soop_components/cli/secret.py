"""``soop secret``: shows or gives a secret of a service."""

from __future__ import annotations

import argparse
import sys
from getpass import getpass

from soop_components.cli.terminal import is_interactive, say
from soop_components.deployment.domain_file import DomainFile
from soop_components.deployment.domain_plan import plan_of
from soop_components.deployment.environment_file import environment_of_domain
from soop_components.deployment.passphrase_check import check_passphrase
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import domain_lock, stack_of
from soop_components.engine.recovery import recover
from soop_components.errors import SoopError
from soop_components.model.names import did_you_mean
from soop_components.project import Project

HELP = "show or give a secret of a service"
DESCRIPTION = """\
`soop secret show access-service.database_password dev-access` prints a secret that was accepted. `set` reads a value
from a pipe, or asks for it, seals it in the domain definition and updates the domain. A new value that is not accepted
is rolled back: the accepted one stays in use. The update is that of `pulumi up`: other edits of the domain definition
or its environment are applied along. A new value for one that is generated: `soop rotate`.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("action", choices=("show", "set"), help="what to do")
    parser.add_argument("secret", metavar="SERVICE.KEY", help="such as access-service.database_password")
    parser.add_argument("domain", metavar="DOMAIN", help="its id, such as dev-access")


def run(arguments: argparse.Namespace) -> int:
    """Show a secret; or change it and update the stack."""
    project = Project.find()
    engine = Engine(project)
    id = stack_of(engine, arguments.domain)
    service, _, key = arguments.secret.partition(".")
    if not service or not key:
        raise SoopError(f"expected SERVICE.KEY such as access-service.database_password (got {arguments.secret!r})")
    if arguments.action == "show":
        print(_accepted(engine.state(id, show_secrets=True), id, service, key))
        return 0
    value = _read_value(arguments.secret)
    with domain_lock(project, id):
        recover(engine, id, say)
        return _give(engine, engine.state(id), id, service, key, value)


def _accepted(state: StackState, id: str, service: str, key: str) -> str:
    known = {
        f"{release.service}.{name}": value for release in state.releases for name, value in release.secrets.items()
    }
    name = f"{service}.{key}"
    value = known.get(name)
    if value is None:
        raise SoopError(f"{id}: no secret {name} was accepted", did_you_mean(name, known))
    return value


def _read_value(secret: str) -> str:
    """Read a value, of which the last line break is no part."""
    value = getpass(f"{secret}: ") if is_interactive() else sys.stdin.read().removesuffix("\n")
    if not value:
        raise SoopError(f"{secret}: no value was given", "soop secret set reads it from standard input")
    return value


def _give(engine: Engine, state: StackState, id: str, service: str, key: str, value: str) -> int:
    check_passphrase(engine.project, id, environment_of_domain(engine.project, id), engine.environment)
    file = DomainFile(engine.project, id)
    before = file.read()
    code = 1
    try:
        engine.give_secret(id, service, key, value)
        if not any(release.version for release in state.releases):
            code = 0
            say(f"{file.label}: {service}.{key} is set; the next `soop deploy` brings it to the nodes")
            return code
        plan_of(engine.project, file.definition(file.read() or ""), file.label)
        code = engine.up(id)
    finally:
        if code:
            file.restore(before)
            say(f"{id}: {service}.{key} was not changed")
    return code
