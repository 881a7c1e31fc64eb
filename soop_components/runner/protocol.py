"""The protocol between deployer and runner: requests, events and answers, used by both ends; ``wire`` writes them.

A request is one line of JSON, ``{"protocol": 1, "verb": "status", …}``; its fields are those of the class of that
name. After ``receive`` follow blobs, each as ``<digest> <size>\\n<bytes>``, then an empty line. The runner writes one
event per line: any number of ``{"event": "progress", "message"}``, then the answer: ``{"event": "result", …}`` with the
fields of the verb's answer, ``{"event": "failure", …}`` (``Failed``) or ``{"event": "unknown_verb", …}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from soop_components.runner.vocabulary import Change, Drift, HealthProblem, Id, Step, Version

PROTOCOL = 1
"""Grows when a message changes its meaning or its fields."""
UNACCEPTED_TIMER = "soop-unaccepted.timer"
"""Rolls a node back unless it is started anew or stopped in time."""
RENEW = f"systemctl try-restart {UNACCEPTED_TIMER}"
"""What a deployer that is at work runs on a node again and again; without effect where everything is accepted."""
OWN_ROLLBACK = "by-itself"
"""The id of an apply that the timer has begun."""


class Status(NamedTuple):
    """Look at the node: ``NodeStatus``."""


class Inspect(NamedTuple):
    """Find what an apply needs and would change, without changing anything: ``Inspected``."""

    document: Mapping[str, Any]
    secrets: Mapping[str, str] = {}
    blobs: tuple[str, ...] = ()
    """Digests of blobs that are needed besides those of the document."""
    last_good: str | None = None
    """Plan digest of the version that the deployer's state names, here and below; None if it names none."""


class Receive(NamedTuple):
    """Store the blobs that follow: ``Done``."""


class Apply(NamedTuple):
    """Make the node what a document says: ``Applied``; after a failure, roll back to the last good document."""

    document: Mapping[str, Any]
    secrets: Mapping[str, str]
    previous_secrets: Mapping[str, str]
    """Those that the last good document was applied with."""
    hosts: Mapping[str, str]
    id: str
    last_good: str | None = None
    blobs: tuple[str, ...] = ()
    """Digests of blobs that are needed after a rollback besides those of the last good document."""
    accept_within: int = 0
    """Seconds without a sign of the deployer after which the node rolls itself back unless the document is accepted;
    0 for never."""


class Rollback(NamedTuple):
    """Make the node what the last good document says, and that the accepted one: ``Applied``."""

    secrets: Mapping[str, str]
    hosts: Mapping[str, str]
    id: str
    last_good: str | None = None


class Restart(NamedTuple):
    """Restart the running services of the last good document, which has to be what runs: ``Applied``."""

    secrets: Mapping[str, str]
    hosts: Mapping[str, str]
    id: str
    last_good: str | None = None


class Follow(NamedTuple):
    """Repeat the events of an apply, a rollback or a restart from the first on: ``Applied``."""

    id: str


class Accept(NamedTuple):
    """Make the running document the accepted one: ``Done``.

    The last good one is kept, since the deployer may end before its state names the new one. Other blobs than those of
    both and these are removed.
    """

    plan_digest: str
    blobs: tuple[str, ...] = ()
    last_good: str | None = None


class Hosts(NamedTuple):
    """Write the addresses of the domain's nodes into /etc/hosts: ``Done``."""

    hosts: Mapping[str, str]


class Script(NamedTuple):
    """Run a program out of a blob: ``ScriptEnded``."""

    blob: str
    source: str
    environment: Mapping[str, str]
    timeout: int
    arguments: tuple[str, ...] = ()
    user: str = "root"
    drains: bool | None = None
    """Whether the node serves no more from its beginning on; False: it serves again after its success."""
    secrets: Mapping[str, str] = {}
    """What it gets in files, which are named like this, of the folder ``$SOOP_SECRETS``."""


class Logs(NamedTuple):
    """Show the end of what the service said: ``Logged``."""

    secrets: Mapping[str, str]
    """What is not shown."""


class Ping(NamedTuple):
    """Show that the runner is there: ``Done``."""


class OwnRollback(NamedTuple):
    """A node rolled itself back since the deployer fell silent, or could not."""

    reference: Id
    """Name and version of what was not accepted."""
    at: Id
    """When, in ISO 8601."""
    within: int
    """Seconds that the deployer had."""
    failure: str | None = None
    """Why it could not."""


class NodeStatus(NamedTuple):
    """What a node runs, how it differs from that, and the health checks that do not pass."""

    running: Version | None
    accepted: bool
    """Whether what runs is what was accepted."""
    drift: tuple[Drift, ...]
    health: tuple[HealthProblem, ...]
    rolls_back_within: int = 0
    """Seconds without a sign of the deployer after which the node rolls itself back; 0 if it does not."""
    own_rollback: OwnRollback | None = None
    """That it did so since the last apply."""

    @property
    def healthy(self) -> bool:
        """Whether something runs, all of its units do, and every check passes."""
        return self.running is not None and not self.health and all(drift.kind != "unit" for drift in self.drift)


class Inspected(NamedTuple):
    """What an apply needs and would change; restarts of units are not listed."""

    missing: tuple[Id, ...]
    """Digests of blobs that are not on the node."""
    changes: tuple[Change, ...]
    running: Version | None
    last_good: Version | None
    """What a rollback leads to."""
    apply_running: Id | None
    """The id of an apply that is at work."""
    base: Id | None = None
    """The system of the node, such as ``debian-12``; None if it does not say."""
    rolls_back_within: int = 0
    """As in ``NodeStatus``; the time has begun anew."""
    has_other_disk: bool = False
    """Whether scripts have run, but not for the data on the disk that is there now."""
    begun: Version | None = None
    """What was begun last, whether it came to its end or not."""
    good_since: int = 0
    """When ``last_good`` was accepted, or rolled back to, last; seconds since 1970, 0 if that is not known."""
    clock: int = 0
    """What its clock shows, in seconds since 1970; 0 if that is not known."""
    replaces: tuple[str, ...] = ()
    """Files and links of others on an existing host of which the first version takes the place."""


class Applied(NamedTuple):
    """The node is what the document says."""

    changes: tuple[Change, ...]


class ScriptEnded(NamedTuple):
    """How a program ended."""

    exit_code: int
    stdout_tail: str
    stderr_tail: str


class Logged(NamedTuple):
    """The end of the journal of a service's units, and of its log files."""

    text: str


class Done(NamedTuple):
    """Nothing more to say."""


class Progress(NamedTuple):
    """Something goes on."""

    message: str


class Failed(NamedTuple):
    """A step failed: what it was, what was run and what came back, as far as that applies."""

    step: Step | None
    """None of a runner that ended without an answer."""
    message: str
    component: str | None = None
    command: str | None = None
    exit_code: int | None = None
    stderr_tail: str | None = None
    rolled_back: bool = False
    """Of an apply: whether the node is what its last good document says, rolled back or never changed."""
    rollback_failure: Failed | None = None
    """Why it could not be rolled back."""


class UnknownVerb(NamedTuple):
    """The runner does not know the verb, or not this version of the protocol."""

    verb: Id
    protocol: int = PROTOCOL
    """What the runner knows."""


Lasting = Apply | Rollback | Restart
"""What goes on on the node without its deployer."""
Request = Status | Inspect | Receive | Lasting | Follow | Accept | Hosts | Script | Logs | Ping
Answer = NodeStatus | Inspected | Applied | ScriptEnded | Logged | Done | Failed | UnknownVerb
