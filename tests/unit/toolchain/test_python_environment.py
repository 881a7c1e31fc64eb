"""What .venv is made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from bootstrap import python_environment
from bootstrap.checkout import Checkout


@pytest.mark.parametrize("in_use", [(), ("aws",), ("libvirt",), ("aws", "libvirt")])
def test_all_is_compiled_and_what_an_extra_needs_stays_where_somebody_has_installed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_use: tuple[str, ...]
) -> None:
    said: list[str] = []
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    for name in in_use:
        (packages / f"pulumi_{name}").mkdir()
    extras = [f"requirements-{name}.txt" for name in ("aws", "libvirt")]
    for name in ("pyproject.toml", "requirements.txt", *extras, "toolchain/uv.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    for check in ("_runs", "_has_pinned_uv"):
        monkeypatch.setattr(python_environment, check, lambda _: True)
    monkeypatch.setattr(python_environment, "_uv", lambda checkout, title, words: said.append(words))
    (tmp_path / "soop_components").mkdir()
    (tmp_path / "soop_components/verb.py").write_text("")
    python_environment.ensure(Checkout(tmp_path))
    used = "".join(f" requirements-{name}.txt" for name in in_use)
    assert said[0] == f"sync --compile-bytecode --require-hashes toolchain/uv.txt requirements.txt{used}"
    assert [path.suffix for path in (tmp_path / "soop_components/__pycache__").iterdir()] == [".pyc"]

    said.clear()
    python_environment.ensure(Checkout(tmp_path))
    assert said == []
    for name in ("aws", "libvirt"):
        said.clear()
        (tmp_path / f"requirements-{name}.txt").write_text(f"pulumi-{name}==9\n")
        python_environment.ensure(Checkout(tmp_path))
        assert bool(said) == (name in in_use)


def test_what_programs_load_of_the_extras_is_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("aws", "libvirt", "moto"):
        (tmp_path / f"requirements-{name}.txt").write_text("")
    installed = []

    def install(checkout: Checkout, title: str, words: str, target: Path) -> None:
        installed.append(words)
        for name in ("ec2", "batch"):
            (target / "pulumi_aws" / name).mkdir(parents=True)
            (target / "pulumi_aws" / name / "instance.py").write_text("")

    monkeypatch.setattr(python_environment, "_uv", install)
    python_environment.ensure_extras(Checkout(tmp_path))
    assert [path.parent.parent.name for path in (tmp_path / ".venv").rglob("*.pyc")] == ["ec2"]
    assert installed == [
        "install --require-hashes --no-deps -r requirements-aws.txt -r requirements-libvirt.txt",
        "install --require-hashes --no-deps -r requirements-moto.txt",
    ]
    python_environment.ensure_extras(Checkout(tmp_path))
    assert len(installed) == 2
