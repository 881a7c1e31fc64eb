"""``soop plan``: says what an update of a domain would do, and changes nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from soop_components.cli import plan_branch
from soop_components.cli.deploy import add_lose_data, add_with_data, references_of, with_data
from soop_components.cli.terminal import say
from soop_components.engine.domains import domain_lock
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.reviewed_plan import reviewed
from soop_components.preview import DomainPreview, as_markdown, as_text
from soop_components.project import Project

HELP = "say what an update of a domain would do"
DESCRIPTION = """\
Says in words what `pulumi up` would do with a domain, or `soop deploy` with the same words: which version becomes
which, what happens with which nodes, in which order, and what cannot be undone. The engine's own preview is asked; it
looks at the nodes, and changes nothing.

With --out the plan is written into a file that somebody may review. `soop deploy --plan FILE` carries out exactly that,
or refuses when the domain definition, the environment, artifacts, the state or nodes have changed in between.

With --base, says it of all domains that the branch touches: those whose definition, environment, or service definition
in the version that they name differs from where the branch left its base. A domain that is not deployed, or whose state
is elsewhere, is compared with its definition there. A domain that cannot be planned is named, and the exit code is 1.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    words = "the domain, <environment>-<name>; before it what would be deployed, if not what is defined"
    parser.usage = "%(prog)s [options] [SERVICE-VERSION ...] DOMAIN"
    parser.add_argument("words", nargs="*", metavar="[SERVICE-VERSION ...] DOMAIN", help=words)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the plan into a file, for soop deploy --plan")
    add_lose_data(parser)
    add_with_data(parser)
    plan_branch.add_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON; docs/schemas/plan.json describes it")
    how.add_argument("--markdown", action="store_true", help="print it as Markdown, details folded")


def run(arguments: argparse.Namespace) -> int:
    """Ask the engine, and say what it means."""
    if plan_branch.is_meant(arguments):
        return plan_branch.run(arguments)
    project = Project.find()
    *names, domain = arguments.words
    references = references_of(names)
    if references:
        update = PlannedUpdate.deploying(project, domain, references)
    else:
        update = PlannedUpdate.as_defined(project, domain)
    if arguments.lose_data:
        update = update.losing_data(arguments.lose_data)
    with domain_lock(project, update.file.id), update.engine(with_data(arguments)) as engine:
        say(f"looking at {update.file.id} …")
        preview = engine.preview()
        if arguments.out:
            reviewed(engine, references, preview, arguments.lose_data).write(arguments.out)
    show(preview, arguments)
    return 0


def show(preview: DomainPreview, arguments: argparse.Namespace) -> None:
    """Print a preview as it is asked for."""
    if arguments.json:
        print(preview.model_dump_json(indent=2))
    else:
        print(as_markdown(preview) if arguments.markdown else as_text(preview))
