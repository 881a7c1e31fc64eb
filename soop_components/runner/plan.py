"""What a node must be: the shapes of the deployer's plan model as values that cannot change.

Defaults are those of the model, so that a plan may leave out what it does not use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

UNIT_FOLDER = "/etc/systemd/system"


class Package(NamedTuple):
    """A Debian package by version; its archive is the blob."""

    version: str
    architecture: str
    digest: str
    size: int


class User(NamedTuple):
    """A system user with a group of the same name."""

    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    groups: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


class Directory(NamedTuple):
    """A folder; what lies in it is left alone."""

    mode: str = "0755"
    owner: str = "root"
    group: str = "root"


class File(NamedTuple):
    """A file out of rendered text or out of the component's blob, or a blob of its own."""

    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    content: str | None = None
    source: str | None = None
    digest: str | None = None
    secret: bool = False
    first: bool = False
    others: bool = False

    @property
    def own_blob(self) -> str | None:
        """The blob that it is, unless it comes out of text or out of the component's blob."""
        return self.digest if self.content is None and self.source is None else None


class Link(NamedTuple):
    """A symbolic link."""

    target: str


class Unit(NamedTuple):
    """A systemd unit; ours when it has content."""

    content: str | None = None
    enabled: bool = True
    state: str = "started"
    restart_on: tuple[str, ...] = ()
    reload_on: tuple[str, ...] = ()
    first: bool = False
    others: bool = False


class Script(NamedTuple):
    """A program that runs when it or what it is given has changed."""

    name: str
    source: str | None = None
    digest: str | None = None
    content: str | None = None
    arguments: tuple[str, ...] = ()
    stdin: str | None = None
    when: str = "after_units"
    user: str = "root"
    timeout: int = 300
    triggers: tuple[str, ...] = ()
    first: bool = False
    others: bool = False


class HttpHealth(NamedTuple):
    """Healthy is an answer below 400."""

    path: str
    port: int
    tls: bool = False
    timeout: int = 60
    first: bool = False
    others: bool = False


class CommandHealth(NamedTuple):
    """Healthy is a command that exits with 0."""

    command: tuple[str, ...]
    timeout: int = 60
    first: bool = False
    others: bool = False


class Component(NamedTuple):
    """One service component on the node."""

    name: str
    blob: str | None = None
    users: Mapping[str, User] = {}
    directories: Mapping[str, Directory] = {}
    files: Mapping[str, File] = {}
    links: Mapping[str, Link] = {}
    absent: tuple[str, ...] = ()
    scripts: tuple[Script, ...] = ()
    units: Mapping[str, Unit] = {}
    http_health: HttpHealth | None = None
    command_health: CommandHealth | None = None
    logs: tuple[str, ...] = ()
    debconf: Mapping[str, str] = {}

    def on_node(self, is_first: bool) -> Component:
        """Return what it is on the first node of its role, or on the others."""

        def has(part: File | Unit | Script | HttpHealth | CommandHealth) -> bool:
            return not (part.others if is_first else part.first)

        http, command = self.http_health, self.command_health
        return self._replace(
            files={path: file for path, file in self.files.items() if has(file)},
            scripts=tuple(filter(has, self.scripts)),
            units={name: unit for name, unit in self.units.items() if has(unit)},
            http_health=http if http and has(http) else None,
            command_health=command if command and has(command) else None,
        )

    @property
    def has_no_check(self) -> bool:
        """Whether it has no health check: only systemd knows whether it runs."""
        return self.http_health is None and self.command_health is None

    @property
    def unit_files(self) -> dict[str, Unit]:
        """The units that have a file of ours, by its path."""
        found = self.units.items()
        return {f"{UNIT_FOLDER}/{name}": unit for name, unit in found if unit.content is not None}
