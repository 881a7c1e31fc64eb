"""The Python environment in .venv: pinned by version and hash, with this checkout installed in place."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bootstrap.checkout import Checkout
from soop_components.setup import step, system_packages

SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's store; it knows a company's own authority where pip's does not."""
_PACKAGE = "soop_components"
EXTRAS = Path("extras")
"""Folder of .venv with what only tests import; in .venv itself it would make every run look for its plugin."""
_OF_EXTRAS = {"pulumi_aws": "requirements-aws.txt", "pulumi_libvirt": "requirements-libvirt.txt"}
"""Pins of each extra, by the package that it is about."""
_LOADED_OF_EXTRAS = ("pulumi_aws", "pulumi_aws/ec2", "pulumi_libvirt")
"""Folders of extras with what programs load; to compile the other hundreds takes longer than it saves."""
MOTO = Path("moto")
"""Another one, with a server that tests start and nothing imports, and all that it needs."""
_OF_MOTO = "requirements-moto.txt"
_FORM = "3"
"""Changes when what is done here does, so that it is done again."""


def ensure(checkout: Checkout) -> None:
    """Make .venv what requirements.txt and pyproject.toml say; nothing is installed when it is already.

    All is compiled, as pip does it, too: where ``PYTHONDONTWRITEBYTECODE`` is set, as in many containers, each start of
    a program would compile everything anew, which takes longer than the rest of the start.
    """
    compileall.compile_dir(checkout.root / _PACKAGE, quiet=2)
    stamp = checkout.venv / "made-from"
    wanted = _fingerprint(checkout)
    if stamp.is_file() and stamp.read_text() == wanted and _runs(checkout.venv):
        return
    stamp.unlink(missing_ok=True)
    if not (_runs(checkout.venv) and _has_pinned_uv(checkout)):
        _make(checkout)
    pins = ["toolchain/uv.txt", "requirements.txt", *_extras_in_use(checkout.venv)]
    _uv(checkout, "installing Python packages", f"sync --compile-bytecode --require-hashes {' '.join(pins)}")
    _uv(checkout, "installing soop itself", "install --no-deps --no-build-isolation --offline -e .")
    _link_package(checkout)
    stamp.write_text(wanted)


def _extras_in_use(venv: Path) -> list[str]:
    """Return the pins of extras that somebody has put into .venv: they stay there."""
    lib = venv / "lib"
    return [pins for package, pins in _OF_EXTRAS.items() if any(lib.glob(f"python3*/site-packages/{package}"))]


def ensure_extras(checkout: Checkout) -> None:
    """Install the packages of our own extras for tests, beside .venv's packages, and the server that tests start."""
    extras = _ensure_apart(checkout, EXTRAS, "Python packages of the extras", tuple(_OF_EXTRAS.values()))
    for loaded in _LOADED_OF_EXTRAS if extras else ():
        compileall.compile_dir(checkout.venv / EXTRAS / loaded, maxlevels=0, quiet=2)
    _ensure_apart(checkout, MOTO, "moto's server, for tests", (_OF_MOTO,))


def _ensure_apart(checkout: Checkout, folder: Path, what: str, pins: tuple[str, ...]) -> bool:
    """Install what is pinned into a folder of .venv; return whether that had to be done."""
    target = checkout.venv / folder
    stamp = target / "made-from"
    wanted = "".join((checkout.root / each).read_text() for each in pins)
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    shutil.rmtree(target, ignore_errors=True)
    words = f"install --require-hashes --no-deps {' '.join(f'-r {each}' for each in pins)}"
    _uv(checkout, f"installing {what}", words, target)
    stamp.write_text(wanted)
    return True


def _uv(checkout: Checkout, title: str, words: str, target: Path | None = None) -> None:
    """Run ``uv pip`` on the environment, or on a folder of packages."""
    verb, *rest = words.split()
    folder = checkout.venv / "bin"
    into: step.Argv = [] if target is None else ["--target", target]
    argv: step.Argv = [folder / "uv", "pip", verb, "--python", folder / "python", *into, *rest]
    step.run(title, argv, checkout.logs / f"uv-{verb}.log", cwd=checkout.root, env=environment())


def _link_package(checkout: Checkout) -> None:
    """Let the package be found by a link: setuptools' way is a finder that every start of Python would load first."""
    (packages,) = (checkout.venv / "lib").glob("python3*/site-packages")
    for finder in packages.glob(f"__editable__*{_PACKAGE}*"):
        finder.unlink()
    link = packages / _PACKAGE
    link.unlink(missing_ok=True)
    link.symlink_to(checkout.root / _PACKAGE)


def _make(checkout: Checkout) -> None:
    if not system_packages.has_venv(sys.executable):
        system_packages.ensure(checkout, [system_packages.Need("python3-venv", "-", "makes Python environments")])
    shutil.rmtree(checkout.venv, ignore_errors=True)
    make: step.Argv = [sys.executable, "-m", "venv", checkout.venv]
    step.run("making the Python environment", make, checkout.logs / "venv.log")
    pip: list[str | Path] = [checkout.venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-q"]
    install: step.Argv = [*pip, "install", "--require-hashes", "-r", "toolchain/uv.txt"]
    step.run("installing uv", install, checkout.logs / "uv.log", cwd=checkout.root, env=environment())


def _fingerprint(checkout: Checkout) -> str:
    """Name all that the environment is made from, its place included: scripts in it hold its path."""
    parts = [_FORM, str(checkout.venv)]
    files = ("pyproject.toml", "requirements.txt", "toolchain/uv.txt", *_extras_in_use(checkout.venv))
    parts += [(checkout.root / name).read_text() for name in files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _runs(venv: Path) -> bool:
    python = venv / "bin" / "python"
    return python.exists() and not subprocess.run([python, "-I", "-c", ""], capture_output=True, check=False).returncode


def _has_pinned_uv(checkout: Checkout) -> bool:
    uv = checkout.venv / "bin" / "uv"
    if not uv.exists():
        return False
    answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return len(answer) > 1 and f"uv=={answer[1]} " in (checkout.toolchain / "uv.txt").read_text()


def environment() -> dict[str, str]:
    """Return what pip and uv run with: no other Python environment, and the system's certificates."""
    others = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}
    ours = {name: value for name, value in os.environ.items() if name not in others}
    ours["UV_SYSTEM_CERTS"] = "true"
    if SYSTEM_CERTIFICATES.is_file():
        ours.setdefault("PIP_CERT", str(SYSTEM_CERTIFICATES))
    return ours
