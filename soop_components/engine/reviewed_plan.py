"""A plan that somebody has reviewed, in a file, and whether everything that it was made of is still the same.

Pulumi's own `--save-plan` is not used: it holds values of the configuration, does not see a node that drifts meanwhile,
and stops an update in its middle where this refuses before it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from soop_components import VERSION
from soop_components.engine.planned_update import PlannedEngine, PlannedUpdate
from soop_components.errors import SoopError
from soop_components.model.base import Model
from soop_components.model.names import DomainId, Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.preview.compared import differences
from soop_components.preview.facts import DomainPreview
from soop_components.runner.typed_json import digest_of

_LARGEST = 100 * 1024 * 1024
Digests = Mapping[str, str]


class Bound(Model):
    """What a plan was made of, by digest; a file by its name in the project."""

    files: dict[str, str]
    """The domain definition as it would be, and the environment."""
    artifacts: dict[str, str]
    """Of each service definition by its name and version."""
    plan: str
    """Of all that nodes are to be."""
    state: dict[str, str]
    """Of each resource in the stack's state, without values of secrets."""


class ReviewedPlan(Model):
    """The file. ``preview`` is what was reviewed; it holds no secrets."""

    kind: Literal["reviewed soop plan"] = "reviewed soop plan"
    format: Literal[1] = 1
    soop: str = VERSION
    """Which version of soop has made it."""
    domain: DomainId
    references: Annotated[tuple[Reference, ...], Field(strict=False)] = ()
    """What is to be deployed into the domain; nothing: the domain as it is defined."""
    lose_data: str | None = None
    """What a downgrade may lose, as `--lose-data` said."""
    bound: Bound
    preview: DomainPreview
    digest: str = ""
    """Of all of the above."""

    def write(self, path: Path) -> None:
        """Write the file."""
        sealed = self.model_copy(update={"digest": self._digest()})
        path.write_text(sealed.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> ReviewedPlan:
        """Read a file; ``SoopError`` if it is none, or damaged."""
        hint = "make a new one: soop plan DOMAIN --out FILE"
        try:
            with path.open("rb") as file:
                plan = cls.model_validate_json(file.read(_LARGEST))
        except FileNotFoundError:
            raise SoopError(f"{path}: there is no such file", hint) from None
        except (ValidationError, UnicodeDecodeError):
            raise SoopError(f"{path}: is damaged, or no plan that this version of soop has made", hint) from None
        if plan.digest != plan._digest():
            raise SoopError(f"{path}: was changed after it was made, or is damaged", hint)
        return plan

    def _digest(self) -> str:
        return digest_of(self.model_dump(mode="json", exclude={"digest"}))

    def check_files(self, update: PlannedUpdate) -> None:
        """Raise ``SoopError`` with all that differs in files, artifacts and what is planned of them."""
        self._refuse(list(_files_changed(self.bound, bound_files(update), self.soop)))

    def check(self, engine: PlannedEngine) -> DomainPreview:
        """Look at the state and the nodes; return the preview, or raise ``SoopError`` with all that differs."""
        preview = engine.preview()
        state = state_digests(engine)
        changed = [f"state: {name} {how}" for name, how in _compared(self.bound.state, state)]
        self._refuse(changed or list(differences(self.preview, preview)))
        return preview

    def _refuse(self, changed: list[str]) -> None:
        if changed:
            losing = [f"--lose-data {self.lose_data}"] if self.lose_data else []
            again = " ".join(["soop plan", *map(str, self.references), self.domain, *losing, "--out FILE"])
            listed = "\n".join(f"  {line}" for line in changed)
            raise SoopError(
                f"{self.domain}: since this plan was made, something has changed; nothing was done:\n{listed}",
                f"review it again: {again}",
            )


def reviewed(
    engine: PlannedEngine, references: tuple[Reference, ...], preview: DomainPreview, lose_data: str | None
) -> ReviewedPlan:
    """Bind a preview to what it was made of."""
    update = engine.update
    files = bound_files(update)
    bound = files.model_copy(update={"state": state_digests(engine)})
    return ReviewedPlan(domain=update.file.id, references=references, lose_data=lose_data, bound=bound, preview=preview)


def bound_files(update: PlannedUpdate) -> Bound:
    """Return the digests of everything but the state."""
    project = update.file.project
    environment = project.environments / f"{update.plan.environment.name}.yaml"
    return Bound(
        files={
            update.file.label: _hash(update.text.encode()),
            project.name_of(environment): _hash(environment.read_bytes()),
        },
        artifacts={str(Reference(each.service, each.version)): each.digest for each in update.plan.services},
        plan=_hash(TypeAdapter(DomainPlan).dump_json(update.plan, by_alias=True)),
        state={},
    )


def state_digests(engine: PlannedEngine) -> dict[str, str]:
    """Return the digest of each resource in the state; none of a domain that has no stack."""
    return dict(engine.engine.resource_digests(engine.update.file.id)) if engine.exists else {}


def _files_changed(reviewed: Bound, now: Bound, version: str) -> Iterator[str]:
    found = [
        *(f"{name} {how}" for name, how in _compared(reviewed.files, now.files)),
        *(f"artifact {name} {how}" for name, how in _compared(reviewed.artifacts, now.artifacts)),
    ]
    yield from found
    if not found and reviewed.plan != now.plan:
        made = f"soop {VERSION} makes another plan of the same files"
        yield made if version == VERSION else f"{made} than soop {version}"


def _compared(before: Digests, after: Digests) -> Iterator[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, "is new" if name not in before else "is gone" if name not in after else "has changed"


def _hash(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
