"""A standard tool reads the store, and copies artifacts without changing them."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

from soop_components.artifact.store import Store
from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.project import Project

NAME = "greeting-service-1.0.0"


def skopeo(*arguments: str) -> bytes:
    return subprocess.run(["skopeo", "--insecure-policy", *arguments], check=True, capture_output=True).stdout


def test_inspect(store: Store) -> None:
    content = skopeo("inspect", "--raw", f"oci:{store.layout.path}:{NAME}")
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == store.open(NAME).digest
    manifest = json.loads(content)
    assert manifest["artifactType"] == "application/vnd.soop.service-definition.v1"
    titles = [layer["annotations"]["org.opencontainers.image.title"] for layer in manifest["layers"]]
    assert titles[:3] == ["clock", "page", "smoke"]
    assert [title.split("_")[0] for title in titles[3:]] == ["clock", "greeter", "greeter-lib"]


def test_copy(store: Store, tmp_path: Path) -> None:
    skopeo("copy", f"oci:{store.layout.path}:{NAME}", f"oci:{tmp_path}/copy:{NAME}")
    copy = Store(tmp_path / "copy")
    assert [problems for _, problems in copy.verify()] == [[]]
    assert copy.open(NAME).digest == store.open(NAME).digest
    assert copy.open(NAME).resolved == store.open(NAME).resolved


def test_copies_come_into_our_store(store: Store, locked: Project, tmp_path: Path) -> None:
    skopeo("copy", f"oci:{store.layout.path}:{NAME}", f"oci:{tmp_path}/copy:{NAME}")
    build(locked, read_source(locked, "greeting-service"), lambda _: None, "2.0.0")
    skopeo("copy", f"oci:{store.layout.path}:greeting-service-2.0.0", f"oci:{tmp_path}/copy:greeting-service-2.0.0")
    assert [entry.reference.version for entry in Store(tmp_path / "copy").list()] == ["1.0.0", "2.0.0"]
