"""Which packages are installed, refused and removed; that dpkg does it is shown on real machines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import dpkg, package_needs, package_order, packages
from soop_components.runner.commands import Completed, Programs, Task
from soop_components.runner.document import parse
from soop_components.runner.dpkg import Installed
from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.ledger import Installing, Ledger, PackageRecord
from soop_components.runner.packages import Packages
from soop_components.runner.relations import Control
from soop_components.runner.touched import Touched
from soop_components.runner.vocabulary import Drift
from soop_components.runner.work import Work
from tests.scenarios.runner.packages import deb
from tests.unit.runner.node import Node, document, sha256

WHOLE, HALF, CONFIG = "ii ", "iF ", "rc "


def work(node: Node, wanted: dict[str, str], **more: Any) -> Work:
    found = {name: package(version) for name, version in wanted.items()}
    return Work(node.host, parse(document(packages=found)), node.events, {}, **more)


def package(version: str) -> dict[str, Any]:
    return {"version": version, "architecture": "all", "digest": sha256(b"deb"), "size": 3}


def known(**versions: tuple[str, str]) -> dict[str, Installed]:
    return {f"{name}:all": Installed(version, status) for name, (version, status) in versions.items()}


def test_only_what_differs_is_installed(node: Node) -> None:
    wanted = {"same": "1", "older": "2", "absent": "1", "half": "1", "config": "1"}
    there = known(same=("1", WHOLE), older=("1", WHOLE), half=("1", HALF), config=("1", CONFIG))
    assert package_needs.needed(work(node, wanted), there) == ["absent", "config", "half", "older"]


def test_what_dpkg_was_doing_at_a_power_failure_is_done_again(node: Node) -> None:
    doing = work(node, {"a": "1", "b": "1"})
    there = known(a=("1", WHOLE), b=("1", WHOLE))
    doing.ledger.installing = Installing(package_needs.boot_id(), ("a",))
    assert package_needs.needed(doing, there) == []
    doing.ledger.installing = Installing("another", ("a",))
    assert package_needs.needed(doing, there) == ["a"]


def test_newer_packages_of_the_host_are_not_replaced(node: Node) -> None:
    there = known(libc=("2.40", WHOLE), ssl=("3.1", WHOLE), gone=("9", CONFIG))
    with pytest.raises(Failure) as raised:
        package_needs.refuse_older(work(node, {"libc": "2.36", "ssl": "3.0", "gone": "1"}), there)
    assert "libc 2.40 (plan: 2.36), ssl 3.1 (plan: 3.0)" in raised.value.failed.message
    package_needs.refuse_older(work(node, {"libc": "2.36"}, rolling_back=True), there)


def test_what_we_installed_we_may_replace(node: Node) -> None:
    going_back = work(node, {"libc": "2.36"})
    going_back.ledger.packages["libc"] = PackageRecord("2.40", None, "all")
    package_needs.refuse_older(going_back, known(libc=("2.40", WHOLE)))


def test_drift(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    ledger.packages = {name: PackageRecord("1", None, "all") for name in ("same", "other", "gone", "half", "config")}
    there = known(same=("1", WHOLE), other=("2", WHOLE), half=("1", HALF), config=("1", CONFIG))
    monkeypatch.setattr(dpkg, "installed", lambda _: there)
    assert Packages().drift(node.host, ledger) == [
        Drift("package", "config", "not installed"),
        Drift("package", "gone", "not installed"),
        Drift("package", "half", "half installed"),
        Drift("package", "other", "2 installed, not 1"),
    ]


def controls(**needs: str) -> dict[str, Control]:
    """``a="b ^c"``: a depends on b, and on c before it is unpacked."""
    return {
        name: Control(
            name,
            "1",
            {
                "Depends": ", ".join(word for word in text.split() if word[0] != "^"),
                "Pre-Depends": ", ".join(word[1:] for word in text.split() if word[0] == "^"),
            },
        )
        for name, text in needs.items()
    }


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({"a": "b", "b": ""}, [["b", "a"]]),
        ({"a": "c", "b": "", "c": "d", "d": "c b"}, [["b", "d", "c", "a"]]),
        ({"a": "^b", "b": ""}, [["b"], ["a"]]),
        ({"a": "^b", "b": "c", "c": "", "d": ""}, [["c", "b"], ["a", "d"]]),
        ({"a": "^b", "b": "^c", "c": ""}, [["c"], ["b"], ["a"]]),
        ({"a": "^dpkg b", "b": "libc6"}, [["b", "a"]]),
        ({"a": "^b", "b": "^a"}, [["b", "a"]]),
    ],
)
def test_what_is_needed_goes_first_and_what_must_be_configured_first_has_a_run_of_its_own(
    needs: dict[str, str], expected: list[list[str]]
) -> None:
    assert package_order.runs(list(needs), controls(**needs)) == expected


@pytest.mark.parametrize(
    ("runs", "barred_by", "expected", "removed"),
    [
        ([["b", "a"]], {}, [["b", "a"]], set()),
        ([["a", "b", "c"]], {"a": {"b"}, "b": {"c"}}, [["c", "b", "a"]], set()),
        ([["a", "b"]], {"a": {"b"}, "b": {"a"}}, [["a", "b"]], {"b"}),
        ([["a"], ["b"]], {"a": {"b"}}, [["a"], ["b"]], {"b"}),
        ([["b"], ["a"]], {"a": {"b"}}, [["b"], ["a"]], set()),
    ],
)
def test_what_bars_another_is_replaced_before_it(
    runs: list[list[str]], barred_by: dict[str, set[str]], expected: list[list[str]], removed: set[str]
) -> None:
    assert package_order.ordered(runs, barred_by) == (expected, removed)


def test_names_are_read_out_of_dependencies() -> None:
    field = "libc6 (>= 2.34), python3:any | python3-minimal, debconf (>= 0.5) | debconf-2.0"
    found = Control("a", "1", {"Depends": field})
    assert found.names("Depends") == {"libc6", "python3", "python3-minimal", "debconf", "debconf-2.0"}
    assert found.names("Breaks") == set()


class Query:
    """A dpkg database: ``status package depends provides`` by the line."""

    def __init__(self, *rows: str) -> None:
        self._rows = [row.split("/") for row in rows]

    def run(self, task: Task) -> Completed:
        text = "".join(
            f"{status}\t{name}\t1\t\t{depends}\t{provides}\t\t\n" for status, name, depends, provides in self._rows
        )
        return Completed("dpkg-query", 0, text, "")


def needed(node: Node, candidates: set[str], *rows: str) -> set[str]:
    host = node.host
    host.commands = Query(*rows)
    return dpkg.needed_by_others(host, candidates)


def test_packages_that_others_need_stay(node: Node) -> None:
    rows = ["ii /theirs/libx/", "ii /libx/liby (>= 1)/", "ii /liby//", "ii /ours/libz/", "ii /libz//", "rc /old/libz/"]
    assert needed(node, {"libx", "liby", "libz", "ours"}, *rows) == {"libx", "liby"}


def test_what_stands_for_another_counts(node: Node) -> None:
    assert needed(node, {"exim"}, "ii /theirs/postfix | mail-agent/", "ii /exim//mail-agent") == {"exim"}


def test_a_unit_that_a_package_has_started_is_restarted_once_it_is_configured(node: Node) -> None:
    began = time.monotonic()
    units = {"early.service": {}, "late.service": {}, "worker@.service": {"content": ""}}
    node.systemd.units["early.service"] = {"ExecMainStartTimestampMonotonic": str(int((began + 1) * 1e6))}
    node.systemd.units["late.service"] = {"ExecMainStartTimestampMonotonic": str(int((began - 1) * 1e6))}
    node.host.prepare()
    doing = Work(node.host, parse(document(web={"units": units})), node.events, {})
    packages._note_started(doing, began)
    assert doing.ledger.changing == {Touched("restart", "early.service")}


def test_the_folders_of_an_archive(tmp_path: Path) -> None:
    made = deb(tmp_path, "a-b", "1.0", {"/usr/share/a b/c": b"", "/etc/x": b""})
    archive = tmp_path / "a-b_1.0.deb"
    archive.write_bytes(made.content)
    expected = {"", "/usr", "/usr/share", "/usr/share/a b", "/etc"}
    assert dpkg.folders(Host(str(tmp_path), Programs()), str(archive)) == expected
