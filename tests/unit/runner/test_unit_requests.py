"""What maintainers' scripts ask of units: the programs that note it are run for real, those behind them are played."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soop_components.runner import dpkg, unit_requests
from soop_components.runner.host import Host
from tests.scenarios.runner.packages import deb
from tests.unit.runner.node import Node, document
from tests.unit.runner.real_dpkg import Dpkg

BEHIND = """\
#!/bin/sh
echo "$0 $*" >> LOG
case "$1" in is-active) exit 3 ;; esac
"""


def taken(host: Host) -> set[str]:
    return {f"{what}:{name}" for what, name in unit_requests.taken(host)}


class Script:
    """Runs lines of maintainers' scripts as dpkg would."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self._behind = folder / "behind"
        self._behind.mkdir()
        node.host.prepare()
        for name in ("systemctl", "deb-systemd-invoke", "invoke-rc.d"):
            program = self._behind / name
            program.write_text(BEHIND.replace("LOG", str(folder / "log")))
            program.chmod(0o755)
        self._log = folder / "log"
        self._log.touch()

    def run(self, text: str, stop: bool = False) -> int:
        with unit_requests.noted(self.node.host, stop) as environment:
            first = environment["PATH"].split(":")[0]
            path = f"{first}:{self._behind}:/usr/bin:/bin"
            environment = {**environment, "PATH": path}
            return subprocess.run(["/bin/sh", "-c", text], env=environment, cwd="/", check=False).returncode

    @property
    def reached(self) -> list[str]:
        """What the programs behind ours were asked."""
        return [line.removeprefix(f"{self._behind}/") for line in self._log.read_text().splitlines()]


@pytest.fixture
def maintainer(node: Node, tmp_path: Path) -> Script:
    return Script(node, tmp_path)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("invoke-rc.d apache2 restart", {"restart:apache2.service"}),
        ("invoke-rc.d --skip-systemd-native apache2 force-reload", {"reload:apache2.service"}),
        ("invoke-rc.d postgresql restart 15", {"restart:postgresql.service"}),
        ("invoke-rc.d kmod.sh restart", {"restart:kmod.service"}),
        (
            "deb-systemd-invoke restart a.service b.socket php8.2-fpm.service",
            {"restart:a.service", "restart:b.socket", "restart:php8.2-fpm.service"},
        ),
        ("deb-systemd-invoke start a.service", set()),
        ("deb-systemd-invoke stop a.service; deb-systemd-invoke start a.service", {"restart:a.service"}),
        ("deb-systemd-invoke stop a.service", {"stop:a.service"}),
        ("systemctl reload a.service; systemctl try-restart a", {"restart:a.service"}),
        ("systemctl try-restart a; systemctl reload-or-restart a", {"restart:a.service"}),
        ("systemctl --quiet --no-block try-reload-or-restart a", {"reload:a.service"}),
        ("systemctl restart 'worker@*.service'", {"restart:worker@1.service"}),
        ("systemctl --user restart a; deb-systemd-invoke --user restart b", set()),
        ("systemctl mask --now a", {"stop:a.service"}),
    ],
)
def test_what_is_asked_of_units(maintainer: Script, asked: str, expected: set[str]) -> None:
    maintainer.node.systemd.units["worker@1.service"] = {"ActiveState": "active"}
    assert maintainer.run(asked) == 0
    assert taken(maintainer.node.host) == expected
    assert not [line for line in maintainer.reached if line != "systemctl mask a"]
    unit_requests.forget(maintainer.node.host)
    assert taken(maintainer.node.host) == set()


def test_all_else_is_carried_out(maintainer: Script) -> None:
    passed = ["systemctl --system daemon-reload", "systemctl is-active -q a", "systemctl show -p Id a"]
    passed += ["systemctl enable a b", "invoke-rc.d a status", "systemctl --user daemon-reload"]
    assert maintainer.run("; ".join(passed)) == 0
    assert maintainer.run("systemctl is-active a") == 3
    assert maintainer.run("systemctl enable --now -q a") == 0
    assert maintainer.reached == [*passed, "systemctl is-active a", "systemctl enable -q a"]
    assert taken(maintainer.node.host) == set()


def test_what_goes_is_stopped_at_once(maintainer: Script) -> None:
    maintainer.run("deb-systemd-invoke stop a.service; systemctl disable --now b; invoke-rc.d c restart", stop=True)
    assert maintainer.reached == ["deb-systemd-invoke stop a.service", "systemctl disable --now b"]
    found = taken(maintainer.node.host)
    assert found == {"stop:a.service", "stop:b.service", "restart:c.service"}


def test_a_note_that_was_cut_off_is_left_out(node: Node) -> None:
    node.host.prepare()
    Path(node.host.volatile("asked-of-units")).write_text("restart a\nrest")
    assert taken(node.host) == {"restart:a.service"}


def test_dpkg_runs_maintainers_scripts_so(tmp_path: Path) -> None:
    root = tmp_path / "root"
    host = Host(str(root), Dpkg(root))
    host.prepare()
    comes = "#!/bin/sh\nset -e\ndeb-systemd-invoke restart a.service b.service\nsystemctl restart c\n"
    scripts = {"postinst": comes, "prerm": "#!/bin/sh\ninvoke-rc.d apache2 restart\n"}
    deb(tmp_path, "plugin", "1.0", {"/usr/lib/host.d/plugin": b""}, scripts)
    interest = {"triggers": "interest-noawait /usr/lib/host.d\n", "postinst": "#!/bin/sh\n"}
    deb(tmp_path, "host", "1.0", {"/usr/lib/host.so": b""}, interest)
    dpkg.install(host, [{"host": str(tmp_path / "host_1.0.deb")}], lambda line: None)
    assert taken(host) == set()
    dpkg.install(host, [{"plugin": str(tmp_path / "plugin_1.0.deb")}], lambda line: None)
    asked = {"restart:a.service", "restart:b.service", "restart:c.service"}
    assert taken(host) == {*asked, "triggered:host"}
    unit_requests.forget(host)
    dpkg.remove(host, ["plugin"])
    assert taken(host) == {"restart:apache2.service", "triggered:host"}


def asked(node: Node, text: str) -> None:
    """Leave notes as a killed apply does."""
    node.host.prepare()
    Path(node.host.volatile("asked-of-units")).write_text(text)


def test_units_that_run_get_what_packages_ask_once(node: Node) -> None:
    wanted = document(web={"units": {"in-plan.service": {}, "down.service": {"state": "stopped", "enabled": False}}})
    node.accept(wanted)
    node.systemd.units |= {
        "in-plan.service": {
            "ActiveState": "active",
            "UnitFileState": "enabled",
            "Names": "in-plan.service alias.service",
        },
        "stranger.service": {"ActiveState": "active"},
        "leaves.service": {"ActiveState": "active"},
    }
    asked(node, "restart alias\nrestart down\nreload stranger\nrestart not-running\nstop leaves\n")
    event = node.apply(wanted)
    assert node.systemd.commands == ["restart in-plan.service", "stop leaves.service", "reload stranger.service"]
    assert "reload unit stranger.service" in event["changes"]
    assert node.apply(wanted)["changes"] == []
    assert node.systemd.commands == []


def test_a_unit_of_others_that_fails_is_not_our_failure(node: Node) -> None:
    node.systemd.units["stranger.service"] = {"ActiveState": "active"}
    node.systemd.fails["restart stranger.service"] = "broken"
    asked(node, "restart stranger\n")
    assert node.apply(document())["event"] == "result"
    assert "stranger.service: restart failed" in "".join(node.said)
