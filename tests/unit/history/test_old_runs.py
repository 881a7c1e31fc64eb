from __future__ import annotations

from pathlib import Path

from soop_components.history.old_runs import forget_old_runs


def test_the_history_of_many_runs_is_bounded(tmp_path: Path) -> None:
    many, few = (tmp_path / ".pulumi" / "history" / "p" / stack for stack in ("dev-a", "dev-b"))
    for folder, runs in ((many, 1200), (few, 2)):
        folder.mkdir(parents=True)
        for number in range(runs):
            for kind in ("history", "checkpoint"):
                (folder / f"{folder.name}-{1795817787381541752 + number}.{kind}.json").write_text("{}")
    for stack in ("dev-a", "dev-b", "dev-new"):
        forget_old_runs(tmp_path, "p", stack)
    for kind, kept in (("history", 1000), ("checkpoint", 100)):
        names = sorted(path.name for path in many.glob(f"*.{kind}.json"))
        assert len(names) == kept
        assert names[-1] == f"dev-a-{1795817787381541752 + 1199}.{kind}.json"
    assert len(list(few.iterdir())) == 4
