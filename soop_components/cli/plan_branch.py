"""``soop plan --base``: says what a branch would do with the domains it touches."""

from __future__ import annotations

import argparse
import json
from typing import Any

from soop_components.branch.document import branch_as_markdown, branch_as_text
from soop_components.branch.git_base import GitBase
from soop_components.branch.plans import TouchedDomain, touched_domains
from soop_components.cli.terminal import say_step
from soop_components.errors import SoopError
from soop_components.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what concerns branches."""
    parser.add_argument("--base", metavar="BRANCH", help="all domains that differ from it, such as origin/main")
    parser.add_argument(
        "--definitions",
        action="store_true",
        help="with --base: compare definitions alone; look at nothing deployed, and run no program of the branch",
    )


def is_meant(arguments: argparse.Namespace) -> bool:
    """Return whether a branch is to be planned; refuse what fits neither a branch nor a domain."""
    if arguments.base is None:
        if arguments.definitions:
            raise SoopError("--definitions needs --base", "soop plan --base origin/main --definitions")
        if not arguments.words:
            raise SoopError("a domain or --base is missing", "soop plan DOMAIN, or soop plan --base origin/main")
        return False
    if arguments.words or arguments.out or arguments.with_data or arguments.lose_data:
        what = "neither a domain nor --out, --with-data or --lose-data"
        raise SoopError(f"--base goes with {what}", "soop plan --base origin/main")
    return True


def run(arguments: argparse.Namespace) -> int:
    """Print what is asked for; 1 if a domain could not be planned."""
    project = Project.find()
    base = GitBase.find(project, arguments.base)
    domains = touched_domains(project, base, ask_engine=not arguments.definitions, progress=say_step)
    if arguments.json:
        print(json.dumps([_as_json(domain) for domain in domains], indent=2))
    elif arguments.markdown:
        name = project.pulumi_yaml("name") or project.root.name
        print(branch_as_markdown(name, arguments.base, domains), end="")
    else:
        print(branch_as_text(arguments.base, domains))
    return 1 if any(domain.problems for domain in domains) else 0


def _as_json(domain: TouchedDomain) -> dict[str, Any]:
    return {
        "domain": domain.id,
        "touched": [touch._asdict() for touch in domain.touches],
        "compared": domain.compared,
        "problems": list(domain.problems),
        "preview": domain.preview.model_dump(mode="json") if domain.preview else None,
    }
