"""Pulumi's engine: the one on PATH when it is new enough and complete, else one built from its Go module."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bootstrap import go_module, language_host, version
from bootstrap.checkout import Checkout
from bootstrap.go_program import GoProgram
from bootstrap.trouble import Trouble

MODULE = "github.com/pulumi/pulumi"


def ensure(checkout: Checkout) -> None:
    """See to it that there is an engine with its language host; built here only when none is installed."""
    if is_built(checkout):
        return
    if installed(checkout) is None:
        build(checkout)
    else:
        shutil.rmtree(checkout.built, ignore_errors=True)  # outdated, and would be found before the installed one


def pinned(checkout: Checkout) -> str:
    """Return the version that toolchain/go.mod pins, ``3.259.0``."""
    return go_module.pinned(checkout, f"{MODULE}/pkg/v3")


def installed(checkout: Checkout) -> Path | None:
    """Return the Pulumi on PATH if it is as new as the pinned one and has its language host for Python.

    One that was built, here or in another checkout, does not count: it is on PATH in a shell that has read .soop/env.
    """
    built = (checkout.built.name, "bin")
    path = os.pathsep.join(folder for folder in os.get_exec_path() if Path(folder).parts[-2:] != built)
    found = shutil.which("pulumi", path=path)
    if found is None:
        return None
    pulumi = Path(found).resolve()
    host = "pulumi-language-python"
    if shutil.which(host, path=path) is None and shutil.which(host, path=str(pulumi.parent)) is None:
        return None
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, env=environment, check=False)
    enough = answer.returncode == 0 and version.parse(answer.stdout) >= version.parse(pinned(checkout))
    return pulumi if enough else None


def is_built(checkout: Checkout) -> bool:
    """Return whether what is pinned is what was built, language host included."""
    return _program(checkout).is_built() and language_host.is_built(checkout)


def build(checkout: Checkout) -> None:
    """Build the engine and its language host into .toolchain/bin; what is built already is left alone."""
    checkout.make_home()
    if is_built(checkout):
        return
    go = go_module.find_go(checkout)
    if go is None:
        raise Trouble(
            f"Pulumi {pinned(checkout)} or newer is not on PATH: install it with Pulumi's own installer,"
            f" or Go {go_module.wanted_go(checkout)} or newer (Debian 12's is older) to have it built here;"
            " then run this again"
        )
    _program(checkout).build(go)
    language_host.build(checkout, go)


def _program(checkout: Checkout) -> GoProgram:
    wanted = pinned(checkout)
    return GoProgram(
        checkout,
        "pulumi",
        f"{MODULE}/pkg/v3/cmd/pulumi",
        f"building the Pulumi engine {wanted} (once; minutes)",
        variables=f"-X {MODULE}/sdk/v3/go/common/version.Version=v{wanted}",
    )
