"""A building block: parameters, and the parts they expand into, as its author writes them in ``block.yaml``.

``planning`` renders its templates; nothing of a block is ever executed where Pulumi runs.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from soop_components.model import parts
from soop_components.model.base import Model
from soop_components.model.debconf import Answer, Question
from soop_components.model.names import ConfigKey, Version
from soop_components.model.patterns import Pattern, size_problem

Scalar = Literal["string", "integer", "boolean", "path", "any"]


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
    packages: parts.Computed[parts.PackagePart | parts.Template] = ()
    """Debian packages, as names or ``name=version``; their dependencies come along."""
    debconf: dict[Question, Answer] | parts.Template = Field(default_factory=dict)
    """Answers to questions that packages ask while they are installed, by question; may be secrets."""
    users: dict[parts.Template, parts.UserPart] | parts.Template = Field(default_factory=dict)
    """System users by name."""
    directories: dict[parts.Template, parts.DirectoryPart] | parts.Template = Field(default_factory=dict)
    """Folders by path."""
    files: dict[parts.Template, parts.FilePart] | parts.Template = Field(default_factory=dict)
    """Files by path."""
    trees: parts.Computed[parts.TreePart] = ()
    """Files and folders of the service definition and where they go."""
    wheels: parts.Template | None = None
    """A folder with requirements.txt or pyproject.toml, out of a parameter of type ``path``.

    The Python packages that it asks for are locked by `soop lock`; ``trees`` find them as wheels in ``.wheels/``.
    """
    links: dict[parts.Template, parts.LinkPart] | parts.Template = Field(default_factory=dict)
    """Symbolic links by path."""
    absent: parts.Computed[parts.AbsentPart | parts.Template] = ()
    """Paths that must not be there."""
    units: dict[parts.Template, parts.UnitPart] | parts.Template = Field(default_factory=dict)
    """Systemd units by name."""
    scripts: parts.Computed[parts.ScriptPart] = ()
    """Configuration scripts, run in this order when something about them has changed."""
    ports: parts.Computed[int | parts.Template] = ()
    """TCP ports at which it listens, beside those of health checks: only endpoints among them are opened to others."""
    data: parts.DataPart | None = None
    """Data that has to be moved when nodes get new machines for a base with other programs."""
    health: parts.HealthParts = parts.HealthParts()
    """When a component made from the block is healthy."""
    logs: parts.Computed[parts.LogPart | parts.Template] = ()
    """Log files, or patterns with ``*`` and ``?``, whose end is shown when a check fails (of a pattern, that of the two
    files written last), and by `soop logs`, after the journal of the units."""
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
        """Return the files of the block that its scripts run, and what moves its data."""
        scripts = self.scripts if isinstance(self.scripts, tuple) else ()
        found = {script.program for script in scripts if script.program is not None}
        return sorted(found | {self.data.program} if self.data else found)


WHEELS = ".wheels/"
"""Where a component's Python packages are for ``trees``, each a file of its own."""


class BlockCollection(Model):
    """``blocks.yaml``: what a folder of building blocks is, which others may use."""

    format: Literal[1]
    """Format of this file; 1."""
    version: Version
    """Version of the blocks in the folder; those of one version never change."""
    summary: str = ""
    """What they are for."""


def packed_path(block: str, file: str) -> str:
    """Return where a file of a block lies in a component's blob."""
    return f".block/{block}/{file}"
