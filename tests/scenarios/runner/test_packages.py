"""Packages on a real node: installed without starting anything, upgraded, refused, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.packages import Deb, deb, greeter, of_debian, plans
from tests.unit.runner.node import document

CONFIGURED = {"/etc/greeter.conf": {"content": "ours\n"}}
CHECKED = {"command_health": {"command": ["/bin/true"]}}
"""Who has no check has to stay up for seconds first."""


def with_greeter(version: str, *debs: Deb) -> dict[str, object]:
    component = {"files": CONFIGURED, "units": {"greeter.service": {}}, **CHECKED}
    return document(version, packages=plans(*debs), web=component)


@pytest.fixture
def greeting(node: RunnerNode, tmp_path: Path) -> RunnerNode:
    """A node with version 1.0 of the greeter."""
    package = greeter(tmp_path, "1.0")
    node.send(package.content)
    said = node.accept(with_greeter("1.0.0", package))
    assert said.progress[0] == "installing 1 packages"
    return node


def test_a_package_starts_nothing_before_it_is_configured(greeting: RunnerNode) -> None:
    started = greeting.run("journalctl --unit=greeter --output=cat --quiet | grep -c Started")
    assert started == "1"
    assert greeting.run("cat /etc/greeter.conf; systemctl is-active greeter") == "ours\nactive"
    assert greeting.run("ls -A /var/lib/soop/before-systemctl 2>/dev/null") == ""
    assert greeting.is_as_accepted()


def test_an_upgrade_restarts_what_uses_it_and_keeps_our_configuration(greeting: RunnerNode, tmp_path: Path) -> None:
    newer, other = greeter(tmp_path, "1.1"), deb(tmp_path, "unrelated", "1.0")
    greeting.send(newer.content, other.content)
    before = greeting.pids("greeter")
    said = greeting.accept(with_greeter("1.1.0", newer, other))
    assert "restart unit greeter.service" in said.changes
    assert greeting.pids("greeter") != before
    before = greeting.pids("greeter")
    newer_other = deb(tmp_path, "unrelated", "1.1")
    greeting.send(newer_other.content)
    greeting.accept(with_greeter("1.1.1", newer, newer_other))
    assert greeting.pids("greeter") == before, "an upgrade of something else is none of its business"
    assert greeting.run("cat /etc/greeter.conf") == "ours"


PLUGIN = "/usr/lib/greeter/plugin.conf"
RESTARTS = "#!/bin/sh\nset -e\ndeb-systemd-invoke restart none.service greeter.service >/dev/null || true\n"


def test_a_package_that_plugs_into_a_daemon_restarts_it_when_it_comes_and_when_it_goes(
    greeting: RunnerNode, tmp_path: Path
) -> None:
    current = greeter(tmp_path, "1.0")
    asks = deb(tmp_path, "asks", "1.0", scripts={"postinst": RESTARTS, "prerm": RESTARTS})
    silent = deb(tmp_path, "silent", "1.0", {PLUGIN: b"plugged"})
    greeting.send(current.content)
    before = greeting.pids("greeter")
    ours = "[Service]\nExecStart=/bin/sleep infinity\n"
    unit = {"greeter.service": {"restart_on": [str(Path(PLUGIN).parent)]}, "ours.service": {"content": ours}}
    for version, plugin in (("1.0.1", [asks]), ("1.0.2", []), ("1.0.3", [silent]), ("1.0.4", [])):
        greeting.send(*(each.content for each in plugin))
        wanted = document(
            version, packages=plans(current, *plugin), web={"files": CONFIGURED, "units": unit, **CHECKED}
        )
        said = greeting.accept(wanted)
        assert said.changes.count("restart unit greeter.service") == 1, version
        assert version == "1.0.1" or "restart unit ours.service" in said.changes, "it may be an interpreted program"
        assert greeting.pids("greeter") != before
        before = greeting.pids("greeter")
        assert greeting.apply(wanted).changes == []
    assert greeting.is_as_accepted()


def test_an_interpreted_daemon_is_restarted_when_a_package_that_it_needs_changes(
    node: RunnerNode, tmp_path: Path
) -> None:
    says = b"import time, words\nprint(words.SAYS, flush=True)\nwhile True:\n    time.sleep(60)\n"
    unit = (
        b"[Service]\nExecStart=/usr/bin/python3 -B /usr/share/talker/talk.py\nEnvironment=PYTHONPATH=/usr/share/words\n"
    )
    talker = deb(
        tmp_path, "talker", "1.0", {"/usr/share/talker/talk.py": says, "/lib/systemd/system/talker.service": unit},
        Depends="middle",
    )  # fmt: skip
    middle = deb(tmp_path, "middle", "1.0", Depends="words")
    for number, other in (("1.0", "1.0"), ("1.1", "1.0"), ("1.1", "1.1")):
        before = node.pids("talker")
        words = deb(tmp_path, "words", number, {"/usr/share/words/words.py": f"SAYS = 'it is {number}'\n".encode()})
        unrelated = deb(tmp_path, "unrelated", other)
        debs = (talker, middle, words, unrelated)
        node.send(*(each.content for each in debs))
        wanted = document(f"{number}.{other}", packages=plans(*debs), web={"units": {"talker.service": {}}, **CHECKED})
        node.accept(wanted)
        node.wait_for(
            f"journalctl --unit=talker --output=cat --grep='^it is' | tail -n 1 | grep -Fx 'it is {number}'", 60
        )
        assert (node.pids("talker") == before) == (other == "1.1"), (
            "an upgrade of something else is none of its business"
        )
    assert node.is_as_accepted()


@pytest.mark.soak
def test_php_comes_to_a_running_apache_and_goes(node: RunnerNode) -> None:
    """Apache is asked to load PHP; of an extension dpkg informs only PHP itself, by a trigger."""
    page = "<?php echo 6*7, function_exists('bcadd') ? ' bc' : '';"
    component = {**CHECKED, "units": {"apache2.service": {}}, "files": {"/var/www/html/x.php": {"content": page}}}
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1/x.php').read().decode())"
    steps = [([], page), (["libapache2-mod-php"], "42"), (["libapache2-mod-php", "php-bcmath"], "42 bc")]
    for number, (names, expected) in enumerate([*steps, steps[1], steps[0]]):
        debs = of_debian("apache2", *names)
        node.send(*(each.content for each in debs))
        wanted = document(f"{number}.0.0", packages=plans(*debs), web=component)
        said = node.accept(wanted)
        assert node.run(f'python3 -c "{ask}"') == expected, (said.changes, said.progress)
        assert said.changes.count("restart unit apache2.service") == (number > 0)
        assert node.is_as_accepted()
    failing = {**component, "scripts": [{"name": "no", "content": "#!/bin/false\n"}]}
    debs = of_debian("apache2", "libapache2-mod-php")
    node.send(*(each.content for each in debs))
    assert node.apply(document("9.0.0", packages=plans(*debs), web=failing))["rolled_back"] is True
    assert node.run(f'python3 -c "{ask}"') == page


def test_a_daemon_of_which_the_plan_says_nothing_is_restarted_if_it_runs(node: RunnerNode, tmp_path: Path) -> None:
    asks = "#!/bin/sh\nset -e\ninvoke-rc.d idle restart\nsystemctl restart other\n"
    package = deb(tmp_path, "asks", "1.0", scripts={"postinst": asks})
    node.send(package.content)
    unit = "[Service]\\nExecStart=/bin/sleep infinity\\n"
    node.run(f"cd /run/systemd/system; printf '{unit}' | tee other.service > idle.service; systemctl daemon-reload")
    node.run("systemctl start other")
    before = node.pids("other")
    assert "restart unit other.service" in node.accept(document(packages=plans(package))).changes
    assert node.pids("other") not in (before, {"other": "0"})
    assert node.run("systemctl is-active idle") == "inactive"
    node.run("systemctl stop other; rm /run/systemd/system/{other,idle}.service; systemctl daemon-reload")


EARLY = "[Service]\nExecStart=/bin/sh -c 'cat /etc/early.conf > /run/early; exec sleep infinity'\n"
BY_PATH = "#!/bin/sh\nset -e\n/bin/systemctl daemon-reload\n/bin/systemctl start early\n"


def test_what_a_package_starts_all_the_same_is_restarted_once_it_is_configured(
    node: RunnerNode, tmp_path: Path
) -> None:
    files = {"/usr/lib/systemd/system/early.service": EARLY.encode(), "/etc/early.conf": b"theirs\n"}
    package = deb(tmp_path, "early", "1.0", files, {"postinst": BY_PATH})
    node.send(package.content)
    component = {"files": {"/etc/early.conf": {"content": "ours\n"}}, "units": {"early.service": {}}}
    wanted = document(packages=plans(package), web=component)
    node.accept(wanted)
    assert node.run("cat /run/early") == "ours"
    assert node.apply(wanted).changes == []


def test_a_failed_upgrade_is_rolled_back_to_the_older_package(greeting: RunnerNode, tmp_path: Path) -> None:
    newer = greeter(tmp_path, "1.1")
    talks = deb(tmp_path, "talks", "1.0", scripts={"postinst": "#!/bin/sh\necho the key was made\n"})
    greeting.send(newer.content, talks.content)
    failing = {"scripts": [{"name": "no", "content": "#!/bin/false\n"}]}
    said = greeting.apply(document("1.1.0", packages=plans(newer, talks), web=failing))
    assert said["rolled_back"] is True
    assert "the key was made" in said["stderr_tail"].splitlines()
    assert greeting.run("grep 'the key' /var/lib/soop/packages.log") == "the key was made"
    assert greeting.run("dpkg-query -W -f '${Version}' greeter; systemctl is-active greeter") == "1.0active"
    assert greeting.is_as_accepted()


def test_a_newer_package_of_the_host_is_left_alone(node: RunnerNode, tmp_path: Path) -> None:
    theirs, ours = greeter(tmp_path, "2.0"), greeter(tmp_path, "1.0")
    node.run("cat > /tmp/theirs.deb; dpkg -i /tmp/theirs.deb", theirs.content)
    node.send(ours.content)
    said = node.apply(with_greeter("1.0.0", ours))
    assert (said["event"], said["step"]) == ("failure", "packages")
    assert "greeter 2.0 (plan: 1.0)" in said["message"]
    assert node.run("dpkg-query -W -f '${Version}' greeter; cat /etc/greeter.conf") == "2.0theirs"
    node.clear()
    node.run("dpkg --purge greeter")


def test_what_must_be_configured_first_is(node: RunnerNode, tmp_path: Path) -> None:
    needs = "#!/bin/sh\ntest -e /var/ready\n"
    tool = deb(tmp_path, "tool", "1.0", scripts={"postinst": "#!/bin/sh\ntouch /var/ready\n"}, Depends="library")
    library = deb(tmp_path, "library", "1.0")
    user = deb(tmp_path, "a-user", "1.0", scripts={"preinst": needs}, Pre_Depends="tool")
    node.send(tool.content, library.content, user.content)
    assert node.accept(document(packages=plans(tool, library, user))).succeeded


def test_a_package_that_takes_the_place_of_another_of_ours(node: RunnerNode, tmp_path: Path) -> None:
    old, new = deb(tmp_path, "old", "1.0"), deb(tmp_path, "new", "1.0", Conflicts="old")
    node.send(old.content)
    node.accept(document("1.0.0", packages=plans(old)))
    node.send(new.content)
    node.accept(document("2.0.0", packages=plans(new)))
    assert (
        node.run("dpkg-query -W -f '${Package} ${db:Status-Abbrev}' old new 2>/dev/null | grep -o 'new ii\\|old ii'")
        == "new ii"
    )


def test_packages_go_with_the_plan_but_not_their_data_or_what_others_need(greeting: RunnerNode, tmp_path: Path) -> None:
    shared = deb(tmp_path, "shared", "1.0")
    theirs = deb(tmp_path, "theirs", "1.0", Depends="shared")
    current = greeter(tmp_path, "1.0")
    greeting.send(shared.content, current.content)
    greeting.accept(with_greeter("1.0.1", current, shared))
    greeting.run("cat > /tmp/theirs.deb; dpkg -i /tmp/theirs.deb; echo mine > /var/lib/greeter.data", theirs.content)
    said = greeting.accept(document("2.0.0"))
    assert "remove package greeter" in said.changes
    assert (
        greeting.run("systemctl is-active greeter; cat /var/lib/greeter.data; cat /etc/greeter.conf")
        == "inactive\nmine\ntheirs"
    )
    assert greeting.run("dpkg-query -W -f '${db:Status-Abbrev}' shared theirs") == "ii ii"
    greeting.run("dpkg --remove theirs")
    assert greeting.accept(document("2.0.1")).changes == ["remove package shared"]


def test_a_package_removed_or_changed_by_hand_is_found_and_repaired(greeting: RunnerNode, tmp_path: Path) -> None:
    greeting.run("systemctl stop greeter; dpkg --remove greeter")
    assert greeting.drift() == [
        "package greeter: not installed",
        "unit greeter.service: not active (inactive (dead))",
    ]
    greeting.accept(json.loads(greeting.run("cat /var/lib/soop/running.json")))
    assert greeting.is_as_accepted()


def test_a_package_that_cannot_be_configured_says_why(node: RunnerNode, tmp_path: Path) -> None:
    bad = deb(tmp_path, "bad", "1.0", scripts={"postinst": "#!/bin/sh\necho the reason >&2\nexit 7\n"})
    node.send(bad.content)
    said = node.apply(document(packages=plans(bad)))
    assert (said["step"], said["exit_code"]) == ("packages", 1)
    assert "the reason" in said["stderr_tail"]
    assert "returned error exit status 7" in said["stderr_tail"]


def test_another_program_that_installs_packages_is_waited_for(node: RunnerNode, tmp_path: Path) -> None:
    package = deb(tmp_path, "some", "1.0")
    node.send(package.content)
    hold = "import fcntl,time; f=open('/var/lib/dpkg/lock-frontend','a'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(2)"
    node.run(f'setsid python3 -c "{hold}" >/dev/null 2>&1 & sleep 0.3')
    assert node.accept(document(packages=plans(package))).succeeded


ASKS = {
    "templates": "Template: asker/colour\nType: select\nChoices: red, blue\nDefault: red\nDescription: colour\n\n"
    "Template: asker/password\nType: password\nDescription: password\n",
    "config": "#!/bin/sh\n. /usr/share/debconf/confmodule\ndb_input high asker/colour || true\ndb_go || true\n",
    "postinst": "#!/bin/sh\n. /usr/share/debconf/confmodule\n"
    "db_get asker/colour; said=$RET; db_get asker/password; echo $said $RET >> /var/lib/asked\n",
}


def test_a_package_has_the_answers_to_its_questions_also_when_they_change(node: RunnerNode, tmp_path: Path) -> None:
    asker = deb(tmp_path, "asker", "1.0", scripts=ASKS, Depends="debconf")
    node.send(asker.content)

    def wanted(version: str, colour: str | None) -> dict[str, object]:
        answers = {"asker/colour": colour, "asker/password": "@@soop-secret:password@@"} if colour else {}
        return document(version, packages=plans(asker), web={"debconf": answers, **CHECKED})

    node.accept(wanted("1.0.0", "blue"), secrets={"password": "s3cret-1"})
    node.accept(wanted("1.1.0", "blue"), secrets={"password": "s3cret-2"})
    node.accept(wanted("2.0.0", None))
    assert node.run("cat /var/lib/asked; rm /var/lib/asked") == "blue s3cret-1\nblue s3cret-2\nred"
    assert node.run("grep -rl s3cret /var/cache/debconf --exclude=passwords.dat* || true") == ""
