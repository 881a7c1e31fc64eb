"""What a preview says of packages that exclude each other, out of real archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import RolePlan
from soop_components.release.package_changes import going
from tests.scenarios.runner.packages import Deb, deb, plans

MTA = {"Provides": "mta", "Conflicts": "mta"}


def said(folder: Path, before: list[Deb], after: list[Deb], lost: bool = False) -> list[str]:
    def archive(digest: str) -> Path:
        for each in [*([] if lost else before), *after]:
            if each.plan["digest"] == digest:
                return folder / f"{each.name}_{each.plan['version']}.deb"
        raise SoopError("not in the store")

    roles = [{"web": RolePlan.model_validate({"packages": plans(*debs)})} for debs in (before, after)]
    return list(going(roles[0], roles[1], archive))


def test_each_package_that_goes_for_another_is_named(tmp_path: Path) -> None:
    old, new = deb(tmp_path, "old", "1.0", **MTA), deb(tmp_path, "new", "2.0", **MTA)
    same = deb(tmp_path, "same", "1.0")
    assert said(tmp_path, [old, same], [new, same]) == ["web: package old goes, new 2.0 conflicts with old 1.0"]
    assert said(tmp_path, [new, same], [old, same]) == ["web: package new goes, old 1.0 conflicts with new 2.0"]
    assert said(tmp_path, [old, same], [old]) == []
    assert said(tmp_path, [same], [same, new]) == []


@pytest.mark.parametrize("lost", [True, False])
def test_what_only_the_earlier_version_says_is_known_while_it_is_in_the_store(tmp_path: Path, lost: bool) -> None:
    old, new = deb(tmp_path, "old", "1.0", Breaks="new (>= 2)"), deb(tmp_path, "new", "2.0")
    newer = deb(tmp_path, "new", "1.9")
    assert said(tmp_path, [old], [new], lost) == ([] if lost else ["web: package old goes, old 1.0 breaks new 2.0"])
    assert said(tmp_path, [old], [newer], lost) == []
