"""What a change reaches: units whose files, directories or scripts it touches are restarted or reloaded."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.runner.touched import covered
from tests.unit.runner.app import PROGRAM, app
from tests.unit.runner.node import Node, document, file, script


@pytest.mark.parametrize(
    ("unit", "files", "commands"),
    [
        ({}, {"/opt/app/x": "2", "/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/etc/app/y": "2"}, ["reload app.service"]),
        ({}, {"/opt/app/x": "2", "/etc/app/y": "2"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/opt/app/new": "1", "/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/opt/application": "1", "/etc/app/y": "1"}, []),
        (
            {"content": PROGRAM + "User=app\n"},
            {"/opt/app/x": "1", "/etc/app/y": "1"},
            ["daemon-reload", "restart app.service"],
        ),
        (
            {},
            {"/opt/app/x": "1", "/etc/app/y": "1", "/etc/systemd/system/app.service.d/limits.conf": "1"},
            ["daemon-reload", "restart app.service"],
        ),
        (
            {"state": "stopped", "enabled": False},
            {"/opt/app/x": "1", "/etc/app/y": "1"},
            ["disable app.service", "stop app.service"],
        ),
    ],
)
def test_what_changed_decides_how_systemd_is_called(
    running: Node, unit: dict[str, Any], files: dict[str, str], commands: list[str]
) -> None:
    triggers = {"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}
    event = running.apply(app({**triggers, **unit}, {path: file(text) for path, text in files.items()}, "3.2.4"))
    assert event["event"] == "result", event
    assert running.systemd.commands == commands


def test_a_file_mended_after_a_change_by_hand_restarts_what_depends_on_it(running: Node) -> None:
    running.path("/opt/app/x").write_text("changed")
    running.apply(running.host.load("running.json") or {})
    assert running.systemd.commands == ["restart app.service"]


def test_a_later_component_may_change_what_an_earlier_one_depends_on(node: Node) -> None:
    first = {"units": {"app.service": {"content": PROGRAM, "restart_on": ["/etc/later"]}}}
    node.accept(document(first=first, second={"files": {"/etc/later": file("1")}}))
    node.accept(document("3.2.4", first=first, second={"files": {"/etc/later": file("2")}}))
    assert node.systemd.commands == ["restart app.service"]


def test_a_drop_in_of_a_later_component_is_read_before_the_restart_also_when_it_goes(node: Node) -> None:
    first = {"units": {"app.service": {"content": PROGRAM}}}
    node.accept(document("1.0.0", first=first))
    later = {"files": {"/etc/systemd/system/app.service.d/x.conf": file("1")}}
    node.accept(document("2.0.0", first=first, second=later))
    assert node.systemd.commands == ["daemon-reload", "restart app.service"]
    node.accept(document("3.0.0", first=first))
    assert node.systemd.commands == ["daemon-reload", "restart app.service"]


def test_covered_is_the_path_and_what_is_below(node: Node) -> None:
    assert covered(node.host.places, ["/etc/nginx/"], ["/etc/nginx/sites/x"])
    assert covered(node.host.places, ["/etc/nginx"], ["/etc/nginx"])
    assert not covered(node.host.places, ["/etc/nginx"], ["/etc/nginx.conf"])


@pytest.mark.parametrize(
    ("path", "root"), [("/srv/www/i", "/srv/current"), ("/usr/lib/app/x", "/lib/app"), ("/lib/app/x", "/usr/lib/app/")]
)
def test_links_on_the_way_to_a_path_are_followed(node: Node, path: str, root: str) -> None:
    node.path("/usr/lib").mkdir(parents=True)
    node.path("/lib").symlink_to("usr/lib")

    def wanted(version: str) -> dict[str, Any]:
        unit = {"content": PROGRAM, "restart_on": [root]}
        again = script("again", f"echo >> {node.root}/ran", triggers=[root])
        links = {"/srv/current": {"target": "www"}, "/srv/www/other": {"target": "i"}}
        files = {path: file(version), "/usr/lib/application": file(version)}
        return document(
            version, web={"units": {"app.service": unit}, "scripts": [again], "files": files, "links": links}
        )

    node.accept(wanted("1.0.0"))
    node.accept(wanted("2.0.0"))
    assert node.systemd.commands == ["restart app.service"]
    assert node.text("/ran") == "\n\n"
    assert node.apply(wanted("2.0.0"))["changes"] == []


def workers(text: str = "1", version: str = "1.0.0", **files: str) -> dict[str, Any]:
    template = {"content": PROGRAM + f"Environment=A={text}\n"}
    placed = {f"/etc/systemd/system/{name.replace('_', '.')}": file(text) for name, text in files.items()}
    return document(version, web={"units": {"worker@.service": template, "worker@1.service": {}}, "files": placed})


def test_a_template_is_part_of_its_instances(node: Node) -> None:
    node.accept(workers())
    assert node.systemd.commands == ["daemon-reload", "enable worker@1.service", "start worker@1.service"]
    assert node.drift() == []
    node.systemd.units |= {
        "worker@2.service": {"ActiveState": "active"},
        "worker@3.service": {"ActiveState": "active", "TriggeredBy": "worker.socket"},
        "other@2.service": {"ActiveState": "active"},
    }
    node.accept(workers("2", "2.0.0"))
    assert node.systemd.commands == ["daemon-reload", "restart worker@1.service", "restart worker@2.service"]


def test_units_whose_files_change_restart_although_something_else_has_started_them(node: Node) -> None:
    folder = "/etc/systemd/system"
    paths = [
        f"{folder}/{name}" for name in ("single.service", "w@.service", "x@1.service.d/a.conf", "service.d/a.conf")
    ]

    def wanted(text: str) -> dict[str, Any]:
        return document(text, web={"units": {"all.target": {}}, "files": dict.fromkeys(paths, file(text))})

    node.accept(wanted("1.0.0"))
    names = ("single.service", "w@1.service", "x@1.service", "x@2.service", "other.service", "idle.service")
    node.systemd.units |= {name: {"ActiveState": "active"} for name in names}
    node.systemd.units["w@2.service"] = {"ActiveState": "inactive"}
    node.accept(wanted("2.0.0"))
    calls = ["daemon-reload", "restart single.service", "restart w@1.service", "restart x@1.service"]
    assert sorted(node.systemd.commands) == calls


@pytest.mark.parametrize(
    "place",
    [
        "/etc/systemd/system/worker@.service.d/x.conf",
        "/etc/systemd/system/worker@1.service.d/x.conf",
        "/etc/systemd/system/service.d/x.conf",
        "/run/systemd/system/worker@1.service.d/x.conf",
        "/usr/local/lib/systemd/system/worker@.service.d/x.conf",
        "/etc/systemd/system/alias.service.d/x.conf",
        "/opt/linked/worker@.service",
        "/etc/default/worker",
    ],
)
def test_every_place_that_systemd_reads_for_a_unit_counts(node: Node, place: str) -> None:
    def wanted(text: str) -> dict[str, Any]:
        return document(text, web={"units": {"worker@1.service": {}}, "files": {place: file(text)}})

    node.systemd.units["worker@1.service"] = {
        "ActiveState": "active",
        "UnitFileState": "enabled",
        "Names": "worker@1.service alias.service",
        "FragmentPath": "/opt/linked/worker@.service",
        "EnvironmentFiles": "/etc/default/worker (ignore_errors=yes)",
    }
    node.accept(wanted("1.0.0"))
    node.accept(wanted("2.0.0"))
    assert node.systemd.commands[-1] == "restart worker@1.service"
    node.accept(document("3.0.0", web={"units": {"worker@1.service": {}}}))
    assert node.systemd.commands[-1] == "restart worker@1.service", "when it goes, too"


def test_what_a_script_changes_below_a_path_counts(node: Node) -> None:
    folder = node.path("/etc/generated")
    folder.mkdir()
    write = f"mkdir -p {folder}/deep/__pycache__; date +%N > {folder}/deep/"

    def wanted(version: str, name: str, **unit: Any) -> dict[str, Any]:
        units = {"app.service": {"content": PROGRAM, **unit}}
        first = script("first", f"{write}{name} # {version}")
        second = script("second", f"echo >> {node.root}/ran", triggers=["/etc/generated"])
        return document(version, web={"units": units, "scripts": [first, second]})

    node.accept(wanted("1.0.0", "x", restart_on=["/etc/generated"]))
    node.accept(wanted("2.0.0", "x", restart_on=["/etc/generated"]))
    assert node.systemd.commands == ["restart app.service"]
    node.accept(wanted("3.0.0", "x", reload_on=["/etc/generated"]))
    assert node.systemd.commands == ["reload app.service"]
    assert node.text("/ran") == "\n\n\n", "the second script ran each time"
    node.accept(wanted("4.0.0", "__pycache__/x", restart_on=["/etc/generated"]))
    assert node.systemd.commands == [], "a cache is no change"
    assert node.text("/ran") == "\n\n\n"
