"""Who may connect to the machine: rules in a table of nftables of our own, which a unit loads also after a reboot.

New rules are armed first: systemd puts the ones before back after a while, unless somebody who has connected anew says
that they are to stay.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress

from soop_components.machines.host.on_host.files import KEPT, Answer, RefusedError, output, remove, replace

RULES, ARMED, LOADER = f"{KEPT}/firewall.nft", f"{KEPT}/firewall-armed.nft", f"{KEPT}/load-firewall"
UNITS = "/etc/systemd/system"
UNIT = "soop-firewall.service"
_WAY_BACK = "soop-firewall-way-back"
_LOAD = r"""#!/bin/sh
# Written by soop, do not edit. Loads rules, and into them the addresses of the domain's nodes, in one step.
set -e
test -r "$1"
{
  cat "$1"
  sed -n '/^# soop: begin (nodes/,/^# soop: end/{
    s/^\([0-9.]\{7,15\}\) .*/add element @TABLE@ nodes4 { \1 }/p
    s/^\([0-9a-fA-F:]*:[0-9a-fA-F:.]*\) .*/add element @TABLE@ nodes6 { \1 }/p
  }' /etc/hosts
} | nft -f -
"""
_SERVICE = f"""# Made by soop, for the node that this machine is: do not edit.
[Unit]
Description=Who may connect to the ports of this node of soop
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
After=local-fs.target nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {LOADER} {RULES}
ExecReload=/bin/sh {LOADER} {RULES}
ExecStop=-nft delete table @TABLE@

[Install]
WantedBy=sysinit.target nftables.service
"""


def is_missing() -> bool:
    """Return whether there is no nftables on the machine."""
    return shutil.which("nft") is None


def caller() -> str:
    """Return the address from which whoever runs this has connected by SSH; empty if it cannot be told."""
    pid = os.getpid()
    while pid > 1:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = dict(each.partition(b"=")[::2] for each in file.read().split(b"\0"))
        if b"SSH_CONNECTION" in variables:
            return variables[b"SSH_CONNECTION"].split()[0].decode().partition("%")[0]
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            pid = int(file.read().rpartition(")")[2].split()[1])  # sudo has cleaned the environment: ask who called it
    return ""


def is_loaded(table: str) -> bool:
    """Return whether a table is there."""
    return bool(output("nft", "list", "table", *table.split()))


def state(table: str, rules: str) -> Answer:
    """Return whether these rules are there to stay, and what has to be known before they are made to."""
    return {"kept": not is_missing() and _is_kept(table, rules), "nftables": not is_missing(), "caller": caller()}


def arm(table: str, rules: str, empty: str, seconds: int) -> Answer:
    """Load rules that are taken back after so many seconds, unless ``keep`` comes; ``empty`` ones keep nobody out."""
    other = _kept_table()
    if other and other != table:
        open_up(other)  # of a domain that is gone without having left the machine
    replace(LOADER, _LOAD.replace("@TABLE@", table), 0o700, 0, 0)
    if not os.path.exists(RULES):
        replace(RULES, empty, 0o600, 0, 0)
    replace(ARMED, rules, 0o600, 0, 0)
    _stop_way_back()
    timer = ["systemd-run", "--quiet", "--collect", f"--unit={_WAY_BACK}", f"--on-active={seconds}"]
    _must(*timer, "--timer-property=AccuracySec=1s", "/bin/sh", LOADER, RULES)
    _must("/bin/sh", LOADER, ARMED)
    return {}


def keep(table: str) -> Answer:
    """Keep what is armed; whoever asks for it has connected since, which proves that it locks nobody out."""
    if output("systemctl", "is-active", f"{_WAY_BACK}.timer") != "active":
        raise RefusedError("its new rules were taken back, since no new connection came in time: try again")
    os.rename(ARMED, RULES)
    _stop_way_back()
    replace(f"{UNITS}/{UNIT}", _SERVICE.replace("@TABLE@", table), 0o644, 0, 0)
    _must("systemctl", "daemon-reload")
    _must("systemctl", "enable", "--quiet", UNIT)
    _must("systemctl", "reload-or-restart", UNIT)
    return {}


def take_back() -> Answer:
    """Load the rules from before those that are armed at once."""
    _must("/bin/sh", LOADER, RULES)
    _stop_way_back()
    remove(ARMED)
    return {}


def open_up(table: str) -> Answer:
    """Take all of it away."""
    _stop_way_back()
    if os.path.exists(f"{UNITS}/{UNIT}"):
        _must("systemctl", "disable", "--quiet", "--now", UNIT)
        remove(f"{UNITS}/{UNIT}")
        _must("systemctl", "daemon-reload")
    if is_loaded(table):
        _must("nft", "delete", "table", *table.split())
    for path in (RULES, ARMED, LOADER):
        remove(path)
    return {}


def _is_kept(table: str, rules: str) -> bool:
    with suppress(FileNotFoundError), open(RULES, encoding="utf-8") as file:
        return file.read() == rules and output("systemctl", "is-active", UNIT) == "active" and is_loaded(table)
    return False


def _kept_table() -> str:
    with suppress(FileNotFoundError), open(RULES, encoding="utf-8") as file:
        return file.readline().strip().removeprefix("table ")
    return ""


def _stop_way_back() -> None:
    subprocess.run(
        ["systemctl", "stop", f"{_WAY_BACK}.timer", f"{_WAY_BACK}.service"], capture_output=True, check=False
    )


def _must(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RefusedError(f"{' '.join(argv)} failed: {(done.stderr or done.stdout).strip()[-500:]}")
