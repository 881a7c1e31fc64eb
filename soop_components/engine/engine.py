"""The engine: every ``pulumi`` command that we use, as a typed call."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from soop_components.engine.checkpoints import Checkpoints, DamagedState
from soop_components.engine.environment import find_pulumi, prepare, pulumi_environment
from soop_components.engine.history import UPDATES, Run, last_run
from soop_components.engine.past_runs import PastRun, past_runs
from soop_components.engine.preview_steps import PreviewDigest
from soop_components.engine.process import run_in_terminal
from soop_components.engine.seals import secrets_provider, with_seal
from soop_components.engine.stack_locks import Lock, locks_in
from soop_components.engine.state import StackState
from soop_components.engine.state_digests import resource_digests
from soop_components.errors import SoopError
from soop_components.history.notes import Notes
from soop_components.project import Project

_PAGE = 100
"""Records of the history that are asked for at once."""
_SHOWN_LINES = 15
_PREVIEW_FAILED = "Preview failed: "
_NOISE = ("warning:", "SDK ")
"""Beginnings of lines that say nothing of a failure: Pulumi's warnings, and notes of AWS's library."""
_LOCKED = "the stack is currently locked"


class Engine:
    """Pulumi's engine with this project's state; a stack has its domain's id, its file is the domain definition.

    ``up`` and ``destroy`` show the engine's own display in the terminal and return its exit code;
    everything else is quiet and raises ``SoopError`` with what the engine said. One that ``refreshes`` looks at all
    resources before an update or its preview, and not only at those that ask for it.
    """

    def __init__(self, project: Project, environ: Mapping[str, str] | None = None, *, refreshes: bool = False) -> None:
        given = os.environ if environ is None else environ
        self.project = project
        self._refresh = ["--refresh"] if refreshes else []
        self._pulumi = find_pulumi(project, given)
        self.environment = pulumi_environment(project, self._pulumi, given)
        prepare(project, self.environment)
        self._folder = project.folder_of(project.backend_for(self.environment))
        self._name = project.pulumi_yaml("name") or ""
        self._checkpoints = Checkpoints(self._folder, self._name) if self._folder else None

    def stacks(self) -> tuple[str, ...]:
        """Return the ids of the domains that have state, in order."""
        try:
            listed = json.loads(self._quietly("stack", "ls", "--output", "json") or "[]")
        except SoopError:  # one that is damaged hides the others from the engine
            names = self._checkpoints.stacks() if self._checkpoints else ()
            if any(map(self.damaged, names)):
                return names
            raise
        return tuple(sorted(str(stack["name"]).rsplit("/", 1)[-1] for stack in listed))

    def selected_stack(self) -> str:
        """Return the stack that ``pulumi`` uses when none is named."""
        return self._quietly("stack", "--show-name", "--non-interactive").strip()

    def make_stack(self, id: str) -> None:
        """Make a stack, whose secrets are sealed as its file says."""
        provider = secrets_provider(self.project.domain_file(id))
        sealed = [f"--secrets-provider={provider}"] if provider else []
        with self._comments_kept(id):
            self._quietly("stack", "init", id, "--no-select", "--non-interactive", *sealed)

    def preview_steps(self, id: str, config_file: Path) -> PreviewDigest:
        """Return what an update by this domain definition would change, with what is found now; nothing is shown."""
        done = self._run("preview", "--json", f"--stack={id}", f"--config-file={config_file}", *self._refresh)
        try:
            digest = PreviewDigest.model_validate_json(done.stdout)
        except ValueError:
            raise _failure(("preview",), done) from None
        if done.returncode:
            errors = [each.removeprefix(_PREVIEW_FAILED) for each in dict.fromkeys(digest.messages("error"))]
            errors = [each for each in errors if each != "preview failed"] or errors
            raise SoopError("\n".join(errors) or _last_lines(done.stderr, done.stdout))
        return digest

    def up(self, id: str, *, replace: Iterable[str] = (), only: Iterable[str] = ()) -> int:
        """Update a stack without asking; the resources with the URNs ``replace`` are made anew.

        Where ``only`` has URNs, all other resources are left as they are.
        """
        anew = [f"--replace={urn}" for urn in replace] + [f"--target={urn}" for urn in only] + self._refresh
        with self._comments_kept(id):
            return self._in_terminal("up", f"--stack={id}", "--yes", "--skip-preview", "--suppress-outputs", *anew)

    def give_secret(self, id: str, service: str, key: str, value: str) -> None:
        """Seal a secret and put it into the domain definition."""
        place = f"soop:secrets.{service}.{key}"
        self._quietly("config", "set", f"--stack={id}", "--secret", "--path", place, given=value)

    def destroy(self, id: str, *, protected_too: bool = False) -> int:
        """Delete a stack's resources without asking; protected ones make it fail unless they are meant too."""
        too = ["--ignore-protect"] if protected_too else []
        with self._comments_kept(id):
            return self._in_terminal("destroy", f"--stack={id}", "--yes", "--skip-preview", *too)

    def remove_stack(self, id: str, *, even_if_not_empty: bool = False) -> None:
        """Forget a stack, its history, notes and backups; the domain definition stays."""
        force = ["--force"] if even_if_not_empty else []
        self._quietly("stack", "rm", id, "--yes", "--preserve-config", "--remove-backups", *force)
        self._notes(id).remove()

    def refresh(self, id: str, *, clear_pending_creates: bool = False) -> None:
        """Look at what exists and record it."""
        clear = ["--clear-pending-creates"] if clear_pending_creates else []
        with self._comments_kept(id):
            self._quietly("refresh", f"--stack={id}", "--yes", "--non-interactive", "--skip-preview", *clear)

    def cancel(self, id: str) -> None:
        """Remove every lock on a stack; its holders must be gone."""
        self._quietly("cancel", id, "--yes")

    def state(self, id: str, *, show_secrets: bool = False) -> StackState:
        """Return what a stack's state says; ``DamagedState`` if it says nothing any more."""
        shown = ["--show-secrets"] if show_secrets else []
        try:
            state = StackState.parse(self._quietly("stack", "export", f"--stack={id}", *shown))
            path = None if state.resources else self.damaged(id)
        except SoopError:
            if (path := self.damaged(id)) is None:
                raise
        if path is not None:
            raise DamagedState(id, path)
        return state

    def resource_digests(self, id: str) -> Mapping[str, str]:
        """Return a digest of each resource in a stack's state, by type and name; values of secrets are left out."""
        return resource_digests(self._quietly("stack", "export", f"--stack={id}"))

    def damaged(self, id: str) -> Path | None:
        """Return the path of a stack's state if it is damaged; None where the backend is no folder."""
        return self._checkpoints.damaged(id) if self._checkpoints else None

    def restore(self, id: str) -> Path | None:
        """Restore a damaged state from a copy, and return which it was; None if there is none."""
        return self._checkpoints.restore(id) if self._checkpoints else None

    def last_run(self, id: str) -> Run | None:
        """Return how the last update or destruction ended."""
        return last_run(self._history(id, 1))

    def past_runs(self, id: str, most: int) -> tuple[PastRun, ...]:
        """Return the last updates and destructions, newest first."""
        return past_runs(self._history(id, most), self._notes(id).read())[:most]

    def _history(self, id: str, most: int) -> list[Mapping[str, Any]]:
        """Return what the engine recorded of at least ``most`` updates and destructions if there are so many, newest
        first; between them it records refreshes and others, any number of them.
        """
        found: list[Mapping[str, Any]] = []
        for page in count(1):
            words = (f"--stack={id}", "--output", "json", f"--page={page}", f"--page-size={_PAGE}")
            entries = json.loads(self._quietly("stack", "history", *words) or "[]") or []
            found += (entry for entry in entries if entry["kind"] in UPDATES)
            if len(found) >= most or len(entries) < _PAGE:
                break
        return found

    def _notes(self, id: str) -> Notes:
        return Notes(self._folder or self.project.home, self._name, id)

    @property
    def sees_locks(self) -> bool:
        """Whether the backend shows its locks: only a folder does."""
        return self._folder is not None

    def locks(self, id: str) -> tuple[Lock, ...]:
        """Return the locks on a stack; none where the backend is no folder: only there they can be seen."""
        return () if self._folder is None else locks_in(self._folder, self._name, id)

    @contextmanager
    def _comments_kept(self, id: str) -> Iterator[None]:
        """Keep comments and spacing of a domain definition, which the engine writes anew when it adds to it."""
        path = self.project.domain_file(id)
        before = path.read_bytes() if path.exists() else None
        try:
            yield
        finally:
            after = path.read_bytes() if path.exists() else None
            if before is not None and after is not None and after != before:
                path.write_bytes(with_seal(before, after))

    def _in_terminal(self, *words: str) -> int:
        return run_in_terminal([str(self._pulumi), *words], self.project.root, self.environment)

    def _quietly(self, *words: str, given: str = "") -> str:
        done = self._run(*words, given=given)
        if done.returncode:
            raise _failure(words, done)
        return done.stdout

    def _run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._pulumi), *words],
            cwd=self.project.root,
            env=self.environment,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


def _failure(words: Sequence[str], done: subprocess.CompletedProcess[str]) -> SoopError:
    stack = next((word.removeprefix("--stack=") for word in words if word.startswith("--stack=")), "DOMAIN")
    message = f"`pulumi {' '.join(words)}` failed: {_last_lines(done.stderr, done.stdout)}"
    return SoopError(message, _hint(done.stderr, stack))


def _last_lines(stderr: str, stdout: str) -> str:
    """Return the last lines of a failed command's output, without the label that pulumi begins each with."""
    lines = [line.removeprefix("error: ") for line in (stderr.strip() or stdout.strip()).splitlines()]
    return "\n".join(line for line in lines[-_SHOWN_LINES:] if not line.startswith(_NOISE))


def _hint(stderr: str, stack: str) -> str | None:
    if "incorrect passphrase" in stderr:
        return "secrets were sealed with another passphrase: give it in PULUMI_CONFIG_PASSPHRASE or .soop/passphrase"
    if _LOCKED in stderr:
        return f"wait until that process has ended; if it was killed: soop recover --force {stack}"
    return None
