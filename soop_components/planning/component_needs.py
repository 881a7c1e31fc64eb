"""What a component needs in the artifact: paths of the service definition, and Debian packages."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.errors import SoopError
from soop_components.model.block import Block
from soop_components.model.parts import PackagePart
from soop_components.model.paths import path_problem
from soop_components.model.problem import got
from soop_components.planning.marks import Marked
from soop_components.planning.parameters import parts_of
from soop_components.planning.place import Place
from soop_components.planning.templates import evaluate


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


def component_packages(block: Block, with_: Mapping[str, object], base: str) -> list[str]:
    """Return the names of the Debian packages that a component needs, sorted, without their dependencies.

    They may depend on the base and on the component's parameters as they are written, but not on configuration, nodes
    or domain: a parameter that is such a template is not defined here.
    """
    where = Place(f"block {block.block}", ("packages",))
    params: dict[str, object] = {}
    scope = {"service": {"base": base}, "params": params}
    for name, parameter in block.parameters.items():
        given = with_.get(name)
        try:
            params[name] = evaluate(parameter.default if given is None else given, scope, where)
        except SoopError:
            continue  # depends on the domain: what uses it below is refused
    try:
        return sorted(package_names(block, scope, where))
    except SoopError as error:
        raise SoopError(
            error.message, "packages can depend only on parameters, and those cannot be templates then"
        ) from None


def package_names(block: Block, scope: Mapping[str, object], where: Place) -> set[str]:
    """Return the names of the packages that a block asks for in a scope."""
    found: set[str] = set()
    for package in block.packages if isinstance(block.packages, tuple) else [block.packages]:
        part = package if isinstance(package, PackagePart) else PackagePart(name=package)
        names = evaluate(part.name, scope, where) if evaluate(part.when, scope, where) else []
        for name in names if isinstance(names, list) else [] if names is None else [names]:
            if not isinstance(name, str) or isinstance(name, Marked) or not name:
                raise SoopError(f"{where}: expected the name of a package {got(name)}")
            found.add(name)
    return found
