"""Tars of strangers: whatever is in one, it is either what the definition lists, byte for byte, or it is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from soop_components.artifact.definition import PackedFile
from soop_components.artifact.layout import HashingFile
from soop_components.artifact.tar_check import tar_problem
from soop_components.build.source_files import SourceFile
from soop_components.build.tar_writer import pack

CONTENT = {"app/a.py": b"print()\n", "app/run": b"x" * 512}


def listed(name: str) -> PackedFile:
    content = CONTENT[name]
    return PackedFile(digest=f"sha256:{hashlib.sha256(content).hexdigest()}", size=len(content))


FILES = {name: listed(name) for name in CONTENT}


def member(
    name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **others: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in others.items():
        setattr(info, key, value)
    return info, content


GOOD = [member(name, content=content) for name, content in CONTENT.items()]


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=format) as made:
        for info, content in members:
            made.addfile(info, io.BytesIO(content))
    return target.getvalue()


def problem(tmp_path: Path, content: bytes) -> str | None:
    path = tmp_path / "blob"
    path.write_bytes(content)
    return tar_problem(path, FILES)


def test_what_a_build_packs(tmp_path: Path) -> None:
    sources = {}
    for name, content in CONTENT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
        sources[name] = SourceFile.of(tmp_path / name)
    packed = io.BytesIO()
    assert pack(sources, HashingFile(packed)) == FILES
    assert packed.getvalue() == tar(GOOD)
    assert problem(tmp_path, packed.getvalue()) is None


LINK = {"linkname": "/etc/passwd"}
MORE = {
    "symbolic link": member("x", tarfile.SYMTYPE, **LINK),
    "symbolic link up": member("x", tarfile.SYMTYPE, linkname="../.."),
    "hard link": member("x", tarfile.LNKTYPE, **LINK),
    "hard link inside": member("x", tarfile.LNKTYPE, linkname="app/a.py"),
    "character device": member("x", tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": member("x", tarfile.BLKTYPE, devmajor=8),
    "pipe": member("x", tarfile.FIFOTYPE),
    "folder": member("x", tarfile.DIRTYPE),
    "path that goes up": member("../../etc/cron.d/x", content=b"x"),
    "absolute path": member("/etc/cron.d/x", content=b"x"),
    "name twice": member("app/a.py", content=b"other"),
    "setuid program": member("x", content=b"x", mode=0o4755),
    "sparse file": member("x", tarfile.GNUTYPE_SPARSE),
    "header for all that follow": member("x", tarfile.XGLTYPE),
}


@pytest.mark.parametrize("name", MORE)
def test_what_is_there_besides(tmp_path: Path, name: str) -> None:
    assert problem(tmp_path, tar([*GOOD, MORE[name]])) == "holds more than the definition lists"


@pytest.mark.parametrize("name", MORE)
def test_what_comes_first_or_instead(tmp_path: Path, name: str) -> None:
    said = "expected the file app/a.py, 8 bytes, mode 0644, where something else is"
    assert problem(tmp_path, tar([MORE[name], *GOOD])) == said
    assert problem(tmp_path, tar([MORE[name], *GOOD[1:]])) == said


CHANGED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no member": lambda: tar([]),
    "cut off": lambda: tar(GOOD)[:700],
    "cut off in the header": lambda: tar(GOOD)[:100],
    "without an end": lambda: tar(GOOD)[:2048],
    "more zeros": lambda: tar(GOOD) + bytes(10240),
    "more than zeros": lambda: tar(GOOD) + b"x",
    "flipped bit in a header": lambda: b"\x01" + tar(GOOD)[1:],
    "flipped bit in a file": lambda: tar(GOOD).replace(b"print", b"pront"),
    "bits in the padding": lambda: tar(GOOD).replace(b"print()\n\0", b"print()\nx"),
    "owner": lambda: tar([member("app/a.py", content=CONTENT["app/a.py"], uid=1), *GOOD[1:]]),
    "time": lambda: tar([member("app/a.py", content=CONTENT["app/a.py"], mtime=1), *GOOD[1:]]),
    "mode": lambda: tar([member("app/a.py", content=CONTENT["app/a.py"], mode=0o755), *GOOD[1:]]),
    "extended path": lambda: tar(
        [member("app/a.py", content=CONTENT["app/a.py"], pax_headers={"path": "../../x"}), *GOOD[1:]]
    ),
    "extended attribute": lambda: tar(
        [member("app/a.py", content=CONTENT["app/a.py"], pax_headers={"SCHILY.xattr.security.capability": "x"})]
    ),
    "long name of another format": lambda: tar([member("x" * 200), *GOOD], tarfile.GNU_FORMAT),
    "another order": lambda: tar(GOOD[::-1]),
    "missing file": lambda: tar(GOOD[:1]),
    "compressed": lambda: gzip.compress(tar(GOOD)),
    "compressed zeros": lambda: gzip.compress(bytes(10**7)),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_not_as_a_build_makes_it(tmp_path: Path, name: str) -> None:
    said = problem(tmp_path, CHANGED[name]())
    assert said is not None
    assert any(word in said for word in ("expected the file", "the file app/", "holds ", "does not end")), said


@pytest.mark.timeout(60)
def test_a_size_that_is_only_said(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(tar(GOOD))
    huge = FILES["app/a.py"].model_copy(update={"size": 2**40})
    said = tar_problem(tmp_path / "blob", {**FILES, "app/a.py": huge})
    assert said == f"expected the file app/a.py, {2**40} bytes, mode 0644, where something else is"
