"""Hosts that already have a life: machines with users, packages and files of somebody else."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from soop_components.machines.host.firewall import Firewall
from soop_components.machines.host.visit import visit
from soop_components.machines.local.local_machines import MachineFacts
from soop_components.transport.ssh import Target
from tests import versions
from tests.scenarios.ground import LOGIN, Ground, as_root
from tests.scenarios.workspace import Workspace, workspace

USER = "ops"
"""Who administers the hosts: an ordinary user with sudo."""
_ADMINISTRATOR = """
set -e
useradd --create-home --shell /bin/bash ops
install -d -o ops -g ops -m 700 ~ops/.ssh
install -o ops -g ops -m 600 /tmp/key.pub ~ops/.ssh/authorized_keys"""
_LIFE = f"""{_ADMINISTRATOR}
dpkg -i /tmp/*.deb >/dev/null
echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops
install -d -o ops /srv/theirs /opt/access-service
echo 'a program of ours' >/opt/access-service/access.py
echo 'a report of ours' >/srv/theirs/report
printf '%s\\n' "127.0.1.1 $(hostname)" '192.0.2.7 printer' >>/etc/hosts
rm /tmp/*.deb /tmp/key.pub"""
_SETTINGS = Path("/run/systemd/nspawn")
"""Where systemd-nspawn looks for settings of machines."""
_TRACES = """
dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' | grep ' ii' | sort
getent passwd | sort; getent group | sort
systemctl list-unit-files --no-legend --no-pager | awk '{print $1, $2}' | sort
find /etc /opt /srv /home /root -xdev -type f -not -name '*-' -not -path '/etc/ssl/certs/*' | sort
/usr/sbin/nft list tables
cat /etc/hosts ~ops/.ssh/authorized_keys /srv/theirs/report /opt/access-service/access.py
test ! -e /var/lib/soop
"""
"""What can be seen of somebody's life on a host."""


_LISTEN = """
systemd-run --quiet --unit=theirs-{port} python3 -m http.server {port}
until python3 -c 'import socket; socket.create_connection(("127.0.0.1", {port}))' 2>/dev/null; do sleep 0.2; done
"""
_CONNECTING = """
import concurrent.futures, socket, sys

def answers(place):
    address, _, port = place.rpartition(":")
    try:
        socket.create_connection((address, int(port)), 3).close()
    except (TimeoutError, ConnectionRefusedError):
        return False
    return True

with concurrent.futures.ThreadPoolExecutor(len(sys.argv)) as pool:
    found = list(pool.map(answers, sys.argv[1:]))
print(*(place for place, is_open in zip(sys.argv[1:], found) if is_open), sep="\\n")
"""
"""Prints to which of many places a connection can be made."""


@dataclass
class Rack:
    """Two hosts, and a project that has two versions of a service and an environment which lists the hosts."""

    project: Workspace
    ground: Ground
    hosts: dict[str, MachineFacts]
    stranger: MachineFacts
    """Another machine of the same network, which is no host of the environment, or one for another domain."""
    jump: MachineFacts
    """One more, through which they may be reached."""
    through: MachineFacts | None = None
    """It, when nobody else reaches them any more."""

    @property
    def deployer(self) -> str:
        """Address from which this computer reaches the hosts."""
        return self.on("rack1", "echo $SSH_CONNECTION").split()[0]

    def reached(self, places: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return to which ports of hosts the stranger can connect."""
        ports = {(self.hosts[name].address, port): (name, port) for name, port in places}
        words = " ".join(f"{address}:{port}" for address, port in ports)
        answer = asyncio.run(self.ground.run(self.stranger, f"python3 -c {shlex.quote(_CONNECTING)} {words}"))
        tried = [line.rpartition(":") for line in answer.splitlines()]
        return {ports[address, int(port)] for address, _, port in tried}

    def on(self, name: str, command: str) -> str:
        """Run a command on a host as root, who did not come through soop."""
        return asyncio.run(self.ground.run(self.hosts[name], command, self.through))

    def listen(self, *ports: int) -> None:
        """Let programs of somebody else listen on ports of all hosts."""
        for name in self.hosts:
            for port in ports:
                self.on(name, _LISTEN.format(port=port))

    def fall_silent(self, *ports: int) -> None:
        """Let them end."""
        for name in self.hosts:
            self.on(name, "systemctl stop " + " ".join(f"theirs-{port}" for port in ports))

    def lock_out(self, name: str, table: str) -> None:
        """Arm rules on a host that let nobody connect by SSH, and say no more, as an update that was killed."""
        host, rules = self.hosts[name], Firewall(table, ("192.0.2.0/24",), {})

        async def arm() -> None:
            async with visit(Target(name, host.address, host.host_key), LOGIN.private, 60) as visited:
                await visited.ask("arm_firewall", table=table, rules=rules.rules(22), empty=rules.empty, seconds=5)

        asyncio.run(arm())

    def restart(self, name: str) -> None:
        """Let a host start anew."""
        machine = self.hosts[name].spec.name
        asyncio.run(self.ground.machines.stop(machine))
        asyncio.run(self.ground.machines.start(machine))

    def life(self, name: str) -> list[str]:
        """Return what can be seen of a host's life."""
        return self.on(name, _TRACES).splitlines()

    def list_hosts(self, *names: str, ssh_from: str, public: str = "", of_the_stranger: str = "") -> None:
        """Write the environment; hosts are reached through another one when ``through`` is set.

        ``of_the_stranger`` is the domain that the stranger is a host of.
        """
        between = (
            f"  jump: {{address: {self.through.address}, user: {USER}, host_key: {self.through.host_key}}}\n"
            if self.through
            else ""
        )
        head = (
            f"machines: ssh\nsecurity: {{shared_passphrase: true, ssh_from: [{ssh_from}]}}\n"
            f"accessibility: {{public: [{public}]}}\nssh:\n{between}  hosts:\n"
        )
        lines = [
            f"    {name}: {{address: {host.address}, user: {USER}, host_key: {host.host_key}}}\n"
            for name, host in self.hosts.items()
            if name in names
        ]
        if of_the_stranger:
            stranger = f"address: {self.stranger.address}, host_key: {self.stranger.host_key}"
            lines.append(f"    stranger: {{{stranger}, domain: {of_the_stranger}}}\n")
        environment = self.project.root / "stacks/environments/rack.yaml"
        environment.write_text(head + "".join(lines))


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    """The hosts with their life; whoever runs the tests reaches them by an SSH agent."""
    ground = Ground("rack")
    asyncio.run(ground.machines.clean())
    settings: list[Path] = []
    with workspace("ssh") as project, _agent(project) as key:
        try:
            project.must("soop", "build", "service_defs/access-service")
            versions.make(project.root, "access-service-3.2.4")
            project.must("soop", "build", "service_defs/access-service")
            packages = _packages(project, "sudo", "nftables")
            hosts = {f"rack{number}": _host(ground, number, packages, key, settings) for number in (1, 2)}
            others = [asyncio.run(ground.create(f"host-{number}.rack-room.lab-hosts")) for number in (3, 4)]
            asyncio.run(ground.put(others[1], "/tmp/key.pub", key.read_bytes()))
            assert asyncio.run(ground.run(others[1], f"{_ADMINISTRATOR} && echo lives")).endswith("lives")
            yield Rack(project, ground, hosts, *others)
        finally:
            asyncio.run(ground.machines.clean())
            as_root("rm", "-f", *map(str, settings))


@contextmanager
def _agent(project: Workspace) -> Iterator[Path]:
    """Run an SSH agent that holds the key of the hosts' administrator; yield the public one."""
    with TemporaryDirectory(prefix="agent-") as folder:  # a path to a socket has to be short
        socket, key = f"{folder}/socket", f"{folder}/key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
        try:
            add = ["sh", "-c", f'until ssh-add -q "{key}" 2>/dev/null; do sleep 0.1; done']
            subprocess.run(add, env={**os.environ, "SSH_AUTH_SOCK": socket}, check=True, timeout=60)
            project.environment["SSH_AUTH_SOCK"] = socket
            yield Path(f"{key}.pub")
        finally:
            process.terminate()
            process.wait()


def _packages(project: Workspace, *names: str) -> list[Path]:
    """Fetch packages in the way in which services get theirs."""
    folder = project.root / "service_defs/theirs-service"
    folder.mkdir()
    (folder / "service.yaml").write_text(
        "format: 1\nservice: theirs-service\nversion: 1.0.0\nsummary: What others have on their hosts.\n"
        "base: debian-12\ncomponents:\n  all:\n    uses: debian_packages\n"
        f"    with: {{packages: [{', '.join(names)}]}}\n"
        "nodes:\n  web: {components: [all], size: small, count: {default: 1}}\n"
    )
    project.must("soop", "lock", str(folder))
    project.must("soop", "build", str(folder))
    lock = yaml.safe_load((folder / "service.lock").read_text())
    return [project.project.store / "blobs/sha256" / each["sha256"] for each in lock["packages"].values()]


def _host(ground: Ground, number: int, packages: list[Path], key: Path, settings: list[Path]) -> MachineFacts:
    """Make a machine, and let somebody live on it."""
    name = f"host-{number}.rack-room.lab-hosts"
    facts = _with_packet_filter(ground, name, settings)
    for path in packages:
        asyncio.run(ground.put(facts, f"/tmp/{path.name}.deb", path.read_bytes()))
    asyncio.run(ground.put(facts, "/tmp/key.pub", key.read_bytes()))
    assert asyncio.run(ground.run(facts, f"{_LIFE} && echo lives")).endswith("lives")
    return facts


def _with_packet_filter(ground: Ground, name: str, settings: list[Path]) -> MachineFacts:
    """Make a machine that may have rules of nftables, as a host of its own has: systemd-nspawn allows it if told to."""
    facts = asyncio.run(ground.create(name))
    words = Path(f"/proc/{facts.pid}/cmdline").read_text().split("\0")
    (machine,) = (word.partition("=")[2] for word in words if word.startswith("--machine="))
    asyncio.run(ground.machines.stop(name))
    settings.append(_SETTINGS / f"{machine}.nspawn")
    as_root("mkdir", "-p", str(_SETTINGS))
    as_root("tee", str(settings[-1]), stdin="[Exec]\nCapability=CAP_NET_ADMIN\n")
    return asyncio.run(ground.start(name))
