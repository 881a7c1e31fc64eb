"""Images that machines are made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from soop_components.machines.libvirt.images import image_problem, volume_name
from soop_components.machines.libvirt.settings import VmImage

CONTENT = b"an image"
IMAGE = VmImage(file="images/debian-12.qcow2", sha256=hashlib.sha256(CONTENT).hexdigest())


def test_an_image_is_the_one_that_is_meant(tmp_path: Path) -> None:
    assert image_problem(tmp_path, IMAGE) == f"whose image {IMAGE.file} cannot be read: No such file or directory"
    path = tmp_path / IMAGE.file
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert image_problem(tmp_path, IMAGE) is None
    assert image_problem(Path("/elsewhere"), IMAGE.model_copy(update={"file": str(path)})) is None
    path.write_bytes(CONTENT + b"!")
    assert f"and not {IMAGE.sha256[:12]}…" in (image_problem(tmp_path, IMAGE) or "")


def test_volumes_are_named_after_what_is_in_them() -> None:
    assert volume_name("debian-12", IMAGE) == f"debian-12-{IMAGE.sha256[:12]}"
