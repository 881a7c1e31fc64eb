"""What a node must be: the data that planning makes, Pulumi diffs and the runner carries out.

The same shapes travel as JSON through Pulumi's state and to the node. Text may hold secret marks,
``@@soop-secret:<key>@@`` or ``@@soop-secret:<key>|<encoding>[|<encoding>…]@@``, where a secret's value belongs: the
plan itself never holds a secret. Values travel beside it and are put in by the runner when it writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from soop_components.model.base import Model
from soop_components.model.data import Data, Migration
from soop_components.model.names import ComponentName, Digest, RoleName
from soop_components.model.service import HookName, RolloutSettings

Mode = Annotated[str, Field(pattern=r"^[0-7]{4}$")]
AccountNumber = Annotated[int, Field(ge=100, le=59_999)]
"""Other numbers are given out by Debian and systemd."""
Port = Annotated[int, Field(ge=1, le=65535)]


PackageVersion = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+:~-]*$", max_length=100)]


class Package(Model):
    """A Debian package of the artifact."""

    version: PackageVersion
    architecture: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=20)]
    digest: Digest
    size: Annotated[int, Field(ge=0)]


class User(Model):
    """A system user with a group of the same name."""

    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    groups: Annotated[tuple[str, ...], Field(strict=False)] = ()
    uid: AccountNumber | None = None
    gid: AccountNumber | None = None


class Directory(Model):
    """A folder; what lies in it is left alone."""

    mode: Mode = "0755"
    owner: str = "root"
    group: str = "root"


class OnSomeNodes(Model):
    """What may be there on some nodes of a role only."""

    first: bool = False
    """Whether it is there on the first node of the role only."""
    others: bool = False
    """Whether it is there on all nodes of the role but the first."""


class File(OnSomeNodes):
    """A file: small rendered text in ``content``, or a member of the component's blob by ``source`` and ``digest``.

    One with a ``digest`` alone is a blob of its own.
    """

    mode: Mode = "0644"
    owner: str = "root"
    group: str = "root"
    content: str | None = None
    source: str | None = None
    """Path inside the component's blob."""
    digest: Digest | None = None
    """Digest of the file's bytes."""
    secret: bool = False
    """Whether ``content`` holds secret marks; the file is then 0600 or 0640 at most."""


class Link(Model):
    """A symbolic link."""

    target: str


class Unit(OnSomeNodes):
    """A systemd unit: ours when it has ``content`` (written to /etc/systemd/system), a package's otherwise."""

    content: str | None = None
    enabled: bool = True
    state: Literal["started", "stopped", "unmanaged"] = "started"
    """``unmanaged`` is neither started nor stopped: timers, sockets or people do that."""
    restart_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Paths (files, or folders with all below) whose change restarts it; a change of ``content`` always does."""
    reload_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Paths whose change reloads it."""


class Script(OnSomeNodes):
    """A configuration script; runs again only when it or anything it is given has changed since it last succeeded."""

    name: str
    source: str | None = None
    """Path of the program inside the component's blob."""
    digest: Digest | None = None
    content: str | None = None
    """The program itself when it was rendered; starts with ``#!``."""
    arguments: Annotated[tuple[str, ...], Field(strict=False)] = ()
    stdin: str | None = None
    """Text for its standard input; the place for secrets."""
    when: Literal["before_units", "after_units"] = "after_units"
    user: str = "root"
    timeout: Annotated[int, Field(ge=1, le=3600)] = 300
    """Seconds."""
    triggers: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Paths (files, or folders with all below) whose change makes it run again."""


RequestPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]
"""Without spaces and line ends: it is a part of a request's first line."""


class HttpHealth(OnSomeNodes):
    """Healthy is an HTTP answer below 400 on the node's own address."""

    path: RequestPath
    port: Port
    tls: bool = False
    """Whether it is asked over TLS; what answers on the node itself need not show a certificate for the node's name."""
    timeout: Annotated[int, Field(ge=1, le=3600)] = 60
    """Seconds until it must have answered."""


class CommandHealth(OnSomeNodes):
    """Healthy is a command (an argument vector) that exits with 0."""

    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    timeout: Annotated[int, Field(ge=1, le=3600)] = 60


class ComponentPlan(Model):
    """One service component on a node; parts are applied in the order of the fields."""

    blob: Digest | None = None
    """The component's tar in the artifact, for files and scripts with a ``source``."""
    users: dict[str, User] = Field(default_factory=dict)
    directories: dict[str, Directory] = Field(default_factory=dict)
    files: dict[str, File] = Field(default_factory=dict)
    links: dict[str, Link] = Field(default_factory=dict)
    absent: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Paths of files or links that must not be there (a package's default site, say)."""
    scripts: Annotated[tuple[Script, ...], Field(strict=False)] = ()
    units: dict[str, Unit] = Field(default_factory=dict)
    http_health: HttpHealth | None = None
    command_health: CommandHealth | None = None
    logs: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Paths of log files, to be shown when a check fails."""
    debconf: dict[str, str] = Field(default_factory=dict)
    """Answers to questions of packages; may hold secret marks."""


class HookPlan(Model):
    """A program out of the ``smoke`` blob, run on a node with ``environment`` and the node's name, role and number."""

    blob: Digest
    source: str
    environment: dict[str, str] = Field(default_factory=dict)
    timeout: int = 60
    secrets: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of secrets that it gets in files."""


class RolePlan(Model):
    """What all nodes of a role must be; ``order`` is the order in which components are applied."""

    packages: dict[str, Package] = Field(default_factory=dict)
    base_packages: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Names of packages that it needs and that the base image has; a machine without that image may lack them."""
    components: dict[ComponentName, ComponentPlan] = Field(default_factory=dict)
    order: Annotated[tuple[ComponentName, ...], Field(strict=False)] = ()
    after: Annotated[tuple[RoleName, ...], Field(strict=False)] = ()
    rollout: RolloutSettings = RolloutSettings()
    hooks: dict[HookName, HookPlan] = Field(default_factory=dict)
    migrations: Annotated[tuple[Migration, ...], Field(strict=False)] = ()
    """Those of all components, in order; no part of a node's document."""
    data: Annotated[tuple[Data, ...], Field(strict=False)] = ()
    """What its components keep on disks that other versions of their programs cannot read; no part of a document."""
    disk: str | None = None
    """Where a node's disk is mounted; it remembers the numbers of users and groups."""


HeaderText = Annotated[str, Field(pattern=r"^[\t -~]*$")]


class HttpSmoke(Model):
    """One request per listed node; headers, body and ``trust`` may hold secret marks.

    ``status``, ``answered_headers``, ``json`` and ``contains`` are what is expected of the answer.
    """

    scheme: Literal["http", "https"] = "http"
    method: str = "GET"
    path: RequestPath = "/"
    port: Port
    nodes: Annotated[tuple[str, ...], Field(strict=False)]
    headers: dict[str, HeaderText] = Field(default_factory=dict)
    body: str | None = None
    follow_redirects: bool = False
    trust: str | None = None
    status: int = 200
    answered_headers: dict[str, str] = Field(default_factory=dict)
    json_: dict[str, object] | None = Field(default=None, alias="json")
    contains: str | None = None


class ScriptSmoke(Model):
    """A program out of the ``smoke`` blob, run on nodes with ``environment`` and files of ``secrets``."""

    nodes: Annotated[tuple[str, ...], Field(strict=False)]
    blob: Digest
    source: str
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_one_node(cls, data: Any) -> Any:
        """Read what was recorded when a script ran on one ``node``."""
        if not isinstance(data, Mapping) or "node" not in data:
            return data
        return {**{key: value for key, value in data.items() if key != "node"}, "nodes": [data["node"]]}


class SmokeTestPlan(Model):
    """A smoke test with everything rendered."""

    name: str
    timeout: int = 30
    when: Literal["end", "batch", "canary"] = "end"
    """When it runs besides at the end."""
    one: bool = False
    """Whether one node is tried, the first of those that may be."""
    http: HttpSmoke | None = None
    script: ScriptSmoke | None = None

    def tried(self, among: Collection[str]) -> tuple[str, ...]:
        """Return the nodes that are tried at a moment at which only these are to be."""
        wanted = (self.http.nodes if self.http else ()) + (self.script.nodes if self.script else ())
        found = tuple(node for node in wanted if node in among)
        return found[:1] if self.one else found
