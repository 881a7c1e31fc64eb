"""Reaches a node of a deployed domain by its name, with the ``ssh`` program and the host key that is known."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from soop_components.engine import Engine, Node
from soop_components.errors import SoopError
from soop_components.model.names import nearest
from soop_components.project import Project

_SIDE_BY_SIDE = 4
_PREFIX = "soop-ssh-"


def full_name(name: str, known: Iterable[str]) -> str:
    """Return the one known name that ``name`` is or begins: ``web-1`` means ``web-1.access-service.dev-access``."""
    names = sorted(known)
    whole_words = [each for each in names if each == name or each.startswith(f"{name}.")]
    matches = whole_words or [each for each in names if name and each.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise SoopError(f"{name} may be any of {len(matches)} nodes", "it is one of " + ", ".join(matches))
    if not names:
        raise SoopError(f"there is no node {name}: nothing is deployed")
    hint = nearest(name, [*names, *(each.split(".")[0] for each in names)]).removeprefix("; ")
    raise SoopError(f"there is no node {name}", hint or "there are " + ", ".join(names))


def find_node(engine: Engine, name: str) -> tuple[Node, str]:
    """Return the node that ``name`` is or begins, and the private key that opens it."""
    stacks = engine.stacks()
    domain = name.split(".")[-1]
    candidates = [domain] if name.count(".") == 2 and domain in stacks else list(stacks)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        states = list(pool.map(engine.state, candidates))
    nodes = {node.name: node for state in states for node in state.nodes}
    node = nodes[full_name(name, nodes)]
    key = engine.state(node.name.split(".")[-1], show_secrets=True).private_key
    if key is None:
        raise SoopError(f"the state of {node.name} holds no key that opens it", "run `pulumi up` for its domain")
    return node, key


@contextmanager
def ssh_session(project: Project, node: Node, private_key: str) -> Iterator[list[str]]:
    """Yield the words of an ``ssh`` command that reaches the node; its key lies in a private folder until the end."""
    if shutil.which("ssh") is None:
        raise SoopError("ssh is not installed", "install openssh-client")
    folder = _private_folder(project)
    try:
        key, hosts = folder / "key", folder / "known_hosts"
        key.touch(mode=0o600)
        key.write_text(private_key if private_key.endswith("\n") else private_key + "\n")
        hosts.write_text(f"{node.name} {node.host_key}\n")
        yield ssh_argv(node, key, hosts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ssh_argv(node: Node, key: Path, hosts: Path) -> list[str]:
    """Return an ``ssh`` command that knows this host key and this key only, whatever the user's settings."""
    options = {
        "IdentityFile": _quoted(key),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "UserKnownHostsFile": _quoted(hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": node.name,
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "LogLevel": "ERROR",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", *words, "-p", str(node.port), "-l", node.user, node.address]


def _quoted(path: Path) -> str:
    """Write a path as ssh_config(5) wants it: blanks need quotes, a percent sign begins a token."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def journal_command(units: Sequence[str], lines: int, follow: bool) -> list[str]:
    """Return the command that shows units' logs on a node; a unit's instances (``postgresql@15-main``) count as it."""
    chosen: list[str] = []
    for unit in units:
        stem, _, kind = unit.partition(".")
        instances = [] if "@" in stem else [f"{stem}@*.{kind or 'service'}"]
        chosen += [f"--unit={each}" for each in (unit, *instances)]
    return ["journalctl", "--no-pager", f"--lines={lines}", *(["--follow"] if follow else []), *chosen]


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
