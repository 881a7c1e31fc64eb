"""``soop schema``: the JSON Schemas of the YAML files that people write."""

from __future__ import annotations

import argparse

from soop_components.project import Project
from soop_components.schema.schemas import FOLDER, OUTPUTS, SCHEMAS, schema_text, write_schemas

HELP = "print or write the JSON Schemas of the YAML files"
DESCRIPTION = f"""\
Prints a JSON Schema, or writes all of them into {FOLDER} of the project. They are made from the models that check
the files. An editor with the YAML language server completes and checks a file whose first line points at its schema:

  # yaml-language-server: $schema=../../{FOLDER}/service.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "name",
        nargs="?",
        choices=[*SCHEMAS, *OUTPUTS],
        metavar="NAME",
        help=f"one of {', '.join([*SCHEMAS, *OUTPUTS])}",
    )
    what.add_argument("--write", action="store_true", help=f"write all into {FOLDER}")


def run(arguments: argparse.Namespace) -> int:
    """Print one, or write all."""
    if arguments.write:
        for name in write_schemas(Project.find().root):
            print(name)
    else:
        print(schema_text(arguments.name), end="")
    return 0
