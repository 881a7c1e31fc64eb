"""Data that outlive the programs that write them: migrations of databases, and what only one version can read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.names import ComponentName, Digest

MigrationKind = Literal["expand", "contract", "irreversible"]
"""What a migration does to programs that know nothing of it, and whether it can be undone."""


class Migration(Model):
    """A migration of a database, as the head of its file declares it.

    Programs that know nothing of an ``expand`` run on its result, too. They do not run on that of a ``contract``, until
    its down file has undone it, nor on that of an ``irreversible`` one, which has no down file.
    """

    component: ComponentName
    label: Annotated[str, Field(pattern=r"^\d{3,18}_[a-z0-9_]+$")]
    """Number and name, ``003_expires_at``."""
    kind: MigrationKind = "expand"

    @property
    def number(self) -> int:
        """Return its place in the order."""
        return int(self.label.partition("_")[0])

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.label.partition("_")[2]

    @property
    def has_down(self) -> bool:
        """Return whether there is a way back; a build sees to it that only an ``irreversible`` one has none."""
        return self.kind != "irreversible"


class Data(Model):
    """Data of a component on a role's disk that only programs of one version can read."""

    component: ComponentName
    written_by: str
    """What writes it and reads it: a package, or a name with the version."""
    moved_from: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """What has written the data that it can be made of."""
    blob: Digest
    source: str
    """Path, inside the blob, of the program that hands the data over on the machine that a node has."""
    arguments: Annotated[tuple[str, ...], Field(strict=False)] = ()
    timeout: Annotated[int, Field(ge=1, le=3600)] = 300
    """Seconds."""
