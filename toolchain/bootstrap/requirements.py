"""Pins the Python packages anew."""

from __future__ import annotations

from pathlib import Path

from bootstrap import python_environment
from bootstrap.checkout import Checkout
from soop_components.setup import step

PINS = (
    ("requirements.in", "requirements.txt"),
    ("requirements-aws.in", "requirements-aws.txt"),
    ("requirements-libvirt.in", "requirements-libvirt.txt"),
    ("requirements-moto.in", "requirements-moto.txt"),
    ("toolchain/uv.in", "toolchain/uv.txt"),
    ("bench/requirements.in", "bench/requirements.txt"),
)
ON_TOP = ("requirements-aws.in", "requirements-libvirt.in")
"""Lists that are installed beside requirements.txt, which has what their packages need and they do not name."""
_OPTIONS = ["--upgrade", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]


def run(checkout: Checkout) -> None:
    """Resolve each list for every platform and write versions and hashes, without any address."""
    checkout.make_home()
    python_environment.ensure(checkout)
    for source, target in PINS:
        argv: list[str | Path] = [checkout.venv / "bin" / "uv", "pip", "compile", *_OPTIONS]
        argv += ["--no-deps"] if source in ON_TOP else []
        argv += ["--custom-compile-command", "make requirements", source, "-o", target]
        log = checkout.logs / "requirements.log"
        step.run(f"pinning {source}", argv, log, cwd=checkout.root, env=python_environment.environment())
