"""Pulumi's engine: the one on PATH when it is new enough and complete, else one built from its Go module."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import step

MODULE = "github.com/pulumi/pulumi"
EXECUTOR = "pulumi-language-python-exec"
Version = tuple[int, ...]


def ensure(checkout: Checkout) -> None:
    """See to it that there is an engine; built here only when none is installed."""
    if not is_built(checkout) and installed(pinned(checkout)) is None:
        build(checkout)


def pinned(checkout: Checkout) -> str:
    """Return the version that toolchain/go.mod pins, ``3.259.0``."""
    return _required(checkout, rf"{MODULE}/pkg/v3 v(\S+)")


def installed(wanted: str) -> Path | None:
    """Return the Pulumi on PATH if it is ``wanted`` or newer and has its language host for Python."""
    found = shutil.which("pulumi")
    if found is None:
        return None
    pulumi = Path(found).resolve()
    host = "pulumi-language-python"
    if shutil.which(host) is None and shutil.which(host, path=str(pulumi.parent)) is None:
        return None
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, env=environment, check=False)
    return pulumi if answer.returncode == 0 and _version(answer.stdout) >= _version(wanted) else None


def is_built(checkout: Checkout) -> bool:
    """Tell whether what is pinned is what was built."""
    stamp = checkout.built / "made-from"
    return stamp.is_file() and stamp.read_text() == _fingerprint(checkout)


def build(checkout: Checkout) -> None:
    """Build the engine into .toolchain/bin and put the language host beside it."""
    checkout.make_home()
    if is_built(checkout):
        return
    go = _go(checkout)
    for left_by_a_killed_build in checkout.built.glob("bin.new-*"):
        shutil.rmtree(left_by_a_killed_build)
    fresh, done = checkout.built / f"bin.new-{os.getpid()}", checkout.built / "bin"
    fresh.mkdir(parents=True)
    version = pinned(checkout)
    stamp = f"-s -w -X {MODULE}/sdk/v3/go/common/version.Version=v{version}"
    argv: step.Argv = [
        go,
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        stamp,
        "-o",
        fresh / "pulumi",
        f"{MODULE}/pkg/v3/cmd/pulumi",
    ]
    title = f"building the Pulumi engine {version} (once; minutes)"
    step.run(title, argv, checkout.logs / "engine.log", cwd=checkout.toolchain)
    shutil.copy(_sdk(go, checkout) / "python" / "cmd" / EXECUTOR, fresh)
    shutil.copy(checkout.toolchain / "pulumi-language-python", fresh)
    for file in fresh.iterdir():
        file.chmod(0o755)
    shutil.rmtree(done, ignore_errors=True)
    fresh.rename(done)
    (checkout.built / "made-from").write_text(_fingerprint(checkout))


def _go(checkout: Checkout) -> str:
    """Return a Go that can build the engine."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    needed = _required(checkout, r"^go (\S+)")
    if go is not None:
        # Asked where go.mod lies: a Go that fetches the version it needs by itself then answers with that version.
        ask = [go, "env", "GOVERSION"]
        answer = subprocess.run(ask, cwd=checkout.toolchain, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and _version(answer.stdout) >= _version(needed):
            return go
    raise Trouble(
        f"Pulumi {pinned(checkout)} or newer is not on PATH: install it with Pulumi's own installer,"
        f" or Go {needed} or newer (Debian 12's is older) to have it built here; then run this again"
    )


def _sdk(go: str, checkout: Checkout) -> Path:
    argv = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", f"{MODULE}/sdk/v3"]
    answer = subprocess.run(argv, cwd=checkout.toolchain, capture_output=True, text=True, check=False)
    if answer.returncode or not answer.stdout.strip():
        raise Trouble(f"Go does not say where Pulumi's SDK lies: {answer.stderr.strip()}")
    return Path(answer.stdout.strip())


def _required(checkout: Checkout, pattern: str) -> str:
    text = (checkout.toolchain / "go.mod").read_text()
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise Trouble(f"toolchain/go.mod: expected a line that matches {pattern}")
    return match[1]


def _fingerprint(checkout: Checkout) -> str:
    names = ("go.mod", "go.sum", "pulumi-language-python")
    return hashlib.sha256("\0".join((checkout.toolchain / name).read_text() for name in names).encode()).hexdigest()


def _version(text: str) -> Version:
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in match.groups()) if match else ()
