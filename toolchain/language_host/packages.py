"""Print as JSON which packages a Python has, and which of them others ask for; run with the program's own Python."""

from __future__ import annotations

import json
import re
from importlib import metadata


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print name and version of each package, and whether another package asks for it."""
    versions: dict[str, str] = {}
    asked_for: set[str] = set()
    for package in metadata.distributions():
        versions[_plain(package.metadata["Name"])] = package.version
        for requirement in package.requires or []:
            if "extra ==" not in requirement:
                asked_for.add(_plain(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]))
    packages = [{"name": name, "version": versions[name], "asked_for": name in asked_for} for name in sorted(versions)]
    print(json.dumps(packages))


if __name__ == "__main__":
    main()
