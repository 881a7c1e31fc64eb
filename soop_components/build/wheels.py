"""Python packages of an application as wheels: uv chooses versions, pip fetches files, both for the Python of a base.

uv resolves for another version of Python than the one it runs on, which pip does not: pip judges markers such as
``python_version < "3.13"`` by its own. pip fetches files by their hashes, which uv does not.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from soop_components.artifact.base_image import PYTHONS
from soop_components.artifact.layout import digest_of
from soop_components.build import Progress
from soop_components.build.service_lock import LockedWheel
from soop_components.errors import SoopError

_TIMEOUT = 900
"""Seconds that one command may take; both give up on a silent server much earlier."""
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
_NEWEST_GLIBC_OF_UV = 40
_SHOWN = 12
"""Lines of what a program said that are shown when it fails."""


class WheelCache:
    """Wheels by their SHA-256; another folder that may have them, by digest, is looked into first."""

    def __init__(self, folder: Path, others: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._others = tuple(others)

    def choose(
        self, base: str, asked: Sequence[str], keep: Mapping[str, str], progress: Progress
    ) -> dict[str, LockedWheel]:
        """Return the wheels for what an application asks for; versions that ``keep`` has stay, where they fit."""
        if not asked:
            return {}
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".incoming-") as name:
            folder = Path(name)
            (folder / "asked.txt").write_text("\n".join(asked) + "\n", encoding="utf-8")
            pins = "".join(f"{package}=={version}\n" for package, version in sorted(keep.items()))
            (folder / "pinned.txt").write_text(pins, encoding="utf-8")
            progress("resolving Python packages")
            _run([_uv(), "pip", "compile", "asked.txt", "--output-file", "pinned.txt", *_for_uv(base)], folder)
            pinned = dict(_PINNED.findall((folder / "pinned.txt").read_text(encoding="utf-8")))
            files = _fetch(base, folder, progress, len(pinned))
            return {package: self._taken(package, version, files) for package, version in sorted(pinned.items())}

    def fetch(self, base: str, wheels: Iterable[LockedWheel], label: str, progress: Progress) -> dict[str, Path]:
        """Return the files of locked wheels, by their SHA-256."""
        wanted = {wheel.sha256: wheel for wheel in wheels}
        found = {sha256: self._find(sha256) for sha256 in wanted}
        missing = [wanted[sha256] for sha256, path in found.items() if path is None]
        for wheels_at_once in _once_each(missing):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".incoming-") as folder:
                lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in wheels_at_once]
                Path(folder, "pinned.txt").write_text("".join(lines), encoding="utf-8")
                try:
                    files = _fetch(base, Path(folder), progress, len(lines))
                except SoopError as error:
                    advice = f"if the package index has them no more: soop lock --refresh {label}"
                    raise SoopError(error.message, advice) from None
                for wheel in wheels_at_once:
                    self._taken(wheel.name, wheel.version, files)
        return {sha256: path or self._path(sha256) for sha256, path in found.items()}

    def _taken(self, package: str, version: str, files: Mapping[str, Path]) -> LockedWheel:
        """Move a wheel into the cache, and return what identifies it."""
        path = files.get(_normal(package))
        if path is None:
            raise SoopError(f"the package index sent no wheel of {package} {version}")
        size, sha256 = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.move(path, self._path(sha256))
        return LockedWheel(name=_normal(package), version=version, file=path.name, size=size, sha256=sha256)

    def _find(self, sha256: str) -> Path | None:
        candidates = [*(other / sha256 for other in self._others), self._path(sha256)]
        return next((path for path in candidates if path.is_file() and digest_of(path) == f"sha256:{sha256}"), None)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.whl"


def _once_each(wheels: Iterable[LockedWheel]) -> list[list[LockedWheel]]:
    """Return wheels in groups without two of one name, as two applications may have: pip refuses these together."""
    groups: list[dict[str, LockedWheel]] = []
    for wheel in wheels:
        group = next((each for each in groups if wheel.name not in each), None)
        if group is None:
            groups.append(group := {})
        group[wheel.name] = wheel
    return [list(group.values()) for group in groups]


def _fetch(base: str, folder: Path, progress: Progress, count: int) -> dict[str, Path]:
    """Fetch what the file pinned.txt in a folder names by hash, one wheel of each package, the best for the base."""
    progress(f"fetching {count} Python packages")
    fetching = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    _run([*fetching, "--require-hashes", "--requirement", "pinned.txt", "--dest", "wheels", *_for_pip(base)], folder)
    found = ((path, _WHEEL.fullmatch(path.name)) for path in (folder / "wheels").iterdir())
    return {_normal(match["name"]): path for path, match in found if match}


def _for_uv(base: str) -> list[str]:
    python, glibc = PYTHONS[base]
    system = f"{platform.machine()}-manylinux_2_{min(glibc, _NEWEST_GLIBC_OF_UV)}"
    wanted = ["--python-version", python, "--python-platform", system, "--python", sys.executable]
    return [*wanted, "--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]


def _for_pip(base: str) -> list[str]:
    """Return options that admit what runs with a base's Python and its libc, newest first."""
    python, glibc = PYTHONS[base]
    kinds = [*(f"manylinux_2_{minor}" for minor in range(glibc, 4, -1)), "manylinux2014", "manylinux2010", "manylinux1"]
    systems = [f"--platform={kind}_{platform.machine()}" for kind in [*kinds, "linux"]]
    abis = [f"--abi={abi}" for abi in (f"cp{python.replace('.', '')}", "abi3", "none")]
    return ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *abis, *systems]


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SoopError("uv is not on this machine, which chooses the versions of Python packages", "pip install uv")
    return found


def _run(argv: Sequence[str], folder: Path) -> None:
    others = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")
    ours = {"UV_SYSTEM_CERTS": "true", **{key: value for key, value in os.environ.items() if key not in others}}
    what = "uv" if argv[1] == "pip" else "pip"
    try:
        done = subprocess.run(argv, env=ours, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise SoopError(f"{what} did not end within {_TIMEOUT} s") from None
    if done.returncode != 0:
        said = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-_SHOWN:])
        raise SoopError(f"the Python packages cannot be had; {what} says:\n  {said}")


def _normal(name: str) -> str:
    """Return the one spelling of a package's name (PyPA's specification of names)."""
    return re.sub(r"[-_.]+", "-", name).lower()
