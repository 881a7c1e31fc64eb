"""Format, lint and tests of what is written in Go."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bootstrap import foreground, go_module, language_host
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble


def lint(checkout: Checkout) -> None:
    """Run gofmt and go vet."""
    go = _go(checkout)
    where = subprocess.run([go, "env", "GOROOT"], cwd=checkout.toolchain, capture_output=True, text=True, check=True)
    gofmt = Path(where.stdout.strip(), "bin", "gofmt")
    ask = [str(gofmt), "-l", language_host.PACKAGE]
    answer = subprocess.run(ask, cwd=checkout.toolchain, capture_output=True, text=True, check=False)
    if answer.returncode or answer.stdout:
        raise Trouble(f"`gofmt -l` names files to mend: {' '.join(answer.stdout.split()) or answer.stderr}")
    _run(checkout, go, "vet")


def test(checkout: Checkout) -> None:
    """Run the tests."""
    _run(checkout, _go(checkout), "test")


def _run(checkout: Checkout, go: Path, verb: str) -> None:
    foreground.must(checkout, [str(go), "-C", str(checkout.toolchain), verb, "-mod=readonly", language_host.PACKAGE])


def _go(checkout: Checkout) -> Path:
    go = go_module.find_go(checkout)
    if go is None:
        wanted = go_module.wanted_go(checkout)
        raise Trouble(f"our language host was built here, so it is checked, and that needs Go {wanted} or newer")
    return go
