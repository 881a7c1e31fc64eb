"""Volumes as files on this host, attached to instances as block devices."""

from __future__ import annotations

from pathlib import Path

from tests.amazon.instances import Instances
from tests.amazon.root import as_root

_ATTACH = """
device=$(losetup --find --show {file})
number=${{device#/dev/loop}}
mkdir -p "$1/dev/disk/by-id" "$1/dev/disk/by-uuid"
mknod -m 600 "$1$device" b 7 "$number"
uuid=$(blkid -p -o value -s UUID "$device") || :
test -z "$uuid" || ln -sf "$device" "$1/dev/disk/by-uuid/$uuid"
ln -sf "$device" "$1/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{id}"
"""
"""What the kernel and udev of an instance do. Its disks are seen as a real one's: by ids, and by their file systems."""


def forget_lost(folder: Path) -> None:
    """Detach what killed runs left attached somewhere below a folder, though its file is gone."""
    listed = as_root("losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE").splitlines()
    for device, _, file in (line.partition(" ") for line in listed):
        path = Path(file.removesuffix("(deleted)").removesuffix("\\x20").strip())
        if path.name.startswith("vol-") and path.is_relative_to(folder) and not path.exists():
            as_root("losetup", "--detach", device)


class Volumes:
    """The volumes in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, id: str, gib: int) -> None:
        """Make a blank volume, or let one grow, also while it is attached."""
        with self._file(id).open("ab") as file:
            file.truncate(gib * 2**30)
        for device in self._devices(id):
            as_root("losetup", "--set-capacity", device)

    def remove(self, id: str) -> None:
        self._file(id).unlink()

    def attach(self, id: str, instances: Instances, instance: str, domain: str) -> None:
        """Show a volume on an instance."""
        instances.on(instance, domain, _ATTACH.format(file=self._file(id), id=id.replace("-", "")))

    def detach(self, id: str) -> None:
        """Take a volume from an instance that does not run any more."""
        for device in self._devices(id):
            as_root("losetup", "--detach", device)

    def detach_all(self) -> None:
        """Take every volume from its instance, once none runs any more."""
        for path in self._folder.glob("vol-*.img"):
            self.detach(path.stem)

    def _devices(self, id: str) -> list[str]:
        return as_root("losetup", "--noheadings", "--output", "NAME", "--associated", str(self._file(id))).split()

    def _file(self, id: str) -> Path:
        return self._folder / f"{id}.img"
