"""A package index of wheels on disk, and settings of a host that uses it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest


class WheelSource:
    """Serves what was published until it is withdrawn; a folder in the form of a package index (Python's PEP 503)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a host that knows this index and no other."""
        ours = {"UV_DEFAULT_INDEX": self.folder.as_uri(), "PIP_INDEX_URL": self.folder.as_uri(), "PIP_FIND_LINKS": ""}
        others = {"UV_INDEX": "", "UV_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": "/dev/null"}
        return {**ours, **others, "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1", "PIP_NO_CACHE_DIR": "1"}

    def use(self, patch: pytest.MonkeyPatch) -> None:
        for name, value in self.settings.items():
            patch.setenv(name, value)

    def publish(
        self, name: str, version: str, needs: tuple[str, ...] = (), tag: str = "py3-none-any", content: str = ""
    ) -> None:
        """Serve a wheel with one module, and a program of its name that runs the module's ``main``."""
        info = f"{name}-{version}.dist-info"
        metadata = [
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
            *(f"Requires-Dist: {each}" for each in needs),
        ]
        members = {
            f"{name}.py": content or f"def main():\n    print('{name} {version}')\n",
            f"{info}/METADATA": "\n".join(metadata) + "\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        }
        path = self.folder / name / f"{name}-{version}-{tag}.whl"
        path.parent.mkdir(exist_ok=True)
        _write(path, members, f"{info}/RECORD")
        self._list(path.parent)

    def withdraw(self, name: str) -> None:
        for path in (self.folder / name).glob("*.whl"):
            path.unlink()
        self._list(self.folder / name)

    def _list(self, folder: Path) -> None:
        links = [f'<a href="{path.name}">{path.name}</a><br>' for path in sorted(folder.glob("*.whl"))]
        (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>")


def _write(path: Path, members: Mapping[str, str], record: str) -> None:
    listed = "".join(f"{name},,\n" for name in [*members, record])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**members, record: listed}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
