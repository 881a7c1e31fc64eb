"""One verb per target of the Makefile: ``toolchain/run VERB``."""

from __future__ import annotations

import argparse
import os
import sys
from io import TextIOWrapper
from pathlib import Path

if not __package__:
    toolchain = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(toolchain), str(toolchain.parent)]

import bootstrap
from bootstrap import checks, clean, docs, down, engine, requirements, setup, up
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.errors import SoopError

VERBS = {
    "setup": setup.run,
    "toolchain": engine.build,
    "requirements": requirements.run,
    "env": setup.show_environment,
    "up": up.run,
    "down": down.run,
    "clean": clean.run,
    "docs": docs.run,
    "lint": checks.lint,
    "test-real": checks.test_real,
    "test": checks.test,
    "test-aws": checks.test_aws,
    "soak": checks.soak,
    "test-libvirt": checks.test_libvirt,
}


def main() -> int:
    """Run one verb; trouble is one line."""
    parser = argparse.ArgumentParser(prog="toolchain/run", description=bootstrap.__doc__)
    parser.add_argument("verb", choices=VERBS)
    verb = parser.parse_args().verb
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in order with what programs print
    try:
        VERBS[verb](Checkout(Path(__file__).resolve().parents[2]))
    except SoopError as error:
        red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else ("", "")
        print(f"{red}{error}{plain}", file=sys.stderr)
        return error.exit_code if isinstance(error, Trouble) else 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
