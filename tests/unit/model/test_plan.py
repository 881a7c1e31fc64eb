"""Plans that an earlier version has recorded in a state are read as they were meant."""

from __future__ import annotations

from soop_components.model.plan import ScriptSmoke

DIGEST = f"sha256:{'a' * 64}"


def test_a_script_that_ran_on_one_node() -> None:
    recorded = {"node": "web-1.a.dev-a", "blob": DIGEST, "source": "smoke/try"}
    assert ScriptSmoke.model_validate(recorded) == ScriptSmoke(
        nodes=("web-1.a.dev-a",), blob=DIGEST, source="smoke/try"
    )
    assert ScriptSmoke.model_validate_json(ScriptSmoke.model_validate(recorded).model_dump_json()).nodes
