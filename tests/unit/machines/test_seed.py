"""The seed: what makes a copy of the base image one particular machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.root_helper import request, seed
from soop_components.machines.local.root_helper.failure import Refused

KEY = new_host_key()
SPEC = request.Spec("web-1.access-service.dev-access", "debian-12", 1, 2**29, (KEY.public,), ())


def test_a_new_machine_knows_its_name_and_keys(tmp_path: Path) -> None:
    seed.write_files(tmp_path, SPEC, request.HostKey(KEY.private, KEY.public))
    assert (tmp_path / "etc/hostname").read_text() == "web-1.access-service.dev-access\n"
    assert (tmp_path / "root/.ssh/authorized_keys").read_text() == f"{KEY.public}\n"
    assert (tmp_path / "etc/ssh/ssh_host_ed25519_key").read_text() == KEY.private
    modes = {path: (tmp_path / path).stat().st_mode & 0o777 for path in ("root", "root/.ssh", "etc", "etc/machine-id")}
    assert modes == {"root": 0o700, "root/.ssh": 0o700, "etc": 0o755, "etc/machine-id": 0o444}
    assert (tmp_path / "etc/ssh/ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_too_long_for_a_host_name_is_cut_at_its_first_dot(tmp_path: Path) -> None:
    name = f"web-1.{'a' * 40}.dev-{'b' * 40}"
    spec = request.Spec(name, "debian-12", 1, 2**29, (), ())
    seed.write_files(tmp_path, spec, request.HostKey(KEY.private, KEY.public))
    assert (tmp_path / "etc/hostname").read_text() == "web-1\n"


@pytest.mark.parametrize("planted", ["root", "root/.ssh"])
def test_a_link_that_the_machine_left_is_not_followed(tmp_path: Path, planted: str) -> None:
    outside, upper = tmp_path / "outside", tmp_path / "upper"
    outside.mkdir()
    (upper / planted).parent.mkdir(parents=True)
    (upper / planted).symlink_to(outside)
    with pytest.raises(Refused, match="cannot be written"):
        seed.authorize(upper, SPEC)
    assert list(outside.iterdir()) == []


def test_a_file_that_is_a_link_or_a_pipe_is_replaced(tmp_path: Path) -> None:
    outside, upper = tmp_path / "outside", tmp_path / "upper"
    outside.write_text("untouched")
    (upper / "root/.ssh").mkdir(parents=True)
    (upper / "root/.ssh/authorized_keys").symlink_to(outside)
    os.mkfifo(upper / "root/.ssh/.authorized_keys.soop")
    seed.authorize(upper, SPEC)
    assert outside.read_text() == "untouched"
    assert (upper / "root/.ssh/authorized_keys").read_text() == f"{KEY.public}\n"
    assert os.listdir(upper / "root/.ssh") == ["authorized_keys"]
