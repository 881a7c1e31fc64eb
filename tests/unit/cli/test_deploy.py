"""What a deployment refuses, and what a failed one leaves in the domain definition."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from soop_components.cli.deploy import _after_failure, check_disks
from soop_components.deployment.domain_file import DomainFile
from soop_components.engine import Engine
from soop_components.engine.past_runs import PastRun, ServiceRun
from soop_components.engine.stack_locks import Lock
from soop_components.engine.state import Release, StackState
from soop_components.errors import SoopError
from soop_components.history.notes import Outcome
from soop_components.model.names import Reference
from soop_components.model.service_plan import DomainPlan
from soop_components.project import Project

ID = "dev-one"
BEFORE = "config:\n  soop:environment: dev\n  soop:services:\n    - service: shop-1.0.0\n"
AFTER = BEFORE.replace("1.0.0", "2.0.0")


class FailedEngine:
    """An engine whose last run ended as is said, while version 1.0.0 is the accepted one."""

    def __init__(self, result: str | None) -> None:
        self._result = result

    def locks(self, id: str) -> tuple[Lock, ...]:
        return ()

    def state(self, id: str) -> StackState:
        return StackState((Release("shop", "1.0.0", "sha256:1", "", {}, ()),))

    def past_runs(self, id: str, most: int) -> tuple[PastRun, ...]:
        if self._result is None:
            raise SoopError("a record was cut off")
        service = ServiceRun("shop", "2.0.0", "1.0.0", None, self._result)
        now = datetime.now(UTC)
        return (PastRun("update", "failed", now, now, None, None, None, (service,), ()),)


@pytest.mark.parametrize("result", [*Outcome, None])
def test_the_line_is_restored_unless_nothing_was_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], result: str | None
) -> None:
    """An update to the version before would put its programs on what they do not run on."""
    file = DomainFile(Project(tmp_path), ID)
    file.write(AFTER)
    _after_failure(cast(Engine, FailedEngine(result)), file, BEFORE, [Reference("shop", "2.0.0")])
    held = result == Outcome.HELD
    assert file.read() == (AFTER if held else BEFORE)
    said = capsys.readouterr().err
    assert ("nothing was rolled back; stacks/Pulumi.dev-one.yaml keeps it" in said) == held
    assert ("shop-1.0.0 is still the accepted version" in said) != held


def test_protected_disks_are_refused_before_anything_is_changed_with_the_word_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = (f"database-{number}.shop.dev-one" for number in (1, 2))
    plan = cast(DomainPlan, SimpleNamespace(id=ID, services=[SimpleNamespace(disks=[one])]))

    def check(protected: tuple[str, ...], with_data: bool, disks: tuple[str, ...] = (one, two)) -> str:
        state = StackState(disks=disks, protected=protected)
        check_disks(cast(Engine, SimpleNamespace(state=lambda id: state)), plan, with_data=with_data)
        return capsys.readouterr().err

    assert check((one,), with_data=False, disks=(one,)) == ""
    assert f"warning: no node has the disks of {two} any more" in check((one,), with_data=True)
    with pytest.raises(SoopError, match="to delete them: soop deploy --with-data"):
        check((), with_data=False)
    with pytest.raises(SoopError, match=f"but protected are {two}, and nothing was changed") as refused:
        check((one, two), with_data=True)
    assert "pulumi state unprotect --stack dev-one" in str(refused.value)
