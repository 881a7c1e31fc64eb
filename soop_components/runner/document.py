"""The document that says what one node must be, parsed and checked once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from soop_components.runner.failure import Failure
from soop_components.runner.marks import holds_secret, put_node
from soop_components.runner.plan import Component, Package, Unit
from soop_components.runner.typed_json import digest_of, read
from soop_components.runner.vocabulary import Version

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLAIN_PATH = re.compile(r"(/(?!\.\.?(/|$))[^/\0]+)+")
"""Absolute, without empty parts and those that lead elsewhere."""
_QUESTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*(?:/[A-Za-z0-9+._-]+)+")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]* [0-9][A-Za-z0-9.+:~-]* [a-z0-9][a-z0-9-]*")


class Document(NamedTuple):
    """What one node must be."""

    version: Version
    node: Mapping[str, str]
    packages: Mapping[str, Package]
    base_packages: tuple[str, ...]
    """Names of those that the base image has, which an existing host may lack."""
    components: tuple[Component, ...]
    disk: str | None
    """Where the node's disk is mounted."""
    raw: Mapping[str, Any]
    """As it was received, to be stored."""

    @property
    def blobs(self) -> set[str]:
        """The digests of everything that carrying it out may need."""
        packages = {package.digest for package in self.packages.values()}
        files = {file.own_blob for part in self.components for file in part.files.values() if file.own_blob}
        return packages | files | {part.blob for part in self.components if part.blob}

    @property
    def debconf(self) -> dict[str, str]:
        """The answers to the questions of packages."""
        return {question: text for part in self.components for question, text in part.debconf.items()}

    @property
    def paths(self) -> set[str]:
        """Every path that the document speaks of, except folders."""
        parts = ((*part.files, *part.links, *part.absent, *part.unit_files) for part in self.components)
        return {path for part in parts for path in part}

    @property
    def units(self) -> dict[str, Unit]:
        """The units of all components; one that several speak of has the triggers of all."""
        found: dict[str, Unit] = {}
        for component in self.components:
            for name, unit in component.units.items():
                other = found.get(name, unit._replace(restart_on=(), reload_on=()))
                found[name] = unit._replace(
                    content=other.content if unit.content is None else unit.content,
                    restart_on=other.restart_on + unit.restart_on,
                    reload_on=other.reload_on + unit.reload_on,
                )
        return found


def version_of(raw: Mapping[str, Any]) -> Version:
    """Return the version of a stored document."""
    return Version(*(raw[key] for key in Version._fields))


def parse(raw: Any) -> Document:
    """Check a document's form and digest, put in the node's values, and return it typed."""
    try:
        if raw["format"] != 1:
            raise Failure("plan", f"this runner reads documents of format 1, not {raw['format']!r}")
        preceding = {key: value for key, value in raw.items() if key != "plan_digest"}
        if digest_of(preceding) != raw["plan_digest"]:
            raise Failure("plan", "the document is damaged: it does not have the digest that it states")
        plan = put_node(raw["plan"], raw["node"])
        packages = {name: read(Package, package, name) for name, package in (plan.get("packages") or {}).items()}
        of_base = tuple(map(str, plan.get("base_packages") or ()))
        components = tuple(read(Component, {"name": name, **plan["components"][name]}, name) for name in _order(plan))
        is_first = raw["node"].get("number") == "1"
        components = tuple(component.on_node(is_first) for component in components)
        document = Document(version_of(raw), raw["node"], packages, of_base, components, plan.get("disk"), raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Failure("plan", f"the document cannot be read as a plan: {type(error).__name__}: {error}") from error
    _check_names(document)
    _check(document)
    return document


def _order(plan: Mapping[str, Any]) -> list[str]:
    order = list(plan.get("order") or ())
    return order + sorted(set(plan.get("components") or ()) - set(order))


def _check_names(document: Document) -> None:
    """Refuse names that would lead elsewhere, or that dpkg would take for an option."""
    for name, package in document.packages.items():
        if not _PACKAGE.fullmatch(f"{name} {package.version} {package.architecture}"):
            raise Failure("plan", f"{name!r} {package.version!r} {package.architecture!r} is not a Debian package")
    for question in document.debconf:
        if not _QUESTION.fullmatch(question):
            raise Failure("plan", f"{question!r} is not a question of debconf's")
    for digest in document.blobs:
        if not _DIGEST.fullmatch(digest):
            raise Failure("plan", f"{digest!r} is not the digest of a blob")


def _check(document: Document) -> None:
    seen: dict[str, tuple[str, object]] = {}
    for component in document.components:
        for path, what in _claims(component):
            if not _PLAIN_PATH.fullmatch(path):
                raise Failure("plan", f"{path!r} is not a plain absolute path", component=component.name)
            other, as_what = seen.setdefault(path, (component.name, what))
            if as_what != what:
                raise Failure("plan", f"{path} is one thing in {other} and another in {component.name}")
        for where, text in _public_texts(component):
            if holds_secret(text):
                what = f"{where}: a secret does not belong where others see it"
                raise Failure("plan", what, component=component.name)


def _claims(component: Component) -> Iterator[tuple[str, object]]:
    """Yield every managed path with what it is; components may share a path when they agree."""
    yield from component.directories.items()
    yield from component.links.items()
    yield from ((path, (file, component.blob if file.source else None)) for path, file in component.files.items())
    yield from ((path, "absent") for path in component.absent)
    yield from ((path, unit.content) for path, unit in component.unit_files.items())


def _public_texts(component: Component) -> Iterator[tuple[str, str]]:
    """Yield texts that process lists, ``systemctl show`` or folders would show to everybody."""
    for name, unit in component.units.items():
        yield f"unit {name}", unit.content or ""
    for script in component.scripts:
        yield f"arguments of script {script.name}", " ".join(script.arguments)
    if component.command_health:
        yield "health command", " ".join(component.command_health.command)
    if component.http_health:
        yield "health path", component.http_health.path
    yield from ((f"link {path}", link.target) for path, link in component.links.items())
