"""Files on a disk belong to whom they belonged, although the machine is a new one and there are more users."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.packages import deb, plans
from tests.unit.runner.node import document

_OWNERS = "stat -c %U:%G /srv/disk/letters /srv/disk/spool"


def test_numbers_of_users_of_plans_and_packages_are_those_of_the_disk(node: RunnerNode, tmp_path: Path) -> None:
    makes = "adduser --system --group --quiet --home /var/spool/mailer --no-create-home _mailer"
    mailer = deb(tmp_path, "mailer", "1.0", scripts={"postinst": f"#!/bin/sh\nset -e\n{makes}\n"}, Depends="adduser")
    other = deb(tmp_path, "other", "1.0", scripts={"postinst": "#!/bin/sh\nadduser --system --group --quiet _other\n"})
    makes_one = "#!/bin/sh\nadduser --system --group --quiet _early\nexit 7\n"
    broken = deb(tmp_path, "broken", "1.0", scripts={"postinst": makes_one})
    node.send(broken.content)
    node.run("mkdir -p /srv/disk")
    assert node.apply(document(packages=plans(broken), disk="/srv/disk"))["event"] == "failure"
    assert node.run("grep -o _early /srv/disk/.soop-accounts | sort -u") == "_early"
    node.send(mailer.content)
    first = {
        "directories": {
            "/srv/disk/letters": {"owner": "alice", "group": "alice"},
            "/srv/disk/spool": {"owner": "_mailer", "group": "_mailer"},
        },
        "users": {"alice": {}, "joe": {"uid": 4242, "groups": ["alice", "_mailer"]}},
    }
    node.accept(document("1.0.0", packages=plans(mailer), disk="/srv/disk", mail=first))
    assert node.run(_OWNERS) == "alice:alice\n_mailer:_mailer"
    assert node.run("stat -c '%a %U' /srv/disk/.soop-accounts") == "600 root"

    # A new machine has nothing of it but the disk.
    node.run(
        "dpkg --purge mailer; for user in alice _mailer joe _early; do userdel $user; done; rm -rf /var/lib/soop/*.json"
    )
    assert node.run("stat -c %U /srv/disk/letters /srv/disk/spool") == "UNKNOWN\nUNKNOWN"
    early = {"users": {"aaron": {}, "abel": {}}}
    wanted = document("1.1.0", packages=plans(mailer, other), disk="/srv/disk", early=early, mail=first)
    node.send(mailer.content, other.content)
    node.accept(wanted)
    assert node.run(_OWNERS) == "alice:alice\n_mailer:_mailer"
    assert node.run("id -un 4242; id -Gn joe | tr ' ' '\\n' | sort") == "joe\n_mailer\nalice\njoe"
    assert node.pending(wanted) == []

    # usermod gives nobody another home while a process of theirs runs.
    node.run("systemd-run --quiet --unit=busy --uid=joe sleep infinity")
    joe = {"uid": 4242, "groups": ["alice", "_mailer"], "home": "/srv/joe", "shell": "/bin/sh"}
    users = {"alice": {}, "joe": joe}
    node.accept(document("1.2.0", packages=plans(mailer, other), disk="/srv/disk", mail={**first, "users": users}))
    assert node.run("getent passwd joe | cut -d : -f 3,6,7; systemctl stop busy") == "4242:/srv/joe:/bin/sh"
    node.run("for user in aaron abel alice joe _mailer _early _other; do userdel $user; done; rm -r /srv/disk")
