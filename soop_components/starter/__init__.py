"""The project that ``soop init`` begins: a service, a domain and an environment to change into one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from soop_components.errors import InvalidInput
from soop_components.project import Project
from soop_components.schema.schemas import SCHEMAS, schema_path, schema_text

_FILES = Path(__file__).parent / "files"
_TEMPLATES = Path(__file__).parent / "templates"
_CI = Path(__file__).parent / "ci"
_CI_OF_ALL = "common"
_DOT = "dot-"
"""Beginning of a name that begins with a dot in the project; packaging tools leave out files that are hidden."""
_USUAL = "hello"
_FIRST_VERSION = "0.1.0"
_DISTRIBUTION = "soop-components"


class Template(NamedTuple):
    """The service and the domain that a project begins with."""

    name: str

    @property
    def folder(self) -> Path:
        """Return what is written beside the files that every project has."""
        return _TEMPLATES / self.name

    @property
    def service(self) -> str:
        """Return the name of its service."""
        return next((self.folder / "service_defs").iterdir()).name

    @property
    def domain(self) -> str:
        """Return the name of its domain."""
        return next((self.folder / "stacks").iterdir()).name.removeprefix("Pulumi.").removesuffix(".yaml")

    @property
    def commands(self) -> tuple[str, ...]:
        """Return what brings the service up."""
        return (
            f"soop lock {self.service}",
            f"soop build {self.service}",
            f"soop deploy {self.service}-{_FIRST_VERSION} {self.domain}",
        )


def templates() -> tuple[str, ...]:
    """Return the names of the templates; the first one is used unless another is asked for."""
    return (_USUAL, *sorted(path.name for path in _TEMPLATES.iterdir() if path.is_dir() and path.name != _USUAL))


def begin(root: Path, ci: str | None = None, template: str = _USUAL) -> list[str]:
    """Write the project into a folder and return the paths of its files; what is there already is never changed.

    With ``ci``, one of ``ci_kinds``, what previews pull requests there is written too; into a project that is there
    already, that alone.
    """
    texts: dict[str, str] = {}
    if ci is None or not (root / "Pulumi.yaml").exists():
        chosen = Template(template)
        texts = dict(_texts(root, _FILES)) | dict(_texts(root, chosen.folder))
        for mark, value in (("@@service@@", chosen.service), ("@@domain@@", chosen.domain)):
            texts = {name: text.replace(mark, value) for name, text in texts.items()}
        texts |= {schema_path(name): schema_text(name) for name in SCHEMAS}
    there = [name for name in texts if (root / name).exists()]
    if ci is not None:
        previews = {**dict(_texts(root, _CI / _CI_OF_ALL)), **dict(_texts(root, _CI / ci))}
        there += [name for name, text in previews.items() if _differs(root / name, text)]
        texts |= previews
    problems = [f"{name}: is there already" for name in there]
    if problems:
        instead = "without them" if ci is None else "of its own, and take over what you want"
        raise InvalidInput(problems, f"begin in a folder {instead}; nothing was written")
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    return sorted(texts)


def ci_kinds() -> tuple[str, ...]:
    """Return where pull requests can be previewed."""
    return tuple(sorted(path.name for path in _CI.iterdir() if path.name != _CI_OF_ALL and path.is_dir()))


def _differs(path: Path, text: str) -> bool:
    return path.exists() and not (path.is_file() and path.read_bytes() == text.encode())


def requirement() -> str:
    """Return what pins the soop that runs now: its commit where it came out of a repository, else its version."""
    distribution = metadata.distribution(_DISTRIBUTION)
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    repository = origin.get("vcs_info")
    if repository:
        return f"{_DISTRIBUTION} @ {repository['vcs']}+{origin['url']}@{repository['commit_id']}"
    return f"{_DISTRIBUTION}=={distribution.version}"


def _texts(root: Path, files: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each file in the project, and its text with what differs from project to project."""
    name_of_project = _name_given(root) or project_name(root)
    for path in sorted(files.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":  # installers compile programs
            name = "/".join(re.sub(f"^{_DOT}", ".", part) for part in path.relative_to(files).parts)
            text = path.read_text().replace("@@project@@", name_of_project)
            yield name, text.replace("@@requirement@@", requirement())


def _name_given(root: Path) -> str | None:
    """Return what Pulumi.yaml calls the project, if it is there."""
    return Project(root).pulumi_yaml("name") if (root / "Pulumi.yaml").is_file() else None


def project_name(root: Path) -> str:
    """Return a name that Pulumi accepts for a project, after the folder's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", root.resolve().name).strip("-") or "services"
