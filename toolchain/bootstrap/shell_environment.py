"""The variables with which ``pulumi`` and ``soop`` work here, for our own steps and for a person's shell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from bootstrap.checkout import Checkout

PASSPHRASE = "local domains only"  # noqa: S105 - deliberately public, see below
"""Encrypts secrets in the state of local domains.

Known to all, and the same in every checkout, because Pulumi writes what it derives from the passphrase
(``encryptionsalt``) into the domain definition, which is shared through git: with a passphrase per checkout, one
developer's domain definition would not open in another's. It protects nothing that the mode of .soop, where the state
lies, does not protect already. State that others can reach needs a passphrase of its own in .soop/passphrase, which is
never overwritten.
"""


def variables(checkout: Checkout, base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that differ from ``base``."""
    ours = [str(checkout.venv / "bin")]
    if (checkout.built / "bin").is_dir():
        ours.append(str(checkout.built / "bin"))
    path = [folder for folder in base.get("PATH", os.defpath).split(os.pathsep) if folder not in ours]
    return {
        "PATH": os.pathsep.join([*ours, *path]),
        "PULUMI_BACKEND_URL": f"file://{checkout.home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(checkout.home / "passphrase"),
        "PULUMI_HOME": str(checkout.home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def complete(checkout: Checkout) -> dict[str, str]:
    """Return the whole environment for a program of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME"}}
    return {**environment, **variables(checkout, os.environ)}


def ensure(checkout: Checkout) -> None:
    """Write the passphrase, once, and .soop/env, which a shell reads with ``. .soop/env``."""
    passphrase = checkout.home / "passphrase"
    if not passphrase.exists():
        fresh = passphrase.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(PASSPHRASE + "\n")
        fresh.replace(passphrase)
    (checkout.home / "env").write_text(_lines(checkout))


def show(checkout: Checkout) -> None:
    """Print the lines for ``eval "$(make env)"``."""
    print(_lines(checkout), end="")


def _lines(checkout: Checkout) -> str:
    """Say it for a shell; PATH is extended when the lines are read, not now."""
    mark = "/dev/null/the-path-there-is"
    given = variables(checkout, {"PATH": mark})
    path = shlex.quote(given.pop("PATH").removesuffix(mark))
    rest = [f"export {name}={shlex.quote(value)}" for name, value in given.items()]
    return "\n".join([f'export PATH={path}"$PATH"', *rest]) + "\n"
