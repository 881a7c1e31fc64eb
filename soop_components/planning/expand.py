"""Expansion: a component, made from a building block, becomes what it is on a node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from soop_components.artifact.definition import PackedFile, PackedFiles
from soop_components.errors import SoopError
from soop_components.model import parts, plan
from soop_components.model.base import Model
from soop_components.model.block import WHEELS, Block, packed_path
from soop_components.model.names import shown
from soop_components.model.parts import Part
from soop_components.model.problem import got, unknown
from soop_components.planning.marks import holds_secret
from soop_components.planning.parts import answers, listed_parts, named_parts, tree_parts, validated
from soop_components.planning.place import Place
from soop_components.planning.scope import Scope
from soop_components.planning.templates import render

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Part)
_SECRET_MODE = re.compile(r"0[0246][04]0")
"""Nothing for others, no writing for the group, and nothing is a program."""


def expand(block: Block, packed: PackedFiles, scope: Scope, where: Place) -> plan.ComponentPlan:
    """Return what a component is on a node; ``scope`` has its parameters, ``where`` is its place in errors."""
    expansion = _Expansion(block, packed, scope, where.in_block(block.block))
    trees = tree_parts(block.trees, scope, expansion.where.at("trees"))
    files = expansion.files(trees)
    logs = listed_parts(block.logs, parts.LogPart, "path", scope, expansion.where.at("logs"))
    absent = listed_parts(block.absent, parts.AbsentPart, "path", scope, expansion.where.at("absent"))
    scripts = tuple(expansion.scripts())
    debconf = answers(block.debconf, scope, expansion.where.at("debconf"))
    http = {"http": block.health.http} if block.health.http else {}
    command = {"command": block.health.command} if block.health.command else {}
    sources = [file.source for file in files.values()] + [script.source for script in scripts]
    return plan.ComponentPlan(
        blob=packed.blob if any(sources) else None,
        users=expansion.same("users", block.users, parts.UserPart, plan.User),
        directories=expansion.same("directories", block.directories, parts.DirectoryPart, plan.Directory),
        files=files,
        links=expansion.links(trees),
        absent=tuple(part.path for part in absent),
        scripts=scripts,
        units=expansion.units(),
        http_health=expansion.same("health", http, parts.HttpHealthPart, plan.HttpHealth).get("http"),
        logs=tuple(part.path for part in logs),
        debconf=debconf,
        command_health=expansion.same("health", command, parts.CommandHealthPart, plan.CommandHealth).get("command"),
    )


@dataclass(frozen=True)
class _Expansion:
    block: Block
    packed: PackedFiles
    scope: Scope
    where: Place

    def same(self, key: str, section: Mapping[str, P] | str, kind: type[P], model: type[M]) -> dict[str, M]:
        """Return parts that are in the plan what they are in the block."""
        return {
            name: validated(model, part.model_dump(exclude={"when"}), self.where.at(key, name))
            for name, part in named_parts(section, kind, self.scope, self.where.at(key)).items()
        }

    def files(self, trees: list[parts.TreePart]) -> dict[str, plan.File]:
        """Return single files, then those of trees; a path twice is a mistake."""
        single = named_parts(self.block.files, parts.FilePart, self.scope, self.where.at("files"))
        found = {path: self._file(part, self.where.at("files", path)) for path, part in single.items()}
        for tree in trees:
            for path, file in self._tree(tree):
                if path in found:
                    raise SoopError(f"{self.where.at('files', path)}: is there twice")
                found[path] = file
        return found

    def _file(self, part: parts.FilePart, place: Place) -> plan.File:
        data = part.model_dump(include={"owner", "group", "source", "first", "others"})
        if part.source is not None:
            packed = self._packed(part.source, place)
            return validated(plan.File, {**data, "digest": packed.digest, "mode": part.mode or packed.mode}, place)
        content = self._content(part.content, part.template, place)
        secret = holds_secret(content)
        mode = part.mode or ("0600" if secret else "0644")
        if secret and not _SECRET_MODE.fullmatch(mode):
            raise SoopError(f"{place}: holds a secret, its mode can be 0600 or 0640, not {shown(mode)}")
        return validated(plan.File, {**data, "content": content, "secret": secret, "mode": mode}, place)

    def links(self, trees: list[parts.TreePart]) -> dict[str, plan.Link]:
        """Return single links, then those of trees."""
        found = self.same("links", self.block.links, parts.LinkPart, plan.Link)
        for tree in trees:
            for path, source in _below(tree, self.packed.links).items():
                link = plan.Link(target=self.packed.links[source])
                if found.setdefault(path, link) != link:
                    raise SoopError(f"{self.where.at('trees')}: {shown(path)} is there twice")
        return found

    def _tree(self, tree: parts.TreePart) -> Iterator[tuple[str, plan.File]]:
        """Yield a single file, or the files below a folder."""
        if tree.source in self.packed.files:
            name = tree.source.rsplit("/", 1)[-1] if tree.destination.endswith("/") else ""
            found = {tree.destination + name: tree.source}
        else:
            found = _below(tree, [*self.packed.files, *self.packed.apart])
        if not found and not _below(tree, self.packed.links) and tree.source != WHEELS:
            self._packed(tree.source, self.where.at("trees"))
        for path, source in found.items():
            packed = self.packed.files.get(source) or self.packed.apart[source]
            inside = source if source in self.packed.files else None
            data = {"source": inside, "digest": packed.digest, "mode": packed.mode}
            data |= tree.model_dump(include={"owner", "group"})
            yield path, validated(plan.File, data, self.where.at("trees", tree.source))

    def units(self) -> dict[str, plan.Unit]:
        found: dict[str, plan.Unit] = {}
        for name, part in named_parts(self.block.units, parts.UnitPart, self.scope, self.where.at("units")).items():
            place = self.where.at("units", name)
            data = part.model_dump(include={"enabled", "state", "restart_on", "reload_on", "first", "others"})
            if part.content is not None or part.template is not None:
                data["content"] = self._content(part.content, part.template, place)
            found[name] = validated(plan.Unit, data, place)
        return found

    def scripts(self) -> Iterator[plan.Script]:
        section = self.block.scripts
        for part in listed_parts(section, parts.ScriptPart, "program", self.scope, self.where.at("scripts")):
            place = self.where.at("scripts", part.name)
            if part.phase not in ("before_units", "after_units"):
                raise SoopError(f"{place}: phase: expected before_units or after_units {got(part.phase)}")
            data = part.model_dump(include={"name", "arguments", "user", "timeout", "triggers", "first", "others"})
            source = packed_path(self.block.block, part.program) if part.program is not None else part.source
            if source is not None:
                data |= {"source": source, "digest": self._packed(source, place).digest}
            else:
                data["content"] = self._content(part.content, part.template, place)
                if not re.match(r"#![^\r\n]+(?:\n|$)", data["content"]):
                    raise SoopError(
                        f"{place}: expected a program that starts with a line such as #!/bin/sh, without CR"
                    )
            if part.stdin is not None or part.stdin_template is not None:
                data["stdin"] = self._content(part.stdin, part.stdin_template, place)
            yield validated(plan.Script, {**data, "when": part.phase}, place)

    def _content(self, content: str | None, template: str | None, place: Place) -> str:
        """Return text that was evaluated with its part, or render a template of the block."""
        if template is None:
            return content or ""
        if template not in self.block.templates:
            raise SoopError(f"{place}: the block has {unknown('file', template, self.block.templates)}")
        where = self.where.in_block(f"{self.block.block}/{template}")
        return render(self.block.templates[template], self.scope, where, comments=True)

    def _packed(self, source: str, place: Place) -> PackedFile:
        if source not in self.packed.files:
            raise SoopError(f"{place}: the artifact has {unknown('file', source, self.packed.files)}")
        return self.packed.files[source]


def _below(tree: parts.TreePart, paths: Iterable[str]) -> dict[str, str]:
    """Return what is below a tree's folder, by where it goes."""
    prefix, folder = (path.rstrip("/") + "/" for path in (tree.source, tree.destination))
    return {folder + path.removeprefix(prefix): path for path in sorted(paths) if path.startswith(prefix)}
