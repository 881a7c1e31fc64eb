"""Booting: as a transient unit of the host's systemd where there is one, as a detached process elsewhere."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from . import cgroup, mounts, network, process
from .command import ENVIRONMENT, missing, run
from .failure import Refused
from .files import path_of
from .folders import Realm
from .record import Record

_NSPAWN = Path("/run/systemd/nspawn")
_SLICE = "soop.slice"
_LOG_LIMIT = 1024**2
"""Bytes of a machine's console that are kept over a restart."""


def launch(realm: Realm, record: Record, binds: list[tuple[Path, str]], log: int) -> None:
    """Start the machine, with its console in the open file ``log``; it goes on when the caller is gone."""
    _shorten(log)
    argv = command(record, record.root(realm), binds)
    if _host_has_systemd():
        _launch_unit(realm, record, argv, path_of(log))
    else:
        _launch_process(realm, record, argv, log)


def resize(realm: Realm, record: Record) -> bool:
    """Give a machine that runs the processors and the memory of its record; return whether it has them now."""
    if not _host_has_systemd():
        return cgroup.limit(cgroup.of(_group(realm, record.id)), record.spec.cpus, record.spec.memory)
    values = [f"{key}={value}" for key, value in _limits(record).items()]
    run("systemctl", "set-property", "--runtime", _unit(realm, record.id), *values)
    return True


def end(realm: Realm, id: str, patience: float, *, has_network: bool) -> None:
    """End all processes of a machine, those in its network's namespace included if that is its own, and unmount it.

    It gets ``patience`` seconds to shut down by itself.
    """
    root = realm.run / id / "root"
    process.end(root, patience)
    process.kill_all(lambda: _remaining(realm, id, has_network=has_network))
    _remove_nspawn_files(root, _machine(id))
    if _host_has_systemd():
        for verb in ("stop", "reset-failed"):
            with suppress(Refused):
                run("systemctl", verb, _unit(realm, id))
    else:
        cgroup.remove(_group(realm, id))
    mounts.unmount(root)


def _remaining(realm: Realm, id: str, *, has_network: bool) -> set[int]:
    """Return the processes of a machine whose supervisor has ended."""
    group = f"{_SLICE}/{_unit(realm, id)}" if _host_has_systemd() else _group(realm, id)
    return cgroup.members(group) | (process.in_namespace(network.namespace(id)) if has_network else set())


def command(record: Record, root: Path, binds: list[tuple[Path, str]]) -> list[str]:
    """Return the command line that boots a machine."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={root}",
        f"--machine={_machine(record.id)}",
        "--register=no",
        "--keep-unit",
        f"--network-namespace-path={network.namespace(record.id)}",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=read-only",
        *(f"--bind={folder}:{mount}" for folder, mount in binds),
    ]


def _launch_unit(realm: Realm, record: Record, argv: list[str], log: Path) -> None:
    properties = {
        "Delegate": "yes",
        "KillMode": "mixed",
        "TimeoutStopSec": "30",
        **_limits(record),
        "StandardInput": "null",
        "StandardOutput": f"append:{log}",
        "StandardError": f"append:{log}",
    }
    run(
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={_unit(realm, record.id)}",
        f"--slice={_SLICE}",
        f"--description={record.spec.name}",
        "--service-type=exec",
        *(f"--property={key}={value}" for key, value in properties.items()),
        *argv,
    )


def _limits(record: Record) -> dict[str, str]:
    """Return the limits of a machine as systemd knows them."""
    return {"MemoryMax": str(record.spec.memory), "CPUQuota": f"{record.spec.cpus * 100}%"}


def _launch_process(realm: Realm, record: Record, argv: list[str], log: int) -> None:
    groups = cgroup.create(_group(realm, record.id), record.spec.cpus, record.spec.memory)

    def join() -> None:
        for group in groups:
            with open(group / "cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")

    try:
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            preexec_fn=join,
        )
    except FileNotFoundError as error:
        raise missing(argv[0]) from error
    except subprocess.SubprocessError as error:
        raise Refused(f"{record.spec.name} cannot join its control groups: {error}") from error


def _host_has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _machine(id: str) -> str:
    return f"soop-{id}"


def _remove_nspawn_files(root: Path, machine: str) -> None:
    """Remove what systemd-nspawn keeps of a machine in ``/run`` when it is killed."""
    with suppress(OSError):
        (_NSPAWN / "propagate" / machine).rmdir()
    with suppress(OSError):
        status = root.stat()
        (_NSPAWN / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink()


def _unit(realm: Realm, id: str) -> str:
    return f"{_group(realm, id)}.service"


def _group(realm: Realm, id: str) -> str:
    return f"soop-{realm.name}-{id}"


def _shorten(log: int) -> None:
    """Keep the end of a long log, which is open for reading and appending."""
    size = os.fstat(log).st_size
    if size > _LOG_LIMIT:
        kept = os.pread(log, _LOG_LIMIT // 2, size - _LOG_LIMIT // 2)
        os.ftruncate(log, 0)
        os.write(log, kept)
