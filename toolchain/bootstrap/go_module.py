"""The Go module in toolchain/: what it pins, and the Go that builds from it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bootstrap import version
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble


def wanted_go(checkout: Checkout) -> str:
    """Return the version of Go that is needed at least."""
    return _said(checkout, r"^go (\S+)")


def pinned(checkout: Checkout, module: str) -> str:
    """Return the version that is pinned of ``module``, ``3.259.0``."""
    return _said(checkout, rf"\b{re.escape(module)} v(\S+)")


def find_go(checkout: Checkout) -> Path | None:
    """Return a Go that is new enough."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        return None
    # Asked where go.mod lies: a Go that fetches the version it needs by itself then answers with that version.
    ask = [found, "env", "GOVERSION"]
    answer = subprocess.run(ask, cwd=checkout.toolchain, capture_output=True, text=True, check=False)
    enough = answer.returncode == 0 and version.parse(answer.stdout) >= version.parse(wanted_go(checkout))
    return Path(found) if enough else None


def folder_of(checkout: Checkout, go: Path, module: str) -> Path:
    """Return where Go keeps the files of ``module``."""
    ask: Sequence[str | Path] = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
    answer = subprocess.run(ask, cwd=checkout.toolchain, capture_output=True, text=True, check=False)
    if answer.returncode or not answer.stdout.strip():
        raise Trouble(f"Go does not say where {module} lies: {answer.stderr.strip()}")
    return Path(answer.stdout.strip())


def _said(checkout: Checkout, pattern: str) -> str:
    text = (checkout.toolchain / "go.mod").read_text()
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise Trouble(f"toolchain/go.mod: expected a line that matches {pattern}")
    return match[1]
