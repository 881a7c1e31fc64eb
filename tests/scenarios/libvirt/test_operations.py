"""What happens to a machine inside an update, at a real libvirt: on one whose disk holds bytes, and no system."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.libvirt.operations import LibvirtOperations
from soop_components.machines.snapshots import Snapshot
from soop_components.project import Project
from tests.scenarios.libvirt.conftest import Place, place
from tests.virtual import hypervisor

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(3600)]
_DIGEST = "sha256:" + 64 * "0"


class Bare:
    """A node's machine, which runs nothing."""

    def __init__(self, at: Place, folder: Path) -> None:
        self.node = f"database-1.note-service.{at.domain}"
        self.operations = LibvirtOperations(Project(folder))
        self._pool, self._folder = at.pool, folder
        disk = hypervisor.make_volume({"pool": at.pool, "name": f"{self.node}-data", "size": 4 << 20})
        self.write(b"first")
        hypervisor.define_bare(self.node, disk)

    def write(self, content: bytes) -> None:
        """Make this the content of the disk."""
        raw, image = self._folder / "raw", self._folder / "image"
        raw.write_bytes(content.ljust(4 << 20, b"\0"))
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image], check=True)
        hypervisor.virsh("vol-upload", "--pool", self._pool, f"{self.node}-data", str(image))

    def read(self) -> tuple[bytes, int]:
        """Return the content of the disk, and its size."""
        raw, image = self._folder / "raw", self._folder / "image"
        hypervisor.virsh("vol-download", "--pool", self._pool, f"{self.node}-data", str(image))
        subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, raw], check=True)
        content = raw.read_bytes()
        return content.rstrip(b"\0"), len(content)

    def snapshot(self, label: str) -> Snapshot:
        return asyncio.run(self.operations.snapshot(self.node, label, "note-service-1.0.0", _DIGEST))

    def restore(self, label: str) -> None:
        asyncio.run(self.operations.restore(self.node, label))


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Bare]:
    with place() as at:
        yield Bare(at, tmp_path)


def test_a_disk_is_copied_whether_its_machine_runs_or_not_and_restored(bare: Bare) -> None:
    operations, node = bare.operations, bare.node
    assert asyncio.run(operations.is_off(node))
    off = bare.snapshot("off")
    bare.write(b"second")

    asyncio.run(operations.start(node))
    asyncio.run(operations.start(node))
    assert not asyncio.run(operations.is_off(node))
    runs = bare.snapshot("runs")
    assert bare.snapshot("runs").label == "runs", "it takes the place of the one before"
    with pytest.raises(SoopError, match="its machine runs"):
        bare.restore("off")
    hypervisor.virsh("destroy", node)

    found = asyncio.run(operations.snapshots("room"))
    assert {(each.node, each.label, each.of, each.digest) for each in found if each.node == node} == {
        (node, label, "note-service-1.0.0", _DIGEST) for label in ("off", "runs")
    }
    assert off.size > 0
    assert runs.size > 0
    assert asyncio.run(operations.snapshot_size(node)) > 0

    hypervisor.virsh("vol-resize", f"/{hypervisor.virsh('domblklist', node).split('/', 1)[1]}", str(8 << 20))
    bare.restore("off")
    assert bare.read() == (b"first", 8 << 20)
    bare.restore("runs")
    assert bare.read() == (b"second", 8 << 20)
    with pytest.raises(SoopError, match="has no snapshot other"):
        bare.restore("other")

    asyncio.run(operations.remove_snapshot(node, "off"))
    asyncio.run(operations.remove_snapshot(node, "off"))
    assert [each.label for each in asyncio.run(operations.snapshots("room")) if each.node == node] == ["runs"]
