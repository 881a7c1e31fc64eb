"""What the engine's own preview says of each resource, out of ``pulumi preview --json``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from soop_components.preview.resources import ResourceStep


class _State(BaseModel):
    type: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)


class _Step(BaseModel):
    op: str
    urn: str
    oldState: _State | None = None
    newState: _State | None = None
    detailedDiff: dict[str, Any] | None = None


class _Diagnostic(BaseModel):
    message: str = ""
    severity: str = ""
    urn: str = ""


class PreviewDigest(BaseModel):
    """The one JSON document that the engine prints."""

    steps: list[_Step] = Field(default_factory=list)
    diagnostics: list[_Diagnostic] | None = None

    def resource_steps(self) -> list[ResourceStep]:
        """Return its steps in our words."""
        return [_resource_step(step) for step in self.steps]

    def messages(self, severity: str) -> list[str]:
        """Return what was said of a severity, without the label that Pulumi begins a line with."""
        found = (each for each in self.diagnostics or () if each.severity == severity)
        return [each.message.strip().removeprefix(f"{severity}: ") for each in found]


def _resource_step(step: _Step) -> ResourceStep:
    old, new = step.oldState or _State(), step.newState or _State()
    # A refresh looks: what it found is what is.
    found = new if step.op == "refresh" and step.newState else old
    _, types, name = step.urn.rsplit("::", 2)
    return ResourceStep(
        operation=step.op,
        type=types.rsplit("$", 1)[-1],
        name=name,
        inputs=found.inputs,
        outputs=found.outputs,
        wanted=new.inputs,
        changed=tuple(sorted(step.detailedDiff or ())),
    )
