"""Expansion: a component, made from a building block, becomes what it is on a node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from soop_components.artifact.definition import PackedFile, PackedFiles
from soop_components.errors import InvalidInput, SoopError
from soop_components.model import block as parts
from soop_components.model.base import Model
from soop_components.model.block import Block, Part, packed_path
from soop_components.model.names import shown
from soop_components.model.plan import (
    CommandHealth,
    ComponentPlan,
    Directory,
    File,
    HttpHealth,
    Link,
    Script,
    Unit,
    User,
)
from soop_components.model.problem import got, unknown
from soop_components.planning.component_needs import component_packages, component_sources
from soop_components.planning.marks import holds_secret
from soop_components.planning.parts import listed_parts, named_destinations, named_parts, one_part
from soop_components.planning.scope import Scope
from soop_components.planning.templates import render
from soop_components.reading.problems import problems_of

__all__ = ["component_packages", "component_sources", "expand"]

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Part)
_SECRET_MODE = re.compile(r"0[0246][04]0")
"""Nothing for others, no writing for the group, and nothing is a program."""


def expand(block: Block, packed: PackedFiles, scope: Scope, where: str) -> ComponentPlan:
    """Return what a component is on a node; ``scope`` has its parameters, ``where`` names it in errors."""
    expansion = _Expansion(block, packed, scope, where)
    files = dict(expansion.files())
    scripts = tuple(expansion.scripts())
    sources = [file.source for file in files.values()] + [script.source for script in scripts]
    return ComponentPlan(
        blob=packed.blob if any(sources) else None,
        users=expansion.plain("users", block.users, parts.UserPart, User),
        directories=expansion.plain("directories", block.directories, parts.DirectoryPart, Directory),
        files=files,
        links=expansion.plain("links", block.links, parts.LinkPart, Link),
        absent=expansion.absent(),
        scripts=scripts,
        units=expansion.units(),
        http_health=expansion.health("http", block.health.http, HttpHealth),
        command_health=expansion.health("command", block.health.command, CommandHealth),
    )


@dataclass(frozen=True)
class _Expansion:
    block: Block
    packed: PackedFiles
    scope: Scope
    where: str

    def _place(self, key: str) -> str:
        return f"{self.where} (block {self.block.block}): {key}"

    def _named(self, key: str, section: Mapping[str, P] | str, kind: type[P]) -> Iterator[tuple[str, P]]:
        """Yield the evaluated parts of a section; two of one name are a mistake."""
        seen: set[str] = set()
        for name, part in named_parts(section, kind, self.scope, self._place(key)):
            if name in seen:
                raise SoopError(f"{self._place(key)}.{shown(name)}: is there twice")
            seen.add(name)
            yield name, part

    def _listed(self, key: str, section: Sequence[P | str] | str, kind: type[P], field: str) -> Iterator[P]:
        yield from listed_parts(section, kind, field, self.scope, self._place(key))

    def plain(self, key: str, section: Mapping[str, P] | str, kind: type[P], model: type[M]) -> dict[str, M]:
        """Return parts that are in the plan what they are in the block."""
        return {
            name: self._build(model, f"{key}.{shown(name)}", part.model_dump(exclude={"when"}))
            for name, part in self._named(key, section, kind)
        }

    def absent(self) -> tuple[str, ...]:
        return tuple(part.path for part in self._listed("absent", self.block.absent, parts.AbsentPart, "path"))

    def health(self, key: str, part: P | None, model: type[M]) -> M | None:
        found = one_part(part, self.scope, self._place(f"health.{key}")) if part is not None else None
        return None if found is None else self._build(model, f"health.{key}", found.model_dump(exclude={"when"}))

    def files(self) -> Iterator[tuple[str, File]]:
        """Yield single files, then those of trees; a path twice is a mistake."""
        seen: set[str] = set()
        for path, file in [*self._single_files(), *self._tree_files()]:
            if path in seen:
                raise SoopError(f"{self._place('files')}.{shown(path)}: is there twice")
            seen.add(path)
            yield path, file

    def _single_files(self) -> Iterator[tuple[str, File]]:
        for path, part in self._named("files", self.block.files, parts.FilePart):
            place = f"files.{shown(path)}"
            if part.source is not None:
                packed = self._packed(part.source, place)
                data: dict[str, object] = {
                    "source": part.source,
                    "digest": packed.digest,
                    "mode": part.mode or packed.mode,
                }
            else:
                content = self._content(part.content, part.template, place)
                secret = holds_secret(content)
                mode = part.mode or ("0600" if secret else "0644")
                if secret and not _SECRET_MODE.fullmatch(mode):
                    raise SoopError(
                        f"{self._place(place)}: holds a secret, its mode can be 0600 or 0640, not {shown(mode)}"
                    )
                data = {"content": content, "secret": secret, "mode": mode}
            yield path, self._build(File, place, {**data, "owner": part.owner, "group": part.group})

    def _tree_files(self) -> Iterator[tuple[str, File]]:
        computed = self.block.trees
        if isinstance(computed, str):
            for source, destination in named_destinations(computed, self.scope, self._place("trees")):
                yield from self._tree(parts.TreePart(source=source, destination=destination))
            return
        for tree in self._listed("trees", computed, parts.TreePart, "source"):
            yield from self._tree(tree)

    def _tree(self, tree: parts.TreePart) -> Iterator[tuple[str, File]]:
        """Yield a single file, or the files below a folder."""
        single = self.packed.files.get(tree.source)
        if single is not None:
            name = tree.source.rsplit("/", 1)[-1]
            found = {
                tree.destination + name if tree.destination.endswith("/") else tree.destination: (tree.source, single)
            }
        else:
            prefix = tree.source.rstrip("/") + "/"
            folder = tree.destination.rstrip("/") + "/"
            found = {
                folder + path.removeprefix(prefix): (path, file)
                for path, file in sorted(self.packed.files.items())
                if path.startswith(prefix)
            }
        if not found:
            self._packed(tree.source, "trees")
        for path, (source, file) in found.items():
            data = {
                "source": source,
                "digest": file.digest,
                "mode": file.mode,
                "owner": tree.owner,
                "group": tree.group,
            }
            yield path, self._build(File, f"trees.{shown(tree.source)}", data)

    def units(self) -> dict[str, Unit]:
        found: dict[str, Unit] = {}
        for name, part in self._named("units", self.block.units, parts.UnitPart):
            ours = part.content is not None or part.template is not None
            place = f"units.{shown(name)}"
            content = self._content(part.content, part.template, place) if ours else None
            data = part.model_dump(include={"enabled", "state", "restart_on", "reload_on"})
            found[name] = self._build(Unit, place, {**data, "content": content})
        return found

    def scripts(self) -> Iterator[Script]:
        for part in self._listed("scripts", self.block.scripts, parts.ScriptPart, "program"):
            place = f"scripts.{shown(part.name)}"
            if part.phase not in ("before_units", "after_units"):
                raise SoopError(f"{self._place(place)}: phase: expected before_units or after_units {got(part.phase)}")
            data = part.model_dump(include={"name", "arguments", "user", "timeout", "triggers"})
            source = packed_path(self.block.block, part.program) if part.program is not None else part.source
            if source is not None:
                data |= {"source": source, "digest": self._packed(source, place).digest}
            else:
                data["content"] = self._content(part.content, part.template, place)
                if not data["content"].startswith("#!"):
                    raise SoopError(f"{self._place(place)}: expected a program that starts with #!")
            has_stdin = part.stdin is not None or part.stdin_template is not None
            data["stdin"] = self._content(part.stdin, part.stdin_template, place) if has_stdin else None
            yield self._build(Script, place, {**data, "when": part.phase})

    def _content(self, content: str | None, template: str | None, place: str) -> str:
        """Return text that was evaluated with its part, or render a template of the block."""
        if template is None:
            if content is None:
                raise SoopError(f"{self._place(place)}: has no content")
            return content
        if template not in self.block.templates:
            raise SoopError(f"{self._place(place)}: the block has {unknown('file', template, self.block.templates)}")
        return render(self.block.templates[template], self.scope, f"{self.where} (block {self.block.block}/{template})")

    def _packed(self, source: str, place: str) -> PackedFile:
        if source not in self.packed.files:
            raise SoopError(f"{self._place(place)}: the artifact has {unknown('file', source, self.packed.files)}")
        return self.packed.files[source]

    def _build(self, model: type[M], place: str, data: Mapping[str, Any]) -> M:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            raise InvalidInput(problem.line(self._place(place)) for problem in problems_of(error, model)) from None
