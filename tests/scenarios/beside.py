"""A small domain beside those of a scenario: whatever happens to them, nobody notices anything here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.scenarios.meanwhile import asking
from tests.scenarios.trouble.beacon import SERVICE, Beacon, add
from tests.scenarios.workspace import Workspace


@contextmanager
def untouched_beside(project: Workspace) -> Iterator[None]:
    """Bring it up and use it meanwhile; afterwards machine and program are those of before, and all was answered."""
    if not (project.root / "service_defs" / SERVICE).exists():
        add(project)
    beacon = Beacon(project, "dev-beside")
    beacon.define(1, says="nothing happens here")
    beacon.deploy()
    before = (beacon.machine(), beacon.says("nothing happens here"))
    (url,) = project.service(beacon.domain, SERVICE)["endpoints"]["http"]
    with asking(f"{url}/", pause=0.5) as answers:
        yield
    assert (beacon.machine(), beacon.says()) == before
    assert set(answers) == {200}
