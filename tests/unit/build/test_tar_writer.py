from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from soop_components.artifact.layout import HashingFile
from soop_components.artifact.tar_check import header_of
from soop_components.build import tar_writer
from soop_components.build.source_files import SourceFile
from soop_components.build.tar_writer import pack
from soop_components.errors import SoopError


def packed(files: dict[str, SourceFile]) -> tuple[bytes, str]:
    target = io.BytesIO()
    writer = HashingFile(target)
    pack(files, writer)
    assert writer.size == len(target.getvalue())
    return target.getvalue(), writer.digest


def test_the_bytes_follow_from_names_modes_and_contents_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content of a")
    (tmp_path / "b").write_bytes(b"")
    long = "folder-" * 40 + "/ä"
    first = {
        "a": SourceFile(tmp_path / "a", "0644"),
        "b": SourceFile(tmp_path / "b", "0755"),
        long: SourceFile(tmp_path / "a", "0644"),
    }
    content, digest = packed(first)
    os.utime(tmp_path / "a", (1, 1))
    again, same = packed(dict(reversed(first.items())))
    assert (again, same) == (content, digest)
    assert digest == "sha256:fba13495a7f4fc62d3302b70be0a4041c8ceab5de26e6dc213e842330b34f12f"
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert [(member.name, member.mode, member.mtime) for member in tar] == [
            ("a", 0o644, 0),
            ("b", 0o755, 0),
            (long, 0o644, 0),
        ]


def test_nothing_to_pack() -> None:
    assert packed({})[0] == bytes(10240)


def test_a_file_that_becomes_shorter_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("content of a")
    monkeypatch.setattr(tar_writer, "header_of", lambda name, size, mode: header_of(name, size + 1, mode))
    with pytest.raises(SoopError, match=r"^a became shorter while it was packed"):
        packed({"a": SourceFile(tmp_path / "a", "0644")})
