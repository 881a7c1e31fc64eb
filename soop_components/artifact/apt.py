"""apt with folders of its own: reads the host's package sources, touches nothing of the host, needs no root."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soop_components.errors import SoopError

_INSTALL = re.compile(r"^Inst (\S+)(?: \[[^\]]*\])? \((\S+) .*\[([a-z0-9-]+)\]\)", re.MULTILINE)
_UNKNOWN = re.compile(r"^E: (?:Unable to locate package|Package '?)\s?'?([a-z0-9][a-z0-9+.-]*)", re.MULTILINE)
_HOST_SETTINGS = re.compile(
    r"Acquire::(?!IndexTargets|Languages|CompressionTypes|cdrom|Changelogs|GzipIndexes)\S+ "
    r"|Dir::Etc::(?:trusted|trustedparts|netrc|netrcparts) "
)
"""How the host reaches its package sources and whom it trusts; hooks of other programs are left out."""
_TIMEOUT = 900
"""Seconds that one command may take; apt itself gives up on a silent server much earlier."""


@dataclass(frozen=True)
class Candidate:
    """A package that apt would install."""

    name: str
    version: str
    architecture: str


class UnknownPackages(SoopError):
    """No package source has a package of this name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"no such Debian package: {', '.join(names)}", "look for the right name with: apt-cache search"
        )
        self.names = tuple(names)


class PackageMirrorFailed(SoopError):
    """The package sources could not be read."""


def host_sources(suite: str) -> list[str]:
    """Return the host's package sources of a Debian release, ``main`` only, as lines of a sources.list."""
    targets = "$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)|$(SIGNED_BY)"
    output = _run(["apt-get", "indextargets", "--format", targets], os.environ).stdout
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    lines = []
    for line in output.splitlines():
        kind, uri, release, codename, component, origin, keyring = line.split("|")
        foreign = origin not in ("Debian", "", "$(ORIGIN)")  # empty: the host has not fetched its package lists
        if kind == "Packages" and component == "main" and suites & {release, codename} and not foreign:
            options = (
                f"[signed-by={keyring}] " if keyring.startswith("/") else ""
            )  # apt leaves unset fields as they are
            lines.append(f"deb {options}{uri} {release} main")
    if not lines:
        raise SoopError(
            f"the package sources of this machine have no {suite} main",
            f"packages are resolved with apt on Debian: add {suite}, {suite}-updates and {suite}-security",
        )
    return list(dict.fromkeys(lines))


class Apt:
    """Package lists of some sources, and the packages that a system has already."""

    def __init__(self, folder: Path, sources: Sequence[str], status: Path | None = None) -> None:
        """Use ``folder`` for everything; ``status`` is the dpkg database of the system (an empty one if not given)."""
        self._folder = folder
        self._sources = sources
        self._status = status

    @contextlib.contextmanager
    def ready(self) -> Iterator[None]:
        """Hold the folder's lock, with apt's configuration written."""
        for name in ("lists/partial", "cache/archives/partial", "empty", "state"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = "\n".join(self._sources) + "\n"
            if _written(self._folder / "sources.list") != text:
                (self._folder / "updated").unlink(missing_ok=True)
                (self._folder / "sources.list").write_text(text, encoding="utf-8")
            (self._folder / "state" / "status").touch()
            (self._folder / "apt.conf").write_text(self._configuration(), encoding="utf-8")
            self._pin({})
            yield

    def _configuration(self) -> str:
        folder = self._folder
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": self._status or folder / "state" / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::Parts": folder / "empty",
            "Dir::Etc::Main": folder / "empty" / "none",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "empty",
            "Dir::Etc::preferences": folder / "preferences",
            "Dir::Etc::preferencesparts": folder / "empty",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::GzipIndexes": "true",
            "Dir::Cache::srcpkgcache": "",
            "Acquire::Retries": "2",
        }
        host = _run(["apt-config", "dump"], os.environ).stdout.splitlines()
        lines = [line for line in host if _HOST_SETTINGS.match(line)]
        return "\n".join([*lines, *(f'{key} "{value}";' for key, value in settings.items())]) + "\n"

    @property
    def has_lists(self) -> bool:
        """Whether package lists of these sources were fetched some time."""
        return (self._folder / "updated").exists()

    def update(self) -> None:
        """Fetch the package lists."""
        (self._folder / "updated").unlink(missing_ok=True)
        result = self._apt("apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any")
        if result.returncode != 0:
            raise PackageMirrorFailed(
                f"the package lists cannot be fetched: {_reason(result)}",
                "check the network and /etc/apt/sources.list*",
            )
        (self._folder / "updated").touch()

    def closure(self, names: Sequence[str], pins: Mapping[str, str]) -> list[Candidate]:
        """Return what would have to be installed for ``names``; ``pins`` are versions to prefer."""
        self._pin(pins)
        result = self._apt("apt-get", "install", "--simulate", "--yes", "--no-remove", "--", *names)
        if result.returncode != 0:
            missing = [name for name in _UNKNOWN.findall(result.stderr) if name in names]
            if missing:
                raise UnknownPackages(missing)
            raise SoopError(f"packages {', '.join(names)} cannot be installed together: {_reason(result)}")
        return [Candidate(*match) for match in _INSTALL.findall(result.stdout)]

    def records(self, wanted: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Return the fields of the packages (versions by name) that the lists have, by name."""
        if not wanted:
            return {}
        result = self._apt("apt-cache", "show", "--", *(f"{name}={version}" for name, version in wanted.items()))
        found: dict[str, dict[str, str]] = {}
        for stanza in result.stdout.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
            name = fields.get("Package", "")
            if wanted.get(name) == fields.get("Version"):
                found.setdefault(name, fields)
        return found

    def download(self, wanted: Mapping[str, str], folder: Path) -> None:
        """Fetch packages (versions by name) into ``folder``."""
        result = self._apt(
            "apt-get", "download", "-q", *(f"{name}={version}" for name, version in wanted.items()), cwd=folder
        )
        if result.returncode != 0:
            raise PackageMirrorFailed(
                f"packages cannot be fetched: {_reason(result)}", "check the network and try again"
            )

    def _pin(self, pins: Mapping[str, str]) -> None:
        text = "".join(
            f"Package: {name}\nPin: version {version}\nPin-Priority: 999\n\n" for name, version in sorted(pins.items())
        )
        (self._folder / "preferences").write_text(text, encoding="utf-8")

    def _apt(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self._folder / "apt.conf")}
        return _run(command, environment, cwd)


def _run(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
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


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    """Return what apt says went wrong, shortly."""
    lines = [line[3:] for line in result.stderr.splitlines() if line.startswith("E: ")]
    return "; ".join(lines[:5]) or (result.stderr or result.stdout).strip()[-500:]


def _written(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
