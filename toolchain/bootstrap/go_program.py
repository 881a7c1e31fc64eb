"""Programs built from the Go module in toolchain/ into .toolchain/bin."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.checkout import Checkout
from soop_components.setup import step


@dataclass(frozen=True)
class GoProgram:
    """A program: what it is made from, and what is made."""

    checkout: Checkout
    name: str
    """Of the file in .toolchain/bin."""
    package: str
    """Go's path of it."""
    title: str
    """What a person who waits for it sees."""
    sources: Sequence[Path] = ()
    """Files of this repository that it is made from, besides go.mod and go.sum."""
    variables: str = ""
    """Flags for Go's linker that set variables."""

    @property
    def path(self) -> Path:
        """The program."""
        return self.checkout.built / "bin" / self.name

    def is_built(self) -> bool:
        """Return whether the program was made from what is here now."""
        return self.path.is_file() and self._stamp.is_file() and self._stamp.read_text() == self._fingerprint()

    def build(self, go: Path) -> None:
        """Build the program; one that was there before is replaced when the new one is complete."""
        if self.is_built():
            return
        made_from = self._fingerprint()
        fresh = _fresh(self.path)
        flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", f"-s -w {self.variables}"]
        argv: step.Argv = [go, "build", *flags, "-o", fresh, self.package]
        step.run(self.title, argv, self.checkout.logs / f"{self.name}.log", cwd=self.checkout.toolchain)
        fresh.replace(self.path)
        self._stamp.write_text(made_from)

    @property
    def _stamp(self) -> Path:
        return self.checkout.built / f"{self.name}.made-from"

    def _fingerprint(self) -> str:
        pins = [self.checkout.toolchain / "go.mod", self.checkout.toolchain / "go.sum"]
        parts = [self.package, self.variables]
        parts += [text for file in (*pins, *self.sources) for text in (file.name, file.read_text())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def install(file: Path, target: Path) -> None:
    """Put a copy of a program at ``target``, whole at any moment."""
    fresh = _fresh(target)
    shutil.copyfile(file, fresh)
    fresh.chmod(0o755)
    fresh.replace(target)


def _fresh(target: Path) -> Path:
    """Return where a new ``target`` may grow; what killed builds have left there is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent.parent
    for left in folder.glob(f"{target.name}.new-*"):
        left.unlink()
    return folder / f"{target.name}.new-{os.getpid()}"
