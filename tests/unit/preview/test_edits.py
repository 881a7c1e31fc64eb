"""What of an update comes from edits: not drift, stopped machines or a rotation that was begun."""

from __future__ import annotations

import pytest

from soop_components.preview.edits import edits
from soop_components.preview.facts import Artifact, DomainPreview, ResourceAction, ResourceChange, ServicePreview

RUNS = Artifact(version="1.0.0", digest="sha256:1")


@pytest.mark.parametrize(
    ("action", "because", "expected"),
    [
        ("update", ("spec.authorizedKey",), []),
        ("update", ("running",), []),
        ("update", ("claimed", "spec.authorizedKey"), []),
        ("update", ("spec.authorizedKey", "spec.memory"), ["web-1: machine changed (spec.authorizedKey, spec.memory)"]),
        ("create", (), ["web-1: machine made"]),
        ("delete", (), ["web-1: machine deleted"]),
    ],
)
def test_of_machines(action: ResourceAction, because: tuple[str, ...], expected: list[str]) -> None:
    change = ResourceChange(type="soop:index:Machine", name="web-1", action=action, because=because)
    assert list(edits(DomainPreview(domain="dev-a", resources=(change,)))) == expected


def test_of_services() -> None:
    services = (
        ServicePreview(service="a", action="none", before=RUNS, after=RUNS),
        ServicePreview(service="b", action="repair", before=RUNS, after=RUNS),
        ServicePreview(service="c", action="create", after=RUNS),
        ServicePreview(service="d", action="remove", before=RUNS),
    )
    found = edits(DomainPreview(domain="dev-a", services=services))
    assert list(found) == ["c 1.0.0 is new", "d 1.0.0 is removed"]
