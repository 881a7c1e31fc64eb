"""Where migrations run, and as whom."""

from __future__ import annotations

import subprocess
from typing import NamedTuple, NoReturn

LOCK_TIMEOUT = 30
"""Seconds that a migration waits for a lock; while it waits for one on a table, everybody else who needs that waits."""
_SETTINGS = f"SET autocommit = 0, lock_wait_timeout = {LOCK_TIMEOUT}, innodb_lock_wait_timeout = {LOCK_TIMEOUT}"


class Database(NamedTuple):
    """The database of which ``options`` say who logs in, its owner, and where."""

    options: str
    """Path of a file of the client's options, so that nobody sees the password."""
    name: str

    def attempt(self, sql: str) -> tuple[int, str]:
        """Run SQL in one transaction; return the client's exit code and output.

        Its complaints, with lines of the SQL, go to standard error. It carries none of its own commands out but
        ``delimiter``.
        """
        command = ["mariadb", f"--defaults-file={self.options}", f"--init-command={_SETTINGS}", "--binary-mode"]
        command += ["--batch", "--skip-column-names", "--default-character-set=utf8mb4", self.name]
        text = f"{sql}\nCOMMIT;\n"
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        return done.returncode, done.stdout

    def run(self, sql: str) -> list[list[str]]:
        """Run SQL that has to succeed, and return the rows that it yields."""
        code, said = self.attempt(sql)
        if code != 0:
            raise SystemExit(code)
        return [line.split("\t") for line in said.splitlines()]


def fail(message: str) -> NoReturn:
    """End with a message on standard error."""
    raise SystemExit(message)
