from __future__ import annotations

from typing import Any

import pytest

from soop_components.model.plan import ComponentPlan, File, Package, RolePlan, Script, Unit
from soop_components.runner.document import parse
from soop_components.runner.failure import Failure
from soop_components.runner.typed_json import canonical, digest_of
from tests.unit.runner.node import document, file, sha256


def test_what_the_deployer_dumps_is_read() -> None:
    role = RolePlan(
        packages={"nginx": Package(version="1.22", architecture="all", digest=sha256(b"deb"), size=3)},
        components={
            "web": ComponentPlan(
                blob=sha256(b"tar"),
                files={"/etc/@@soop-node:name@@": File(content="@@soop-node:role@@")},
                scripts=(Script(name="init", content="#!/bin/sh", arguments=("a",)),),
                units={"nginx.service": Unit(reload_on=("/etc/nginx",))},
            )
        },
        order=("web",),
    )
    raw = document()
    raw["plan"] = role.model_dump(mode="json", by_alias=True)
    raw["plan_digest"] = digest_of({key: value for key, value in raw.items() if key != "plan_digest"})
    parsed = parse(raw)
    assert parsed.version.reference == "access-service-3.2.3"
    assert parsed.blobs == {sha256(b"deb"), sha256(b"tar")}
    (web,) = parsed.components
    assert web.files["/etc/web-1.access-service.dev-access"].content == "web"
    assert web.scripts[0].arguments == ("a",)
    assert parsed.units["nginx.service"].reload_on == ("/etc/nginx",)


@pytest.mark.parametrize(("number", "names", "checked"), [("1", "first all", "http"), ("2", "other all", "command")])
def test_what_only_the_first_node_of_a_role_has_and_only_the_others(number: str, names: str, checked: str) -> None:
    some: dict[str, dict[str, Any]] = {"first": {"first": True}, "other": {"others": True}, "all": {}}
    part = {
        "scripts": [{"name": name, "content": "#!/bin/sh", **on} for name, on in some.items()],
        "units": {f"{name}.service": {"content": "", **on} for name, on in some.items()},
        "files": {f"/etc/{name}": file("x", **on) for name, on in some.items()},
        "http_health": {"path": "/", "port": 80, "first": True},
        "command_health": {"command": ["true"], "others": True},
    }
    raw = document(web=part)
    raw["node"] = {**raw["node"], "number": number}
    raw["plan_digest"] = digest_of({key: value for key, value in raw.items() if key != "plan_digest"})
    (web,) = parse(raw).components
    assert [script.name for script in web.scripts] == names.split()
    assert list(web.units) == [f"{name}.service" for name in names.split()]
    assert list(web.files) == [f"/etc/{name}" for name in names.split()]
    assert (web.http_health is not None, web.command_health is not None) == (checked == "http", checked == "command")


def test_components_come_in_their_order() -> None:
    parsed = parse(document(order=["second", "first"], first={}, second={}))
    assert [component.name for component in parsed.components] == ["second", "first"]


def test_a_unit_of_two_components_has_the_triggers_of_both() -> None:
    one, two = ({"units": {"nginx.service": {"reload_on": [path]}}} for path in ("/a", "/b"))
    assert parse(document(one=one, two=two)).units["nginx.service"].reload_on == ("/a", "/b")


def test_canonical_json_has_one_digest() -> None:
    value = {"b": [1, "ü", None], "a": {"d": True, "c": 1.5}}
    assert canonical(value) == '{"a":{"c":1.5,"d":true},"b":[1,"ü",null]}'.encode()
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"files": {"etc/x": file("")}}, "'etc/x' is not a plain absolute path"),
    ({"files": {"/etc/../x": file("")}}, "'/etc/../x' is not a plain absolute path"),
    ({"links": {"/": {"target": "x"}}}, "'/' is not a plain absolute path"),
    ({"files": {"/x": {"colour": "red"}}}, "colour"),
    ({"links": {"/x": {"target": "@@soop-secret:p@@"}}}, "link /x: a secret does not belong"),
    (
        {"units": {"x.service": {"content": "Environment=@@soop-secret:p@@"}}},
        "unit x.service: a secret does not belong",
    ),
    (
        {"scripts": [{"name": "s", "arguments": ["@@soop-secret:p@@"]}]},
        "arguments of script s: a secret does not belong",
    ),
    ({"command_health": {"command": ["@@soop-secret:p@@"]}}, "health command: a secret does not belong"),
    ({"http_health": {"path": "/?@@soop-secret:p@@", "port": 1}}, "health path: a secret does not belong"),
    ({"files": {"/@@soop-node:colour@@": file("")}}, "needs the node value 'colour'"),
    ({"files": {"/x": file("")}, "links": {"/x": {"target": "y"}}}, "/x is one thing in web and another in web"),
]


@pytest.mark.parametrize(("component", "message"), BAD, ids=[message for _, message in BAD])
def test_what_is_wrong_is_named(component: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure) as raised:
        parse(document(web=component))
    assert raised.value.failed.step == "plan"
    assert message in raised.value.failed.message


def test_components_may_share_what_they_agree_on() -> None:
    shared = {"files": {"/x": file("same")}, "absent": ["/y"], "directories": {"/z": {}}}
    parse(document(one=shared, two=shared))
    with pytest.raises(Failure, match="/x is one thing in one and another in two"):
        parse(document(one=shared, two={"files": {"/x": file("other")}}))


def test_a_damaged_document_is_refused() -> None:
    with pytest.raises(Failure, match="damaged"):
        parse({**document(), "version": "3.2.4"})
    with pytest.raises(Failure, match="format 1, not 2"):
        parse({"format": 2})
    with pytest.raises(Failure, match="cannot be read as a plan"):
        parse(["what?"])
