"""A secret reaches the file it is for; nothing that others can read, keep or watch ever shows it."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.scenarios.meanwhile import meanwhile
from tests.scenarios.trouble.beacon import UP, Beacon
from tests.scenarios.workspace import eventually

MARKER = f"marker{secrets.token_hex(16)}"
FORMS = (MARKER, base64.b64encode(MARKER.encode()).decode().rstrip("="))
LEFT_OUT = [f"--exclude-dir={name}" for name in ("machines", "images", "root")]
"""Folders with the file systems of nodes."""
ON_A_NODE = """
exec 2>/dev/null
find / -xdev -type f -perm /o+r -size -8M -print0 | xargs -0 grep -lF -e {0} -e {1} --
find /run /tmp /dev/shm -type f -perm /o+r -print0 | xargs -0r grep -lF -e {0} -e {1} --
journalctl --no-pager --quiet | grep -F -e {0} -e {1}
systemctl show '*' | grep -F -e {0} -e {1}
grep -aF -e {0} -e {1} /proc/[0-9]*/cmdline | grep -av grep
true
""".format(*FORMS)
"""Prints where the marker is found; that a file has gone since it was listed is no finding."""


@contextmanager
def watched_processes() -> Iterator[list[str]]:
    """Read the command lines of all processes, those on nodes too, again and again; yield those with the marker."""
    found: list[str] = []

    def look() -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                line = path.read_bytes().decode(errors="replace")
                if any(form in line for form in FORMS):
                    found.append(line)

    with meanwhile(look, pause=0.01):
        yield found


def holders(*folders: Path) -> list[str]:
    """Return the files in which the marker stands, those of machines left out."""
    patterns = [word for form in FORMS for word in ("-e", form)]
    search = ["grep", "-rlaIsF", *LEFT_OUT, *patterns, "--", *map(str, folders)]
    return subprocess.run(search, capture_output=True, text=True, check=False).stdout.splitlines()


def set_token(beacon: Beacon, value: str) -> None:
    """Seal a value of a developer's own into the domain definition, as the documentation says."""
    key = "soop:secrets.beacon-service.token"
    config = ["pulumi", "config", "set", "--secret", "--path", key, "--stack", beacon.domain]
    subprocess.run(config, input=value, cwd=beacon.project.root, env=beacon.project.environment, text=True, check=True)


def test_a_marker_is_found_nowhere(beacon: Beacon) -> None:
    outputs = []
    with watched_processes() as seen:
        beacon.define(says="it keeps a secret")
        set_token(beacon, MARKER)
        outputs.append(beacon.project.must("pulumi", "preview", "--diff", "--stack", beacon.domain))
        outputs.append(beacon.project.must(*UP, "--stack", beacon.domain))
        beacon.define(says="never accepted", trouble="script")
        set_token(beacon, MARKER)
        outputs.append(beacon.fails("though the token is [secret]"))
        beacon.define(says="it keeps a secret")
        set_token(beacon, MARKER)
        for command in (("stack", "export"), ("stack", "output"), ("stack", "history"), ("config",)):
            outputs.append(beacon.project.must("pulumi", *command, "--stack", beacon.domain))
        outputs.append(beacon.project.must("soop", "status", "--json", beacon.domain))
        outputs.append(beacon.project.must("soop", "logs", beacon.node))
        beacon.is_well("it keeps a secret")
    assert MARKER in beacon.sh("cat /etc/beacon-service/beacon.env")  # it did arrive
    assert seen == []
    assert not any(form in text for form in FORMS for text in outputs)
    assert holders(beacon.project.root, Path("/run/soop"), Path("/tmp"), Path("/dev/shm")) == []
    for number in (1, 2):
        assert beacon.sh(ON_A_NODE, number).strip() == ""
    beacon.settled = False  # without the secret it is another definition


def test_key_and_token_are_rotated_and_no_machine_is_made_anew(beacon: Beacon) -> None:
    def token() -> str:
        return beacon.project.must("soop", "secret", "show", "beacon-service.token", beacon.domain).strip()

    def keys(number: int) -> list[str]:
        return beacon.sh("cat /root/.ssh/authorized_keys", number).splitlines()

    before, old, machines = token(), keys(1), [beacon.machine(number) for number in (1, 2)]
    said = beacon.project.run("soop", "rotate", beacon.domain)
    assert said.exit_code == 0, said.text
    assert f"{beacon.domain}: its SSH key was rotated" in said.text
    assert f"{beacon.domain}: beacon-service.token: rotated" in said.text
    after, new = token(), keys(1)
    assert after != before
    assert len(old) == len(new) == 1
    assert new != old
    assert keys(2) == new
    assert [beacon.machine(number) for number in (1, 2)] == machines
    process = "/proc/$(systemctl show --property=MainPID --value beacon-service-beacon)/environ"
    for number in (1, 2):
        assert f"TOKEN={after}\n" in beacon.sh(f"tr '\\0' '\\n' < {process}", number)
    assert beacon.changes() == {}


def test_the_search_finds_what_is_there(beacon: Beacon) -> None:
    """What the other test relies on: each place is really searched."""
    state = beacon.project.root / ".soop" / "state" / "lost.json"
    state.write_text(f'{{"value": "{FORMS[1]}"}}')
    beacon.sh(f"echo {MARKER} > /etc/lost; systemd-run --quiet --unit=lost --setenv=LOST={MARKER} sleep infinity")
    try:
        assert holders(beacon.project.root) == [str(state)]
        found = beacon.sh(ON_A_NODE)
        assert "/etc/lost" in found
        assert f"LOST={MARKER}" in found
        waits_for_the_end = ["sh", "-c", "read line", MARKER]
        with watched_processes() as seen, subprocess.Popen(waits_for_the_end, stdin=subprocess.PIPE):
            eventually(lambda: seen, 120)
    finally:
        state.unlink()
        beacon.sh("rm /etc/lost; systemctl stop lost")
        beacon.sh("journalctl --rotate --quiet; journalctl --vacuum-time=1s --quiet")
