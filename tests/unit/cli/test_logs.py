from __future__ import annotations

from soop_components.cli.logs import journal_command


def test_journal_command_shows_instances_too() -> None:
    assert journal_command(["postgresql.service", "a@b.service", "api"], 20, True) == [
        "journalctl",
        "--no-pager",
        "--lines=20",
        "--follow",
        "--unit=postgresql.service",
        "--unit=postgresql@*.service",
        "--unit=a@b.service",
        "--unit=api",
        "--unit=api@*.service",
    ]
