"""A building block: parameters, and the parts they expand into, as its author writes them in ``block.yaml``.

Every text below may be a Jinja2 template. One that is a single ``{{ expression }}`` yields the expression's own value
(a number, a list), so that even a whole part can be computed: ``units: "{{ params.units }}"``. A part with
``when: "{{ expression }}"`` is left out where the expression is false. ``planning`` renders all of it; nothing of a
block is ever executed where Pulumi runs.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from soop_components.model.base import Model
from soop_components.model.names import ConfigKey
from soop_components.model.patterns import Pattern, size_problem

Scalar = Literal["string", "integer", "boolean", "path", "any"]


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


class Parameter(Model):
    """One thing that a component may or must give to the block."""

    type: Literal["string", "integer", "boolean", "path", "list", "map", "any"]
    """``path`` is a file or folder of the service definition; it is packed into the component's blob."""
    summary: str = ""
    """What it is for."""
    required: bool = False
    """Whether every component must give it."""
    default: Any = None
    """A value or a template, which may use the parameters declared before it; without one the parameter is ``none``."""
    items: Scalar = "any"
    """Type of a list's items or a map's values."""
    keys: Literal["string", "path"] = "string"
    """Type of a map's keys."""
    pattern: Pattern | None = None
    """Regular expression for a whole string, or for each item of a list of strings and each key of a map."""


class Part(Model):
    """What all parts have in common."""

    when: bool | Template = True
    """Whether the part is there at all."""


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
    """The package's name."""


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


class FilePart(TextPart):
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
    """Its path."""


class FirstNodePart(Model):
    """What may be there on one node of a role only; all else of a component is the same on every node of a role."""

    first: bool | Template = False
    """Whether it is there on the first node of its role only, the one with number 1."""


class UnitPart(TextPart, FirstNodePart):
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
    """Paths (files, or folders with all below) whose change restarts it, be it by the plan, a package or a script."""
    reload_on: Computed[Template] = ()
    """Paths whose change reloads it; one that cannot reload is restarted."""


class ScriptPart(TextPart, FirstNodePart):
    """A configuration script: exactly one of ``program``, ``source``, ``content`` and ``template``."""

    origins = ("program", "source", "content", "template")

    name: Template
    """What messages call it."""
    program: BlockFile | None = None
    """A file of the block."""
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


class HttpHealthPart(Part, FirstNodePart):
    """Healthy is an HTTP answer below 400 within 5 seconds of the request."""

    path: Template = "/"
    """Path of the request."""
    port: int | Template
    """Port on the node itself."""
    timeout: int | Template = 60
    """Seconds within which it must become healthy."""


class CommandHealthPart(Part, FirstNodePart):
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


class Block(Model):
    """A building block of the library or of a service."""

    format: Literal[1]
    """Format of this file; 1."""
    block: ConfigKey
    """Name of the block, and of its folder."""
    summary: str
    """What it is, in a sentence."""
    parameters: dict[ConfigKey, Parameter] = Field(default_factory=dict)
    """What a component may or must give, by name. Templates read them as ``params.<name>``."""
    packages: Computed[PackagePart | Template] = ()
    """Debian packages; their dependencies come along."""
    users: dict[Template, UserPart] | Template = Field(default_factory=dict)
    """System users by name."""
    directories: dict[Template, DirectoryPart] | Template = Field(default_factory=dict)
    """Folders by path."""
    files: dict[Template, FilePart] | Template = Field(default_factory=dict)
    """Files by path."""
    trees: Computed[TreePart] = ()
    """Files and folders of the service definition and where they go."""
    links: dict[Template, LinkPart] | Template = Field(default_factory=dict)
    """Symbolic links by path."""
    absent: Computed[AbsentPart | Template] = ()
    """Paths that must not be there."""
    units: dict[Template, UnitPart] | Template = Field(default_factory=dict)
    """Systemd units by name."""
    scripts: Computed[ScriptPart] = ()
    """Configuration scripts, run in this order when something about them has changed."""
    health: HealthParts = HealthParts()
    """When a component made from the block is healthy."""
    logs: Computed[LogPart | Template] = ()
    """Log files whose end is shown when a check fails, and by `soop logs`, after the journal of the units."""
    templates: dict[str, str] = Field(default_factory=dict)
    """Text of the block's ``*.j2`` files by path in its folder; put in when the block is loaded."""

    @field_validator("parameters")
    @classmethod
    def _fit_together(cls, value: dict[str, Parameter]) -> dict[str, Parameter]:
        for name, parameter in value.items():
            if parameter.required and parameter.default is not None:
                raise ValueError(f"parameter {name} is required and has a default; it can be only one of them")
        problem = size_problem(parameter.pattern for parameter in value.values())
        if problem:
            raise ValueError(problem)
        return value

    def programs(self) -> list[str]:
        """Return the files of the block that its scripts run."""
        scripts = self.scripts if isinstance(self.scripts, tuple) else ()
        return sorted({script.program for script in scripts if script.program is not None})


def packed_path(block: str, file: str) -> str:
    """Return where a file of a block lies in a component's blob."""
    return f".block/{block}/{file}"
