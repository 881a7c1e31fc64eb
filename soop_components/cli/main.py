"""Entry of ``soop``: finds the verb, runs it, and prints errors so that people can act on them."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, TextIO

from soop_components import VERSION
from soop_components.cli.paragraphs import Paragraphs
from soop_components.errors import InvalidInput, SoopError

VERBS = (
    "init",
    "setup",
    "lock",
    "build",
    "list",
    "show",
    "verify",
    "plan",
    "deploy",
    "replace",
    "status",
    "history",
    "host-key",
    "ami",
    "ssh",
    "logs",
    "restart",
    "secret",
    "rotate",
    "snapshot",
    "destroy",
    "recover",
    "clean",
    "schema",
)
"""Modules of this package, each with ``HELP``, ``DESCRIPTION``, ``add_arguments(parser)``, ``run(arguments)``; a name
has ``_`` for ``-``."""

EXIT_CODES = {"LockedPackageGone": 3}
"""Exit codes of errors that other programs react to; every other error is 1, a wrong command line 2.

By name: their classes are loaded by the verbs that need them, which are fast to start so.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        parser().print_help(sys.stderr)
        return 2
    debug = False
    try:
        arguments = parser(words).parse_args(words)
        debug = arguments.debug
        code = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who reads our output has had enough; keep Python from complaining when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if debug:
            raise
        known = error if isinstance(error, SoopError) else _unexpected(error)
        print_error(known, sys.stderr)
        return EXIT_CODES.get(type(known).__name__, 1)
    return int(code)


def _unexpected(error: Exception) -> SoopError:
    """Return what the system refused, or that there is a mistake in this program."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return SoopError(f"{place}{error.strerror}")
    return SoopError(f"{type(error).__name__}: {error}", "this is a mistake in soop; `soop --debug …` shows where")


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; with a verb among ``words`` only that one is loaded, which is faster."""
    top = argparse.ArgumentParser(
        prog="soop",
        description="Builds service definitions into versioned artifacts, and deploys them into domains.",
        epilog="`soop VERB --help` says more. Exit codes: 1 an error, 2 a wrong command line, 130 Ctrl-C.",
        formatter_class=Paragraphs,
    )
    top.add_argument("--version", action="version", version=f"soop {VERSION}", help="print the version of soop")
    top.add_argument("--debug", action="store_true", help="show where in the program an error comes from")
    kind: Any = partial(argparse.ArgumentParser, formatter_class=Paragraphs)
    verbs = top.add_subparsers(metavar="VERB", required=True, title="verbs", parser_class=kind)
    asked = [word for word in words if not word.startswith("-")][:1]
    for name in VERBS if not set(asked) & set(VERBS) else asked:
        module = importlib.import_module(f"soop_components.cli.{name.replace('-', '_')}")
        epilog = getattr(module, "EPILOG", None)
        verb = verbs.add_parser(name, help=module.HELP, description=module.DESCRIPTION, epilog=epilog)
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return top


def print_error(error: SoopError, stream: TextIO) -> None:
    """Print an error: each problem a line, then what to do about it."""
    lines = error.problems if isinstance(error, InvalidInput) else (error.message,)
    for line in lines:
        print(_red(f"error: {line}", stream), file=stream)
    if error.hint:
        print(f"  {error.hint}", file=stream)


def _red(text: str, stream: TextIO) -> str:
    coloured = stream.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[31m{text}\x1b[0m" if coloured else text


if __name__ == "__main__":
    sys.exit(main())
