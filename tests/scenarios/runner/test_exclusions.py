"""Packages that cannot be together, and files of packages that ours take the place of, on a real node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.packages import Deb, deb, plans
from tests.unit.runner.node import document

MTA = {"Provides": "mta", "Conflicts": "mta"}
KINDS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "both conflict with what both provide": (MTA, MTA),
    "the new one conflicts": ({"Provides": "mta"}, {"Conflicts": "old", "Provides": "mta"}),
    "the new one breaks it": ({"Provides": "mta"}, {"Breaks": "old (<< 2)", "Provides": "mta"}),
    "the old one breaks it": ({"Breaks": "mta", "Provides": "mta"}, {"Provides": "mta"}),
}
PACKAGES = "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' old new user part 2>/dev/null"
CONF, DATA = "/etc/gadget.conf", "/usr/share/gadget/data"
PATHS = {CONF: {"content": "ours\n"}, DATA: {"content": "ours\n"}}
FAILS = {"scripts": [{"name": "no", "content": "#!/bin/false\n"}]}


def wanted(node: RunnerNode, version: str, *debs: Deb, **web: Any) -> dict[str, Any]:
    """Return a document with these packages, which are on the node then."""
    node.send(*(each.content for each in debs))
    return document(version, packages=plans(*debs), web=web)


def installed(node: RunnerNode) -> list[str]:
    return sorted(line.strip() for line in node.run(PACKAGES).splitlines() if " ii" in line or " i" in line)


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_takes_the_place_of_another_and_back(node: RunnerNode, tmp_path: Path, kind: str) -> None:
    before, after = KINDS[kind]
    old, new = deb(tmp_path, "old", "1.0", **before), deb(tmp_path, "new", "1.0", **after)
    part = deb(tmp_path, "part", "1.0", Depends="old")
    user = deb(tmp_path, "user", "1.0", Depends="mta")
    node.accept(wanted(node, "1.0.0", old, part, user))
    failed = node.apply(wanted(node, "2.0.0", new, user, **FAILS))
    assert (failed["step"], failed["rolled_back"]) == ("scripts", True), failed
    assert installed(node) == ["old 1.0 ii", "part 1.0 ii", "user 1.0 ii"]
    node.accept(wanted(node, "2.0.0", new, user))
    assert installed(node) == ["new 1.0 ii", "user 1.0 ii"]
    node.accept(wanted(node, "1.0.0", old, part, user))
    assert installed(node) == ["old 1.0 ii", "part 1.0 ii", "user 1.0 ii"]


@pytest.mark.parametrize("kind", ["both conflict with what both provide", "the new one breaks it"])
def test_a_package_of_the_host_is_never_removed_for_ours(node: RunnerNode, tmp_path: Path, kind: str) -> None:
    before, after = KINDS[kind]
    theirs, new = deb(tmp_path, "old", "1.0", **before), deb(tmp_path, "new", "1.0", **after)
    node.run("cat > /tmp/theirs.deb; dpkg -i /tmp/theirs.deb", theirs.content)
    said = node.apply(wanted(node, "1.0.0", new))
    assert said["step"] == "packages"
    assert "old 1.0, which soop did not install" in said["message"] or "new 1.0, which soop" in said["message"]
    assert installed(node) == ["old 1.0 ii"]
    node.clear()
    node.run("dpkg --purge old")


def test_what_a_new_package_needs_first_may_break_an_old_version(node: RunnerNode, tmp_path: Path) -> None:
    old = [deb(tmp_path, "old", "1.0"), deb(tmp_path, "user", "1.0", Depends="old")]
    new = [
        deb(tmp_path, "old", "2.0"),
        deb(tmp_path, "new", "1.0", Breaks="old (<< 2)"),
        deb(tmp_path, "user", "2.0", Pre_Depends="new", Depends="old"),
    ]
    node.accept(wanted(node, "1.0.0", *old))
    node.accept(wanted(node, "2.0.0", *new))
    assert installed(node) == ["new 1.0 ii", "old 2.0 ii", "user 2.0 ii"]
    node.accept(wanted(node, "1.0.0", *old))
    assert installed(node) == ["old 1.0 ii", "user 1.0 ii"]


def test_new_versions_may_exclude_the_versions_before_of_each_other(node: RunnerNode, tmp_path: Path) -> None:
    old = [
        deb(tmp_path, "new", "1.0"),
        deb(tmp_path, "old", "1.0", Conflicts="part (>= 2)"),
        deb(tmp_path, "part", "1.0", Conflicts="old (>= 2)"),
    ]
    new = [
        deb(tmp_path, "new", "2.0", Conflicts="old (<< 2)"),
        deb(tmp_path, "old", "2.0", Conflicts="part (<< 2)"),
        deb(tmp_path, "part", "2.0", Conflicts="old (<< 2)"),
    ]
    node.accept(wanted(node, "1.0.0", *old))
    failed = node.apply(wanted(node, "2.0.0", *new, **FAILS))
    assert (failed["step"], failed["rolled_back"]) == ("scripts", True), failed
    assert installed(node) == ["new 1.0 ii", "old 1.0 ii", "part 1.0 ii"]
    node.accept(wanted(node, "2.0.0", *new))
    assert installed(node) == ["new 2.0 ii", "old 2.0 ii", "part 2.0 ii"]


def gadget(folder: Path, version: str, *, data: bool = True, conf: bool = True) -> Deb:
    files = {f"/usr/share/gadget/{version}": b""}
    files |= {DATA: f"data {version}\n".encode()} if data else {}
    files |= {CONF: f"conf {version}\n".encode()} if conf else {}
    return deb(folder, "gadget", version, files, {"conffiles": f"{CONF}\n"} if conf else {})


def contents(node: RunnerNode) -> str:
    return node.run(
        f"cat {CONF} {DATA} 2>/dev/null; dpkg -V gadget; ls /etc/gadget.conf.* 2>/dev/null; dpkg-divert --list '*soop*'"
    )


def test_a_given_up_file_of_a_package_is_that_of_the_installed_version(node: RunnerNode, tmp_path: Path) -> None:
    old, new = gadget(tmp_path, "1.0"), gadget(tmp_path, "2.0")
    node.accept(wanted(node, "1.0.0", old, files=PATHS))
    failed = node.apply(wanted(node, "2.0.0", new, **FAILS))
    assert (failed["step"], failed["rolled_back"]) == ("scripts", True), failed
    assert node.run(f"cat {CONF} {DATA}; dpkg -V gadget") == "ours\nours"
    node.accept(wanted(node, "2.0.0", new))
    assert contents(node) == "conf 2.0\ndata 2.0"
    node.accept(wanted(node, "1.0.0", old, files=PATHS))
    node.accept(wanted(node, "2.0.1", new, files=PATHS))
    node.accept(wanted(node, "2.0.2", new))
    assert contents(node) == "conf 2.0\ndata 2.0"
    node.accept(wanted(node, "2.0.3", new, absent=list(PATHS)))
    node.accept(wanted(node, "1.0.0", old))
    assert contents(node) == "conf 1.0\ndata 1.0"


def test_files_that_a_package_brings_later_or_has_no_more(node: RunnerNode, tmp_path: Path) -> None:
    without, whole = gadget(tmp_path, "1.0", data=False, conf=False), gadget(tmp_path, "2.0")
    node.accept(wanted(node, "1.0.0", without, files=PATHS))
    node.accept(wanted(node, "2.0.0", whole, files=PATHS))
    assert node.run(f"cat {CONF} {DATA}; dpkg -V gadget") == "ours\nours"
    assert node.drift() == []
    node.accept(wanted(node, "2.0.1", whole))
    assert contents(node) == "conf 2.0\ndata 2.0"
    node.accept(wanted(node, "2.0.2", whole, files=PATHS))
    node.accept(wanted(node, "2.0.3", files=PATHS))
    assert node.run(f"cat {CONF} {DATA}") == "ours\nours"
    assert node.drift() == []
    node.accept(document("2.0.4"))
    assert node.run(f"ls {DATA} 2>/dev/null; dpkg-divert --list '*soop*'; dpkg --purge gadget >/dev/null") == ""


def test_a_mode_that_the_host_has_chosen_is_kept(node: RunnerNode, tmp_path: Path) -> None:
    old, new = gadget(tmp_path, "1.0"), gadget(tmp_path, "2.0")
    node.run(f"dpkg-statoverride --add daemon daemon 0640 {DATA}")
    node.accept(wanted(node, "1.0.0", old, files=PATHS))
    node.accept(wanted(node, "2.0.0", new))
    assert node.run(f"stat -c '%U %a' {DATA}; cat {DATA}") == "daemon 640\ndata 2.0"
    node.run(f"dpkg-statoverride --remove {DATA}")


def test_a_file_that_is_as_the_package_has_it_stays_the_packages(node: RunnerNode, tmp_path: Path) -> None:
    old, new = gadget(tmp_path, "1.0"), gadget(tmp_path, "2.0")
    same = {DATA: {"content": "data 1.0\n"}}
    node.accept(wanted(node, "1.0.0", old, files=same))
    node.accept(wanted(node, "1.0.1", old))
    assert contents(node) == "conf 1.0\ndata 1.0"
    node.accept(wanted(node, "1.0.2", old, files=same))
    node.accept(wanted(node, "2.0.0", new, files=same))
    assert node.run(f"cat {DATA}") == "data 1.0"
    node.accept(wanted(node, "2.0.1", new))
    assert contents(node) == "conf 2.0\ndata 2.0"


def test_a_folder_comes_where_a_file_and_a_link_of_ours_were(node: RunnerNode, tmp_path: Path) -> None:
    link = "/usr/share/gadget/link"
    ours = {"files": {DATA: {"content": "ours\n"}}, "links": {link: {"target": "nowhere"}}}
    new = deb(tmp_path, "gadget", "1.0", {f"{DATA}/inner": b"theirs\n", f"{link}/inner": b"theirs\n"})
    node.accept(wanted(node, "1.0.0", **ours))
    failed = node.apply(wanted(node, "2.0.0", new, **FAILS))
    assert (failed["step"], failed["rolled_back"]) == ("scripts", True), failed
    assert node.run(f"cat {DATA}; readlink {link}") == "ours\nnowhere"
    node.accept(wanted(node, "2.0.0", new))
    assert node.run(f"cat {DATA}/inner {link}/inner; dpkg -V gadget") == "theirs\ntheirs"
    node.accept(document("2.0.1"))
    assert node.run("ls /usr/share/gadget 2>/dev/null") == ""
