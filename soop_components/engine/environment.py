"""Where ``pulumi`` is and the environment that it runs in, so that nobody has to set a variable by hand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.project import KNOWN_TO_ALL, Project

WITHOUT_METADATA = "?metadata=skip"
"""Appended to the URL of a file backend, makes the engine leave out the notes beside each file of the state.

It never needs them and writes them in place: killed at that moment it would leave an empty note, and no ``pulumi``
does more than say "EOF" then.
"""


def find_pulumi(project: Project, environ: Mapping[str, str]) -> Path:
    """Return the engine: the one built in this checkout (only where none fitted), else PATH's, else the installer's."""
    installed = Path(environ.get("HOME", "/nonexistent")) / ".pulumi" / "bin"
    folders = [str(project.built / "bin"), environ.get("PATH", os.defpath), str(installed)]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        raise SoopError("pulumi is not installed", "install it: https://www.pulumi.com/docs/install")
    return Path(found)


def shell_variables(project: Project, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which a bare ``pulumi`` works on this project; PATH extends that of ``environ``."""
    ours = [str(project.venv / "bin"), *([str(project.built / "bin")] if (project.built / "bin").is_dir() else [])]
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if folders[: len(ours)] != ours:
        folders = [*ours, *(folder for folder in folders if folder not in ours)]
    backend = project.backend_for({})
    return {
        "PATH": os.pathsep.join(folders),
        # Pulumi finds any other backend by itself, out of Pulumi.yaml.
        **({"PULUMI_BACKEND_URL": backend + WITHOUT_METADATA} if project.folder_of(backend) else {}),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(project.passphrase),
        "PULUMI_HOME": str(project.home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Engine, programs and providers speak gRPC over the loopback, which a proxy of the user's cannot reach.
        "no_grpc_proxy": "127.0.0.1,localhost",
    }


def pulumi_environment(project: Project, pulumi: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's environment; what the user has set stays as it is.

    In a shell that has read ``.soop/env`` it is that of a bare ``pulumi``, whose provider's server it finds so.
    """
    ours = shell_variables(project, environ)
    path = ours.pop("PATH").split(os.pathsep)
    if _logged_in(Path(environ.get("PULUMI_HOME") or ours["PULUMI_HOME"])):
        ours.pop("PULUMI_BACKEND_URL", None)
    if "PULUMI_CONFIG_PASSPHRASE" in environ:
        del ours["PULUMI_CONFIG_PASSPHRASE_FILE"]
    given = {name: value for name, value in environ.items() if value or name not in ours}
    engine = str(pulumi.parent)
    return {**ours, **given, "PATH": os.pathsep.join(path if engine in path else [*path, engine])}


def prepare(project: Project, environment: Mapping[str, str]) -> None:
    """Make the state folder and, once, the passphrase, where they are ours to make, and the state readable."""
    project.make_home()
    folder = project.folder_of(environment.get("PULUMI_BACKEND_URL", ""))
    if folder == project.state.resolve():
        project.state.mkdir(mode=0o700, exist_ok=True)
    if folder is not None:
        _drop_cut_off_notes(folder)
        _mend_version(folder)
    if environment.get("PULUMI_CONFIG_PASSPHRASE_FILE") == str(project.passphrase) and not project.passphrase.exists():
        fresh = project.passphrase.with_name(f"passphrase.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(KNOWN_TO_ALL + "\n")
        try:
            os.link(fresh, project.passphrase)  # unlike a rename, never replaces one that was put there meanwhile
        except FileExistsError:
            pass
        finally:
            fresh.unlink()


def _drop_cut_off_notes(state: Path) -> None:
    """Remove what a killed engine left of the notes beside the files of a state: see ``WITHOUT_METADATA``."""
    for folder, _, names in os.walk(state / ".pulumi"):
        for note in (Path(folder, name) for name in names if name.endswith(".attrs")):
            with suppress(FileNotFoundError):  # another engine may put it away meanwhile
                if not note.stat().st_size:
                    note.unlink()


def _mend_version(state: Path) -> None:
    """Say again which layout a state has, where a file that is written once, and in place, was cut off."""
    path = state / ".pulumi" / "meta.yaml"
    with suppress(FileNotFoundError):
        if b"version:" not in path.read_bytes():
            path.write_text("version: 1\n")


def _logged_in(home: Path) -> bool:
    """Return whether the user chose a backend with ``pulumi login``."""
    try:
        return bool(json.loads((home / "credentials.json").read_text()).get("current"))
    except (OSError, ValueError, AttributeError):
        return False
