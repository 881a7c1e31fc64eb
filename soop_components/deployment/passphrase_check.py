"""Whether secrets of a domain are sealed with a passphrase that everybody knows, and its environment forbids that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.model.environment import Environment
from soop_components.project import KNOWN_TO_ALL, Project
from soop_components.reading.yaml_file import read_yaml


def check_passphrase(
    project: Project, id: str, environment: Environment, environ: Mapping[str, str], *, is_new: bool = False
) -> None:
    """Raise ``SoopError`` for a passphrase that the environment does not admit.

    ``environ`` is that of Pulumi. ``is_new``: the domain has no stack yet, and Pulumi is about to make one.
    """
    known = {KNOWN_TO_ALL: "the passphrase that setup writes, which everybody knows", "": "an empty passphrase"}
    passphrase = _passphrase(project, environ)
    if environment.security.shared_passphrase or passphrase not in known:
        return
    if not _uses_passphrase(project, project.domain_file(id), environ, is_new):
        return
    file = project.name_of(project.environments / f"{environment.name}.yaml")
    own = project.name_of(project.passphrase)
    raise SoopError(
        f"{file}: security.shared_passphrase: secrets of {id} are sealed with {known[passphrase]}",
        f"put one of your own into {own} before the domain's first deployment; later, "
        f"`pulumi stack change-secrets-provider passphrase --stack {id}` asks for it and seals what is there anew; "
        "give new values for secrets that were already sealed in a definition that others have; "
        "or say `security: {shared_passphrase: true}` where nobody minds",
    )


def _uses_passphrase(project: Project, path: Path, environ: Mapping[str, str], is_new: bool) -> bool:
    """Return whether Pulumi seals a stack's secrets with a passphrase: the stack's file has a salt for it then.

    For a new stack it does so unless the file names another means, or the state is with Pulumi's own service.
    """
    try:
        found = read_yaml(path, path.name).data if path.exists() else {}
    except SoopError:
        return False  # whoever reads the definition says what is wrong
    said = found if isinstance(found, dict) else {}
    backend = environ.get("PULUMI_BACKEND_URL") or project.pulumi_yaml("backend", "url")
    made_with_one = is_new and bool(backend) and not str(backend).startswith("http")
    return "encryptionsalt" in said or (made_with_one and "secretsprovider" not in said)


def _passphrase(project: Project, environ: Mapping[str, str]) -> str | None:
    """Return what Pulumi opens secrets with, an empty one included: the environment's, or that of the file named there.

    None where there is none to read, which Pulumi then says.
    """
    if "PULUMI_CONFIG_PASSPHRASE" in environ:
        return environ["PULUMI_CONFIG_PASSPHRASE"]
    try:
        return Path(environ.get("PULUMI_CONFIG_PASSPHRASE_FILE") or project.passphrase).read_text().strip()
    except (OSError, ValueError):
        return None
