"""What the steps of an engine's preview mean for a domain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from soop_components.model.environment import Environment
from soop_components.model.service_plan import DomainPlan
from soop_components.preview import as_text, preview_of_plans, preview_of_steps, summary
from soop_components.preview.facts import Loss, ResourceChange
from soop_components.preview.resources import GROUP, RELEASE, ResourceStep

DOMAIN = "dev-access"
DIGEST = "sha256:" + "0" * 64
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PLACE = {"address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
DISK, MACHINE = "soop:index:Disk", "soop:index:Machine"


def inputs(service: str, version: str = "1.0.0", place: Any = PLACE, **more: Any) -> dict[str, Any]:
    """Return the inputs of a release with two nodes, as the engine prints them."""
    nodes = {
        name(service, number): {"role": "web", "number": number, "place": place if number == 2 else PLACE}
        for number in (1, 2)
    }
    role = {"components": {"api": {"files": {"/etc/x": {"content": "@@soop-secret:word@@", "secret": True}}}}}
    secrets = {"secrets": "[secret]", "privateKey": "[secret]", "neighbours": {"other": UNKNOWN}}
    return {"service": service, "version": version, "digest": DIGEST, "roles": {"web": role}, "nodes": nodes} | {
        **secrets,
        **more,
    }


def name(service: str, number: int) -> str:
    return f"web-{number}.{service}.{DOMAIN}"


def looked_at(service: str, drift: tuple[str, ...] = (), **more: Any) -> ResourceStep:
    """Return the step that looks at a release."""
    outputs = {"version": "1.0.0", "status": {name(service, 1): {"drift": list(drift)}}}
    return ResourceStep("refresh", RELEASE, service, inputs(service, **more), outputs)


def updated(service: str, wanted: dict[str, Any], *changed: str, drift: tuple[str, ...] = ()) -> ResourceStep:
    before = looked_at(service, drift)
    return ResourceStep("update", RELEASE, service, before.inputs, before.outputs, wanted, changed)


def test_a_service_that_is_only_looked_at_does_not_change() -> None:
    preview = preview_of_steps(DOMAIN, [looked_at("a-service")])
    assert [service.action for service in preview.services] == ["none"]
    assert not preview.changes
    assert summary(preview) == [f"{DOMAIN}: no changes"]


def test_drift_machines_and_secrets_are_told_by_the_engine() -> None:
    preview = preview_of_steps(
        DOMAIN,
        [
            looked_at("a-service", ("gone",)),
            updated("a-service", inputs("a-service", place=UNKNOWN), "secrets.word", drift=("gone",)),
            ResourceStep("create", MACHINE, name("a-service", 2)),
        ],
        ["careful", "careful"],
    )
    (service,) = preview.services
    assert [(node.action, node.drift) for node in service.nodes] == [("configure", ("gone",)), ("replace", ())]
    assert service.secrets == ("word",)
    assert preview.resources == (ResourceChange(type=MACHINE, name=name("a-service", 2), action="create"),)
    assert preview.warnings == ("careful",)


def test_what_goes_is_told_once_and_a_disk_that_goes_is_a_loss() -> None:
    gone = ResourceStep("delete", RELEASE, "a-service", inputs("a-service"), {"version": "1.0.0"})
    node = name("a-service", 1)
    replaced = [
        ResourceStep(operation, MACHINE, node) for operation in ("delete-replaced", "replace", "create-replacement")
    ]
    components = [
        ResourceStep("delete", "soop:index:Node", node),
        ResourceStep("create", "pulumi:providers:soop", "soop"),
    ]
    preview = preview_of_steps(DOMAIN, [gone, *replaced, *components, ResourceStep("delete", DISK, node)])
    assert [service.action for service in preview.services] == ["remove"]
    assert [(each.type, each.action) for each in preview.resources] == [(MACHINE, "replace"), (DISK, "delete")]
    assert preview.losses == (Loss(kind="disk", subject=node),)


def test_a_release_that_was_never_accepted_begins_anew() -> None:
    failed = ResourceStep("update", RELEASE, "a-service", inputs("a-service"), {}, inputs("a-service"))
    (service,) = preview_of_steps(DOMAIN, [failed]).services
    assert (service.action, {node.action for node in service.nodes}) == ("create", {"create"})


def test_services_that_are_deployed_together_are_named_where_one_of_them_changes() -> None:
    group = {"together": ["a-service", "b-service"], "accepted": UNKNOWN}
    upgrade = updated("a-service", inputs("a-service", "1.1.0", **group))
    preview = preview_of_steps(DOMAIN, [upgrade, looked_at("b-service", **group), looked_at("c-service")])
    assert preview.together == (("a-service", "b-service"),)
    assert "a-service, b-service: accepted as one, or rolled back as one" in summary(preview)
    same = preview_of_steps(DOMAIN, [looked_at(service, **group) for service in ("a-service", "b-service")])
    assert summary(same) == [f"{DOMAIN}: no changes"]


def test_a_group_is_named_where_it_is_formed_or_dissolved() -> None:
    for operation, words in (("create", "group of services made"), ("delete", "group of services deleted")):
        preview = preview_of_steps(DOMAIN, [ResourceStep(operation, GROUP, "a-service+b-service")])
        assert as_text(preview).splitlines()[-1] == f"  {words}: a-service+b-service"
    assert not preview_of_steps(DOMAIN, [ResourceStep("update", GROUP, "a-service+b-service")]).changes
    alone = DomainPlan(DOMAIN, Environment(name="dev"), (), {}, {}, {})
    grouped = replace(alone, together=(("b-service", "a-service"),))
    assert as_text(preview_of_plans(alone, grouped)).splitlines()[-1] == "  group of services made: a-service+b-service"
    assert preview_of_plans(grouped, None).resources == (
        ResourceChange(type=GROUP, name="a-service+b-service", action="delete"),
    )
    assert not preview_of_plans(grouped, grouped).changes
