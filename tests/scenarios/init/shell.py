"""A shell that stays, for commands one after the other as a person types them."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Shell:
    """One bash; each command must succeed."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._mark = secrets.token_hex(8)
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def must(self, command: str) -> str:
        """Run a command and return what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{{ {command}\n}} </dev/null\nended=$?; echo; echo {self._mark} $ended\n")
        self._process.stdin.flush()
        said = ""
        for line in self._process.stdout:
            if line.startswith(self._mark):
                assert line.split()[1] == "0", f"{command} ended with {line.split()[1]}:\n{said}"
                return said.strip()
            said += line
        raise AssertionError(f"{command} ended the shell:\n{said}")

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.communicate()


def document(path: Path) -> list[tuple[str, str]]:
    """Return what a page asks its reader to do, in order: ``("$", command)``, or a file's path and its text.

    Commands are the lines of ``console`` blocks that begin with ``$``, without their comments. A block below a line
    that is nothing but a path in bold is that file. A ``json`` block is what an answer is: ``("json", text)``.
    """
    found = []
    pattern = r"(?:^\*\*`(?P<path>[^`]+)`\*\*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$"
    for block in re.finditer(pattern, path.read_text(), re.MULTILINE | re.DOTALL):
        if block["path"]:
            found.append((block["path"], block["text"]))
        elif block["kind"] == "console":
            lines = [line for line in block["text"].splitlines() if line.startswith("$ ")]
            found += [("$", re.sub(r"\s+# .*", "", line.removeprefix("$ "))) for line in lines]
        elif block["kind"] == "json":
            found.append(("json", block["text"]))
    return found
