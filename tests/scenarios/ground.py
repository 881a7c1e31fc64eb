"""A realm for scenarios: real machines from the checkout's base image, reached by SSH with known host keys."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from soop_components.machines import Attachment, MachineFacts, MachineSpec
from soop_components.machines.local import LocalMachines, new_host_key
from soop_components.machines.local.root_helper.folders import lock, write_json
from soop_components.project import Project

IMAGE = "debian-12"
RUN = Path("/run/soop")
MIB = 1024**2
_LOGIN = new_host_key()
"""The key pair with which scenarios log in."""


class _ProjectWithRealm(Project):
    """This checkout with another identity."""

    @property
    def realm(self) -> str:
        """The given identity."""
        return str(self.__dict__["_realm"])


class Ground:
    """A realm, what scenarios do in it, and what can be seen of it on the host."""

    def __init__(self, realm: str) -> None:
        project = _ProjectWithRealm(Project.find(Path(__file__).parent).root)
        project.__dict__["_realm"] = realm
        self.realm = realm
        self.home = Path(os.path.realpath(project.make_home()))
        assert (self.home / "images" / f"{IMAGE}.json").is_file(), "there is no base image: make setup"
        self.machines = LocalMachines(project)
        self._slots: set[str] = set()

    def spec(self, name: str, *disks: Attachment) -> MachineSpec:
        """Return an ordinary machine."""
        return MachineSpec(name, IMAGE, (_LOGIN.public,), 1, 512 * MIB, disks)

    async def create(self, name: str, *disks: Attachment) -> MachineFacts:
        """Make an ordinary machine."""
        return await self.machines.create(self.spec(name, *disks), new_host_key())

    async def look(self, name: str) -> MachineFacts:
        """Return the facts of an existing machine."""
        return (await self.machines.inspect([name]))[name]

    async def run(self, facts: MachineFacts, command: str) -> str:
        """Run a command on a machine, which must show its known host key, and return what it printed."""
        host_key = asyncssh.import_public_key(facts.host_key)
        async with asyncssh.connect(
            facts.address,
            facts.port,
            username=facts.user,
            client_keys=[asyncssh.import_private_key(_LOGIN.private)],
            known_hosts=([host_key], [], []),
            config=None,
            agent_path=None,
        ) as connection:
            done = await connection.run(command, stdin=asyncssh.DEVNULL)
            return f"{done.stdout}{done.stderr}".strip()

    def crash(self, facts: MachineFacts) -> None:
        """Kill the process that runs a machine."""
        assert facts.pid is not None
        os.kill(facts.pid, signal.SIGKILL)

    def reboot_host(self) -> None:
        """Take away what a reboot of the host takes from this realm: processes, mounts, namespaces, and ``/run``."""
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        for mount in sorted(self._mounts(), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=True)
        slots = self.slots()
        for name in sorted(_names("/run/netns"), reverse=True):
            if any(name.startswith(slot) for slot in slots):
                subprocess.run(["ip", "netns", "del", name], check=True)
        with self._registry() as entries:
            for slot in [slot for slot, each in entries.items() if each["realm"] == self.realm]:
                del entries[slot]
        subprocess.run(["rm", "-rf", "--one-file-system", RUN / self.realm], check=True)

    def lose_home(self, home: Path) -> None:
        """Let the host believe that this realm was made from another folder."""
        with self._registry() as entries:
            for each in entries.values():
                if each["realm"] == self.realm:
                    each["home"] = str(home)

    @contextmanager
    def _registry(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Hold the host's registry of networks, which other realms use meanwhile, to change it."""
        path = RUN / "networks.json"
        with lock(RUN / "networks.lock"):
            entries = json.loads(path.read_text())
            yield entries
            write_json(path, entries)

    def slots(self) -> set[str]:
        """Return the names of this realm's networks, those of the past included."""
        path = RUN / "networks.json"
        entries = json.loads(path.read_text()) if path.exists() else {}
        self._slots |= {f"soop-{int(slot):03x}" for slot, each in entries.items() if each["realm"] == self.realm}
        return self._slots - {f"soop-{int(slot):03x}" for slot, each in entries.items() if each["realm"] != self.realm}

    def traces(self) -> set[str]:
        """Return all that the host shows of this realm."""
        slots = self.slots()
        named = _names("/run/netns") | _names("/sys/class/net") | _names("/run/systemd/nspawn/propagate")
        loops = Path("/sys/block").glob("loop*/loop/backing_file")
        folders = (RUN / self.realm, self.home / "machines" / self.realm, self.home / "disks" / self.realm)
        registry = RUN / "networks.json"
        return {
            *(f"process {pid}" for pid in self._processes()),
            *(f"mount {mount}" for mount in self._mounts()),
            *(f"{name}" for name in named if any(name.startswith(slot) for slot in slots)),
            *(f"loop device {path}" for path in loops if f"/{self.realm}/" in path.read_text()),
            *(f"folder {folder}" for folder in folders if folder.exists()),
            *(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/soop-{self.realm}-*")),
            *({"an entry in the registry"} if registry.exists() and self.realm in registry.read_text() else ()),
        }

    def _processes(self) -> set[int]:
        """Return the processes that run machines and those that run in them."""
        groups = Path("/sys/fs/cgroup").glob(f"**/soop-{self.realm}-*/**/cgroup.procs")
        return {*self._supervisors(), *(int(line) for path in groups for line in path.read_text().split())}

    def _supervisors(self) -> Iterable[int]:
        mark = f"{RUN}/{self.realm}/".encode()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and mark in (entry / "cmdline").read_bytes():
                    yield int(entry.name)
            except OSError:
                continue

    def _mounts(self) -> Iterable[str]:
        lines = Path("/proc/self/mounts").read_text().splitlines()
        return [point for point in (line.split(" ")[1] for line in lines) if point.startswith(f"{RUN}/{self.realm}/")]


def _names(folder: str) -> set[str]:
    path = Path(folder)
    return {entry.name for entry in path.iterdir()} if path.is_dir() else set()
