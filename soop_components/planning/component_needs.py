"""What a component needs in the artifact: paths of the service definition, and Debian packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.model.block import Block
from soop_components.model.parts import PackagePart
from soop_components.model.paths import path_problem
from soop_components.model.problem import got
from soop_components.planning.marks import Marked
from soop_components.planning.parameters import parts_of
from soop_components.planning.place import Place
from soop_components.planning.templates import evaluate


class AskedPackage(NamedTuple):
    """A Debian package that a component asks for."""

    name: str
    version: str | None = None
    """The only one that will do."""
    recommends: bool = False
    """Whether the packages that it recommends come along."""

    def __str__(self) -> str:
        """Return it as apt understands it."""
        return self.name if self.version is None else f"{self.name}={self.version}"


def merged_packages(asked: Iterable[AskedPackage]) -> tuple[AskedPackage, ...]:
    """Return each package once, sorted, as all who ask for it want it; they agree on its version."""
    found: dict[str, AskedPackage] = {}
    for each in asked:
        other = found.get(each.name, each)
        found[each.name] = AskedPackage(each.name, each.version or other.version, each.recommends or other.recommends)
    return tuple(sorted(found.values()))


def component_sources(block: Block, with_: Mapping[str, object]) -> tuple[set[str], list[str]]:
    """Return the paths of the service definition that a component refers to, a folder's ends in ``/``, and mistakes.

    They are the values of its parameters of type ``path``, as they are written: a template there is a mistake, since
    what is in an artifact cannot depend on a domain. Mistakes begin with the parameter's name.
    """
    paths: set[str] = set()
    problems: list[str] = []
    for name, parameter in block.parameters.items():
        given = with_.get(name)
        value = parameter.default if given is None else given
        for path in [part.value for part in parts_of(parameter, value) if part.type == "path"]:
            problem = path_problem(path)
            if problem:
                problems.append(f"{name}: {problem}")
            else:
                paths.add(str(path))
    return paths, problems


def component_packages(block: Block, with_: Mapping[str, object], base: str) -> tuple[AskedPackage, ...]:
    """Return the Debian packages that a component needs, sorted, without their dependencies.

    They may depend on the base and on the component's parameters as they are written, but not on configuration, nodes
    or domain: a parameter that is such a template is not defined here.
    """
    where = Place(f"block {block.block}", ("packages",))
    try:
        return merged_packages(asked_packages(block, _as_written(block, with_, base), where))
    except SoopError as error:
        raise SoopError(
            error.message, "packages can depend only on parameters, and those cannot be templates then"
        ) from None


def component_application(block: Block, with_: Mapping[str, object], base: str) -> str | None:
    """Return the folder of the service definition whose Python packages a component needs; None if it needs none."""
    if block.wheels is None:
        return None
    found = evaluate(block.wheels, _as_written(block, with_, base), Place(f"block {block.block}", ("wheels",)))
    return found if isinstance(found, str) and not path_problem(found) else None  # reported with the parameter itself


def _as_written(block: Block, with_: Mapping[str, object], base: str) -> dict[str, object]:
    """Return a scope with the parameters as far as they depend on nothing else."""
    where = Place(f"block {block.block}", ("parameters",))
    params: dict[str, object] = {}
    scope: dict[str, object] = {"service": {"base": base}, "params": params}
    for name, parameter in block.parameters.items():
        given = with_.get(name)
        try:
            params[name] = evaluate(parameter.default if given is None else given, scope, where)
        except SoopError:
            continue  # depends on the domain: what uses it is refused
    return scope


def asked_packages(block: Block, scope: Mapping[str, object], where: Place) -> list[AskedPackage]:
    """Return the packages that a block asks for in a scope."""
    found: list[AskedPackage] = []
    for package in block.packages if isinstance(block.packages, tuple) else [block.packages]:
        part = package if isinstance(package, PackagePart) else PackagePart(name=package)
        if not evaluate(part.when, scope, where):
            continue
        names, recommends = evaluate(part.name, scope, where), evaluate(part.recommends, scope, where)
        for name in names if isinstance(names, list) else [] if names is None else [names]:
            if not isinstance(name, str) or isinstance(name, Marked) or not name:
                raise SoopError(f"{where}: expected the name of a package {got(name)}")
            bare, _, version = name.partition("=")
            found.append(AskedPackage(bare, version if "=" in name else None, bool(recommends)))
    return found
