"""Whether a machine fits."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.machines.host.checks import unfit
from soop_components.machines.host.spec import HostSpec

SPEC = HostSpec.parse(
    {
        "hosts": [],
        "authorizedKey": "ssh-ed25519 AAAA",
        "base": "debian-12",
        "memory": "512MiB",
        "cpus": 2,
    }
)
FITS = {
    "base": "debian-12",
    "architecture": "amd64",
    "systemd": True,
    "memory": 470 * 1024**2,
    "cpus": 2,
    "occupied": {},
    "in_use": {},
}


def test_a_machine_that_fits_has_less_memory_than_its_size_since_the_kernel_takes_some() -> None:
    assert list(unfit(FITS, SPEC)) == []


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({"base": "debian-13"}, "its system is debian-13, and the service is built for debian-12"),
        ({"architecture": "arm64"}, "its architecture is arm64, and packages are for amd64"),
        ({"architecture": ""}, "its architecture is unknown, and packages are for amd64"),
        ({"systemd": False}, "systemd does not run on it"),
        ({"memory": 256 * 1024**2}, "it has 256MiB of memory, less than 512MiB"),
        (
            {"occupied": {"/srv": "web-1.a-b.rack-c"}},
            "/srv holds data of web-1.a-b.rack-c, and the node wants its own there",
        ),
        (
            {"in_use": {"80": "nginx (process 77)"}},
            "port 80 is in use by nginx (process 77), which the node needs: end it, or give the service another one",
        ),
        ({"cpus": 1}, "it has 1 processors, less than 2"),
    ],
)
def test_what_does_not_fit_is_said(found: dict[str, Any], problem: str) -> None:
    assert list(unfit({**FITS, **found}, SPEC)) == [problem]
