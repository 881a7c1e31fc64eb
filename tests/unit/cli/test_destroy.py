from __future__ import annotations

import argparse
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from soop_components.cli import destroy
from soop_components.errors import SoopError


def test_an_engine_that_ends_early_has_not_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted between two deletions, it says that all is deleted, and its exit code is 0."""
    engine = SimpleNamespace(
        stacks=lambda: ("dev-a",),
        state=lambda id: SimpleNamespace(protected=(), resources=3),
        destroy=lambda id, protected_too: 0,
    )
    monkeypatch.setattr(destroy, "Project", SimpleNamespace(find=lambda: None))
    monkeypatch.setattr(destroy, "Engine", lambda project: engine)
    monkeypatch.setattr(destroy, "domain_lock", lambda project, id: nullcontext())
    monkeypatch.setattr(destroy, "recover", lambda engine, id, report: False)
    monkeypatch.setattr(destroy, "DomainFile", lambda project, id: SimpleNamespace(read=lambda: None))
    with pytest.raises(SoopError, match="interrupted before all was deleted: 3 resources are left") as failed:
        destroy.run(argparse.Namespace(domain="dev-a", with_data=False, yes=True))
    assert failed.value.hint == "to go on: soop destroy dev-a"
