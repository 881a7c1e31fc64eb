"""Settings of apt: the host's ways to its package sources, and folders of our own for the rest."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from soop_components.errors import SoopError

_HOST_SETTINGS = re.compile(
    r"Acquire::(?!IndexTargets|Languages|CompressionTypes|cdrom|Changelogs|GzipIndexes)\S+ "
    r"|Dir::Etc(?:::(?:trusted|trustedparts|netrc|netrcparts|sourcelist|sourceparts))? "
)
"""The host's package sources, how it reaches them and whom it trusts; hooks of other programs are left out."""
_SETTINGS = {
    "Dir::Cache::srcpkgcache": "",
    "APT::Sandbox::User": "root",  # the folders are ours alone; another user could not write to them
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Acquire::GzipIndexes": "true",
    "Acquire::Retries": "2",
}
_RELEASES = ("trixie", "bookworm")
_TIMEOUT = 900
"""Seconds that one command may take; apt itself gives up on a silent server much earlier."""


class PackageMirrorFailed(SoopError):
    """The package sources could not be read."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of apt's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment_of(folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """Return an environment in which apt keeps all in ``folder``, but reaches package sources as the host does."""
    for name in ("lists/partial", "cache/archives/partial", "empty", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    ours = {
        "Dir::State": folder / "state",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::Main": folder / "empty" / "none",
        "Dir::Etc::Parts": folder / "empty",
        "Dir::Etc::preferences": folder / "preferences",
        "Dir::Etc::preferencesparts": folder / "empty",
    }
    host = run(["apt-config", "dump"], os.environ).stdout.splitlines()
    lines = [line for line in host if _HOST_SETTINGS.match(line)]
    lines += [f'{key} "{value}";' for key, value in {**_SETTINGS, **ours, **settings}.items()]
    (folder / "apt.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}


def host_sources(suite: str, folder: Path) -> list[str]:
    """Return the host's package sources of a Debian release, ``main`` only, as lines of a sources.list.

    apt prints its sources only once it has their lists; where the host has none, they are fetched into ``folder``.
    """
    lines = _sources(suite, os.environ) or _as_another(suite, os.environ)
    if not lines:
        with alone(folder):
            environment = environment_of(folder, {})
            lines = _sources(suite, environment) or _as_another(suite, environment)
            if not lines:
                run(["apt-get", "update", "-q"], environment)  # one of several sources may well not answer
                lines = _sources(suite, environment) or _as_another(suite, environment)
    if not lines:
        raise SoopError(
            f"the package sources of this machine have no {suite} main",
            f"packages are resolved with apt on Debian: add {suite}, {suite}-updates and {suite}-security",
        )
    return lines


def _as_another(suite: str, environment: Mapping[str, str]) -> list[str]:
    """Return the sources of another Debian release with this one's name: they come from the same places."""
    for other in _RELEASES:
        if lines := _sources(other, environment):
            return [re.sub(rf" {other}(?=[ -])", f" {suite}", line) for line in lines]
    return []


def _sources(suite: str, environment: Mapping[str, str]) -> list[str]:
    fields = "$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(SIGNED_BY)"
    only = ["Created-By: Packages", "Origin: Debian", "Component: main"]
    output = run(["apt-get", "indextargets", "--format", fields, *only], environment).stdout
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    lines = []
    for line in output.splitlines():
        uri, release, codename, keyring = line.split("|")
        if suites & {release, codename}:
            options = f"[signed-by={keyring}] " if keyring.startswith("/") else ""  # unset fields stay as they are
            lines.append(f"deb {options}{uri} {codename} main")
    return list(dict.fromkeys(lines))


def run(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of apt's programs; the caller looks at the exit code."""
    settings = {**environment, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            command, env=settings, cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise SoopError(
            f"{command[0]} is not on this machine", "packages are resolved with apt: use Debian 12"
        ) from None
    except subprocess.TimeoutExpired:
        raise PackageMirrorFailed(f"{command[0]} {command[1]} did not end within {_TIMEOUT} s") from None
