"""Ansible and pyinfra: an environment with both, and a folder from which they reach the nodes of a domain."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.sample import Sample, measure
from bench.workspace import CHECKOUT, FOLDER, HERE

_PINS = HERE / "requirements.txt"


@dataclass(frozen=True)
class Place:
    """Where a node is."""

    name: str
    address: str
    host_key: str


class Tools:
    """Both tools, with the same nodes to work on, and the playbook and deploy that lie in a folder."""

    def __init__(self, folder: Path, files: Sequence[Path], groups: Mapping[str, Sequence[Place]], key: str) -> None:
        self._folder = folder
        self._bin = installed() / "bin"
        self._write(files, groups, key)
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
        self._environment = {"LC_ALL": "C.UTF-8", **kept, "PATH": f"{self._bin}:{os.environ.get('PATH', os.defpath)}"}
        self._nodes = sum(map(len, groups.values()))

    def ansible(self, data: Mapping[str, str | int], expect: str = "") -> Sample:
        """Run the playbook."""
        argv = ["ansible-playbook", f"--forks={self._nodes}", "--extra-vars", json.dumps(data), "playbook.yaml"]
        return self._run(argv, expect)

    def pyinfra(self, data: Mapping[str, str | int], expect: str = "", *options: str) -> Sample:
        """Run the deploy."""
        given = [word for key, value in data.items() for word in ("--data", f"{key}={value}")]
        argv = ["pyinfra", "-y", *(options or [f"--parallel={self._nodes}"]), *given, "hosts.py", "deploy.py"]
        return self._run(argv, expect)

    def _run(self, argv: Sequence[str], expect: str) -> Sample:
        return measure([self._bin / argv[0], *argv[1:]], self._folder, self._environment, expect)

    def _write(self, files: Sequence[Path], groups: Mapping[str, Sequence[Place]], private_key: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for source in files:
            shutil.copy2(source, self._folder)
        key = self._folder / "key"
        key.touch(mode=0o600)
        key.write_text(private_key)
        places = [place for group in groups.values() for place in group]
        hosts = "".join(f"{place.address} {place.host_key}\n" for place in places)
        (self._folder / "known_hosts").write_text(hosts)
        common = ["[all:vars]", "ansible_user=root", "ansible_ssh_private_key_file=key", "label=ansible"]
        settings = {
            "ssh_user": "root",
            "ssh_key": str(key),
            "ssh_known_hosts_file": str(self._folder / "known_hosts"),
            "ssh_strict_host_key_checking": "yes",
        }
        inventory, hosts_of_pyinfra = [], ""
        for name, group in groups.items():
            lines = [f"{place.name} ansible_host={place.address} node={place.name}" for place in group]
            inventory += [f"[{name}]", *lines]
            data = [(place.name, {"ssh_hostname": place.address, "node": place.name}) for place in group]
            hosts_of_pyinfra += f"{name} = ({data!r}, {settings!r})\n"
        (self._folder / "inventory.ini").write_text("\n".join([*inventory, *common]) + "\n")
        (self._folder / "hosts.py").write_text(hosts_of_pyinfra)


def installed() -> Path:
    """Return the environment with both tools, made when it is not there or not what is pinned."""
    venv, stamp = FOLDER / "tools", FOLDER / "tools" / "made-from"
    wanted = hashlib.sha256(f"{venv}\0{_PINS.read_text()}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return venv
    shutil.rmtree(venv, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment["UV_SYSTEM_CERTS"] = "true"
    measure([sys.executable, "-m", "venv", "--without-pip", venv], CHECKOUT, environment)
    sync: list[str | Path] = [CHECKOUT / ".venv" / "bin" / "uv", "pip", "sync", "--python", venv / "bin" / "python"]
    measure([*sync, "--require-hashes", "--compile-bytecode", _PINS], CHECKOUT, environment)
    stamp.write_text(wanted)
    return venv
