"""Our language host: goes with an engine that was built here, since Pulumi publishes no source of its own.

Its tests need what builds it, so they run where it was built; where Pulumi is installed, nothing uses it.
"""

from __future__ import annotations

from pathlib import Path

from bootstrap import go_module
from bootstrap.checkout import Checkout
from bootstrap.go_program import GoProgram, install

SDK = "github.com/pulumi/pulumi/sdk/v3"
PACKAGE = "./language_host"
EXECUTOR = "pulumi-language-python-exec"
"""The file of Pulumi's SDK that runs a program; the host expects it beside itself."""
TESTS = "tests/engine/language_host"


def is_built(checkout: Checkout) -> bool:
    """Return whether the host and what it needs were made from what is here now."""
    host = _program(checkout)
    return host.is_built() and _executor(host).is_file()


def build(checkout: Checkout, go: Path) -> None:
    """Build the host, with Pulumi's executor beside it."""
    if is_built(checkout):
        return
    host = _program(checkout)
    install(go_module.folder_of(checkout, go, SDK) / "python" / "cmd" / EXECUTOR, _executor(host))
    host.build(go)


def path(checkout: Checkout) -> Path:
    """Return where the host is, once it is built."""
    return _program(checkout).path


def _program(checkout: Checkout) -> GoProgram:
    files = sorted((checkout.toolchain / "language_host").iterdir())
    sources = [file for file in files if file.suffix in {".go", ".py"} and not file.name.endswith("_test.go")]
    return GoProgram(checkout, "pulumi-language-python", PACKAGE, "building the language host", sources)


def _executor(host: GoProgram) -> Path:
    return host.path.with_name(EXECUTOR)
