"""Where ``pulumi`` is and the environment that it runs in, so that nobody has to set a variable by hand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.setup.shell_environment import PASSPHRASE, WITHOUT_METADATA


def find_pulumi(project: Project, environ: Mapping[str, str]) -> Path:
    """Return the engine: the one built in this checkout (only where none fitted), else PATH's, else the installer's."""
    installed = Path(environ.get("HOME", "/nonexistent")) / ".pulumi" / "bin"
    folders = [str(_built(project)), environ.get("PATH", os.defpath), str(installed)]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        raise SoopError("pulumi is not installed", "install it: https://www.pulumi.com/docs/install")
    return Path(found)


def pulumi_environment(project: Project, pulumi: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's environment; what the user has set stays as it is.

    In a shell that has read ``.soop/env`` it is that of a bare ``pulumi``, whose provider's server it finds so.
    """
    home = Path(environ.get("PULUMI_HOME") or project.home / "pulumi")
    result = {
        **environ,
        "PATH": os.pathsep.join(_folders(project, pulumi, environ)),
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if not environ.get("PULUMI_BACKEND_URL") and not _logged_in(home):
        result["PULUMI_BACKEND_URL"] = project.backend + (
            WITHOUT_METADATA if project.folder_of(project.backend) else ""
        )
    if "PULUMI_CONFIG_PASSPHRASE" not in environ and not environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        result["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(project.passphrase)
    return result


def prepare(project: Project, environment: Mapping[str, str]) -> None:
    """Make the state folder and, once, the passphrase, where they are ours to make, and the state readable."""
    project.make_home()
    folder = project.folder_of(environment.get("PULUMI_BACKEND_URL", ""))
    if folder == project.state.resolve():
        project.state.mkdir(mode=0o700, exist_ok=True)
    if folder is not None:
        _drop_cut_off_notes(folder)
    if environment.get("PULUMI_CONFIG_PASSPHRASE_FILE") == str(project.passphrase) and not project.passphrase.exists():
        fresh = project.passphrase.with_name(f"passphrase.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(PASSPHRASE + "\n")
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


def _folders(project: Project, pulumi: Path, environ: Mapping[str, str]) -> list[str]:
    """Return PATH with ours before all others, and the engine's where it is not found without."""
    built = _built(project)
    ours = [str(project.root / ".venv" / "bin"), *([str(built)] if built.is_dir() else [])]
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if folders[: len(ours)] != ours:
        folders = [*ours, *(folder for folder in folders if folder not in ours)]
    return folders if str(pulumi.parent) in folders else [*folders, str(pulumi.parent)]


def _built(project: Project) -> Path:
    return project.root / ".toolchain" / "bin"


def _logged_in(home: Path) -> bool:
    """Tell whether the user chose a backend with ``pulumi login``."""
    try:
        return bool(json.loads((home / "credentials.json").read_text()).get("current"))
    except (OSError, ValueError, AttributeError):
        return False
