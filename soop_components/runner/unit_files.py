"""Where systemd reads what a unit is: its file and its drop-ins, those of its template, prefixes and type included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

FOLDERS = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
    "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
)  # fmt: skip
"""As systemd.unit(5) lists them."""


def places(name: str) -> list[str]:
    """Return the files and folders of drop-ins that systemd may read for a unit."""
    return [f"{folder}/{part}" for folder in FOLDERS for part in _parts(name)]


def patterns(paths: Iterable[str]) -> set[str]:
    """Return which units files and folders of drop-ins are about, except those for whole types and prefixes."""
    found = set()
    for folder, path in ((folder, path) for folder in FOLDERS for path in paths if path.startswith(f"{folder}/")):
        name = path.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".d")
        if "." in name and not name.rpartition(".")[0].endswith("-"):
            found.add(name.replace("@.", "@*."))
    return found


def _parts(name: str) -> Iterator[str]:
    stem, _, kind = name.rpartition(".")
    prefix, at, _ = stem.partition("@")
    for unit in dict.fromkeys((name, f"{prefix}@.{kind}" if at else name)):
        yield unit
        yield f"{unit}.d"
    ends = [place + 1 for place, letter in enumerate(prefix) if letter == "-"]
    yield from (f"{prefix[:end]}{at}.{kind}.d" for end in ends)
    yield f"{kind}.d"
