"""What is said while a stack is recovered, with an engine that is played."""

from __future__ import annotations

from unittest import mock

import pytest

from soop_components.engine.engine import Engine
from soop_components.engine.recovery import recover
from soop_components.engine.state import StackState

NODE = "web-1.access-service.prod-a"


def test_what_another_provider_may_have_made_is_named_before_the_engine_forgets_it() -> None:
    said: list[str] = []
    engine = mock.create_autospec(Engine, instance=True, project=None)
    engine.locks.return_value = ()
    engine.damaged.return_value = None
    engine.state.return_value = StackState(
        pending_creates=(NODE, "key"), unknown_elsewhere=(("aws:ec2/instance:Instance", NODE),), machines="aws"
    )
    engine.refresh.side_effect = lambda id, clear_pending_creates: said.append(f"refreshed {id}")
    assert recover(engine, "prod-a", said.append)
    assert said == [
        f"prod-a: aws:ec2/instance:Instance {NODE} may have been made, and will not be in the state: "
        f"if `aws ec2 describe-instances --filters Name=tag:Name,Values={NODE}` shows it: "
        "aws ec2 terminate-instances --instance-ids ID",
        "refreshed prod-a",
        f"prod-a: cleared the interrupted creation of {NODE}, key",
    ]


@pytest.mark.parametrize("sees_locks", [True, False])
def test_a_lock_that_the_backend_does_not_show_is_removed_on_demand_alone(sees_locks: bool) -> None:
    said: list[str] = []
    engine = mock.create_autospec(Engine, instance=True, project=None, sees_locks=sees_locks)
    engine.locks.return_value = ()
    engine.damaged.return_value = None
    engine.state.return_value = StackState(machines="aws")
    assert not recover(engine, "prod-a", said.append)
    engine.cancel.assert_not_called()
    assert recover(engine, "prod-a", said.append, force=True) is not sees_locks
    engine.cancel.assert_called_once_with("prod-a")
    unseen = "prod-a: removed its locks, if there were any: this backend does not show them"
    assert said == ([] if sees_locks else [unseen])
