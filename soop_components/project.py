"""A project: the folder with Pulumi.yaml, and where everything lies in it.

Standard library only until Pulumi.yaml is read: `make setup` uses it before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from soop_components.errors import SoopError

KNOWN_TO_ALL = "local domains only"
"""The passphrase that a project gets where nobody gives it one; it seals secrets in the state of local domains.

It is the same in every project, because Pulumi writes what it derives from the passphrase (``encryptionsalt``) into the
domain definition, which is shared through git: with a passphrase per checkout, one developer's domain definition would
not open in another's. It protects nothing that the mode of .soop, where the state lies, does not protect already. State
that others can reach needs a passphrase of its own in .soop/passphrase, which is never overwritten; environments admit
the known one by ``security: {shared_passphrase: true}`` only.
"""
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

    def domain_file(self, id: str) -> Path:
        """Return the domain definition, which is also the configuration file of the domain's stack."""
        return self.stacks / f"Pulumi.{id}.yaml"

    def domain_ids(self) -> tuple[str, ...]:
        """Return the ids of the domains that have a definition, in order."""
        paths = self.stacks.glob("Pulumi.*.yaml")
        return tuple(sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in paths))

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
    def venv(self) -> Path:
        """The Python environment."""
        return self.root / ".venv"

    @property
    def built(self) -> Path:
        """Pulumi's engine and our language host, where they were built here."""
        return self.root / ".toolchain"

    @property
    def logs(self) -> Path:
        """The output of long steps."""
        return self.home / "log"

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
        """The absolute URL of Pulumi's state."""
        return self.backend_for(os.environ)

    def backend_for(self, environ: Mapping[str, str]) -> str:
        """Return the URL that ``PULUMI_BACKEND_URL`` names, or Pulumi.yaml; the folder ``state`` if neither does."""
        url = environ.get("PULUMI_BACKEND_URL") or self.pulumi_yaml("backend", "url") or self.state.as_uri()
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

    @contextmanager
    def lock(self, name: str, refusal: SoopError) -> Iterator[None]:
        """Hold a lock of this checkout; raise ``refusal`` when another process holds it."""
        folder = self.make_home() / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / f"{name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise refusal from None
            yield

    def name_of(self, path: Path) -> str:
        """Return ``path`` as people know it: relative to the project if it lies inside."""
        absolute = path.absolute()
        return str(absolute.relative_to(self.root)) if absolute.is_relative_to(self.root) else str(path)

    def pulumi_yaml(self, *keys: str) -> str | None:
        """Return the text under these keys of Pulumi.yaml, or None."""
        from soop_components.reading.yaml_file import read_yaml

        value = read_yaml(self.root / "Pulumi.yaml", "Pulumi.yaml").data
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None
