"""The ``ssh`` program for a person at the terminal, with the host key that is known and the domain's key only."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.transport.ssh import Target, as_root

_PREFIX = "soop-ssh-"


@contextmanager
def ssh_session(project: Project, target: Target, private_key: str) -> Iterator[list[str]]:
    """Yield the words of an ``ssh`` command that reaches a node; its key lies in a private folder until the end."""
    if shutil.which("ssh") is None:
        raise SoopError("ssh is not installed", "install openssh-client")
    folder = _private_folder(project)
    try:
        key, hosts = folder / "key", folder / "known_hosts"
        key.touch(mode=0o600)
        key.write_text(private_key if private_key.endswith("\n") else private_key + "\n")
        known = [target, *([target.jump] if target.jump else [])]
        hosts.write_text("".join(f"{_alias(each)} {each.host_key}\n" for each in known))
        yield ssh_argv(target, key, hosts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ssh_argv(target: Target, key: Path, hosts: Path) -> list[str]:
    """Return an ``ssh`` command that knows this host key and this key only, whatever the user's settings."""
    keys = {"IdentityFile": _quoted(key), "IdentitiesOnly": "yes", "IdentityAgent": "none"}
    if target.jump is not None:
        words = shlex.join(_argv(target.jump, {}, hosts)[:-1]).replace("%", "%%")
        keys["ProxyCommand"] = f"{words} -W '[%h]:%p' {target.jump.address}"
    return _argv(target, keys, hosts)


def _argv(target: Target, keys: dict[str, str], hosts: Path) -> list[str]:
    options = {
        **keys,
        "UserKnownHostsFile": _quoted(hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": _alias(target),
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "LogLevel": "ERROR",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", *words, "-p", str(target.port), "-l", target.user, target.address]


def _alias(target: Target) -> str:
    return target.name.replace(" ", "-")


def on_node(argv: Sequence[str], target: Target, command: str) -> list[str]:
    """Return the whole of an ``ssh`` command that runs a command line as root, or a shell if there is none."""
    if target.user == "root":
        return [*argv, *([command] if command else [])]
    if command:
        return [*argv, as_root(target.user, command)]
    return [argv[0], "-t", *argv[1:], "sudo -n -i"]


def _quoted(path: Path) -> str:
    """Write a path as ssh_config(5) wants it: blanks need quotes, a percent sign begins a token."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _private_folder(project: Project) -> Path:
    """Make a folder for secrets, in memory where there is such a place, and remove those that killed processes left."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(runtime) if runtime and os.access(runtime, os.W_OK) else project.make_home() / "run"
    parent.mkdir(mode=0o700, exist_ok=True)
    for left in parent.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
