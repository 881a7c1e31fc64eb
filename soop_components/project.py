"""A project: the folder with Pulumi.yaml, and where everything lies in it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from soop_components.errors import SoopError
from soop_components.reading.yaml_file import read_yaml

_FILE_SCHEME = "file://"


@dataclass(frozen=True)
class Project:
    """The folders of a project; nothing is made before it is needed."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project around ``start`` (the working directory if not given), found by its Pulumi.yaml."""
        folder = (start or Path.cwd()).absolute()
        for candidate in (folder, *folder.parents):
            if (candidate / "Pulumi.yaml").is_file():
                return cls(candidate)
        raise SoopError(
            f"{folder} is not inside a project: no Pulumi.yaml in it or above it",
            "change to the folder of your project",
        )

    @property
    def service_defs(self) -> Path:
        """Where service definitions lie, one folder each."""
        return self.root / "service_defs"

    @property
    def stacks(self) -> Path:
        """Where domain definitions lie, ``Pulumi.<domain>.yaml`` each."""
        return self.root / "stacks"

    @property
    def environments(self) -> Path:
        """Where environments lie, ``<name>.yaml`` each."""
        return self.stacks / "environments"

    @property
    def home(self) -> Path:
        """What this checkout keeps for itself, never in git."""
        return self.root / ".soop"

    @property
    def store(self) -> Path:
        """The artifact store, an OCI image layout; ``SOOP_STORE`` names another one."""
        elsewhere = os.environ.get("SOOP_STORE")
        return self.root / elsewhere if elsewhere else self.home / "store"

    @property
    def cache(self) -> Path:
        """What can be fetched again: package lists and packages."""
        return self.home / "cache"

    @property
    def images(self) -> Path:
        """Base images of local machines, one folder each."""
        return self.home / "images"

    @property
    def machines(self) -> Path:
        """Local machines and their disks."""
        return self.home / "machines"

    @property
    def state(self) -> Path:
        """Pulumi's state."""
        return self.home / "state"

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of the state's secrets."""
        return self.home / "passphrase"

    @property
    def backend(self) -> str:
        """The absolute URL of Pulumi's state: ``PULUMI_BACKEND_URL``, or what Pulumi.yaml says."""
        url = os.environ.get("PULUMI_BACKEND_URL") or self._backend_of_file() or self.state.as_uri()
        folder = self.folder_of(url)
        return url if folder is None else folder.as_uri()

    def folder_of(self, backend: str) -> Path | None:
        """Return the folder of a file backend, None for any other. The URL may be written with escapes or without."""
        if not backend.startswith(_FILE_SCHEME):
            return None
        path = unquote(backend.removeprefix(_FILE_SCHEME).partition("?")[0])
        return Path(os.path.realpath(self.root / Path(path).expanduser()))

    @property
    def realm(self) -> str:
        """The identity, 8 hexadecimal digits, of everything that is made on this host out of this state."""
        identity = f"{self.backend}\n{os.path.realpath(self.home)}"
        return hashlib.sha256(identity.encode()).hexdigest()[:8]

    def make_home(self) -> Path:
        """Create ``home`` for its owner only and return it."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        return self.home

    def name_of(self, path: Path) -> str:
        """Return ``path`` as people know it: relative to the project if it lies inside."""
        absolute = path.absolute()
        return str(absolute.relative_to(self.root)) if absolute.is_relative_to(self.root) else str(path)

    def _backend_of_file(self) -> str | None:
        """Return ``backend.url`` of Pulumi.yaml."""
        data = read_yaml(self.root / "Pulumi.yaml", "Pulumi.yaml").data
        backend = data.get("backend") if isinstance(data, dict) else None
        url = backend.get("url") if isinstance(backend, dict) else None
        return url if isinstance(url, str) else None
