"""``soop build``: builds a service definition into an artifact."""

from __future__ import annotations

import argparse
import json

from pydantic import TypeAdapter, ValidationError

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.cli.terminal import say_step
from soop_components.model.names import Version
from soop_components.project import Project

HELP = "build a service definition into an artifact"
DESCRIPTION = """\
Builds a service definition, once, into an artifact <service>-<version> that holds everything a deployment needs:
program files, building blocks, smoke tests, and the Debian packages of service.lock.

What was built never changes. An edit of a version that is built already becomes a development version,
<next patch>-dev.<digest of the content>, that can be deployed like any other; release it by raising `version:`.
"""
EPILOG = "exit code 3: the package mirror serves a locked package no more; run `soop lock --refresh DEFINITION`."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("definition", metavar="DEFINITION", help="its folder, service_defs/access-service, or its name")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--version", type=_version, metavar="V", help="build as this version instead of service.yaml's")
    kind.add_argument("--dev", action="store_true", help="build a development version in any case")
    parser.add_argument("--json", action="store_true", help="print {reference, digest, new} as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Build, and print the artifact's name and digest."""
    project = Project.find()
    source = read_source(project, arguments.definition)
    built = build(project, source, say_step, arguments.version, arguments.dev)
    if arguments.json:
        print(json.dumps({"reference": str(built.reference), "digest": built.digest, "new": built.is_new}))
        return 0
    if built.instead_of is not None:
        service = built.reference.service
        print(f"{service}-{built.instead_of} is built already with other content; this is a development version of it")
    print(f"{built.reference}  {built.digest}{'' if built.is_new else '  (already built)'}")
    return 0


def _version(text: str) -> str:
    try:
        return TypeAdapter(Version).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(f"expected a version such as 3.2.4, not {text!r}") from None
