"""Instances as local machines, on which a real cloud-init carries out their user data."""

from __future__ import annotations

import asyncio
import io
import tarfile
import time
from pathlib import Path

from soop_components.machines.local import gateway
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import LocalMachines, MachineFacts
from soop_components.machines.local.root_helper.network import namespace
from soop_components.machines.local.root_helper.record import Record
from soop_components.machines.local.root_helper.request import Spec
from soop_components.project import Project
from tests.amazon.image import NAME, SEED
from tests.amazon.root import as_root

_MEMORY = 1024**3
_PATIENCE = 60.0


class Instances:
    """The instances of a project; each has a machine that is called after its id, so a new one has a new address."""

    def __init__(self, project: Project) -> None:
        self._machines = LocalMachines(project)

    def run(self, id: str, domain: str, user_data: str) -> str:
        """Start a new instance and return its address; it has only begun to start then."""
        realm, key = self._machines.realm, new_host_key()
        spec = Spec(_name(id, domain), NAME, 2, _MEMORY, (), ())
        request = {"spec": spec.as_json(), "host_key": {"private": key.private, "public": key.public}}
        facts = asyncio.run(gateway.call("create", {"home": str(realm.home), "realm": realm.name, **request}))
        record = Record.load(realm, spec.name)
        assert record is not None
        root = record.root(realm)
        told = _archive({"user-data": user_data, "meta-data": f"instance-id: {id}\n", "complete": ""})
        as_root("tar", "-xf", "-", "-C", str(root), stdin=told)
        return str(facts["address"])

    def start(self, id: str, domain: str) -> None:
        """Start an instance that was shut down."""
        asyncio.run(self._machines.start(_name(id, domain)))

    def stop(self, id: str, domain: str) -> None:
        """Shut an instance down; it keeps its root volume."""
        asyncio.run(self._machines.stop(_name(id, domain)))

    def terminate(self, id: str, domain: str) -> None:
        """Remove an instance."""
        asyncio.run(self._machines.destroy(_name(id, domain)))

    def is_running(self, id: str, domain: str) -> bool:
        """Return whether an instance has not been shut down, or is gone."""
        return self._pid(id, domain) is not None

    def namespace(self, id: str, domain: str) -> Path | None:
        """Return the network namespace of an instance that runs."""
        record = Record.load(self._machines.realm, _name(id, domain))
        path = None if record is None else namespace(record.id)
        return path if path and path.exists() else None

    def on(self, id: str, domain: str, script: str) -> None:
        """Run a script as root on this host, for which ``$1`` is the root folder of an instance that runs."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            root = self._root(id, domain)
            # The folder is not this host's own one as soon as it has what only instances have.
            if root is not None and as_root("sh", "-c", f'test -e "$1/{SEED}/complete" && echo yes || :', "-", root):
                as_root("sh", "-euc", script, "-", root)
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{id} does not run")
            time.sleep(0.1)

    def _root(self, id: str, domain: str) -> str | None:
        pid = self._pid(id, domain)
        first = [] if pid is None else Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return f"/proc/{first[0]}/root" if first else None

    def _pid(self, id: str, domain: str) -> int | None:
        name = _name(id, domain)
        facts = asyncio.run(self._machines.inspect([name])).get(name)
        return facts.pid if isinstance(facts, MachineFacts) else None


def _name(id: str, domain: str) -> str:
    return f"{id}.ec2.{domain}"


def _archive(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{SEED}/{name}")
            entry.size = len(text.encode())
            entry.mode = 0o600
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()
