"""Where migrations run, and as whom."""

from __future__ import annotations

import subprocess
from typing import NamedTuple, NoReturn

LOCK_TIMEOUT = "30s"
"""How long a migration waits for a lock; while it waits for one on a table, everybody else who needs that waits too."""


class Database(NamedTuple):
    """Where the migrations run, and as whom."""

    port: str
    name: str
    owner: str

    def attempt(self, sql: str, as_superuser: bool = False) -> tuple[int, str]:
        """Run SQL; return psql's exit code and output, while its complaints go to standard error."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"]
        command += [
            "--set=ON_ERROR_STOP=1",
            "--host=/run/postgresql",
            f"--port={self.port}",
            f"--dbname={self.name}",
            "--file=-",
        ]
        settings = (
            "SET client_min_messages = warning;\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
        )
        role = "" if as_superuser else f'SET ROLE "{self.owner}";\n'
        done = subprocess.run(command, input=settings + role + sql, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        return done.returncode, done.stdout

    def run(self, sql: str, as_superuser: bool = False) -> list[list[str]]:
        """Run SQL that has to succeed, and return the rows that it yields."""
        code, said = self.attempt(sql, as_superuser)
        if code != 0:
            raise SystemExit(code)
        return [line.split("\t") for line in said.splitlines()]


def fail(message: str) -> NoReturn:
    """End with a message on standard error."""
    raise SystemExit(message)
