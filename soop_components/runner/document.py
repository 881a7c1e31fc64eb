"""The document that says what one node must be, parsed and checked once."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from soop_components.runner.canonical import digest_of
from soop_components.runner.failure import Failure
from soop_components.runner.marks import holds_secret, put_node
from soop_components.runner.plan import (
    CommandHealth,
    Component,
    Directory,
    File,
    HttpHealth,
    Link,
    Package,
    Script,
    Unit,
    User,
)
from soop_components.runner.protocol import Version

UNIT_FOLDER = "/etc/systemd/system"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]* [0-9][A-Za-z0-9.+:~-]* [a-z0-9][a-z0-9-]*")
_T = TypeVar("_T")


class Document(NamedTuple):
    """What one node must be."""

    service: str
    version: str
    digest: str
    role: str
    node: Mapping[str, str]
    packages: Mapping[str, Package]
    components: tuple[Component, ...]
    plan_digest: str
    raw: Mapping[str, Any]
    """As it was received, to be stored."""

    @property
    def reference(self) -> str:
        """Name and version, ``access-service-3.2.3``."""
        return f"{self.service}-{self.version}"

    @property
    def blobs(self) -> set[str]:
        """The digests of everything that carrying it out may need."""
        return {package.digest for package in self.packages.values()} | {
            part.blob for part in self.components if part.blob
        }

    @property
    def paths(self) -> set[str]:
        """Every path that the document speaks of, except folders."""
        units = {f"{UNIT_FOLDER}/{name}" for name, unit in self.units.items() if unit.content is not None}
        return units.union(*((*part.files, *part.links, *part.absent) for part in self.components))

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
    """Return what tells a stored document from others."""
    return Version(*(raw[key] for key in Version._fields))


def parse(raw: Any) -> Document:
    """Check a document's form and digest, put in the node's values, and return it typed."""
    try:
        if raw["format"] != 1:
            raise Failure("plan", f"this runner reads documents of format 1, not {raw['format']!r}")
        preceding = {key: value for key, value in raw.items() if key != "plan_digest"}
        if digest_of(preceding) != raw["plan_digest"]:
            raise Failure("plan", "the document is damaged: its digest is another one than it says")
        plan = put_node(raw["plan"], raw["node"])
        packages = _each(Package, plan.get("packages"))
        components = tuple(_component(name, plan["components"][name]) for name in _order(plan))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Failure("plan", f"the document has not the form of a plan: {type(error).__name__}: {error}") from error
    head = {key: raw[key] for key in ("service", "version", "digest", "role", "node", "plan_digest")}
    document = Document(packages=packages, components=components, raw=raw, **head)
    _check_names(document)
    _check(document)
    return document


def _order(plan: Mapping[str, Any]) -> list[str]:
    names = plan.get("components") or {}
    order = list(plan.get("order") or ())
    return order + sorted(set(names) - set(order))


def _component(name: str, raw: Mapping[str, Any]) -> Component:
    parts: dict[str, Callable[[Any], Any]] = {
        "users": lambda value: _each(User, value),
        "directories": lambda value: _each(Directory, value),
        "files": lambda value: _each(File, value),
        "links": lambda value: _each(Link, value),
        "absent": tuple,
        "scripts": lambda value: tuple(_one(Script, item) for item in value),
        "units": lambda value: _each(Unit, value),
        "http_health": lambda value: _one(HttpHealth, value),
        "command_health": lambda value: _one(CommandHealth, value),
    }
    given = {key: parts.get(key, lambda value: value)(value) for key, value in raw.items() if value is not None}
    return Component(name=name, **given)


def _one(kind: Callable[..., _T], raw: Mapping[str, Any]) -> _T:
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()})


def _each(kind: Callable[..., _T], raw: Mapping[str, Any] | None) -> dict[str, _T]:
    return {name: _one(kind, value) for name, value in (raw or {}).items()}


def _check_names(document: Document) -> None:
    """Refuse names that would lead elsewhere, or that dpkg would take for an option."""
    for name, package in document.packages.items():
        if not _PACKAGE.fullmatch(f"{name} {package.version} {package.architecture}"):
            raise Failure("plan", f"{name!r} {package.version!r} {package.architecture!r} is not a Debian package")
    for digest in document.blobs:
        if not _DIGEST.fullmatch(digest):
            raise Failure("plan", f"{digest!r} is not the digest of a blob")


def _check(document: Document) -> None:
    seen: dict[str, tuple[str, object]] = {}
    for component in document.components:
        for path, what in _claims(component):
            if (
                not path.startswith("/")
                or path.startswith("//")
                or os.path.normpath(path) != path
                or path == "/"
                or "\0" in path
            ):
                raise Failure("plan", f"{path!r} is not a plain absolute path", component=component.name)
            other, as_what = seen.setdefault(path, (component.name, what))
            if as_what != what:
                raise Failure("plan", f"{path} is one thing in {other} and another in {component.name}")
        for where, text in _public_texts(component):
            if holds_secret(text):
                raise Failure(
                    "plan", f"{where}: a secret does not belong where others see it", component=component.name
                )


def _claims(component: Component) -> Iterator[tuple[str, object]]:
    """Yield every managed path with what it is; components may share a path when they agree."""
    yield from component.directories.items()
    yield from component.links.items()
    yield from ((path, (file, component.blob if file.source else None)) for path, file in component.files.items())
    yield from ((path, "absent") for path in component.absent)
    yield from (
        (f"{UNIT_FOLDER}/{name}", unit.content) for name, unit in component.units.items() if unit.content is not None
    )


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
