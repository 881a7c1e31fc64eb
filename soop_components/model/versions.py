"""Order of versions, and the ranges that ``requires`` speaks of (semver.org, 2.0.0, sections 9 and 11).

The package ``semver`` reads less than we build, such as ``3.2.4-dev.012345678901``, and takes 10 ms to import.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from soop_components.model.names import LONGEST_VERSION, VERSION

_Identifier = tuple[int, int, str]
VersionKey = tuple[int, int, int, int, tuple[_Identifier, ...]]
_OPERATORS: dict[str, Callable[[VersionKey, VersionKey], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}
_CONDITION = re.compile(r"(>=|<=|!=|>|<|=)\s*([0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z.]+)?)")


def version_key(version: str) -> VersionKey:
    """Return what versions are sorted by; a development version comes before its release."""
    core, _, suffix = version.partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    identifiers = tuple(_identifier(part) for part in suffix.split(".")) if suffix else ()
    return major, minor, patch, 0 if suffix else 1, identifiers


def _identifier(text: str) -> _Identifier:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


def next_patch(version: str) -> str:
    """Return the release after this version: 3.2.4 after 3.2.3, and 3.2.4 after 3.2.4-dev.1."""
    core, _, suffix = version.partition("-")
    major, minor, patch = core.split(".")
    return core if suffix else f"{major}.{minor}.{int(patch) + 1}"


@dataclass(frozen=True)
class VersionRange:
    """Conditions that a version must all meet, ``>=3.2,<4``.

    A development version of a release is not below that release: 4.0.0-dev.1 may lack what 4.0.0 takes away.
    """

    conditions: tuple[tuple[str, VersionKey], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Parse comma-separated conditions; ``ValueError`` says what a range looks like."""
        conditions = []
        for part in text.split(","):
            match = _CONDITION.fullmatch(part.strip())
            version = _complete(match[2]) if match else ""
            if match is None or len(version) > LONGEST_VERSION or not re.fullmatch(VERSION, version):
                raise ValueError('expected a range of versions such as ">=3.2,<4"')
            if match[1] not in (">=", "<") and version != match[2]:
                raise ValueError(f"{match[0]} is ambiguous: write {match[1]}{version}, or a range such as >=3.2,<4")
            conditions.append((match[1], version_key(version)))
        return cls(tuple(conditions))

    def admits(self, version: str) -> bool:
        """Say whether a version meets all conditions."""
        key = version_key(version)
        leads_to = (*key[:3], 1, ())
        below = [bound for name, bound in self.conditions if name == "<"]
        return leads_to not in below and all(_OPERATORS[name](key, bound) for name, bound in self.conditions)


def _complete(version: str) -> str:
    """Add the parts of a version that were left out: 3.2 is 3.2.0."""
    core, hyphen, suffix = version.partition("-")
    return ".".join([*core.split("."), "0", "0"][:3]) + hyphen + suffix
