"""The parts of a building block: what a component made from it consists of.

Every text may be a Jinja2 template. One that is a single ``{{ expression }}`` yields the expression's own value (a
number, a list), so that even a whole part can be computed: ``units: "{{ params.units }}"``. A part with
``when: "{{ expression }}"`` is left out where the expression is false.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from soop_components.model.base import Model


def _text(value: object) -> object:
    """Take a number for the text that it is written as."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Template = Annotated[str, BeforeValidator(_text)]
"""Text with Jinja2 expressions."""
BlockFile = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")]
"""Path of a file in the block's folder."""

T = TypeVar("T")
Computed = Annotated[tuple[T, ...], Field(strict=False)] | Template
"""A list, or an expression that yields one."""


class Part(Model):
    """What all parts have in common."""

    when: bool | Template = True
    """Whether the part is there at all."""


class SomeNodesPart(Part):
    """What may be there on some nodes of a role only; all else of a component is the same on every node of a role."""

    first: bool | Template = False
    """Whether it is there on the first node of its role only, the one with number 1."""
    others: bool | Template = False
    """Whether it is there on the other nodes of its role only."""


class TextPart(Part):
    """A part with text: exactly one of the keys ``origins`` says where the text comes from."""

    origins: ClassVar[tuple[str, ...]]
    may_have_none: ClassVar[bool] = False

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [name for name in self.origins if getattr(self, name) is not None]
        if len(given) > 1 or not (given or self.may_have_none):
            raise ValueError(f"expected one of {', '.join(self.origins)}, not {' and '.join(given) or 'none'}")
        return self


class PackagePart(Part):
    """A Debian package, or several, that are installed only under a condition."""

    name: Template
    """The package's name, or name and version, ``cron=3.0pl1-162``: no other version is locked then."""
    recommends: bool | Template = False
    """Whether the packages that it recommends come along, as apt has it by default."""


class UserPart(Part):
    """A system user with a group of the same name."""

    home: Template = "/nonexistent"
    """Home folder; it is not made."""
    shell: Template = "/usr/sbin/nologin"
    """Login shell."""
    groups: Computed[Template] = ()
    """Further groups."""
    uid: int | Template | None = None
    """Its number, 100 to 59999; the next free one if not given. A disk remembers the numbers that its node has."""
    gid: int | Template | None = None
    """Its group's number; ``uid`` if not given."""


class DirectoryPart(Part):
    """A folder."""

    mode: Template = "0755"
    """Permissions."""
    owner: Template = "root"
    """User that owns it."""
    group: Template = "root"
    """Group that owns it."""


class FilePart(TextPart, SomeNodesPart):
    """A file: exactly one of ``content``, ``template`` and ``source``."""

    origins = ("content", "template", "source")

    content: Template | None = None
    """The text itself."""
    template: BlockFile | None = None
    """A ``*.j2`` file of the block."""
    source: Template | None = None
    """A path of the service definition, out of a parameter of type ``path``."""
    mode: Template | None = None
    """0644 if not given; 0600 with a secret in it; of a ``source`` 0755 if it is executable there."""
    owner: Template = "root"
    """User that owns it."""
    group: Template = "root"
    """Group that owns it."""


class TreePart(Part):
    """Files of the service definition and where they go: a folder with all below it, or a single file.

    Symbolic links inside a folder stay links; empty folders are left out.
    """

    source: Template
    """A path out of a parameter of type ``path``; a folder ends in ``/``."""
    destination: Template
    """Where it goes; below a folder everything keeps its path."""
    owner: Template = "root"
    """User that owns the files."""
    group: Template = "root"
    """Group that owns the files."""


class LinkPart(Part):
    """A symbolic link."""

    target: Template
    """What it points to."""


class AbsentPart(Part):
    """A path that must not be there."""

    path: Template
    """Path of a file or link."""


class LogPart(Part):
    """A log file."""

    path: Template
    """Its path, or a pattern."""


class UnitPart(TextPart, SomeNodesPart):
    """A systemd unit: the block's own when it has ``content`` or ``template``, a package's otherwise."""

    origins = ("content", "template")
    may_have_none = True

    content: Template | None = None
    """The unit's text itself."""
    template: BlockFile | None = None
    """A ``*.j2`` file of the block."""
    enabled: bool | Template = True
    """Whether it starts with the machine."""
    state: Template = "started"
    """``started``, ``stopped``, or ``unmanaged``: left alone, since a timer, a socket or people start it."""
    restart_on: Computed[Template] = ()
    """Paths (files, or folders with all below) whose change restarts it, be it by the plan, a package or a script.

    Only for a unit that is ``started`` and no template.
    """
    reload_on: Computed[Template] = ()
    """Paths whose change reloads it; one that cannot reload is restarted.

    With ``/etc/hosts``, also whenever a node of the domain gets another address.
    """


class ScriptPart(TextPart, SomeNodesPart):
    """A configuration script: exactly one of ``program``, ``source``, ``content`` and ``template``."""

    origins = ("program", "source", "content", "template")

    name: Template
    """What messages call it."""
    program: BlockFile | None = None
    """A file of the block, or a folder: a Python package, which is run as ``python3 -m`` runs it."""
    source: Template | None = None
    """A path of the service definition."""
    content: Template | None = None
    """The program itself."""
    template: BlockFile | None = None
    """A ``*.j2`` file of the block that yields the program."""
    phase: Template = "after_units"
    """``before_units`` or ``after_units``."""
    arguments: Computed[Template] = ()
    """Never a secret: command lines are seen by everybody on the node."""
    stdin: Template | None = None
    """Text for its standard input; the place for secrets."""
    stdin_template: BlockFile | None = None
    """A ``*.j2`` file of the block that yields the standard input."""
    user: Template = "root"
    """Who runs it."""
    timeout: int | Template = 300
    """Seconds after which it is ended and has failed."""
    triggers: Computed[Template] = ()
    """Paths (files, or folders with all below) whose change makes it run again, as a change of itself does."""


class DataPart(Part):
    """Data on the role's disk that only programs of one version can read: others have to be given it."""

    written_by: Template
    """What writes it and reads it: a Debian package, or a name and version where packages of all are called alike."""
    moved_from: Computed[Template] = ()
    """Writers of data that it can be made of, where the nodes of a role get new machines for another base."""
    program: BlockFile
    """A file of the block that root runs on the machine that a node has, just before it gets a new one.

    It stops what writes the data and puts it on the disk in a form that scripts of the block can read. When it fails,
    it leaves all as it was.
    """
    arguments: Computed[Template] = ()
    """Arguments of the program."""
    timeout: int | Template = 300
    """Seconds after which the program is ended and has failed."""


class HttpHealthPart(SomeNodesPart):
    """Healthy is an HTTP answer below 400 within 5 seconds of the request."""

    path: Template = "/"
    """Path of the request."""
    port: int | Template
    """Port on the node itself."""
    tls: bool | Template = False
    """Whether it is asked over TLS; any certificate will do there."""
    timeout: int | Template = 60
    """Seconds within which it must become healthy."""


class CommandHealthPart(SomeNodesPart):
    """Healthy is a command that exits with 0."""

    command: Computed[Template]
    """Program and arguments; no shell."""
    timeout: int | Template = 60
    """Seconds within which it must become healthy."""


class HealthParts(Model):
    """When a component is healthy; both must hold if both are given."""

    http: HttpHealthPart | None = None
    """Healthy is an HTTP answer below 400."""
    command: CommandHealthPart | None = None
    """Healthy is a command that exits with 0."""
