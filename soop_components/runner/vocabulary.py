"""What requests, answers and plans speak of: kinds of things, what is done with them, steps and versions."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

Id = Annotated[str, "an identifier"]
"""What the other end compares or asks for again: it holds no secret, and no secret is looked for in it."""

Kind = Literal[
    "package", "user", "directory", "file", "link", "absent", "unit", "script", "component", "version", "apply", "hook",
    "debconf", "error",
]  # fmt: skip
"""What a difference or a change is about; ``absent`` is a path at which nothing may be, ``debconf`` the
answer to a question of a package, ``error`` what could not be looked at."""
Action = Literal[
    "install", "configure", "write", "remove", "restore", "run", "unmask", "enable", "disable", "start", "stop",
    "restart", "reload", "check", "record", "finish",
]  # fmt: skip

Step = Literal[
    "request", "lock", "apply", "hosts", "plan", "state", "blobs", "users", "packages", "directories", "files", "links",
    "scripts", "units", "health", "runner",
]  # fmt: skip
"""Where a failure comes from; ``runner`` is a mistake in the runner itself."""


class Version(NamedTuple):
    """What identifies a document."""

    service: Id
    version: Id
    digest: Id
    plan_digest: Id

    @property
    def reference(self) -> str:
        """Name and version, ``access-service-3.2.3``."""
        return f"{self.service}-{self.version}"


class Drift(NamedTuple):
    """A difference between the node and how the last apply left it."""

    kind: Kind
    subject: str
    detail: str = ""


class HealthProblem(NamedTuple):
    """A health check that did not pass; ``got`` may hold a secret."""

    component: str
    check: str
    got: str


class Change(NamedTuple):
    """What an apply has changed or would change."""

    kind: Kind
    subject: str
    action: Action
