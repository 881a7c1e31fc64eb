"""``soop plan``: says what an update of a domain would do, and changes nothing."""

from __future__ import annotations

import argparse

from soop_components.cli.terminal import say
from soop_components.engine import Engine
from soop_components.engine.domains import stack_of
from soop_components.preview import DomainPreview, as_markdown, as_text, preview_of_steps
from soop_components.project import Project

HELP = "say what an update of a domain would do"
DESCRIPTION = """\
Says in words what `pulumi up` would do with a domain: which version becomes which, what happens with which nodes, in
which order, and what cannot be undone. The engine's own preview is asked, which looks at the nodes; nothing is changed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", metavar="DOMAIN", help="<environment>-<name>, such as dev-access")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON; docs/schemas/plan.json describes it")
    how.add_argument("--markdown", action="store_true", help="print it as Markdown, details folded")


def run(arguments: argparse.Namespace) -> int:
    """Ask the engine, and say what it means."""
    engine = Engine(Project.find())
    domain = stack_of(engine, arguments.domain)
    say(f"looking at {domain} …")
    digest = engine.preview_steps(domain)
    show(preview_of_steps(domain, digest.resource_steps(), digest.messages("warning")), arguments)
    return 0


def show(preview: DomainPreview, arguments: argparse.Namespace) -> None:
    """Print a preview as it is asked for."""
    if arguments.json:
        print(preview.model_dump_json(indent=2))
    else:
        print(as_markdown(preview) if arguments.markdown else as_text(preview))
