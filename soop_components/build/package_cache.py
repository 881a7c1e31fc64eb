"""The files of locked packages: out of the cache, or from the mirror, and always what the lock says."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from soop_components.artifact.layout import digest_of
from soop_components.build import Progress
from soop_components.build.apt import Apt
from soop_components.build.apt_settings import PackageMirrorFailed
from soop_components.build.service_lock import LockedPackage
from soop_components.errors import SoopError


class LockedPackageGone(SoopError):
    """The mirror no longer has a locked package: the lock has to be refreshed."""

    def __init__(self, gone: Mapping[str, str], label: str) -> None:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(gone.items()))
        super().__init__(
            f"{label}: the package mirror no longer has what is locked: {listed}",
            f"choose the present versions with: soop lock --refresh {label}",
        )
        self.gone = dict(gone)


class PackageCache:
    """Package files by their SHA-256; other folders that may have them are looked into first."""

    def __init__(self, folder: Path, others: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._others = tuple(others)

    def find(self, package: LockedPackage) -> Path | None:
        """Return the package's file if it is here and unharmed."""
        candidates = [*(other / package.sha256 for other in self._others), self._path(package)]
        for path in candidates:
            if path.is_file() and digest_of(path) == f"sha256:{package.sha256}":
                return path
        return None

    def fetch(
        self, packages: Mapping[str, LockedPackage], apt: Callable[[], Apt], label: str, progress: Progress
    ) -> dict[str, Path]:
        """Return the files of all packages, by name; ``LockedPackageGone`` if the mirror does not have one any more."""
        found = {name: self.find(package) for name, package in packages.items()}
        missing = {name: packages[name] for name, path in found.items() if path is None}
        if missing:
            self._download(missing, apt(), label, progress)
        return {name: path or self._path(packages[name]) for name, path in found.items()}

    def _path(self, package: LockedPackage) -> Path:
        return self._folder / f"{package.sha256}.deb"

    def _download(self, missing: Mapping[str, LockedPackage], apt: Apt, label: str, progress: Progress) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with apt.ready(), tempfile.TemporaryDirectory(dir=self._folder, prefix=".incoming-") as incoming:
            if _not_served(apt, missing) or not _fetched(apt, missing, Path(incoming), progress):
                progress("fetching package lists")  # those that are here are older than what the mirror serves
                apt.update()
                gone = _not_served(apt, missing)
                if gone:
                    raise LockedPackageGone(gone, label)
                _fetch(apt, missing, Path(incoming), progress)
            self._take(missing, Path(incoming))

    def _take(self, missing: Mapping[str, LockedPackage], incoming: Path) -> None:
        """Move downloaded files into the cache after checking them."""
        files = {digest_of(path): path for path in incoming.glob("*.deb")}
        for name, package in missing.items():
            path = files.get(f"sha256:{package.sha256}")
            if path is None:
                raise SoopError(f"package {name} {package.version} came with other content than was locked")
            shutil.move(path, self._path(package))


def _fetched(apt: Apt, missing: Mapping[str, LockedPackage], folder: Path, progress: Progress) -> bool:
    with contextlib.suppress(PackageMirrorFailed):
        _fetch(apt, missing, folder, progress)
        return True
    return False


def _fetch(apt: Apt, missing: Mapping[str, LockedPackage], folder: Path, progress: Progress) -> None:
    size = sum(package.size for package in missing.values()) / 1e6
    progress(f"fetching {len(missing)} packages, {size:.1f} MB")
    apt.download({name: package.version for name, package in missing.items()}, folder)


def _not_served(apt: Apt, wanted: Mapping[str, LockedPackage]) -> dict[str, str]:
    """Return the packages that the package lists do not have as they were locked."""
    records = apt.records({name: package.version for name, package in wanted.items()})
    return {
        name: package.version
        for name, package in wanted.items()
        if records.get(name, {}).get("SHA256") != package.sha256
    }
