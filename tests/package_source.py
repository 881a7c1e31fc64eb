"""A signed Debian package source on disk, and apt settings of a host that uses it."""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ARCHITECTURE = subprocess.run(
    ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
).stdout.strip()


_PREFIX = "soop-gpg-"


class Key:
    """A signing key; its folder is short-lived, since an agent's socket needs a short path."""

    def __init__(self) -> None:
        _sweep()
        self.home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        # An agent ends with the program that it is given, and this one when nobody holds the other end of its input.
        agent = ["gpg-agent", "--homedir", str(self.home), "--quiet", "--daemon", "cat"]
        self._agent = subprocess.Popen(agent, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        while not (self.home / "S.gpg-agent").exists():
            assert self._agent.poll() is None, "gpg-agent does not start"
            time.sleep(0.01)
        self.gpg("--quick-gen-key", "package source", "ed25519", "sign", "never")

    def gpg(self, *arguments: str) -> bytes:
        argv = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes", "--passphrase", "", *arguments]
        return subprocess.run(argv, check=True, capture_output=True).stdout

    def forget(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True, capture_output=True)
        self._agent.communicate()
        shutil.rmtree(self.home, ignore_errors=True)


def _sweep() -> None:
    """Remove the keys of killed tests."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        if not Path("/proc", home.name.removeprefix(_PREFIX).partition("-")[0]).exists():
            shutil.rmtree(home, ignore_errors=True)


class Published(NamedTuple):
    """A package that the source serves."""

    stanza: str
    file: str
    """Its name in the pool."""


class PackageSource:
    """Serves what was published until it is withdrawn."""

    def __init__(self, folder: Path, key: Key, suite: str = "bookworm") -> None:
        self._key = key
        self._suite = suite
        self._published: dict[str, Published] = {}
        (folder / "pool").mkdir(parents=True)
        (folder / "trusted").mkdir()
        (folder / "trusted" / "source.gpg").write_bytes(key.gpg("--export"))
        self._settle(folder)
        self.write_indexes()

    def copy(self, folder: Path) -> PackageSource:
        """Serve the same, signed already, from another folder."""
        twin = copy.copy(self)
        shutil.copytree(self.folder, folder)
        twin._published = dict(self._published)
        twin._settle(folder)
        return twin

    def _settle(self, folder: Path) -> None:
        """Write what a host that uses this source knows of it."""
        self.folder = folder
        lines = [f"deb copy:{folder} {self._suite} {component}" for component in ("main", "contrib")]
        (folder / "sources.list").write_text("\n".join(lines) + "\n")
        self.host_settings = folder / "host-apt.conf"
        self.host_settings.write_text(
            f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
            f'Dir::Etc::sourceparts "{folder}/none";\n'
            f'Dir::Etc::trusted "{folder}/none";\n'
            f'Dir::Etc::trustedparts "{folder}/trusted";\n'
            f'Dir::Etc::Parts "{folder}/none";\n'
            f'Dir::State::lists "{folder}/host-lists";\n'
            'APT::Update::Pre-Invoke:: "false";\n'  # a hook of another program, which is not run
        )

    def publish(
        self, name: str, version: str, depends: str = "", content: str = "", recommends: str = "", beside: bool = False
    ) -> str:
        """Serve a package and return the digest of its file; without ``beside``, an older version is withdrawn."""
        tree = self.folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr").mkdir()
        (tree / "usr" / name).write_text(content or f"{name} {version}")
        control = f"Package: {name}\nVersion: {version}\nArchitecture: {ARCHITECTURE}\nMaintainer: Nobody <x@y>\n"
        control += f"Depends: {depends}\n" if depends else ""
        control += f"Recommends: {recommends}\n" if recommends else ""
        (tree / "DEBIAN" / "control").write_text(control + "Description: of a test\n")
        file = self.folder / "pool" / f"{name}_{version.replace(':', '%3a')}.deb"
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        argv = ["dpkg-deb", "--build", "--root-owner-group", "-Znone", str(tree), str(file)]
        subprocess.run(argv, check=True, capture_output=True, env=environment)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        stanza = control + f"Filename: pool/{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n"
        key = f"{name} {version}" if beside else name
        self._published[key] = Published(stanza + "Description: of a test\n", file.name)
        self.write_indexes()
        return digest

    def vanish(self) -> None:
        """Let the host know no package source at all."""
        (self.folder / "sources.list").write_text("")

    def withdraw(self, name: str) -> None:
        """Serve a package no more."""
        (self.folder / "pool" / self._published.pop(name).file).unlink()
        self.write_indexes()

    def write_indexes(self) -> None:
        """Write and sign what apt reads."""
        dists = self.folder / "dists" / self._suite
        sums = []
        for component in ("main", "contrib"):
            path = f"{component}/binary-{ARCHITECTURE}/Packages"
            (dists / path).parent.mkdir(parents=True, exist_ok=True)
            stanzas = [item.stanza for item in self._published.values()] if component == "main" else []
            content = "\n".join(stanzas).encode()
            (dists / path).write_bytes(content)
            sums.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path}")
        release = f"Origin: Debian\nSuite: oldstable\nCodename: {self._suite}\nComponents: main contrib\n"
        release += f"Architectures: {ARCHITECTURE}\nDate: Tue, 14 Nov 2023 22:13:20 UTC\nSHA256:\n"
        (dists / "Release").write_text(release + "\n".join(sums) + "\n")
        self._key.gpg("--clearsign", "--output", str(dists / "InRelease"), str(dists / "Release"))
