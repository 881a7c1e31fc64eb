"""What the kind ``libvirt`` needs on the computer that deploys."""

from __future__ import annotations

import pytest

from soop_components.errors import SoopError
from soop_components.machines.libvirt import kind


def test_programs_that_the_plugin_runs_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"mkisofs", "xsltproc"}
    monkeypatch.setattr(kind, "which", lambda program: program if program in there else None)
    kind.KIND.require()
    there.remove("mkisofs")
    with pytest.raises(SoopError, match="needs mkisofs on this computer") as caught:
        kind.KIND.require()
    assert caught.value.hint == "install what is missing: apt install genisoimage"


@pytest.mark.parametrize(
    ("type", "advice"),
    [
        ("domain:Domain", "if it is on libvirt's host: virsh destroy web-1; virsh undefine web-1"),
        ("volume:Volume", "the next update takes it if it is there"),
    ],
)
def test_of_what_a_killed_run_made_volumes_stay_and_the_rest_is_in_the_way(type: str, advice: str) -> None:
    assert kind.KIND.unknown_native(f"libvirt:index/{type}", "web-1") == advice


@pytest.mark.parametrize(
    ("name", "is_disk"),
    [
        ("web-1.access-service.test-a", True),
        ("web-1.access-service.test-a.root", False),
        ("debian-12-0123456789ab.test-a", False),
    ],
)
def test_of_volumes_only_those_named_after_nodes_hold_their_data(name: str, is_disk: bool) -> None:
    assert kind.KIND.is_disk("libvirt:index/volume:Volume", name) is is_disk
    assert not kind.KIND.is_disk("aws:ebs/volume:Volume", name)
