"""A machine's own layer over its base image, made anew at any moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.root_helper import layers, request
from soop_components.machines.local.root_helper.failure import Refused

KEY = new_host_key()
SPEC = request.Spec("web-1.access-service.dev-access", "debian-13", 1, 2**29, (KEY.public,), ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a machine that has run."""
    layers.make(tmp_path, SPEC, request.HostKey(KEY.private, KEY.public))
    (tmp_path / "upper/etc/passwd").write_text("somebody")
    (tmp_path / "work/work").mkdir()
    return tmp_path


def host_key(folder: Path) -> str:
    return (folder / "upper/etc/ssh/ssh_host_ed25519_key").read_text()


def test_of_all_that_was_in_it_only_the_host_key_stays(folder: Path) -> None:
    layers.renew(folder, SPEC, KEY.public)
    assert host_key(folder) == KEY.private
    assert not (folder / "upper/etc/passwd").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["upper", "work"]
    assert list((folder / "work").iterdir()) == []


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_one_that_was_killed_is_carried_on(folder: Path, renamed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(range(renamed + 1))

    def rename(path: Path, target: Path) -> None:
        if next(names) == renamed:
            raise KeyboardInterrupt
        path.replace(target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        if renamed < 2:
            with pytest.raises(KeyboardInterrupt):
                layers.renew(folder, SPEC, KEY.public)
    layers.renew(folder, SPEC, KEY.public)
    assert host_key(folder) == KEY.private
    assert sorted(path.name for path in folder.iterdir()) == ["upper", "work"]


def test_a_host_key_that_is_a_link_is_not_followed(folder: Path) -> None:
    path = folder / "upper/etc/ssh/ssh_host_ed25519_key"
    (folder / "elsewhere").write_text(KEY.private)
    path.unlink()
    path.symlink_to(folder / "elsewhere")
    with pytest.raises(Refused, match="has lost its SSH host key"):
        layers.renew(folder, SPEC, KEY.public)
