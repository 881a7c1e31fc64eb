from __future__ import annotations

import pytest

from soop_components.engine.nodes import full_name
from soop_components.errors import SoopError

NAMES = [
    "database-1.access-service.dev-access",
    "web-1.access-service.dev-access",
    "web-10.access-service.dev-access",
    "web-1.access-service.dev-one-access",
]


def test_full_name() -> None:
    assert full_name("database", NAMES) == NAMES[0]
    assert full_name("web-10", NAMES) == NAMES[2]
    assert full_name("web-1.access-service.dev-access", NAMES) == NAMES[1]
    assert full_name("web-1", NAMES[:3]) == NAMES[1]
    assert full_name("web-1.access-service.dev-o", NAMES) == NAMES[3]


@pytest.mark.parametrize("name", ["web-1", "web", "w", "web-1.access-service.dev"])
def test_ambiguous_names_list_their_candidates(name: str) -> None:
    with pytest.raises(SoopError) as caught:
        full_name(name, NAMES)
    assert str(caught.value.hint).startswith("it is one of ")
    assert NAMES[1] in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "hint"), [("wbe-1", "did you mean web-1?"), ("zzz", "there are database-1"), ("", "there are database-1")]
)
def test_unknown_names_get_advice(name: str, hint: str) -> None:
    with pytest.raises(SoopError) as caught:
        full_name(name, NAMES)
    assert str(caught.value.hint).startswith(hint)


def test_nothing_is_deployed() -> None:
    with pytest.raises(SoopError, match="nothing is deployed"):
        full_name("web-1", [])
