"""The base that a branch is compared with, out of git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from soop_components.errors import SoopError
from soop_components.project import Project

_PARTS = ("Pulumi.yaml", "stacks", "service_defs")
"""What of a project says what is deployed."""
_REGULAR_FILE = "100"
"""How git's modes of regular files begin."""


@dataclass(frozen=True)
class GitBase:
    """The commit where a branch left its base."""

    project: Project
    name: str
    """As it was asked for: ``origin/main``."""
    commit: str

    @classmethod
    def find(cls, project: Project, name: str) -> GitBase:
        """Return where HEAD left the branch ``name``."""
        _git(
            project,
            "rev-parse",
            "--git-dir",
            hint="a base is a branch or commit in git; make a repository of the project",
        )
        commit = _git(
            project,
            *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"),
            problem=f"there is no branch or commit {name} here",
            hint="fetch it first: git fetch origin",
        )
        base = _git(
            project,
            *("merge-base", commit.strip(), "HEAD"),
            problem=f"HEAD and {name} have no commit in common here",
            hint="a shallow clone lacks history: git fetch --unshallow",
        )
        return cls(project, name, base.strip())

    def changed(self) -> tuple[str, ...]:
        """Return the paths, relative to the project, of all files that differ, those not committed yet included."""
        listed = _git(self.project, "diff", "--name-only", "--no-renames", "--relative", "-z", self.commit)
        fresh = _git(self.project, "ls-files", "--others", "--exclude-standard", "-z", "--", *_PARTS)
        return tuple(sorted(filter(None, {*listed.split("\0"), *fresh.split("\0")})))

    @contextmanager
    def checked_out(self) -> Iterator[Project]:
        """Have the definitions of the base in a folder, which is a project with the same artifacts.

        All else that the project has is there too: an environment may name files in it, images of machines.
        """
        with TemporaryDirectory(prefix="soop-base-") as folder:
            root = Path(folder)
            for name, blob in self._definitions():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_git_bytes(self.project, "cat-file", "blob", blob))
            for path in self.project.root.iterdir():
                if path.name not in (*_PARTS, ".soop", ".git"):
                    (root / path.name).symlink_to(path.absolute())
            (root / ".soop").mkdir()
            (root / ".soop" / "store").symlink_to(self.project.store.absolute())
            yield Project(root)

    def _definitions(self) -> Iterator[tuple[str, str]]:
        """Yield the path and the object of each YAML file that says what is deployed."""
        for line in _git(self.project, "ls-tree", "-r", "-z", self.commit, "--", *_PARTS).split("\0"):
            about, _, name = line.partition("\t")
            if name.endswith(".yaml") and about.startswith(_REGULAR_FILE):
                yield name, about.split()[2]


def _git(project: Project, *words: str, problem: str | None = None, hint: str | None = None) -> str:
    return _git_bytes(project, *words, problem=problem, hint=hint).decode(errors="surrogateescape")


def _git_bytes(project: Project, *words: str, problem: str | None = None, hint: str | None = None) -> bytes:
    try:
        done = subprocess.run(["git", *words], cwd=project.root, capture_output=True, check=False)
    except FileNotFoundError:
        raise SoopError("git is not installed", "it is needed to compare a branch with its base") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise SoopError(problem or f"`git {words[0]}` failed: {said}", hint)
    return done.stdout
