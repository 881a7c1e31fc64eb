"""The variables with which ``pulumi`` and ``soop`` work here, for our own steps and for a person's shell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping

from soop_components.setup.place import Place

OURS = "file://./.soop/state"
"""The backend of a project that says nothing else; Pulumi itself takes it from the working directory."""
WITHOUT_METADATA = "?metadata=skip"
"""Appended to the URL of a file backend, spares the notes beside each file of the state, which the engine never needs.

It writes them in place: killed at that moment it would leave an empty note, and no ``pulumi`` does more than say "EOF"
then.
"""
PASSPHRASE = "local domains only"  # noqa: S105 - deliberately public, see below
"""Encrypts secrets in the state of local domains.

Known to all, and the same in every project, because Pulumi writes what it derives from the passphrase
(``encryptionsalt``) into the domain definition, which is shared through git: with a passphrase per checkout, one
developer's domain definition would not open in another's. It protects nothing that the mode of .soop, where the state
lies, does not protect already. State that others can reach needs a passphrase of its own in .soop/passphrase, which is
never overwritten.
"""


def variables(place: Place, base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that differ from ``base``."""
    ours = [str(place.venv / "bin")]
    if (place.built / "bin").is_dir():
        ours.append(str(place.built / "bin"))
    path = [folder for folder in base.get("PATH", os.defpath).split(os.pathsep) if folder not in ours]
    backend = (
        {}
        if keeps_state_elsewhere(place)
        else {"PULUMI_BACKEND_URL": (place.home / "state").as_uri() + WITHOUT_METADATA}
    )
    return {
        "PATH": os.pathsep.join([*ours, *path]),
        **backend,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(place.home / "passphrase"),
        "PULUMI_HOME": str(place.home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def complete(place: Place) -> dict[str, str]:
    """Return the whole environment for a program of this place."""
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME"}}
    return {**environment, **variables(place, os.environ)}


def ensure(place: Place) -> None:
    """Write the passphrase, once, and .soop/env, which a shell reads with ``. .soop/env``."""
    passphrase = place.home / "passphrase"
    if not passphrase.exists():
        fresh = passphrase.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(PASSPHRASE + "\n")
        fresh.replace(passphrase)
    (place.home / "env").write_text(_lines(place))


def show(place: Place) -> None:
    """Print the lines for ``eval "$(make env)"``."""
    print(_lines(place), end="")


PULUMI = """\
pulumi() {
    command pulumi "$@" && return
    set -- "$?"
    { soop recover --check 2>/dev/null || :; } >&2
    return "$1"
}
"""
"""Tells, under what a failed ``pulumi`` says, which deployment is at work or was killed, and what to do."""


def _lines(place: Place) -> str:
    """Say it for a shell; PATH is extended when the lines are read, not now."""
    mark = "/dev/null/the-path-there-is"
    given = variables(place, {"PATH": mark})
    path = shlex.quote(given.pop("PATH").removesuffix(mark))
    rest = [f"export {name}={shlex.quote(value)}" for name, value in given.items()]
    return "\n".join([f'export PATH={path}"$PATH"', *rest]) + "\n" + PULUMI


def keeps_state_elsewhere(place: Place) -> bool:
    """Tell whether Pulumi.yaml names another backend than the folder that projects begin with."""
    file = place.root / "Pulumi.yaml"
    text = file.read_text() if file.is_file() else ""
    said = re.search(r"^backend:\s+url:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    return said is not None and said[1].partition("?")[0] != OURS
