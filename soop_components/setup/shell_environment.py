"""Writes .soop/env, with which ``pulumi`` and ``soop`` work in a shell: ``. .soop/env``."""

from __future__ import annotations

import shlex

from soop_components.engine.environment import prepare, shell_variables
from soop_components.project import Project

_THEIRS = "/dev/null/the-path-there-is"
"""Stands for the PATH of the shell, which is extended when the file is read, not now."""
_PULUMI = """\
pulumi() {
    command pulumi "$@" && return
    set -- "$?" "$@"
    { soop recover --check --of-pulumi "$@" 2>/dev/null || :; } >&2
    return "$1"
}
"""
"""Adds to a failed ``pulumi`` which deployment of its domain is at work or was killed, and what to do."""


def ensure(project: Project) -> None:
    """Write the file, and what it names: the folder of the state and the passphrase."""
    variables = shell_variables(project, {"PATH": _THEIRS})
    prepare(project, variables)
    path = shlex.quote(variables.pop("PATH").removesuffix(_THEIRS))
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    (project.home / "env").write_text(f'export PATH={path}"$PATH"\n' + "".join(exports) + _PULUMI)
