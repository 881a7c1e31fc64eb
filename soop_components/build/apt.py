"""apt with folders of its own: reads the host's package sources, touches nothing of the host, needs no root."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from soop_components.artifact.base_image import SUITES
from soop_components.build.apt_settings import PackageMirrorFailed, alone, environment_of, host_sources, run
from soop_components.errors import SoopError
from soop_components.project import Project

_INSTALL = re.compile(r"^Inst (\S+)(?: \[[^\]]*\])? \((\S+) ", re.MULTILINE)
_UNKNOWN = re.compile(r"^E: (?:Unable to locate package|Package '?)\s?'?([a-z0-9][a-z0-9+.-]*)", re.MULTILINE)

_NO_VERSION = re.compile(r"^E: Version '(\S+)' for '(\S+)' was not found", re.MULTILINE)


class Apt:
    """Package lists of some sources, and the packages that a system has already."""

    def __init__(self, folder: Path, sources: Sequence[str], status: Path | None = None) -> None:
        """Use ``folder`` for everything; ``status`` is the dpkg database of the system (an empty one if not given)."""
        self._folder = folder
        self._sources = sources
        self._status = status
        self._environment: dict[str, str] = {}

    @classmethod
    def of(cls, project: Project, base: str, status: Path | None = None) -> Apt:
        """Return the apt of a project for one base image."""
        folder = project.cache / "apt"
        return cls(folder / base, host_sources(SUITES[base], folder / "host"), status)

    @contextlib.contextmanager
    def ready(self) -> Iterator[None]:
        """Hold the folder's lock, with apt's configuration written."""
        with alone(self._folder):
            sources = self._folder / "sources.list"
            sources.write_text("\n".join(self._sources) + "\n", encoding="utf-8")
            nothing = self._folder / "no-packages"
            nothing.touch()
            settings = {
                "Dir::State::status": self._status or nothing,
                "Dir::Etc::sourcelist": sources,
                "Dir::Etc::sourceparts": self._folder / "empty",
            }
            self._environment = environment_of(self._folder, settings)
            self._pin({})
            yield

    def update(self) -> None:
        """Fetch the package lists."""
        result = self._apt("apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any")
        if result.returncode != 0:
            raise PackageMirrorFailed(
                f"the package lists cannot be fetched: {_reason(result)}",
                "check the network and /etc/apt/sources.list*",
            )

    def closure(
        self, names: Sequence[str], pins: Mapping[str, str], recommending: Sequence[str] = ()
    ) -> dict[str, str]:
        """Return what would have to be installed for ``names``, versions by name; ``pins`` are versions to prefer.

        What those that are ``recommending`` recommend comes along, and what that recommends in its turn.
        """
        self._pin(pins)
        recommended = self._installed(recommending, "true") if recommending else {}
        return self._installed([*names, *(f"{name}={version}" for name, version in recommended.items())])

    def _installed(self, names: Sequence[str], recommends: str = "false") -> dict[str, str]:
        options = ["--simulate", "--yes", "--no-remove", "-o", f"APT::Install-Recommends={recommends}"]
        result = self._apt("apt-get", "install", *options, "--", *names)
        if result.returncode != 0:
            if absent := _NO_VERSION.search(result.stderr):
                raise SoopError(f"there is no {absent[2]} {absent[1]}", f"there is {self._versions(absent[2])}")
            missing = [name for name in _UNKNOWN.findall(result.stderr) if name in names]
            if missing:
                advice = "look for the right name with: apt-cache search"
                raise SoopError(f"no such Debian package: {', '.join(missing)}", advice)
            raise SoopError(f"packages {', '.join(names)} cannot be installed together: {_reason(result)}")
        return dict(_INSTALL.findall(result.stdout))

    def _versions(self, name: str) -> str:
        """Return the versions of a package that the lists have, in words."""
        rows = (line.split("|") for line in self._apt("apt-cache", "madison", "--", name).stdout.splitlines())
        return " and ".join(dict.fromkeys(row[1].strip() for row in rows if len(row) > 1)) or "no other version"

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
        return run(command, self._environment, cwd)


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    """Return what apt says went wrong, shortly."""
    lines = [line[3:] for line in result.stderr.splitlines() if line.startswith("E: ")]
    return "; ".join(lines[:5]) or (result.stderr or result.stdout).strip()[-500:]
