"""What exists at a provider that is stood in for: a file for each resource, and a record of all calls."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote


class Cloud:
    """The resources in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "calls.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else look or change meanwhile."""
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def note(self, verb: str, token: str, name: str, inputs: dict[str, Any]) -> None:
        """Remember a call that changed something."""
        with self._record.open("a") as file:
            file.write(json.dumps([verb, token.rsplit(":", 1)[1], name, inputs]) + "\n")

    def calls(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return all calls: verb, type, name of the resource, inputs."""
        if not self._record.exists():
            return []
        return [tuple(json.loads(line)) for line in self._record.read_text().splitlines()]

    def forget_calls(self) -> None:
        self._record.unlink(missing_ok=True)

    def new_id(self, prefix: str) -> str:
        """Return an id that nothing has."""
        path = self._folder / "last-id"
        number = int(path.read_text()) + 1 if path.exists() else 1
        path.write_text(str(number))
        return f"{prefix}-{number:017x}"

    def put(self, id: str, token: str, outputs: dict[str, Any]) -> None:
        self._path(id).write_text(json.dumps({"type": token, "outputs": outputs}))

    def get(self, id: str) -> dict[str, Any] | None:
        path = self._path(id)
        return json.loads(path.read_text())["outputs"] if path.exists() else None

    def remove(self, id: str) -> None:
        self._path(id).unlink(missing_ok=True)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the outputs of all resources of a type, ``Instance``, by id."""
        found = {unquote(path.stem): json.loads(path.read_text()) for path in sorted(self._folder.glob("*.json"))}
        return {id: each["outputs"] for id, each in found.items() if each["type"].endswith(f":{kind}")}

    def _path(self, id: str) -> Path:
        return self._folder / f"{quote(id, safe='')}.json"
