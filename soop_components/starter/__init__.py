"""The project that ``soop init`` begins: a service, a domain and an environment to change into one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from soop_components.errors import InvalidInput
from soop_components.schema.schemas import SCHEMAS, schema_path, schema_text

_FILES = Path(__file__).parent / "files"
_DOT = "dot-"
"""Beginning of a name that begins with a dot in the project; packaging tools leave out files that are hidden."""
_DISTRIBUTION = "soop-components"


def begin(root: Path) -> list[str]:
    """Write the project into a folder and return the paths of its files; what is there already is never changed."""
    texts = dict(_texts(root)) | {schema_path(name): schema_text(name) for name in SCHEMAS}
    problems = [f"{name}: is there already" for name in texts if (root / name).exists()]
    if problems:
        raise InvalidInput(problems, "begin in a folder without them; nothing was written")
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    return sorted(texts)


def requirement() -> str:
    """Return what pins the soop that runs now: its commit where it came out of a repository, else its version."""
    distribution = metadata.distribution(_DISTRIBUTION)
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    repository = origin.get("vcs_info")
    if repository:
        return f"{_DISTRIBUTION} @ {repository['vcs']}+{origin['url']}@{repository['commit_id']}"
    return f"{_DISTRIBUTION}=={distribution.version}"


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each file in the project, and its text with what differs from project to project."""
    for path in sorted(_FILES.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":  # installers compile programs
            name = "/".join(re.sub(f"^{_DOT}", ".", part) for part in path.relative_to(_FILES).parts)
            text = path.read_text().replace("@@project@@", project_name(root))
            yield name, text.replace("@@requirement@@", requirement())


def project_name(root: Path) -> str:
    """Return a name that Pulumi accepts for a project, after the folder's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", root.resolve().name).strip("-") or "services"
