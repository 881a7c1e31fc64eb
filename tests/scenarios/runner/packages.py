"""Debian packages made on the spot, small enough to be installed in no time."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soop_components.artifact.base_image import BaseImage
from soop_components.build.apt import Apt
from soop_components.build.package_cache import PackageCache
from soop_components.build.service_lock import LockedPackage
from soop_components.project import Project
from tests.scenarios.ground import CHECKOUT, IMAGE

DAEMON = "/usr/bin/greeter-daemon"
_UNIT = f"[Service]\nExecStart={DAEMON} infinity\n\n[Install]\nWantedBy=multi-user.target\n"
_START = "#!/bin/sh\nset -e\ndeb-systemd-invoke start greeter.service || true\n"
"""What maintainers' scripts do: start the service at once, configured or not."""


@dataclass(frozen=True)
class Deb:
    """A package: its archive, and how plans speak of it."""

    name: str
    content: bytes
    plan: dict[str, Any]


def deb(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes] | None = None,
    scripts: Mapping[str, str] | None = None,
    **fields: str,
) -> Deb:
    """Build a package; ``Pre_Depends`` and the like are fields of its control file."""
    root = folder / f"{name}_{version}"
    shutil.rmtree(root, ignore_errors=True)
    for path, content in (files or {f"/usr/share/{name}": version.encode()}).items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if "/bin/" in path else 0o644)
    control = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "Tests", "Description": "x"}
    control |= {field.replace("_", "-"): value for field, value in fields.items()}
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text("".join(f"{key}: {value}\n" for key, value in control.items()))
    for script, text in (scripts or {}).items():
        (root / "DEBIAN" / script).write_text(text)
        (root / "DEBIAN" / script).chmod(0o755)
    archive = folder / f"{name}_{version}.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    content = archive.read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Deb(name, content, {"version": version, "architecture": "all", "digest": digest, "size": len(content)})


def greeter(folder: Path, version: str, **more: Any) -> Deb:
    """Build a package with a daemon that its maintainer's script starts."""
    program = Path(shutil.which("sleep") or "/bin/sleep").read_bytes()
    files = {DAEMON: program, "/lib/systemd/system/greeter.service": _UNIT.encode(), "/etc/greeter.conf": b"theirs\n"}
    return deb(folder, "greeter", version, files, {"postinst": _START, "conffiles": "/etc/greeter.conf\n"}, **more)


def of_debian(*names: str) -> list[Deb]:
    """Return packages of Debian with what they need, from the mirror; they are kept for the next time."""
    project = Project(CHECKOUT)
    image = BaseImage.find(project.images, IMAGE)
    apt = Apt.of(project, IMAGE, image.status)
    with apt.ready():
        apt.update()
        chosen = apt.closure(names, {})
        records = apt.records(chosen)
    locked = {
        name: LockedPackage(
            version=version,
            architecture=records[name]["Architecture"],
            size=int(records[name]["Size"]),
            sha256=records[name]["SHA256"],
            file=f"{name}.deb",
        )
        for name, version in chosen.items()
    }
    files = PackageCache(project.cache / "debs").fetch(locked, lambda: apt, "this test", lambda _: None)
    shown = {"version", "architecture", "size"}
    return [
        Deb(
            name,
            files[name].read_bytes(),
            {**package.model_dump(include=shown), "digest": f"sha256:{package.sha256}"},
        )
        for name, package in locked.items()
    ]


def plans(*debs: Deb) -> dict[str, Any]:
    """Return the packages of a plan."""
    return {each.name: each.plan for each in debs}
