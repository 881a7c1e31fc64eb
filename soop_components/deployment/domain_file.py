"""A domain definition's file: what it would say after a change, checked before it is written as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from soop_components.deployment.domain_plan import plan_of
from soop_components.errors import SoopError
from soop_components.model.domain import DomainDefinition
from soop_components.model.names import Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.project import Project
from soop_components.reading.domain_text import completed_text, is_begun, new_domain_text, with_services
from soop_components.reading.loader import domain_from_document
from soop_components.reading.yaml_file import parse_yaml
from soop_components.whole_file import write_whole


@dataclass(frozen=True)
class DomainFile:
    """The file ``stacks/Pulumi.<domain>.yaml``."""

    project: Project
    id: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.project.domain_file(self.id)

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.project.name_of(self.path)

    def read(self) -> str | None:
        """Return its text as it is, or None if there is no such file."""
        if self.path.exists() and not self.path.is_file():
            raise SoopError(f"{self.label}: is not a file", "move it away, or deploy into a domain of another name")
        try:
            return self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise SoopError(f"{self.label}: expected UTF-8 text (byte {error.start} is not)") from None

    def write(self, text: str) -> None:
        """Replace it in one step, so that nobody ever reads half of it."""
        self.path.parent.mkdir(exist_ok=True)
        write_whole(self.path, text.encode())

    def restore(self, before: str | None) -> None:
        """Write this text, or remove the file if there was none."""
        if before is None:
            self.path.unlink(missing_ok=True)
        elif before != self.read():
            self.write(before)

    def definition(self, text: str) -> DomainDefinition:
        """Return the definition that a text gives; ``InvalidInput`` has all its mistakes."""
        return domain_from_document(self.id, parse_yaml(text, self.label), self.label)

    def deploying(self, references: Sequence[Reference]) -> tuple[str, DomainPlan]:
        """Return its text with these references, and the plan of that; raise ``SoopError`` for any mistake."""
        before = self.read()
        if before is None:
            text = new_domain_text(self.id, references)
        elif is_begun(before):
            text = completed_text(before, self.id, references)
        else:
            self.definition(before)
            text = with_services(before, references)
        return text, plan_of(self.project, self.definition(text), self.label)

    def change(self, references: Sequence[Reference]) -> None:
        """Change it to these references; whatever else it says stays."""
        text = self.read()
        if text is not None:
            self.write(with_services(text, references))
