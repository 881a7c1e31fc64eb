"""A service definition: everything that is required to deploy a service, as its authors write it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from soop_components.model.base import Model
from soop_components.model.bases import DEFAULT_BASE
from soop_components.model.debconf import Answer, Question
from soop_components.model.duration import Duration, SomeTime
from soop_components.model.names import (
    ComponentName,
    ConfigKey,
    Reference,
    RoleName,
    ServiceName,
    SizeName,
    Version,
)
from soop_components.model.patterns import Pattern
from soop_components.model.size import Size
from soop_components.model.smoke_test import SecretNames, SmokeTest

MOST = 100
"""Components, endpoints, smoke tests, requirements of a service; services of a domain; sizes of an environment."""
MOST_ROLES = 50
MOST_KEYS = 500
"""Keys of a service's configuration."""


class ConfigOption(Model):
    """One key of a service's default configuration, which a domain may override."""

    type: Literal["string", "integer", "number", "boolean"]
    """What the value is."""
    default: str | int | float | bool | None = None
    """The value unless a domain gives one; without a default every domain must give it."""
    minimum: float | None = None
    """Smallest number."""
    maximum: float | None = None
    """Largest number."""
    pattern: Pattern | None = None
    """Regular expression that a whole text must match."""
    secret: bool = False
    """Whether the value is kept secret: never shown, encrypted in state, mode 0600 on nodes."""
    generate: Annotated[int, Field(ge=8, le=128)] | Literal["certificate"] | None = None
    """Made up once per domain unless the domain gives one: a secret of so many ASCII letters and digits, or
    ``certificate``: a self-signed one for all nodes of the service, in one PEM text with its private key."""
    summary: str = ""
    """What it is for."""


class BlocksFrom(Model):
    """Building blocks that others publish, in a folder."""

    from_: Annotated[str, StringConstraints(pattern=r"^[^/~\s\\{}][^\s\\{}]*$", max_length=200)] = Field(alias="from")
    """The folder, relative to the service definition: one with ``blocks.yaml``, or with a folder for each version."""
    version: Version
    """The version that is wanted; the blocks that are used are packed into the artifact."""


class Component(Model):
    """A service component: a building block and what it is given."""

    uses: ConfigKey
    """The building block, of the service's own ``blocks/``, of those that ``blocks`` names, or of the library."""
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    """The block's parameters; texts may be templates."""
    logs: Annotated[tuple[str, ...], Field(strict=False, max_length=MOST)] = ()
    """Log files, or patterns with ``*`` and ``?``, whose end is shown when a check fails (of a pattern, that of the two
    files written last), and by `soop logs`, after the journal of the units."""
    debconf: dict[Question, Answer] = Field(default_factory=dict, max_length=MOST)
    """Answers to questions that its packages ask while they are installed; `debconf-show PACKAGE` lists them."""


class Count(Model):
    """How many nodes a role has: bounds, and the number a domain gets that says nothing."""

    default: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many nodes a domain has that says nothing."""
    minimum: Annotated[int, Field(ge=0, le=1000)] = 1
    """Fewest nodes that a domain may ask for."""
    maximum: Annotated[int, Field(ge=1, le=1000)] = 1000
    """Most nodes that a domain may ask for."""


class DiskDefinition(Model):
    """A disk that outlives its machine."""

    size: Size
    """Such as ``10GiB``."""
    mount: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+$")]
    """Where it is mounted on the node. Files ``.soop-…`` there remember users and scripts."""


class RolloutSettings(Model):
    """How an update passes over the nodes of a role: canaries first, then so many at once."""

    canaries: Annotated[int, Field(ge=0)] = 1
    """Nodes that are updated first, and must be healthy before any other is touched."""
    max_in_flight: Annotated[int, Field(ge=1)] = 1
    """How many nodes are updated at once after that, or rolled back."""
    watch: Duration = "0s"
    """How long each batch must stay healthy, as it was configured, before the next one is touched: ``30s``."""
    pause: Duration = "0s"
    """How long to wait between two batches."""
    snapshot: bool = False
    """Whether a node's disk gets a snapshot before an update that changes the node."""
    accept_within: Duration = "10m"
    """A node on which a new version was applied rolls itself back when it sees no sign of the deployment for so long
    before the version is accepted; ``0s`` for never."""
    start: Literal["together", "one_by_one"] = "together"
    """How new nodes come up: ``one_by_one``, each is healthy and has joined before the next one is begun."""

    def overridden_by(self, other: RolloutSettings) -> RolloutSettings:
        """Return these settings with those that the other one gives."""
        return self.model_copy(update={key: getattr(other, key) for key in other.model_fields_set})


HookName = Literal["drain", "undrain", "join", "leave"]


class Hook(Model):
    """A program that runs as root on a node of the role."""

    script: str
    """Path of the program in the service definition."""
    timeout: SomeTime = "60s"
    """How long it may take: ``60s``."""
    secrets: SecretNames = ()
    """Secrets that it gets, each in a file of mode 0400 in the folder that ``$SOOP_SECRETS`` names."""


class Hooks(Model):
    """What a node does when an update comes to it; a hook that fails stops the update, which is rolled back."""

    drain: Hook | None = None
    """Before a node that serves is touched, also in a rollback; there its failure stops nothing."""
    undrain: Hook | None = None
    """When a node that serves is healthy again, or was drained and not touched."""
    join: Hook | None = None
    """When a new node is healthy for the first time."""
    leave: Hook | None = None
    """Before a node is removed, one node after the other, the highest number first; not on one that does not answer."""


class NodeDefinition(Model):
    """A node definition: maps the nodes of a role to service components."""

    components: Annotated[tuple[ComponentName, ...], Field(strict=False, min_length=1, max_length=MOST)]
    """The service components of each node of the role, in the order in which they are configured."""
    size: SizeName = "small"
    """A size of machine; the environment says what it means."""
    count: Count = Count()
    """How many nodes."""
    disk: DiskDefinition | None = None
    """A disk per node for what must last."""
    after: Annotated[tuple[RoleName, ...], Field(strict=False, max_length=MOST_ROLES)] = ()
    """Roles that are configured before this one."""
    rollout: RolloutSettings = RolloutSettings()
    """How an update passes over the nodes."""
    hooks: Hooks = Hooks()
    """Programs that run on a node before and after it is touched."""


class Endpoint(Model):
    """Where a service answers: a port on every node of a role."""

    role: RoleName
    """The role whose nodes answer."""
    port: int | str
    """A number or a template that yields one."""
    scheme: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*$", max_length=20)] = "http"
    """What its addresses begin with, such as ``https``, ``tcp`` or ``amqp``; HTTP smoke tests ask those of ``http`` and
    ``https``."""


class Exports(Model):
    """What services that require this one may use, besides its endpoints."""

    secrets: SecretNames = ()
    """Secrets of ``config``; templates of those services read them as ``services['<service>'].secrets.<key>``."""


class ServiceDefinition(Model):
    """The blueprint of a service."""

    format: Literal[1]
    """Format of this file; 1."""
    service: ServiceName
    """Name of the service, lower case with hyphens."""
    version: Version
    """Version of the definition, ``3.2.3``; what was built under a version never changes."""
    summary: str = ""
    """What the service does, in a sentence."""
    base: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.-]*$", max_length=40)] = DEFAULT_BASE
    """Base image of the nodes: debian-12 or debian-13. With another one, nodes get new machines in their turn."""
    blocks: Annotated[tuple[BlocksFrom, ...], Field(strict=False, max_length=MOST)] = ()
    """Building blocks of others. Where several have a block of one name, the service's own is used, then the first."""
    config: dict[ConfigKey, ConfigOption] = Field(default_factory=dict, max_length=MOST_KEYS)
    """Default configuration by key; a domain may override any of it. Templates read it as ``config.<key>``."""
    components: Annotated[dict[ComponentName, Component], Field(min_length=1, max_length=MOST)]
    """Service components by name."""
    nodes: Annotated[dict[RoleName, NodeDefinition], Field(min_length=1, max_length=MOST_ROLES)]
    """Node definitions by role."""
    endpoints: dict[ConfigKey, Endpoint] = Field(default_factory=dict, max_length=MOST)
    """Where the service answers, by name."""
    exports: Exports = Exports()
    """What services that require this one may use, besides its endpoints."""
    smoke_tests: Annotated[tuple[SmokeTest, ...], Field(strict=False, max_length=MOST)] = ()
    """The service is accepted when all of these pass."""
    requires: dict[ServiceName, str] = Field(default_factory=dict, max_length=MOST)
    """Other services that the same domain must have, each with a range of versions such as ``>=3.2,<4``."""

    @property
    def reference(self) -> Reference:
        """Its name and version."""
        return Reference(self.service, self.version)

    @property
    def programs(self) -> dict[tuple[str | int, ...], str]:
        """Paths of the programs that a rollout runs on nodes, by their place: smoke tests and hooks."""
        found: dict[tuple[str | int, ...], str] = {}
        for index, test in enumerate(self.smoke_tests):
            if test.script is not None:
                found["smoke_tests", index, "script"] = test.script
        for role, node in self.nodes.items():
            for name, hook in node.hooks:
                if hook is not None:
                    found["nodes", role, "hooks", name, "script"] = hook.script
        return found
