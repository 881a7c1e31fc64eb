"""A realm for scenarios: real machines from the checkout's base image, reached by SSH with known host keys."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import asyncssh

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import LocalMachines, MachineFacts
from soop_components.machines.local.root_helper.request import Attachment, Opening, Spec
from soop_components.project import Project
from tests.scenarios.inside import by_root

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGE = "debian-12"
RUN = Path("/run/soop")
MIB = 1024**2
_FORGET = """
import fcntl, json, sys
with open("/run/soop/networks.lock") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    with open("/run/soop/networks.json", "r+") as file:
        entries = json.load(file)
        file.seek(0)
        json.dump({slot: each for slot, each in entries.items() if each["realm"] != sys.argv[1]}, file)
        file.truncate()
"""
"""Program that takes a realm out of the host's registry of networks, which others use meanwhile."""
LOGIN = new_host_key()
"""The key pair with which scenarios log in."""


class _ProjectWithRealm(Project):
    """This checkout with another identity."""

    @property
    def realm(self) -> str:
        """The given identity."""
        return str(self.__dict__["_realm"])


class Ground:
    """A realm, what scenarios do in it, and what can be seen of it on the host."""

    def __init__(self, label: str, root: Path = CHECKOUT) -> None:
        self.realm = hashlib.sha256(f"{label} {os.path.realpath(root)}".encode()).hexdigest()[:8]
        project = _ProjectWithRealm(root)
        project.__dict__["_realm"] = self.realm
        self.home = Path(os.path.realpath(project.make_home()))
        assert (self.home / "images" / f"{IMAGE}.json").is_file(), "there is no base image: make setup"
        self.machines = LocalMachines(project)
        self._slots: set[str] = set()

    def spec(self, name: str, *disks: Attachment) -> Spec:
        """Return an ordinary machine."""
        return Spec(name, IMAGE, 1, 512 * MIB, (LOGIN.public,), disks)

    async def create(self, name: str, *disks: Attachment, inbound: tuple[Opening, ...] = ()) -> MachineFacts:
        """Make an ordinary machine, or change who may connect to one."""
        return await self.machines.create(replace(self.spec(name, *disks), inbound=inbound), new_host_key())

    async def start(self, name: str) -> MachineFacts:
        """Start a machine and return what it is then."""
        await self.machines.start(name)
        return await self.look(name)

    async def look(self, name: str) -> MachineFacts:
        """Return the facts of an existing machine."""
        facts = (await self.machines.inspect([name]))[name]
        assert isinstance(facts, MachineFacts)
        return facts

    async def run(self, facts: MachineFacts, command: str, through: MachineFacts | None = None) -> str:
        """Run a command on a machine, which must show its known host key, and return what it printed."""
        async with AsyncExitStack() as stack:
            tunnel = await stack.enter_async_context(_connection(through)) if through else None
            connection = await stack.enter_async_context(_connection(facts, tunnel))
            done = await connection.run(command, stdin=asyncssh.DEVNULL)
            return f"{done.stdout!s}{done.stderr!s}".strip()

    async def put(self, facts: MachineFacts, path: str, content: bytes) -> None:
        """Write a file on a machine."""
        async with _connection(facts) as connection:
            await connection.run(f"cat >{shlex.quote(path)}", input=content, encoding=None, check=True)

    def crash(self, facts: MachineFacts) -> None:
        """Kill the process that runs a machine."""
        as_root("kill", "-KILL", str(facts.pid))

    def reboot_host(self) -> None:
        """Take away what a reboot of the host takes from this realm: processes, mounts, namespaces, and ``/run``."""
        while processes := self._processes():
            as_root("kill", "-KILL", *map(str, processes), check=False)
            time.sleep(0.05)
        for mount in sorted(self._mounts(), reverse=True):
            as_root("umount", "--lazy", mount)
        for slot in sorted(self.slots()):
            as_root("ip", "link", "del", slot, check=False)  # the kernel puts off what goes with a namespace
        for name in sorted(self._named("/run/netns"), reverse=True):
            as_root("ip", "netns", "del", name)
        as_root("/usr/bin/python3", "-I", "-c", _FORGET, self.realm)
        as_root("rm", "-rf", "--one-file-system", str(RUN / self.realm))

    def slots(self) -> set[str]:
        """Return the names of this realm's networks, those of the past included."""
        path = RUN / "networks.json"
        entries = json.loads(path.read_text()) if path.exists() else {}
        self._slots |= {f"soop-{int(slot):03x}" for slot, each in entries.items() if each["realm"] == self.realm}
        return self._slots - {f"soop-{int(slot):03x}" for slot, each in entries.items() if each["realm"] != self.realm}

    def traces(self) -> set[str]:
        """Return all that the host shows of this realm."""
        loops = Path("/sys/block").glob("loop*/loop/backing_file")
        folders = (RUN / self.realm, self.home / "machines" / self.realm, self.home / "disks" / self.realm)
        registry = RUN / "networks.json"
        links = {name for _, name in socket.if_nameindex()}
        return {
            *(f"process {pid}" for pid in self._processes()),
            *(f"mount {mount}" for mount in self._mounts()),
            *(f"namespace {name}" for name in self._named("/run/netns")),
            *(f"link {link}" for link in links & self.slots()),
            *(f"remains {name}" for name in self._named("/run/systemd/nspawn/propagate")),
            *(f"loop device {path}" for path in loops if f"/{self.realm}/" in path.read_text()),
            *(f"folder {folder}" for folder in folders if folder.exists()),
            *(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/soop-{self.realm}-*")),
            *({"an entry in the registry"} if registry.exists() and self.realm in registry.read_text() else ()),
        }

    def limits(self) -> list[str]:
        """Return what the control groups of this realm's machines limit memory to."""
        files = Path("/sys/fs/cgroup").glob(f"**/soop-{self.realm}-*/memory.*")
        return [file.read_text() for file in files if file.name in ("memory.limit_in_bytes", "memory.max")]

    def _named(self, folder: str) -> set[str]:
        """Return the entries of a folder that are called after this realm's networks."""
        with suppress(FileNotFoundError, PermissionError):
            names = {entry.name for entry in Path(folder).iterdir()}
            return {name for name in names if any(name.startswith(slot) for slot in self.slots())}
        return set()

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


def _connection(
    facts: MachineFacts, tunnel: asyncssh.SSHClientConnection | None = None
) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
    host_key = asyncssh.import_public_key(facts.host_key)
    return asyncssh.connect(
        facts.address,
        facts.port,
        username=facts.user,
        client_keys=[asyncssh.import_private_key(LOGIN.private)],
        known_hosts=([host_key], [], []),
        config=None,
        agent_path=None,
        tunnel=tunnel or (),
    )


def as_root(*argv: str, stdin: str = "", check: bool = True) -> str:
    """Run a program as root, and return what it printed."""
    done = subprocess.run(by_root(*argv), input=stdin, text=True, check=check, capture_output=True)
    return done.stdout
