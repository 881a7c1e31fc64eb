"""The project that ``soop init`` begins: a service, a domain and an environment to change into one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from soop_components.errors import InvalidInput
from soop_components.project import Project
from soop_components.schema.schemas import SCHEMAS, schema_path, schema_text

_FILES = Path(__file__).parent / "files"
_CI = Path(__file__).parent / "ci"
_CI_OF_ALL = "common"
_DOT = "dot-"
"""Beginning of a name that begins with a dot in the project; packaging tools leave out files that are hidden."""
_DISTRIBUTION = "soop-components"


def begin(root: Path, ci: str | None = None) -> list[str]:
    """Write the project into a folder and return the paths of its files; what is there already is never changed.

    With ``ci``, one of ``ci_kinds``, what previews pull requests there is written too; into a project that is there
    already, that alone.
    """
    texts: dict[str, str] = {}
    if ci is None or not (root / "Pulumi.yaml").exists():
        texts = dict(_texts(root, _FILES)) | {schema_path(name): schema_text(name) for name in SCHEMAS}
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
